"""What is worth reading when a scenario has failed: what runs, what it waits for, what it said."""
import collections
import os
import pathlib
import sys


def tell(home):
    """Of this process's group, while it still runs, and of the logs in `home`."""
    for process in processes():
        words = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        print(f"  --- {process.name}: {words[:150]}")
        try:
            print(f"    {threads(process)}")
        except OSError as error:
            print(f"    {error}")
    for log in sorted(pathlib.Path(home).glob("*.log")):
        print(f"  --- {log.name}")
        for line in log.read_text(errors="replace").splitlines()[-4:]:
            print(f"    {line[:300]}")
    # What ends this process may not let it go on to its own end.
    sys.stdout.flush()


def processes():
    """Of this group, but for this one."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if int(pid) != os.getpid() and os.getpgid(int(pid)) == os.getpgrp():
                yield pathlib.Path("/proc", pid)
        except ProcessLookupError:
            pass


def threads(process):
    """Its threads by name and by what each waits for in the kernel."""
    found = collections.Counter(
        f"{(task / 'comm').read_text().strip()} {(task / 'wchan').read_text()}"
        for task in (process / "task").iterdir())
    return ", ".join(f"{count} x {what}" for what, count in sorted(found.items()))
