#!/usr/bin/env python3
# Layer L3: kill -9 of the real store under load.
#
# A writer is killed at a random moment, also while it opens the store; what it had acknowledged on
# a pipe must be there. Directories are carried on from crash to crash. Now and then the recovery is
# killed too. With --control the engine or the directory is broken in ways that must be noticed.

import os
import random
import shutil
import sys

import crashlab as lab

CYCLES_PER_DIRECTORY = 12


def cycle(store, numbers, *more):
    writer = store.writer("--limit", numbers.choice([800, 2_500]), *more)
    early = numbers.random() < 0.2
    ended = writer.read(numbers.uniform(0, 0.012) if early else numbers.uniform(0.01, 0.14))
    if not ended:
        writer.kill()
    code, said = writer.finish()
    if code not in (0, -9):
        raise lab.Broken(f"the writer ended by {code}: {said}")


def crash(options):
    progress = lab.Progress("L3 kill -9", options.cycles)
    failures = 0
    store = None
    directories = 0
    with lab.workspace(options.place) as place:
        for number in range(options.cycles):
            numbers = random.Random(f"{options.seed}/{number}")
            if store is None or number % CYCLES_PER_DIRECTORY == 0:
                if store:
                    shutil.rmtree(store.directory)
                seed = options.seed + directories
                store = lab.Store(options, os.path.join(place, f"s{directories}"),
                                  os.path.join(place, f"l{directories}"), seed,
                                  ["async", "sync"][directories % 2])
                directories += 1
            try:
                cycle(store, numbers)
                if numbers.random() < 0.15:
                    store.interrupted_check(numbers.uniform(0.002, 0.08))
                counted = store.check()
            except lab.Broken as broken:
                failures += 1
                kept = lab.keep(store, broken)
                print(f"\ncycle {number}, {store.flush}: {broken}\n  kept in {kept}", flush=True)
                store = None
                counted = ""
            progress.step(counted)
    lab.record(options, "L3", "kill -9 under load, async and sync flush",
               f"{options.seed}..{options.seed + directories - 1}", options.cycles, failures,
               progress.seconds)
    print(f"L3: {options.cycles} kills, {directories} directories, {failures} violations")
    return 1 if failures else 0


# --- negative controls ------------------------------------------------------------------------


def segment_of(store, offset):
    """The file that holds a physical offset, and where in it."""
    folder = os.path.join(store.directory, "commitlog")
    length = os.path.getsize(os.path.join(folder, min(os.listdir(folder))))
    return os.path.join(folder, f"{offset - offset % length:020}"), offset % length


def acknowledged(store):
    return [r for r in store.records()
            if r[0] & 0xFF == lab.ACKNOWLEDGED and r[3] != lab.UNKNOWN]


def flip(store, numbers):
    """One bit of an acknowledged body."""
    path, at = segment_of(store, numbers.choice(acknowledged(store))[3])
    with open(path, "r+b") as file:
        file.seek(at + 88 + 10)
        byte = file.read(1)[0]
        file.seek(at + 88 + 10)
        file.write(bytes([byte ^ 1 << numbers.randrange(8)]))


def lose(store, _numbers):
    """The last acknowledged record, as if it had never come to the disk."""
    path, at = segment_of(store, max(r[3] for r in acknowledged(store)))
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(bytes(os.path.getsize(path) - at))


def phantom(store, numbers):
    """A message that is there, but was never submitted as far as the ledger knows."""
    records = store.records()
    victim = numbers.choice(acknowledged(store))[1]
    with open(store.ledger, "wb") as file:
        for record in records:
            if record[1] != victim:
                file.write(lab.RECORD.pack(*record))


def noticed(options, place, name, defect=None, plant=None):
    """Whether violations are found in a few cycles."""
    for number in range(30):
        numbers = random.Random(f"{options.seed}/{name}/{number}")
        store = lab.Store(options, os.path.join(place, f"{name}{number}"),
                          os.path.join(place, "ledger"), options.seed + number, "async")
        try:
            writer = store.writer("--limit", 5_000, *(["--break", defect] if defect else []))
            writer.read(2, until=200)
            writer.read(numbers.uniform(0, 0.02))
            writer.kill()
            writer.finish()
            if plant:
                plant(store, numbers)
            store.check()
        except lab.Broken as broken:
            print(f"L3 control {name}: noticed after {number + 1}: "
                  + str(broken).splitlines()[1].strip()[:110], flush=True)
            return True
        finally:
            shutil.rmtree(store.directory, ignore_errors=True)
    print(f"L3 control {name}: NOT NOTICED in 30 cycles", file=sys.stderr)
    return False


def control(options):
    with lab.workspace(options.place) as place:
        found = [noticed(options, place, name, defect=name)
                 for name in ("early-ack", "private-map")]
        found += [noticed(options, place, plant.__name__, plant=plant)
                  for plant in (flip, lose, phantom)]
    return 0 if all(found) else 1


def body():
    options = lab.parse(lab.arguments("L3: kill -9 under load", 200, "kills"))
    return control(options) if options.control else crash(options)


lab.main(body)
