# A recorded disk, and the crash states that can be made from its record.

import contextlib
import fcntl
import os
import random
import struct
import subprocess
import time

import crashlab as lab

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "recorder.c")
WRITE, FLUSH = 1, 2
SECTOR, BLOCK = 512, 4096
FIEMAP = 0xC020660B


def build():
    """Compiles the recorder when it is older than its source."""
    program = os.path.join(lab.TREE, ".build/crash/recorder")
    if not os.path.exists(program) or os.path.getmtime(program) < os.path.getmtime(SOURCE):
        os.makedirs(os.path.dirname(program), exist_ok=True)
        flags = lab.command("pkg-config", "--cflags", "--libs", "fuse3").split()
        lab.command("cc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", program, SOURCE, *flags)
    return program


class Recorder(contextlib.AbstractContextManager):
    """The running recorder: `disk` is the file to put a loop device on."""

    def __init__(self, image, place, fault=()):
        self.point = os.path.join(place, "recorded")
        self.log = os.path.join(place, "events")
        self.counter = os.path.join(place, "counter")
        self.disk = os.path.join(self.point, "disk")
        os.makedirs(self.point, exist_ok=True)
        words = [build(), image, self.log, self.counter, self.point, *map(str, fault)]
        self.process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 10
        while not os.path.ismount(self.point):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                raise lab.Unable(f"FUSE does not work here: {self.process.communicate()[1]}")
            time.sleep(0.002)

    @property
    def counts(self):
        """Events that are complete, and writes that failed."""
        with open(self.counter, "rb") as file:
            return struct.unpack("<2Q", file.read(16))

    def __exit__(self, *_):
        for words in (["fusermount3", "-u", self.point], ["fusermount3", "-u", "-z", self.point]):
            if subprocess.run(words, capture_output=True, check=False).returncode == 0:
                break
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stderr.close()


def data_blocks(root):
    """The numbers of the blocks that hold contents of files: those may be torn within."""
    blocks = set()
    for folder, _, names in os.walk(root):
        for name in names:
            descriptor = os.open(os.path.join(folder, name), os.O_RDONLY)
            try:
                blocks.update(extents(descriptor))
            finally:
                os.close(descriptor)
    return blocks


def extents(descriptor):
    position = 0
    while True:
        room = 128
        buffer = bytearray(struct.pack("<QQIIII", position, (1 << 64) - 1 - position, 1, 0, room, 0)
                           + bytes(56 * room))
        fcntl.ioctl(descriptor, FIEMAP, buffer)
        count = struct.unpack_from("<I", buffer, 20)[0]
        last = count == 0
        for number in range(count):
            logical, physical, length, _, _, flags = struct.unpack_from(
                "<QQQQQI", buffer, 32 + 56 * number)
            yield from range(physical // BLOCK, (physical + length + BLOCK - 1) // BLOCK)
            position = logical + length
            last = last or bool(flags & 1)
        if last:
            return


def events(log):
    """All events, in order: kind, offset, bytes."""
    found = []
    with open(log, "rb") as file:
        while head := file.read(24):
            kind, offset, length = struct.unpack("<3Q", head)
            found.append((kind, offset, file.read(length)))
    return found


class Replay:
    """Makes crash states, with cuts that only go up. `base` is the image before the first event,
    and is changed."""

    def __init__(self, base, found, blocks):
        self.base, self.found, self.blocks = base, found, blocks
        self.flushed = 0

    def state(self, image, cut, numbers):
        """What the disk may hold when the power goes before event `cut`: everything up to the last
        flush, and of the rest any sectors. What the file system keeps for itself is not torn within
        a block, which no file system promises to bear."""
        flush = max((i for i in range(self.flushed, cut) if self.found[i][0] == FLUSH),
                    default=None)
        if flush is not None:
            with open(self.base, "r+b") as file:
                for kind, offset, data in self.found[self.flushed:flush]:
                    if kind == WRITE:
                        os.pwrite(file.fileno(), data, offset)
            self.flushed = flush
        lab.command("cp", "--sparse=always", self.base, image)
        share = numbers.choice([0.1, 0.5, 0.5, 0.9])
        with open(image, "r+b") as file:
            for kind, offset, data in self.found[self.flushed:cut]:
                if kind != WRITE:
                    continue
                for start, end in self.pieces(offset, len(data)):
                    if numbers.random() < share:
                        os.pwrite(file.fileno(), data[start:end], offset + start)

    def pieces(self, offset, length):
        """What is kept or lost as one, as ranges of a write."""
        start = 0
        while start < length:
            block = (offset + start) // BLOCK
            unit = SECTOR if block in self.blocks else BLOCK
            end = min(length, ((offset + start) // unit + 1) * unit - offset)
            yield start, end
            start = end


def cuts(found, limit, count, numbers):
    """Where to crash: half of them right behind a flush, the others anywhere before `limit`."""
    flushes = [i + 1 for i, event in enumerate(found[:limit]) if event[0] == FLUSH]
    chosen = numbers.sample(flushes, min(len(flushes), count // 2))
    while len(chosen) < count:
        chosen.append(numbers.randrange(1, limit + 1))
    return sorted(chosen)
