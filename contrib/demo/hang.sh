#!/bin/sh
# A job that never ends and does not listen: it ignores SIGTERM, and so do its children, one of
# which left session and process group.
trap '' TERM
echo "waiting for something that never comes"
setsid sleep 300 &
sleep 300
