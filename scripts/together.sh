#!/usr/bin/env bash
# Runs commands side by side; fails when one of them does, with the code of the last that did. What
# the first prints is shown as it comes, what the others print behind it. Only the first can ask for
# a password. When this script is ended, so are all of them.
#
#   scripts/together.sh 'make interop' 'make mutants'
set -uo pipefail

processes=() outputs=() code=0
# Each of the others leads a group of its own: an interrupt from the keyboard does not reach it.
stop() {
    local process
    for process in "${processes[@]}"; do kill -- "-$process" 2>/dev/null; done
    rm -f "${outputs[@]}"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

for command in "${@:2}"; do
    output=$(mktemp) || exit
    outputs+=("$output")
    setsid bash -c "$command" >"$output" 2>&1 </dev/null &
    processes+=("$!")
done
bash -c "$1" || code=$?
for i in "${!processes[@]}"; do
    wait "${processes[i]}" || code=$?
    cat "${outputs[i]}"
done
processes=()
exit "$code"
