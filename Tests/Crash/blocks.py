#!/usr/bin/env python3
# Layer L5: crash states made from a record of the disk.
#
# The file system lies on a disk that records every write and flush (recorder.c). From one run of the
# writer many crashes are made: right behind flushes, and anywhere with the sectors that were not
# flushed kept or lost one by one. Each state is mounted and checked against the acknowledgements that
# came before its last event. Then a write fails: nothing may be acknowledged behind the failed sync,
# and what was acknowledged before is there.

import os
import random
import shutil
import signal
import sys

import crashlab as lab
from filesystems import FileSystem, check_machine
from recording import Recorder, Replay, cuts, data_blocks, events

STATES_PER_SESSION = 12
SESSIONS_PER_DIRECTORY = 3
KINDS = ("ext4", "xfs")


class Session:
    """A run of the writer on a recorded disk that begins as `base`."""

    def __init__(self, place, kind, base):
        self.place, self.kind, self.base = place, kind, base
        self.point = os.path.join(place, f"{kind}-mount")

    def record(self, store, numbers, *more, fault=()):
        """Answers how many writes have failed; None when one did before the writer could start."""
        image = os.path.join(self.place, "recorded.img")
        lab.command("cp", "--sparse=always", self.base, image)
        with Recorder(image, self.place, fault) as recorder, \
                FileSystem(self.kind, recorder.disk, self.point) as system:
            system.attach()
            try:
                system.mount()
            except lab.Unable:
                # The write that fails may be one of the file system's own, of its recovery.
                if fault and recorder.counts[1]:
                    return None
                raise
            writer = store.at(os.path.join(self.point, "store"), store.ledger).writer(
                "--limit", 3_000, "--stamp", recorder.counter, *more)
            writer.read(5, until=1)
            over = writer.read(numbers.uniform(0.1, 0.6))
            if not over and fault:
                over = writer.read(2)
            if not over:
                writer.kill()
            code, said = writer.finish()
            if code not in (0, 3, -signal.SIGKILL) + ((2, -signal.SIGBUS) if fault else ()):
                raise lab.Broken(f"the writer ended by {code}: {said}")
            self.limit, failed = recorder.counts
            self.blocks = set() if fault else data_blocks(self.point)
            system.unmount()
            system.detach()
        self.found = events(recorder.log)
        return failed

    def check(self, store, replay, cut, numbers):
        """Makes a state, mounts it and checks it. Answers what was counted; the image and its
        ledger stay."""
        image = os.path.join(self.place, "state.img")
        ledger = os.path.join(self.place, "state-ledger")
        replay.state(image, cut, numbers)
        shutil.copyfile(store.ledger, ledger)
        with FileSystem(self.kind, image, self.point) as system:
            system.attach()
            system.mount()
            found = store.at(os.path.join(self.point, "store"), ledger)
            # The first words of a fresh directory may not have come to the disk.
            os.makedirs(found.directory, exist_ok=True)
            try:
                counted = found.check("--cut", cut)
            except lab.Broken as broken:
                kept = lab.keep(found, broken)
                raise lab.Broken(f"{broken}\n  cut {cut}, kept in {kept}") from None
            finally:
                store.run = found.run
            system.unmount()
            system.detach()
        return counted

    def keep_state(self, store):
        """Goes on from the state that was checked last."""
        os.replace(os.path.join(self.place, "state.img"), self.base)
        os.replace(os.path.join(self.place, "state-ledger"), store.ledger)


def fresh(options, place, kind, seed, flush):
    """A file system without a store, and the store to be."""
    base = os.path.join(place, "base.img")
    system = FileSystem(kind, base, os.path.join(place, f"{kind}-mount"))
    system.make()
    store = lab.Store(options, "store", os.path.join(place, "ledger"), seed, flush, power=True)
    return Session(place, kind, base), store


def replayed(session, store, numbers, count, done, *more):
    """Records once and checks `count` states. Goes on from one of them."""
    base = os.path.join(session.place, "replay.img")
    lab.command("cp", "--sparse=always", session.base, base)
    session.record(store, numbers, *more)
    replay = Replay(base, session.found, session.blocks)
    chosen = cuts(session.found, session.limit, count, numbers)
    on = numbers.randrange(len(chosen))
    for number, cut in enumerate(chosen):
        done(session.check(store, replay, cut, numbers))
        if number == on:
            os.replace(os.path.join(session.place, "state.img"),
                       os.path.join(session.place, "next.img"))
            os.replace(os.path.join(session.place, "state-ledger"),
                       os.path.join(session.place, "next-ledger"))
    os.replace(os.path.join(session.place, "next.img"), session.base)
    os.replace(os.path.join(session.place, "next-ledger"), store.ledger)


def failing(session, store, numbers, done, *more):
    """Lets one write fail, and checks what is left of the disk when the power goes then."""
    base = os.path.join(session.place, "replay.img")
    kinds = ["data", "any"] if session.kind == "xfs" else ["data"]
    most = 60
    for _ in range(12):
        lab.command("cp", "--sparse=always", session.base, base)
        ledger = os.path.join(session.place, "ledger-before")
        shutil.copyfile(store.ledger, ledger)
        fault = (numbers.choice(kinds), numbers.randrange(most))
        failed = session.record(store, numbers, *more, fault=fault)
        if failed:
            break
        # The writer came to its end before that write, or did not come to its beginning.
        if failed == 0:
            most = max(2, most // 2)
        os.replace(ledger, store.ledger)
    else:
        raise lab.Unable("no write failed in twelve runs")
    replay = Replay(base, session.found, session.blocks)
    done(session.check(store, replay, len(session.found), numbers))
    session.keep_state(store)


def crash(options, place, kind, progress):
    """The states of one kind of file system. Answers failures and directories."""
    failures = directories = states = number = 0
    session = store = None

    def done(counted):
        nonlocal states
        states += 1
        progress.step(f"{kind}: {counted}")

    while states < options.cycles:
        numbers = random.Random(f"{options.seed}/{kind}/{number}")
        if session is None or number % SESSIONS_PER_DIRECTORY == 0:
            session, store = fresh(options, place, kind, options.seed + directories,
                                   ["sync", "sync", "async"][directories % 3])
            directories += 1
        number += 1
        try:
            count = min(STATES_PER_SESSION - 1, options.cycles - states - 1)
            if count > 0:
                replayed(session, store, numbers, count, done)
            failing(session, store, numbers, done)
        except lab.Broken as broken:
            failures += 1
            print(f"\n{kind}, {store.flush}: {broken}", flush=True)
            session = None
            done("")
    return failures, directories


def all_kinds(options):
    total = 0
    with lab.workspace(options.place, quick=True) as place:
        for kind in options.kinds:
            progress = lab.Progress("L5 blocks", options.cycles)
            failures, directories = crash(options, place, kind, progress)
            total += failures
            lab.record(options, "L5",
                       f"crash states and failed writes of a recorded disk, {kind}",
                       f"{options.seed}..{options.seed + directories - 1}", progress.done,
                       failures, progress.seconds)
            print(f"L5: {progress.done} states of {kind}, {directories} file systems, "
                  f"{failures} violations")
    return 1 if total else 0


# --- negative controls ------------------------------------------------------------------------

DEFECTS = ("early-ack", "sync", "log-sync", "index-sync")


# A retried sync is noticed in one of three recordings, the others in nearly each.
MOST_RECORDINGS = 40


def noticed(options, place, kind, defect):
    for number in range(MOST_RECORDINGS):
        numbers = random.Random(f"{options.seed}/{defect}/{number}")
        session, store = fresh(options, place, kind, options.seed + number, "sync")
        try:
            if defect == "retry-sync":
                failing(session, store, numbers, lambda _: None, "--break", defect)
            else:
                replayed(session, store, numbers, 6, lambda _: None, "--break", defect)
        except lab.Broken as broken:
            words = (str(broken).splitlines() + [""])[1].strip() or str(broken)
            print(f"L5 control {defect} on {kind}: noticed after {number + 1}: {words[:100]}",
                  flush=True)
            return True
    print(f"L5 control {defect} on {kind}: NOT NOTICED in {MOST_RECORDINGS} recordings",
          file=sys.stderr)
    return False


def control(options):
    with lab.workspace(options.place, quick=True) as place:
        found = [noticed(options, place, kind, defect)
                 for kind in options.kinds for defect in (*options.defects, "retry-sync")]
    return 0 if all(found) else 1


def body():
    lab.as_root()
    parser = lab.arguments("L5: states of a recorded disk", 25, "states of each file system")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--defects", nargs="+", default=DEFECTS, help="those of --control")
    options = lab.parse(parser)
    check_machine(*options.kinds)
    lab.need("fusermount3", "cc", "pkg-config")
    if not os.path.exists("/dev/fuse"):
        raise lab.Unable("there is no /dev/fuse: this layer cannot run")
    return control(options) if options.control else all_kinds(options)


lab.main(body)
