#!/usr/bin/env python3
"""Runs the programs of docs/Examples against mqnamesrv and mqbroker, and checks what they print.

    examples.py SERVERS EXAMPLES [--only NAME]

SERVERS and EXAMPLES are the directories of the programs. The servers have ports and a directory of
their own, and are ended with the run.
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "Interop"))
from servers import Cluster, ask, free_port, wait_until  # noqa: E402

LIMIT = 90


def run(program, names):
    """What a program printed; it must end by itself, with code 0 unless it says otherwise."""
    return subprocess.run(
        [program], env={**os.environ, "NAMESRV_ADDR": names}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=LIMIT)


def orders(lines):
    # Each order by itself: the others' events may come in between.
    for order in ("order-1", "order-2", "order-3"):
        events = [line.split()[2].rstrip(",") for line in lines if line.startswith(f"handled {order} ")]
        assert events == ["created", "paid", "shipped"], (order, events)
        assert f"{order}: order kept" in lines


def retries(lines):
    attempts = [line for line in lines if ": attempt " in line]
    assert sorted(attempts) == [
        "broken.png: attempt 1", "broken.png: attempt 2", "broken.png: attempt 3",
        "far.png: attempt 1", "far.png: attempt 2", "near.png: attempt 1"], attempts
    assert "dead letter: broken.png" in lines
    done = next(line for line in lines if line.startswith("done: "))
    assert "near.png" in done and "far.png" in done and "broken.png" not in done


def broadcast(lines):
    for member in ("north", "south"):
        heard = sorted(line for line in lines if line.startswith(f"{member} heard "))
        assert heard == [
            f"{member} heard {price}" for price in ("cake 5", "coffee 4", "scone 2", "tea 3")], heard
        assert f"{member} has all 4" in lines


def reminder(lines):
    late = {}
    for line in lines:
        found = re.fullmatch(r"(.*): rang (.*) s after it was sent", line)
        if found:
            late[found[1]] = float(found[2])
    # Never early; how late depends on what else the machine does.
    assert list(late) == ["now", "in 1 second", "in 5 seconds"], late
    assert late["in 1 second"] >= 1 and late["in 5 seconds"] >= 5, late
    assert "each at its time" in lines


def tail(lines):
    assert any(line.startswith("following ") for line in lines)
    assert not any("old line" in line for line in lines), "what was there before is passed over"
    for number in (1, 2, 3):
        assert sum(line.endswith(f" new line {number}") for line in lines) == 1
    assert "new lines only" in lines


EXAMPLES = [orders, retries, broadcast, reminder, tail]


def check(example, programs, names):
    began = time.monotonic()
    ended = run(programs / example.__name__, names)
    try:
        assert ended.returncode == 0, f"it ended with {ended.returncode}"
        example(ended.stdout.splitlines())
    except Exception:
        print(ended.stdout, ended.stderr, sep="\n", file=sys.stderr)
        print(f"{example.__name__}: not as it should be", file=sys.stderr)
        raise
    print(f"{example.__name__}: as it should be, in {time.monotonic() - began:.1f} s", flush=True)


def check_without_servers(programs):
    ended = run(programs / "orders", f"127.0.0.1:{free_port()}")
    assert ended.returncode == 1, f"without a NameServer it ended with {ended.returncode}"
    assert "failed: " in ended.stderr and "NameServer" in ended.stderr, ended.stderr
    print("without a NameServer: exit code 1, and says why", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("servers", type=pathlib.Path)
    parser.add_argument("examples", type=pathlib.Path)
    parser.add_argument("--only", choices=[example.__name__ for example in EXAMPLES])
    options = parser.parse_args()
    chosen = [one for one in EXAMPLES if options.only in (None, one.__name__)]
    with tempfile.TemporaryDirectory(prefix="apus-examples-") as home:
        cluster = Cluster(options.servers, home, "bindAddress=127.0.0.1\n")
        with open(cluster.home / "namesrv.conf", "a") as conf:
            conf.write("bindAddress=127.0.0.1\n")
        with cluster:
            # TBW102 stands for topics that are yet to be made.
            wait_until(
                "the broker is registered",
                lambda: ask(cluster.name_port, 105, {"topic": "TBW102"})[0]["code"] == 0)
            for example in chosen:
                check(example, options.examples, cluster.names)
    if not options.only:
        check_without_servers(options.examples)


if __name__ == "__main__":
    main()
