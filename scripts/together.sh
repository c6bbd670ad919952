#!/usr/bin/env bash
# Runs commands side by side; fails when one of them does. What the first prints is shown as it
# comes, what the others print behind it.
#
#   scripts/together.sh 'make mutants' 'make interop'
set -uo pipefail

jobs=() outputs=() codes=0
for command in "${@:2}"; do
    output=$(mktemp)
    bash -c "$command" >"$output" 2>&1 &
    jobs+=("$!") outputs+=("$output")
done
bash -c "$1" || codes=$?
for i in "${!jobs[@]}"; do
    wait "${jobs[i]}" || codes=$?
    cat "${outputs[i]}"
    rm "${outputs[i]}"
done
exit "$codes"
