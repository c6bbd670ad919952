#!/usr/bin/env bash
# Runs the tests under ThreadSanitizer and AddressSanitizer; see docs/testing.md.
#
#     run.sh [thread|address]...     both when none is named
#
# First come the controls, defects that must be reported. Then the tests, but for those named here,
# then rounds of `simulate threads` under ThreadSanitizer. Any report is a failure.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# What is left out of a run: a name as `swift test --skip` takes it, and the reason.
readonly WITHOUT_THREADS='one thread decodes bytes: nothing to race with'
declare -A left_out_thread=(
    [ApusFormatTests]=$WITHOUT_THREADS
    [FuzzCorpusTests]=$WITHOUT_THREADS
    [MqstoreTests]=$WITHOUT_THREADS
    [ApusStoreTests.FlipTests]='one thread opens a store for each of thousands of flipped bytes'
    [ApusStoreTests.RepairCrashTests]='one thread repairs a store for each operation that fails'
    [SimulationTests.LayerTests]='one thread steps everything; `simulate threads` runs below'
)
declare -A left_out_address=()
readonly FAULTS='counts page faults, and the memory of the sanitizer has its own'
for name in ApusStoreTests.faultsBehindFlush ApusSystemTests.syncsRange; do
    left_out_thread[$name]=$FAULTS
    left_out_address[$name]=$FAULTS
done
declare -A scratch=([thread]=.build/tsan [address]=.build/asan)

# The backtracer of the Swift runtime and the handlers of the sanitizers wait for each other.
export SWIFT_BACKTRACE=enable=no
symbolizer=$(dirname "$(readlink -f "$(command -v swift)")")/llvm-symbolizer
export TSAN_OPTIONS="exitcode=66 history_size=4 external_symbolizer_path=$symbolizer:\
suppressions=$PWD/Tests/Sanitize/threads.supp:print_suppressions=0"
export ASAN_OPTIONS="exitcode=66 detect_leaks=1 detect_stack_use_after_return=1"
export LSAN_OPTIONS="suppressions=$PWD/Tests/Sanitize/leaks.supp:print_suppressions=0"
export ASAN_SYMBOLIZER_PATH=$symbolizer
# What is left out below is known by how its lines begin.
export NO_COLOR=1
export APUS_SANITIZE=1

# Files in memory where there is such a place: thousands of syncs are not what is looked at.
memory=$( [[ -w /dev/shm ]] && echo /dev/shm || echo "${TMPDIR:-/tmp}")
TMPDIR=$(mktemp -d "$memory/apus-sanitize-XXXXXX")
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT

# run SANITIZER ARGUMENTS...: the test program of that build, one test after the other. In parallel
# they would only wait for each other: each has threads of its own.
run() {
    local program=${scratch[$1]}/release/apusPackageTests.xctest
    shift
    "$program" --testing-library swift-testing --no-parallel "$@"
}

# control SANITIZER DEFECT WORDS: the defect is planted, and the report must have these words.
control() {
    local output=$TMPDIR/control code=0
    APUS_SANITIZER_CONTROL=$2 run "$1" --filter SanitizerControlTests >"$output" 2>&1 || code=$?
    if ((code == 0)) || ! grep -q "$3" "$output"; then
        tail -n 20 "$output"
        echo "planted: $2, NOT REPORTED (exit code $code)" >&2
        return 1
    fi
    printf 'planted: %-9s reported: %s\n' "$2" "$(grep -m 1 -o "$3.*" "$output" | cut -c1-70)"
}

# suite SANITIZER: its tests, but for what is left out.
suite() {
    local -n left_out=left_out_$1
    local skips=(--skip SanitizerControlTests) name
    for name in "${!left_out[@]}"; do
        printf 'left out: %s (%s)\n' "$name" "${left_out[$name]}"
        skips+=(--skip "$name")
    done
    # Nothing may be left to print, which is no failure.
    run "$1" "${skips[@]}" 2>&1 \
        | { grep -vE '^(◇|↳)|^✔ (Test|Suite) ".*passed|SEED=' || true; }
}

build() {
    # gold fails on what the sanitizers leave in the objects; lld comes with Swift.
    swift build -c release --build-tests --sanitize="$1" --scratch-path "${scratch[$1]}" \
        -Xswiftc -enable-testing -Xswiftc -use-ld=lld
}

sanitizers=("$@")
((${#sanitizers[@]})) || sanitizers=(thread address)
for sanitizer in "${sanitizers[@]}"; do
    [[ -n ${scratch[$sanitizer]:-} ]] || { echo "unknown sanitizer $sanitizer" >&2 && exit 2; }
    began=$SECONDS
    build "$sanitizer"
    printf '%s: built in %d s\n' "$sanitizer" "$((SECONDS - began))"
    began=$SECONDS
    case $sanitizer in
        thread)
            control thread race 'SUMMARY: ThreadSanitizer: .*race'
            suite thread
            .build/tsan/release/simulate threads --count 6
            ;;
        address)
            control address freed 'SUMMARY: AddressSanitizer: heap-use-after-free'
            control address unmapped 'SUMMARY: AddressSanitizer: SEGV'
            control address leaked 'SUMMARY: AddressSanitizer: .* leaked'
            suite address
            ;;
    esac
    printf '%s: nothing to report, in %d s\n' "$sanitizer" "$((SECONDS - began))"
done
