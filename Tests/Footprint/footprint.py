#!/usr/bin/env python3
"""How soon mqbroker is ready on an empty store, and how much memory it takes while nobody asks.

    footprint.py PROGRAMS [--starts N] [--record FILE --commit NAME]

PROGRAMS is the directory of `mqbroker`. A broker is started N times. Ready means that it answers its
first request; the quickest start counts, since others share the machine. Memory is the resident set a
second later, the largest of all starts. Ends with 1 when one of them is above its bound.
"""
import argparse
import json
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "Interop"))
import servers

READY_MILLISECONDS = 50
IDLE_BYTES = 24 << 20


def is_ready(port):
    """Whether a broker answers GET_BROKER_RUNTIME_INFO there."""
    try:
        return servers.ask(port, 28)[0]["code"] == 0
    except ConnectionRefusedError:
        return False


def resident(pid):
    """Bytes in memory: all of them, and those that are no file's pages."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    found = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    return tuple(int(found[name].split()[0]) << 10 for name in ("VmRSS", "RssAnon"))


def start(broker, home):
    """Starts one; answers the seconds until it was ready, and its memory."""
    port = servers.free_port()
    conf = home / "broker.conf"
    conf.write_text(f"brokerIP1=127.0.0.1\nlistenPort={port}\nstorePathRootDir={home}/store\n")
    begin = time.monotonic()
    process = subprocess.Popen(
        [broker, "-c", conf], stdout=subprocess.DEVNULL, stderr=open(home / "log", "wb"))
    try:
        while not is_ready(port):
            assert process.poll() is None, f"the broker ended: {(home / 'log').read_text()}"
            assert time.monotonic() - begin < 30, "the broker is not ready after 30 s"
            time.sleep(0.0005)
        ready = time.monotonic() - begin
        time.sleep(1)
        return ready, *resident(process.pid)
    finally:
        process.terminate()
        process.wait(timeout=30)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("programs", type=pathlib.Path)
    parser.add_argument("--starts", type=int, default=10)
    parser.add_argument("--record", type=pathlib.Path)
    parser.add_argument("--commit", default="unknown")
    arguments = parser.parse_args()
    found = []
    for _ in range(arguments.starts):
        with tempfile.TemporaryDirectory(prefix="apus-footprint-") as home:
            found.append(start(arguments.programs / "mqbroker", pathlib.Path(home)))
    times = sorted(ready * 1000 for ready, _, _ in found)
    memory, own = (max(one[index] for one in found) for index in (1, 2))
    print(f"ready on an empty store   {times[0]:6.1f} ms at best, {statistics.median(times):.1f} ms as a rule"
          f"   (at most {READY_MILLISECONDS} ms)")
    print(f"resident while idle       {memory / 2**20:6.1f} MiB, {own / 2**20:.1f} MiB of it its own"
          f"   (at most {IDLE_BYTES >> 20} MiB)")
    if arguments.record:
        with arguments.record.open("a") as file:
            file.write(json.dumps({
                "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "commit": arguments.commit,
                "kernel": platform.release(), "starts": arguments.starts,
                "readyMilliseconds": {"best": times[0], "median": statistics.median(times), "worst": times[-1]},
                "idleResidentBytes": memory, "idleAnonymousBytes": own}) + "\n")
    sys.exit(0 if times[0] <= READY_MILLISECONDS and memory <= IDLE_BYTES else 1)


if __name__ == "__main__":
    main()
