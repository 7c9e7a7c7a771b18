#!/bin/sh
# Turns the Lua scripts named as arguments into C: embed.sh c|h FILE.lua ...
# A line `-- include: NAME` stands for shared/NAME.lua beside them.
# Each FILE.lua becomes `struct redis_script script_FILE`; all of them stand in `queue_scripts`.
set -eu
form=$1
shift
echo "/* Generated from src/queue/lua; do not edit. */"
if [ "$form" = h ]; then
	echo "#ifndef DROVER_QUEUE_SCRIPTS_H"
	echo "#define DROVER_QUEUE_SCRIPTS_H"
	echo "#include \"redis/redis.h\""
	for file in "$@"; do
		echo "extern struct redis_script script_$(basename "$file" .lua);"
	done
	echo "extern struct redis_script *const queue_scripts[$#];"
	echo "enum { QUEUE_SCRIPTS = $# };"
	echo "#endif"
	exit
fi
echo "#include \"queue/scripts.h\""
for file in "$@"; do
	name=$(basename "$file" .lua)
	echo "struct redis_script script_$name = {.name = \"$name\", .text ="
	folder=$(dirname "$file")/shared
	# shellcheck disable=SC2013 # a name is one word
	for part in $(sed -n 's/^-- include: //p' "$file"); do
		[ -r "$folder/$part.lua" ] || { echo "$file: no $folder/$part.lua" >&2; exit 1; }
	done
	awk -v folder="$folder" '/^-- include: / {
		while ((getline line < (folder "/" $3 ".lua")) > 0) print line
		next
	} { print }' "$file" |
		sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' -e 's/$/\\n"/'
	echo "};"
done
echo "struct redis_script *const queue_scripts[$#] = {"
for file in "$@"; do
	echo "&script_$(basename "$file" .lua),"
done
echo "};"
