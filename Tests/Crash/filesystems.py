# Small file systems on loop devices, made and removed by the run that needs them.

import contextlib
import fcntl
import os
import struct
import subprocess
import time

import crashlab as lab

PROGRAMS = {"ext4": ["mkfs.ext4"], "xfs": ["mkfs.xfs"]}
MAKE = {
    "ext4": ["mkfs.ext4", "-q", "-F", "-E", "nodiscard,lazy_itable_init=0,lazy_journal_init=0",
             "-N", "2048", "-J", "size=8"],
    # A file system this small is for tests only, which mkfs.xfs wants to be told.
    "xfs": ["mkfs.xfs", "-q", "-K", "-f", "--unsupported"],
}
BYTES = {"ext4": 96 << 20, "xfs": 128 << 20}
SHUTDOWN = 0x8004587D  # FS_IOC_SHUTDOWN, _IOR('X', 125, __u32)
NO_LOG_FLUSH = 2


def check_machine(*kinds):
    """Loop devices and the kinds of file systems must be there."""
    lab.need("losetup", "mount", "umount", *[name for kind in kinds for name in PROGRAMS[kind]])
    if not os.path.exists("/dev/loop-control"):
        raise lab.Unable("there are no loop devices (/dev/loop-control): this layer cannot run")
    with open("/proc/filesystems", encoding="ascii") as file:
        known = file.read().split()
    for kind in kinds:
        if kind not in known:
            subprocess.run(["modprobe", kind], capture_output=True, check=False)
            with open("/proc/filesystems", encoding="ascii") as file:
                if kind not in file.read().split():
                    raise lab.Unable(f"this kernel has no {kind}: this layer cannot run")


class FileSystem(contextlib.AbstractContextManager):
    """An image, its loop device and its mount point. Leaving the context undoes all of it."""

    def __init__(self, kind, image, mount_point):
        self.kind, self.image, self.point = kind, image, mount_point
        self.device = None
        self.is_mounted = False
        os.makedirs(mount_point, exist_ok=True)

    def make(self):
        with open(self.image, "wb") as file:
            file.truncate(BYTES[self.kind])
        lab.command(*MAKE[self.kind], self.image)

    def attach(self):
        self.device = lab.command("losetup", "--find", "--show", self.image)

    def mount(self):
        lab.command("mount", "-t", self.kind, "-o", "noatime", self.device, self.point)
        self.is_mounted = True

    def shut_down(self):
        """The file system takes nothing more to the device, not even its own log."""
        descriptor = os.open(self.point, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(descriptor)

    def unmount(self):
        for attempt in range(50):
            done = subprocess.run(["umount", self.point], capture_output=True, text=True,
                                  check=False)
            if done.returncode == 0:
                self.is_mounted = False
                return
            time.sleep(0.02 * (attempt + 1))
        raise lab.Unable(f"umount {self.point}: {done.stderr.strip()}")

    def detach(self):
        lab.command("losetup", "--detach", self.device)
        self.device = None

    def __exit__(self, *_):
        with contextlib.suppress(lab.Unable):
            if self.is_mounted:
                self.unmount()
        with contextlib.suppress(lab.Unable):
            if self.device:
                self.detach()
