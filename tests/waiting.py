"""Waiting for other threads and processes. They take real time, so each wait has a last resort.

A test that passes never comes near it: how long things take on a busy machine says nothing of them.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable

#: Seconds, far more than anything takes here on a busy machine.
PATIENCE = 60.0

Process = subprocess.Popen[bytes] | subprocess.Popen[str]


def await_that(
    holds: Callable[[], object],
    what: str,
    *,
    process: Process | None = None,
    said: Callable[[], object] = str,
    meanwhile: Callable[[], object] = lambda: None,
    patience: float = PATIENCE,
    pause: float = 0.01,
) -> None:
    """Wait until something holds; `what` is its name.

    It is looked at every `pause` seconds.
    Raises AssertionError, with what was `said` until then, when `process` ends before it holds, or
    after `patience` seconds.
    """
    deadline = time.monotonic() + patience
    while not holds():
        if process and process.poll() is not None and not holds():
            raise AssertionError(f"{what}: the process ended with {process.returncode}\n{said()}")
        assert time.monotonic() < deadline, f"{what}: not in {patience:g} s\n{said()}"
        meanwhile()
        time.sleep(pause)
