#!/usr/bin/env python3
"""Counts the instructions of an append under callgrind, and holds them against the recorded number.

    append.py MQBENCH            counts, and fails when there are 5 % more than recorded
    append.py MQBENCH --record   writes the number down

Instructions do not depend on who else uses the machine. They are those of all that one append calls,
as valgrind's processor runs them (without AVX-512).
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

RECORDED = pathlib.Path(__file__).parents[2] / "bench-results" / "instructions.json"
LIMIT = 1.05
# MessageStore.append(to:body:properties:attributes:), as the linker knows it.
APPEND = re.compile(r"^\$s9ApusStore\S*6append2to4body10properties10attributes\S*KF\b")


def inclusive(path):
    """Calls of each function, and the instructions of each with all that it called."""
    names, calls, costs = {}, {}, {}

    def name(text):
        number, rest = re.match(r"\((\d+)\)(?: (.*))?$", text).groups()
        if rest:
            names[number] = rest
        return names[number]

    callee, times = None, None
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            line = line.rstrip("\n")
            if line.startswith("cfn="):
                callee = name(line[4:])
            elif line.startswith("fn="):
                name(line[3:])
            elif line.startswith("calls="):
                times = int(line[6:].split()[0])
            elif times is not None:
                calls[callee] = calls.get(callee, 0) + times
                costs[callee] = costs.get(callee, 0) + int(line.split()[1])
                times = None
    return calls, costs


def count(program, words):
    """Instructions of one append in a run of the benchmark."""
    with tempfile.TemporaryDirectory() as place:
        plain = f"{place}/mqbench"
        # valgrind cannot read the debug information of this compiler.
        subprocess.run(["strip", "-g", "-o", plain, program], check=True)
        run = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={place}/out", plain, *words,
             "--directory", f"{place}/work"], capture_output=True, text=True, check=False)
        if run.returncode != 0:
            sys.exit(f"instructions: valgrind ends with {run.returncode}:\n{run.stderr[-2000:]}")
        calls, costs = inclusive(f"{place}/out")
    found = [one for one in calls if APPEND.match(one)]
    if len(found) != 1 or calls[found[0]] < 10_000:
        sys.exit(f"instructions: no append is seen in the run ({found})")
    return costs[found[0]] / calls[found[0]]


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    program, isRecording = sys.argv[1], "--record" in sys.argv[2:]
    name = "append 128 B"
    found = count(program, ["store", "append", "--body", "128", "--smoke"])
    if isRecording:
        RECORDED.write_text(json.dumps({name: round(found, 1)}, indent=2) + "\n", encoding="utf-8")
        print(f"{name}: {found:.0f} instructions, recorded")
        return
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))[name]
    print(f"{name}: {found:.0f} instructions, {recorded:.0f} recorded, at most {LIMIT:.2f} of that")
    if found > recorded * LIMIT:
        sys.exit(f"instructions: an append takes {found / recorded:.3f} of what it did. When that is"
                 " meant, record it: make instructions RECORD=1")


main()
