#!/usr/bin/env python3
# Layer L4: the file system is shut down under load, as by a power cut.
#
# ext4 and XFS on loop devices. FS_IOC_SHUTDOWN without a flush of the log: whatever had not been
# synced is gone after the next mount. With SYNC_FLUSH every acknowledgement must have survived; with
# ASYNC_FLUSH those older than a flush that returned. The writer goes on for a while after the cut:
# what it submits then must never be acknowledged with SYNC_FLUSH.
#
# Linux gives a wrong answer here: a sync that is under way when the file system is shut down can
# return 0 though its data stay behind extents that are marked as never written. The store asks once
# more, and the defect `believed-sync` does not.

import os
import random
import signal
import struct
import sys

import crashlab as lab
from filesystems import FileSystem, check_machine

CYCLES_PER_DIRECTORY = 10
KINDS = ("ext4", "xfs")


class Stage:
    """The number in a file that the writer stamps its records with: 1 when the shutdown is about
    to begin, 2 when it is over."""

    def __init__(self, path):
        self.path = path
        self.set(0)

    def set(self, number):
        with open(self.path, "r+b" if os.path.exists(self.path) else "wb") as file:
            file.write(struct.pack("<Q", number))


def cut(system, store, numbers, *more):
    """Runs a writer into a shutdown, and mounts what is left."""
    stage = Stage(system.image + ".stage")
    writer = store.writer("--limit", 2_500, "--stamp", stage.path, *more)
    if numbers.random() < 0.2:
        writer.read(numbers.uniform(0, 0.02))
    else:
        writer.read(3, until=1)
        writer.read(numbers.uniform(0, 0.12))
    stage.set(1)
    system.shut_down()
    stage.set(2)
    writer.read(numbers.uniform(0, 0.03))
    writer.kill()
    code, said = writer.finish()
    # Refused to open, poisoned, or stopped by the kernel for touching a page that cannot be read.
    if code not in (0, 2, 3, -signal.SIGKILL, -signal.SIGBUS):
        raise lab.Broken(f"the writer ended by {code}: {said}")
    system.unmount()
    system.mount()


def check(store):
    return store.check("--shutdown")


def crash(options, place, kind, progress):
    """The cycles of one kind of file system. Answers failures and directories."""
    failures = directories = 0
    store = None
    with FileSystem(kind, os.path.join(place, f"{kind}.img"),
                    os.path.join(place, f"{kind}-mount")) as system:
        for number in range(options.cycles):
            numbers = random.Random(f"{options.seed}/{kind}/{number}")
            if store is None or number % CYCLES_PER_DIRECTORY == 0:
                if system.is_mounted:
                    system.unmount()
                    system.detach()
                system.make()
                system.attach()
                system.mount()
                # Two of three with SYNC_FLUSH, whose promise is the greater one.
                store = lab.Store(options, os.path.join(system.point, "store"),
                                  os.path.join(place, f"{kind}-ledger"),
                                  options.seed + directories,
                                  ["sync", "async", "sync"][directories % 3], power=True)
                directories += 1
            counted = ""
            try:
                cut(system, store, numbers)
                counted = check(store)
            except lab.Broken as broken:
                failures += 1
                kept = lab.keep(store, broken)
                print(f"\n{kind} cycle {number}, {store.flush}: {broken}\n  kept in {kept}",
                      flush=True)
                store = None
            progress.step(f"{kind}: {counted}")
    return failures, directories


def all_kinds(options):
    total = 0
    with lab.workspace(options.place, quick=True) as place:
        for kind in options.kinds:
            progress = lab.Progress("L4 shutdown", options.cycles)
            failures, directories = crash(options, place, kind, progress)
            total += failures
            lab.record(options, "L4",
                       f"FS_IOC_SHUTDOWN of {kind} under load, sync and async flush",
                       f"{options.seed}..{options.seed + directories - 1}", options.cycles,
                       failures, progress.seconds)
            print(f"L4: {options.cycles} shutdowns of {kind}, {directories} file systems, "
                  f"{failures} violations")
    return 1 if total else 0


# --- negative controls ------------------------------------------------------------------------

# What these file systems show at once. Not seen are a directory sync that is left out (a new name
# is in the log no later than the first sync of its file) and a sync that is tried again (after a
# shutdown all fail); queues that were not synced are mended by recovery more often than not.
DEFECTS = ("early-ack", "sync", "log-sync", "index-sync", "believed-sync")
# XFS gives the wrong answer that `believed-sync` takes too seldom under the load of a store.
NOT_SEEN = {("xfs", "believed-sync")}
# File systems until it is noticed; that one takes more when the machine has much else to do.
MOST = {"believed-sync": 150}


def noticed(options, place, kind, defect):
    most = MOST.get(defect, 30)
    for number in range(most):
        numbers = random.Random(f"{options.seed}/{defect}/{number}")
        with FileSystem(kind, os.path.join(place, f"{kind}.img"),
                        os.path.join(place, f"{kind}-mount")) as system:
            system.make()
            system.attach()
            system.mount()
            store = lab.Store(options, os.path.join(system.point, "store"),
                              os.path.join(place, "ledger"), options.seed + number, "sync",
                              power=True)
            try:
                for _ in range(3):
                    cut(system, store, numbers, "--break", defect)
                    check(store)
            except lab.Broken as broken:
                words = (str(broken).splitlines() + [""])[1].strip() or str(broken)
                print(f"L4 control {defect} on {kind}: noticed after {number + 1}: {words[:100]}",
                      flush=True)
                return True
    print(f"L4 control {defect} on {kind}: NOT NOTICED in {most} file systems", file=sys.stderr)
    return False


def control(options):
    with lab.workspace(options.place, quick=True) as place:
        found = [noticed(options, place, kind, defect)
                 for kind in options.kinds for defect in options.defects
                 if (kind, defect) not in NOT_SEEN]
    return 0 if all(found) else 1


def body():
    lab.as_root()
    parser = lab.arguments("L4: shutdown of ext4 and XFS under load", 30, "shutdowns of each kind")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--defects", nargs="+", default=DEFECTS, help="those of --control")
    options = lab.parse(parser)
    check_machine(*options.kinds)
    return control(options) if options.control else all_kinds(options)


lab.main(body)
