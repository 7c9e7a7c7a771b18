#!/bin/sh
# A job in shell: its arguments arrive as one JSON array on standard input, then end of file.
read -r arguments
echo "dear $(printf '%s' "$arguments" | tr -d '[]"'), welcome (job $DROVER_JID, attempt $DROVER_ATTEMPT)"
