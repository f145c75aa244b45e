"""The power of a droplet: everything that it has started, and how all of that ends at once."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import threading
from collections import defaultdict
from pathlib import Path
from typing import Any

#: prctl(2): orphans become children of the nearest ancestor that asked for it, not of process 1.
PR_SET_CHILD_SUBREAPER = 36


class Power:
    """Held by a droplet's first process, whose descendants are all that the droplet runs."""

    def __init__(self) -> None:
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self._lock = threading.Lock()

    def start(self, command: list[str], **more: Any) -> subprocess.Popen[bytes]:
        """Start a program in a session of its own; never again once the power is off."""
        with self._lock:
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, start_new_session=True, **more
            )

    def cut(self) -> None:
        """Kill everything, and start nothing more. Returns when the last one is gone."""
        self._lock.acquire()
        while alive := descendants(os.getpid()):
            for pid in alive:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):  # none is left
                while True:
                    os.wait()


def descendants(pid: int) -> list[int]:
    """Return the living descendants of a process, whatever groups and sessions they made."""
    children: dict[int, list[int]] = defaultdict(list)
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # processes come and go
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
            if state != "Z":
                children[int(parent)].append(int(stat.parent.name))
    found, new = list[int](), children[pid]
    while new:
        found += new
        new = [child for each in new for child in children[each]]
    return found
