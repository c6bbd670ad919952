#!/usr/bin/env bash
# Negative controls: plants each fault in turn and demands that a layer finds it.
#
# A layer finds a fault when it ends with violations, or does not end in time. Usage:
#   Tests/simulate/mutants.sh [MUTANT...]        all of them when none is named
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

export APUS_MUTANTS=1
build=(-c release --scratch-path .build/mutants)
swift build "${build[@]}" --product simulate
program=$(swift build "${build[@]}" --show-bin-path)/simulate

# The names as they stand in the source: one that is not tried cannot be forgotten.
names() {
    sed -n '/^\(public \)\?enum .*Mutant/,/^    [#p]/p' \
        Sources/ApusStore/Mutant.swift Tests/Simulation/Disk/DiskMutant.swift \
        | sed -n 's/^    case //p' | tr ',' '\n' | tr -d ' '
}

# Without a fault nothing is found: else the rest of this says nothing.
for layer in 'states --count 30000' 'faults --count 2' 'threads --count 10'; do
    # shellcheck disable=SC2086
    timeout 100 "$program" $layer
done

# found_by MUTANT: the layer that finds it.
found_by() {
    local layer
    for layer in 'threads --count 10' 'states --count 400000' 'faults --count 2'; do
        # shellcheck disable=SC2086
        APUS_MUTANT=$1 timeout 180 "$program" $layer --workers 2 >/dev/null 2>&1 && continue
        echo "${layer%% *}"
        return
    done
    return 1
}

mutants=("$@")
((${#mutants[@]})) || mapfile -t mutants < <(names)
survivors=0
for mutant in "${mutants[@]}"; do
    if layer=$(found_by "$mutant"); then
        printf '%-28s %s\n' "$mutant" "$layer"
    else
        printf '%-28s SURVIVES\n' "$mutant"
        survivors=$((survivors + 1))
    fi
done
echo "${#mutants[@]} mutants, $survivors of them survive"
((survivors == 0))
