#!/bin/sh
# supervise.sh FOLDER COMMAND... runs COMMAND with its output in FOLDER/out.log, prints its pid and,
# once it has ended, its exit status. When our standard input closes, which the kernel does when the
# test run ends, however it ends, COMMAND is killed and FOLDER removed.
folder=$1
shift
exec 3<&0
: >"$folder/out.log"
"$@" </dev/null >>"$folder/out.log" 2>&1 3<&- &
server=$!
# When the test run is gone nobody reads our output; the folder is to be removed all the same.
trap '' PIPE
echo "$server"
# The shell would report the killed server on stderr.
exec 2>/dev/null
(read -r _ <&3; kill -KILL "$server") >/dev/null &
watcher=$!
wait "$server"
echo "$?"
kill "$watcher"
read -r _ <&3
rm -rf "$folder"
