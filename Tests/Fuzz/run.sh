#!/usr/bin/env bash
# Builds the fuzzer and lets it run; see docs/testing.md, L8.
#
#     run.sh [--seconds N] [--jobs N] [--record FILE] [TARGET...]     all targets without names
#     run.sh --others N ...   all that are not named too, for N seconds each
#     run.sh --controls       the planted faults: each must be found
#     run.sh --replay TARGET FILE...
#     run.sh --merge          takes what was found new into the committed corpora, minimised
#
# SEED=N makes a run begin with the same random numbers. What it collects is in
# .build/fuzz/corpus, what makes a target fail in .build/fuzz/artifacts.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

readonly BUILD=.build/fuzz
readonly COMMITTED=Tests/Fuzz/corpus
# A corpus is a few dozen files: the rest is found again by any run.
readonly MOST_FILES=40
readonly MOST_BYTES=90000

mode=run seconds=60 others=0 jobs=2 record='' targets=()
while (($#)); do
    case $1 in
        --seconds) seconds=$2 && shift ;;
        --others) others=$2 && shift ;;
        --jobs) jobs=$2 && shift ;;
        --record) record=$2 && shift ;;
        --controls | --replay | --merge) mode=${1#--} ;;
        -*) echo "unknown option $1" >&2 && exit 2 ;;
        *) targets+=("$1") ;;
    esac
    shift
done

# The backtracer of the Swift runtime and the handlers of AddressSanitizer wait for each other.
export SWIFT_BACKTRACE=enable=no
export ASAN_OPTIONS=quarantine_size_mb=16:malloc_context_size=8

# gold fails on what the sanitizers leave in the objects; lld comes with Swift.
APUS_FUZZ=1 swift build -c release --product apusfuzz --scratch-path "$BUILD" \
    -Xswiftc -sanitize=fuzzer,address -Xcc -fsanitize=address,fuzzer-no-link -Xswiftc -use-ld=lld
fuzzer=$BUILD/release/apusfuzz

# Targets write small stores: in memory where there is such a place.
memory=$( [[ -w /dev/shm ]] && echo /dev/shm || echo "${TMPDIR:-/tmp}")
scratch=$(mktemp -d "$memory/apus-fuzz-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$BUILD/artifacts" "$BUILD/logs"

# fuzz TARGET ARGUMENTS...: one run, its output to a file; ends with libFuzzer's code.
fuzz() {
    local target=$1
    shift
    timeout -k 10 "$((seconds + 120))" nice "$fuzzer" "$target" "$scratch" -timeout=20 \
        -malloc_limit_mb=1024 -rss_limit_mb=2500 ${SEED:+-seed=$SEED} \
        -artifact_prefix="$BUILD/artifacts/$target-" "$@" >"$BUILD/logs/$target" 2>&1
}

# Runs a target for its time, says how it went, and leaves "executions failures seconds" in a file.
run_target() {
    local target=$1 code=0 began=$SECONDS count
    mkdir -p "$BUILD/corpus/$target"
    fuzz "$target" -max_total_time="$seconds" "$BUILD/corpus/$target" "$COMMITTED/$target" || code=$?
    # The last line that counts: "Done 123 runs", or "#123" before a failure.
    count=$(sed -nE 's/^(Done |#)([0-9]+)[ \t].*/\2/p' "$BUILD/logs/$target" | tail -1)
    echo "${count:-0} $((code != 0)) $((SECONDS - began))" >"$scratch/$target.result"
    if ((code == 0)); then
        printf '%-14s %10d executions in %d s\n' "$target" "${count:-0}" "$((SECONDS - began))"
        return
    fi
    printf '%-14s FAILED after %d executions:\n' "$target" "${count:-0}"
    grep -E '^finding|^SUMMARY|^Fatal|runtime failure| in \$s(4Apus|10Apus|9Apus)|Test unit' \
        "$BUILD/logs/$target" | cut -c1-300 | head -12 || tail -5 "$BUILD/logs/$target"
    printf 'its input: %s\n' "$BUILD/artifacts/$target-"*
    printf 'to run it again: Tests/Fuzz/run.sh --replay %s FILE (all output: %s)\n' \
        "$target" "$BUILD/logs/$target"
}

# One line for each target, as the other layers append theirs.
record_result() {
    local target=$1 executions failures took seed
    read -r executions failures took <"$scratch/$target.result"
    seed=$(sed -nE 's/^INFO: Seed: ([0-9]+)$/\1/p' "$BUILD/logs/$target")
    printf '{"layer":"L8","what":"fuzz %s","seeds":"%s","states":%d,"failures":%d,' \
        "$target" "$seed" "$executions" "$failures" >>"$record"
    printf '"commit":"%s","seconds":%d,"date":"%s","machine":"%s, %d CPUs"}\n' \
        "$(git describe --always --dirty --abbrev=12)" "$took" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" \
        "$(uname -sr)" "$(nproc)" >>"$record"
}

run_all() {
    local failed=0 executions failures took target named=("${targets[@]}")
    ((${#targets[@]})) || mapfile -t targets < <("$fuzzer" list)
    if ((others > 0 && ${#named[@]} > 0)); then
        mapfile -t -O "${#targets[@]}" targets \
            < <("$fuzzer" list | grep -vxF "$(printf '%s\n' "${named[@]}")")
    fi
    for target in "${targets[@]}"; do
        while (($(jobs -rp | wc -l) >= jobs)); do wait -n || true; done
        if ((others > 0)) && [[ " ${named[*]} " != *" $target "* ]]; then seconds=$others; fi
        run_target "$target" &
    done
    wait
    for target in "${targets[@]}"; do
        [[ -z $record ]] || record_result "$target"
        read -r executions failures took <"$scratch/$target.result"
        ((failures == 0 && executions > 0)) || failed=1
    done
    return "$failed"
}

# Each planted fault must end its run within a minute; one that does not makes the fuzzer worthless.
run_controls() {
    local control code missed=0 began
    for control in $("$fuzzer" controls); do
        code=0 began=$SECONDS
        mkdir -p "$scratch/seeds"
        printf 'TAGS\1a\2TAGS\1b\2' >"$scratch/seeds/tags"
        SEED=${SEED:-1} fuzz "$control" -max_total_time=60 -timeout=3 -malloc_limit_mb=256 \
            -max_len=64 "$scratch/seeds" || code=$?
        if ((code == 0)) || ! grep -qE '^SUMMARY' "$BUILD/logs/$control"; then
            printf '%-24s NOT FOUND\n' "$control" && missed=1
        else
            printf '%-24s found after %d s: %s\n' "$control" "$((SECONDS - began))" \
                "$(grep -m1 '^SUMMARY' "$BUILD/logs/$control" | cut -c10-80)"
        fi
        rm -f "$BUILD/artifacts/$control-"*
    done
    return "$missed"
}

# Inputs that together reach what was reached, small and large ones, as many as a corpus may have.
# First inputs (seed-…) and those that were found to break something (found-…) stay as they are.
merge_target() {
    local target=$1 all=$scratch/merged/$1 bytes=0 count=0 place=0 step size files file
    mkdir -p "$all" "$COMMITTED/$target" "$BUILD/corpus/$target"
    seconds=600 fuzz "$target" -set_cover_merge=1 "$all" "$COMMITTED/$target" \
        "$BUILD/corpus/$target"
    find "$COMMITTED/$target" -type f ! -name 'found-*' ! -name 'seed-*' -delete
    mapfile -t files < <(ls -rS "$all")
    step=$(((${#files[@]} + MOST_FILES - 1) / MOST_FILES))
    for file in "${files[@]}"; do
        size=$(stat -c %s "$all/$file")
        ((place++ % step == 0 && bytes + size <= MOST_BYTES)) || continue
        cp "$all/$file" "$COMMITTED/$target/${file:0:16}"
        count=$((count + 1)) bytes=$((bytes + size))
    done
    printf '%-14s %d files, %d bytes\n' "$target" "$count" "$bytes"
}

case $mode in
    run) run_all ;;
    controls) run_controls ;;
    replay)
        "$fuzzer" "${targets[0]}" "$scratch" -timeout=60 "${targets[@]:1}"
        ;;
    merge)
        for target in $("$fuzzer" list); do merge_target "$target"; done
        ;;
esac
