#!/usr/bin/env bash
# Negative controls: plants each fault in turn and demands that a layer finds it.
#
# A layer finds a fault when it ends with violations (exit code 1). One that ends in any other way,
# or not in time, has found nothing, and says nothing of the fault. Usage:
#   Tests/SimulateTool/mutants.sh [MUTANT...]        all of them when none is named
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

export APUS_MUTANTS=1
build=(-c release --scratch-path .build/mutants)
swift build "${build[@]}" --product simulate
program=$(swift build "${build[@]}" --show-bin-path)/simulate

# The quick ones first; most faults show at once.
layers=('states --count 30000' 'threads --count 6' 'faults --count 2' 'states --count 400000'
    'threads --count 100')

# Where a fault shows that most layers pass by: tried first. The others are tried all the same when
# it has gone from there.
declare -A first=(
    [marksLogAhead]='states --count 400000' [marksQueuesAhead]='states --count 400000'
    [trustsNames]='faults --count 2' [deletesUncounted]='faults --count 2'
    [breaksOrder]='threads --count 6')

# The names as they stand in the source: one that is not tried cannot be forgotten.
names() {
    sed -n '/^\(public \)\?enum .*Mutant/,/^    [#p]/p' \
        Sources/ApusStore/Mutant.swift Tests/Simulation/Disk/DiskMutant.swift \
        | sed -n 's/^    case //p' | tr ',' '\n' | tr -d ' '
}

# ends LAYER: the exit code of a layer.
ends() {
    local code=0
    # shellcheck disable=SC2086
    timeout 900 "$program" $1 --failures 1 >"$output" 2>&1 || code=$?
    echo "$code"
}

# found_by MUTANT: prints the layer that finds it and what it says.
found_by() {
    local layer code
    for layer in ${first[$1]:+"${first[$1]}"} "${layers[@]}"; do
        code=$(APUS_MUTANT=$1 ends "$layer")
        case $code in
            0) ;;
            1)
                printf '%s: %s' "$layer" "$(grep -m 1 -oE '[IF][0-9]+.*' "$output" | cut -c1-60)"
                return
                ;;
            *) printf '(%s ends with %s) ' "$layer" "$code" ;;
        esac
    done
    return 1
}

output=$(mktemp)
trap 'rm -f "$output"' EXIT
# Without a fault nothing is found: else the rest of this says nothing. The two long layers are the
# first ones again, and `make simulate` runs them for longer still.
for layer in "${layers[@]:0:3}"; do
    code=$(ends "$layer")
    tail -n 1 "$output"
    ((code == 0)) || { echo "$layer finds something without a fault (exit code $code)" >&2; exit 1; }
done

mutants=("$@")
((${#mutants[@]})) || mapfile -t mutants < <(names)
((${#mutants[@]} > 0)) || { echo 'no fault to plant' >&2; exit 1; }
survivors=0
for mutant in "${mutants[@]}"; do
    if words=$(found_by "$mutant"); then
        printf '%-26s %s\n' "$mutant" "$words"
    else
        printf '%-26s SURVIVES %s\n' "$mutant" "$words"
        survivors=$((survivors + 1))
    fi
done
echo "${#mutants[@]} faults were planted; $survivors survive"
((survivors == 0))
