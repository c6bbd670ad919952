# What the crash runners share: the writer that is killed, the checker, the ledger of results, and
# cleaning up. Python's standard library only.

import argparse
import contextlib
import datetime
import json
import os
import platform
import random
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

# A writer that the kernel stops with SIGBUS shall end, not be taken apart.
os.environ["SWIFT_BACKTRACE"] = "enable=no"

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RECORD = struct.Struct("<8Q")  # Tests/CrashWriter/LedgerRecord.swift
SUBMITTED, ACKNOWLEDGED, POISONED, SETTLED = 1, 2, 5, 7
UNKNOWN = (1 << 64) - 1


class Broken(Exception):
    """A promise was broken: the words of whoever noticed."""


class Unable(Exception):
    """The runner cannot do its part; never a reason to pass."""


def arguments(description, amount, unit):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--cycles", type=int, default=amount, help=f"{unit} (default {amount})")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("SEED", "0")),
                        help="of the first directory; at random when neither it nor SEED is given")
    parser.add_argument("--control", action="store_true",
                        help="break the engine in each known way: violations must be found")
    parser.add_argument("--record", metavar="FILE", help="append a line to the ledger of results")
    parser.add_argument("--binary", default=os.path.join(TREE, ".build/release/crash-writer"))
    parser.add_argument("--place", help="where directories and images go")
    return parser


def parse(parser):
    options = parser.parse_args()
    if options.seed == 0:
        options.seed = random.SystemRandom().randrange(1, 1 << 40)
    if not os.access(options.binary, os.X_OK):
        raise Unable(f"there is no {options.binary}: swift build -c release --product crash-writer")
    options.commit = commit() if options.record else ""
    print(f"SEED={options.seed}", flush=True)
    return options


def as_root():
    """Loop devices, mounts and FUSE need root: starts the program again through sudo."""
    if os.geteuid() == 0:
        return
    sudo = shutil.which("sudo")
    if not sudo:
        raise Unable("this layer mounts file systems: run it as root, or install sudo")
    os.execv(sudo, [sudo, "--preserve-env=SEED,TMPDIR", sys.executable, *sys.argv])


def need(*programs):
    missing = [name for name in programs if not shutil.which(name)]
    if missing:
        raise Unable(f"not installed: {', '.join(missing)}; scripts/setup.sh --crash installs them")


def command(*words, **more):
    """Runs a program; its output is the error when it fails."""
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          stdin=subprocess.DEVNULL, **more)
    if done.returncode != 0:
        raise Unable(f"{' '.join(words)}: {done.stdout.strip()} (code {done.returncode})")
    return done.stdout.strip()


@contextlib.contextmanager
def workspace(place=None, quick=False):
    """A directory of the run's own, gone afterwards. `quick`: in memory, when there is room."""
    if place is None and quick and os.path.isdir("/dev/shm"):
        room = os.statvfs("/dev/shm")
        place = "/dev/shm" if room.f_bavail * room.f_frsize > 3 << 30 else None
    if place is None:
        place = os.path.join(TREE, ".build/crash")
    os.makedirs(place, exist_ok=True)
    path = tempfile.mkdtemp(prefix="apus-crash-", dir=place)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


class Progress:
    """One line that changes on a terminal; a line now and then elsewhere."""

    def __init__(self, name, total):
        self.name, self.total, self.began = name, total, time.monotonic()
        self.last = self.began
        self.done = 0

    def step(self, words=""):
        self.done += 1
        now = time.monotonic()
        if now - self.last < (0.2 if sys.stdout.isatty() else 10) and self.done < self.total:
            return
        self.last = now
        spent = now - self.began
        text = f"{self.name}: {self.done}/{self.total}, {spent:.0f} s {words}"
        end = "" if sys.stdout.isatty() and self.done < self.total else "\n"
        print(f"\r{text}" if sys.stdout.isatty() else text, end=end, flush=True)

    @property
    def seconds(self):
        return time.monotonic() - self.began


class Store:
    """A directory with its ledger, from its first message to its removal."""

    def __init__(self, options, directory, ledger, seed, flush, power=False):
        self.options, self.directory, self.ledger = options, directory, ledger
        self.seed, self.flush, self.power = seed, flush, power
        self.run = 0
        open(ledger, "wb").close()

    def at(self, directory, ledger):
        """The same store in another place, as a crash left it."""
        other = Store.__new__(Store)
        other.__dict__.update(self.__dict__)
        other.directory, other.ledger = directory, ledger
        return other

    def words(self, mode, more=()):
        self.run += 1
        words = [self.options.binary, mode, self.directory]
        if mode == "check":
            words.append(self.ledger)
        words += ["--seed", str(self.seed), "--run", str(self.run)]
        if self.flush == "sync":
            words.append("--sync")
        if not self.power:
            words.append("--page-cache")
        return words + [str(word) for word in more]

    def writer(self, *more):
        return Writer(self.words("write", more), self.ledger)

    def check(self, *more):
        """Raises Broken with the checker's words. Answers what it counted."""
        words = self.words("check", more)
        try:
            done = subprocess.run(words, capture_output=True, text=True, timeout=120)
        except subprocess.TimeoutExpired as late:
            raise Broken(f"I12: the check was not over after 120 s\n  {' '.join(words)}") from late
        if done.returncode == 0:
            return done.stdout.strip()
        said = done.stderr.strip() or f"ended by {done.returncode}"
        if done.returncode == 2:
            raise Unable(said)
        raise Broken(f"{said}\n  {' '.join(words)}")

    def interrupted_check(self, delay):
        """A recovery that a kill cuts short, at whatever it is doing."""
        process = subprocess.Popen(self.words("check"), stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True)
        try:
            said = process.communicate(timeout=delay)[1]
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return
        if process.returncode == 1:
            raise Broken(said.strip())

    def records(self):
        with open(self.ledger, "rb") as file:
            return list(RECORD.iter_unpack(file.read()))


class Writer:
    """A running writer, whose records go from its pipe to the ledger."""

    def __init__(self, words, ledger):
        self.file = open(ledger, "ab", buffering=0)
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.records = 0

    def read(self, seconds, until=None):
        """Takes records in for so long, or until the writer has ended; True when it has.
        `until`, a number of records, ends it too."""
        deadline = time.monotonic() + seconds
        pipe = self.process.stdout.fileno()
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or until is not None and self.records >= until:
                return False
            if not select.select([pipe], [], [], left)[0]:
                return False
            data = os.read(pipe, 1 << 16)
            if not data:
                return True
            self.records += len(data) / RECORD.size
            self.file.write(data)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)

    def finish(self):
        """Takes in what is left in the pipe. Answers the code and the words of the writer."""
        while select.select([self.process.stdout], [], [], 20)[0]:
            data = os.read(self.process.stdout.fileno(), 1 << 16)
            if not data:
                break
            self.file.write(data)
        self.file.close()
        said = self.process.stderr.read().decode(errors="replace").strip()
        return self.process.wait(), said


def keep(store, why):
    """Copies what is needed to look into a violation, and says where."""
    place = tempfile.mkdtemp(prefix=f"apus-crash-evidence-{store.seed}-")
    with contextlib.suppress(OSError, shutil.Error):
        shutil.copy(store.ledger, os.path.join(place, "ledger"))
        shutil.copytree(store.directory, os.path.join(place, "store"))
    with open(os.path.join(place, "words"), "w", encoding="utf-8") as file:
        file.write(f"{why}\n")
    return place


def commit():
    """What is tested. The ledger of results itself does not make the tree a changed one."""
    name = command("git", "-C", TREE, "describe", "--always", "--abbrev=12")
    changed = subprocess.run(
        ["git", "-C", TREE, "status", "--porcelain", "--untracked-files=no", "--", ".",
         ":(exclude)bench-results"], capture_output=True, text=True, check=True).stdout.strip()
    return name + ("-dirty" if changed else "")


def record(options, layer, what, seeds, states, failures, seconds):
    """A line for the ledger of results."""
    if not options.record:
        return
    line = {
        "layer": layer, "what": what, "seeds": seeds, "states": states, "failures": failures,
        "commit": options.commit, "seconds": round(seconds, 1),
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "machine": f"{platform.system()} {platform.release()}, {os.cpu_count()} CPUs",
    }
    with open(options.record, "a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def main(body):
    """Runs a runner: its violations and failures are words and a code, and signals clean up."""
    def stop(number, _frame):
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGHUP, stop)
    try:
        sys.exit(body())
    except Broken as broken:
        print(f"\nFAILED: {broken}", file=sys.stderr)
        sys.exit(1)
    except (Unable, OSError) as unable:
        print(f"\nFAILED, could not run: {unable}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
