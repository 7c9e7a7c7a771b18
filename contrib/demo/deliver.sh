#!/bin/sh
# A job that fails while the file that stands for a mail server is away. It says why in words of
# its own on DROVER_FD; what it printed last stands in the failure record's backtrace.
if [ -e "$MAIL_SERVER" ]; then
	echo "delivered"
	exit 0
fi
echo "connecting to the mail server"
echo "no answer" >&2
printf 'error {"exception":"Mail::Unreachable","message":"the mail server is away"}\n' >&"$DROVER_FD"
exit 1
