"""What is worth reading when a scenario has failed: what runs, what it waits for, what it said."""
import collections
import os
import pathlib
import sys


def tell(home, group):
    """Of a group of processes, while it still runs, and of the logs in `home`."""
    for process in processes(group):
        try:
            words = (process / "cmdline").read_bytes().replace(b"\0", b" ")
            print(f"  --- {process.name}: {words.decode(errors='replace')[:150]}")
            print(f"    {threads(process)}")
        except OSError as error:
            # It has ended meanwhile.
            print(f"  --- {process.name}: {error}")
    for log in sorted(pathlib.Path(home).glob("*.log")):
        print(f"  --- {log.name}")
        for line in log.read_text(errors="replace").splitlines()[-4:]:
            print(f"    {line[:300]}")
    # The C++ client says much in passing; what it complains of is rare.
    for log in sorted(pathlib.Path(home).glob("logs/rocketmq-cpp/*")):
        lines = log.read_text(errors="replace").splitlines()
        complaints = [line for line in lines if "](info):" not in line]
        print(f"  --- {log.name}: {len(complaints)} complaints in {len(lines)} lines")
        for line in complaints[-12:]:
            print(f"    {line[:300]}")
    # What ends this process may not let it go on to its own end.
    sys.stdout.flush()


def processes(group):
    """Those of a group, but for this one."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if int(pid) != os.getpid() and os.getpgid(int(pid)) == group:
                yield pathlib.Path("/proc", pid)
        except ProcessLookupError:
            pass


def threads(process):
    """Its threads by name and by what each waits for in the kernel."""
    found = collections.Counter(
        f"{(task / 'comm').read_text().strip()} {(task / 'wchan').read_text()}"
        for task in (process / "task").iterdir())
    return ", ".join(f"{count} x {what}" for what, count in sorted(found.items()))
