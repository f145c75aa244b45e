"""Finds and stops processes by a mark in their environment, which their children inherit.

The mark is to a process what a tag is to a droplet: it can be found again after a crash of the
bot, it can not be taken for another's as a reused process id can, and it is there from the first
moment on. A process that has ended but was not yet waited for has no environment any more.
"""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

VARIABLE = "SPLATBOT_JOB"

_PROC = Path("/proc")


def mark(folder: Path, attempt: int) -> str:
    """Return the mark of one attempt of the job in a folder."""
    return f"{folder}#{attempt}"


def marked(value: str) -> list[int]:
    """Return the ids of the living processes that carry a mark."""
    wanted = f"{VARIABLE}={value}".encode()
    return [pid for pid, variables in _environments() if wanted in variables]


def all_marks() -> set[str]:
    """Return every mark that a living process carries."""
    prefix = f"{VARIABLE}=".encode()
    found = (v for _, variables in _environments() for v in variables if v.startswith(prefix))
    return {os.fsdecode(v.removeprefix(prefix)) for v in found}


def stop(value: str, how: signal.Signals) -> None:
    """Send a signal to the process groups of everything that carries a mark."""
    for pid in marked(value):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(os.getpgid(pid), how)


def _environments() -> list[tuple[int, list[bytes]]]:
    found = []
    for folder in _PROC.iterdir():
        if folder.name.isdecimal() and int(folder.name) != os.getpid():
            # Processes come and go while we look, and other people's can not be read.
            with contextlib.suppress(OSError):
                found.append((int(folder.name), (folder / "environ").read_bytes().split(b"\0")))
    return found
