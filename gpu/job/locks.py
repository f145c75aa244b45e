"""A lock that a job's process inherits and holds for as long as it lives.

The kernel gives it back when the last process that has it is gone, however that one ended. So
whoever was killed and started again, bot or agent, sees that the job still runs, and nobody starts
a second process for it.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def taken(file: Path) -> Iterator[int | None]:
    """Take the lock and yield its descriptor, to be inherited; None while another has it."""
    with file.open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
        else:
            yield lock.fileno()


def is_held(file: Path) -> bool:
    """Whether somebody has the lock."""
    try:
        with file.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
