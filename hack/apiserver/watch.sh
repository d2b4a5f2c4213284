#!/bin/sh
# Ends the servers of a test process that has died without ending them itself (SIGKILL, crash).
#   watch.sh DIRECTORY      removed afterwards, when it is the last to go
# Reads lines from stdin: "+ PID" to mind a process, "- PID" to forget it, "keep" to keep the directory,
# "end" when everything was ended in order. The end of stdin means that the test process is gone.
trap '' INT TERM HUP
directory=$1 pids='' keep=no
while read -r verb pid; do
  case $verb in
    +) pids="$pids $pid" ;;
    -) pids=$(printf '%s\n' "$pids" | tr ' ' '\n' | grep -vx "$pid" | tr '\n' ' ') ;;
    keep) keep=yes ;;
    end) exit 0 ;;
  esac
done
for pid in $pids; do kill -KILL "$pid" 2>/dev/null; done
[ "$keep" = yes ] || rm -rf "$directory"
