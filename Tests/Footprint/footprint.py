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
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time

READY_MILLISECONDS = 50
IDLE_BYTES = 24 << 20


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port):
    """Whether a broker answers GET_BROKER_RUNTIME_INFO there."""
    header = json.dumps({"code": 28, "language": "PYTHON", "version": 479, "opaque": 1, "flag": 0}).encode()
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as wire:
            wire.sendall(struct.pack(">II", 4 + len(header), len(header)) + header)
            head = wire.recv(1 << 16)
            length = struct.unpack(">I", head[4:8])[0] & 0xFFFFFF
            while len(head) < 8 + length:
                head += wire.recv(1 << 16)
            return json.loads(head[8:8 + length])["code"] == 0
    except ConnectionRefusedError:
        return False


def resident(pid):
    """Bytes in memory: all of them, and those that are no file's pages."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    found = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    return tuple(int(found[name].split()[0]) << 10 for name in ("VmRSS", "RssAnon"))


def start(broker, home):
    """Starts one; answers the seconds until it was ready, and its memory."""
    port = free_port()
    conf = home / "broker.conf"
    conf.write_text(f"brokerIP1=127.0.0.1\nlistenPort={port}\nstorePathRootDir={home}/store\n")
    begin = time.monotonic()
    process = subprocess.Popen(
        [broker, "-c", conf], stdout=subprocess.DEVNULL, stderr=open(home / "log", "wb"))
    try:
        while not answers(port):
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
