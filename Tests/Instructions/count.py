#!/usr/bin/env python3
"""Counts the instructions of an append, and of a read, under callgrind, and holds them against
recorded numbers.

    count.py MQBENCH            counts, and fails when there are 5 % more than recorded
    count.py MQBENCH --record   writes the numbers down

Instructions do not depend on who else uses the machine. They are those of all that the call calls,
as valgrind's processor runs them (without AVX-512); of a batch, for each of its messages.
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

RECORDED = pathlib.Path(__file__).parents[2] / "bench-results" / "instructions.json"
LIMIT = 1.05
# MessageStore.append(to:body:properties:attributes:), append(to:batch:attributes:) and
# read(_:from:count:byteCount:filter:scanLimit:), as the linker knows them; how many messages one
# call takes, or who calls what for each; and what the benchmark is told.
READ = re.compile(r"^\$s9ApusStore07MessageB0C4read_4from5count\S*KF\b")
CHECKSUM = (re.compile(r"^\$s9ApusStore11QueueReaderV4read\S*KF\b"), re.compile(r"^capus_crc32\b"))
KINDS = {
    "append 128 B": (
        re.compile(r"^\$s9ApusStore07MessageB0C6append2to4body10properties10attributes\S*KF\b"), 1,
        ["store", "append", "--body", "128", "--smoke"]),
    "append 128 B, in a batch of 32": (
        re.compile(r"^\$s9ApusStore07MessageB0C6append2to5batch10attributes\S*KF\b"), 32,
        ["store", "append", "--body", "128", "--batch", "32", "--smoke"]),
    "read 128 B": (
        READ, 1, ["store", "tail", "--mode", "same", "--rate", "100000", "--seconds", "0.3"]),
    "read 128 B, many at a time": (READ, CHECKSUM, ["store", "read", "--body", "128", "--smoke"]),
}


def inclusive(path):
    """Calls of each function by each, and the instructions of each with all that it called."""
    names, calls, costs = {}, {}, {}

    def name(text):
        number, rest = re.match(r"\((\d+)\)(?: (.*))?$", text).groups()
        if rest:
            names[number] = rest
        return names[number]

    caller, callee, times = None, None, None
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            line = line.rstrip("\n")
            if line.startswith("cfn="):
                callee = name(line[4:])
            elif line.startswith("fn="):
                caller = name(line[3:])
            elif line.startswith("calls="):
                times = int(line[6:].split()[0])
            elif times is not None:
                calls[caller, callee] = calls.get((caller, callee), 0) + times
                costs[callee] = costs.get(callee, 0) + int(line.split()[1])
                times = None
    return calls, costs


def count(program, function, messages, words):
    """Instructions of one message in a run of the benchmark."""
    with tempfile.TemporaryDirectory() as place:
        plain = f"{place}/mqbench"
        # valgrind cannot read the debug information of this compiler.
        subprocess.run(["strip", "-g", "-o", plain, program], check=True)
        # Threads that spin for each other take turns; otherwise one may have valgrind's lock again
        # and again, for minutes.
        run = subprocess.run(
            ["valgrind", "--fair-sched=try", "--tool=callgrind",
             f"--callgrind-out-file={place}/out", plain, *words, "--directory", f"{place}/work"],
            capture_output=True, text=True, check=False)
        if run.returncode != 0:
            sys.exit(f"instructions: valgrind ends with {run.returncode}:\n{run.stderr[-2000:]}")
        calls, costs = inclusive(f"{place}/out")
    found = [one for one in costs if function.match(one)]
    if isinstance(messages, int):
        callers, callees, each = re.compile(""), function, messages
    else:
        (callers, callees), each = messages, 1
    all_messages = each * sum(
        times for (caller, callee), times in calls.items()
        if callers.match(caller) and callees.match(callee))
    if len(found) != 1 or all_messages < 10_000:
        sys.exit(f"instructions: nothing is seen in the run ({found})")
    return costs[found[0]] / all_messages


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    program, isRecording = sys.argv[1], "--record" in sys.argv[2:]
    found = {name: count(program, *kind) for name, kind in KINDS.items()}
    if isRecording:
        numbers = {name: round(number, 1) for name, number in found.items()}
        RECORDED.write_text(json.dumps(numbers, indent=2) + "\n", encoding="utf-8")
        for name, number in found.items():
            print(f"{name}: {number:.0f} instructions, recorded")
        return
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))
    failures = []
    for name, number in found.items():
        before = recorded.get(name, 0)
        print(f"{name}: {number:.0f} instructions, {before:.0f} recorded, at most {LIMIT:.2f} of that")
        if number > before * LIMIT:
            failures.append(f"{name} takes {number:.0f} instructions, and {before:.0f} are recorded")
    if failures:
        sys.exit(f"instructions: {'; '.join(failures)}. When that is meant, record it:"
                 " make instructions RECORD=1")


main()
