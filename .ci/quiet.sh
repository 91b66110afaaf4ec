#!/bin/sh
# Runs a command with its output in a log file; shows one line, and the log's end if the command fails.
#
#   .ci/quiet.sh "what it does" LOG COMMAND [ARGUMENT...]
set -u
what=$1 log=$2
shift 2
mkdir -p "$(dirname "$log")"
printf '%s ' "$what" >&2
start=$(date +%s)
"$@" >"$log" 2>&1 </dev/null &
job=$!
trap 'kill "$job" 2>/dev/null; echo >&2; exit 130' INT TERM
ticks=0
while kill -0 "$job" 2>/dev/null; do
    sleep 0.2
    ticks=$((ticks + 1))
    [ $((ticks % 15)) -ne 0 ] || printf '.' >&2
done
wait "$job"
status=$?
if [ "$status" -eq 0 ]; then
    printf ' done (%d s)\n' "$(($(date +%s) - start))" >&2
else
    printf ' failed (exit status %d). The end of %s:\n' "$status" "$log" >&2
    tail -n 25 "$log" >&2
fi
exit "$status"
