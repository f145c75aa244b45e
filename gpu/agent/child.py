"""A program of the job: in a session of its own, with its output in the log, never twice."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from gpu.agent.clock import Clock
from gpu.job.locks import is_held, taken

#: Seconds between asking a program to end and making it.
GRACE = 20.0

#: Says who it is in the lock's file, asks the kernel to end it before the agent when the memory
#: is full, and becomes the program.
LAUNCHER = 'echo $$ >"$0"; { echo 500 >/proc/self/oom_score_adj; } 2>/dev/null; exec "$@"'


class Child:
    """A program and its children. One that an agent before this one started is taken over."""

    def __init__(self, lock: Path, clock: Clock) -> None:
        self._lock, self._clock = lock, clock
        self._process: subprocess.Popen[bytes] | None = None
        self._asked: float | None = None

    def start(
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        log: Path,
        *,
        output: Path | None = None,
    ) -> None:
        """Start the program unless it runs; standard output goes to `output`. Raises OSError."""
        with taken(self._lock) as lock, log.open("ab") as err, (output or log).open("ab") as out:
            if lock is None:
                return
            os.truncate(lock, 0)
            self._asked = None
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", LAUNCHER, str(self._lock), *command],
                cwd=log.parent, env=env, pass_fds=(lock,), stdin=subprocess.DEVNULL,
                stdout=out, stderr=err, start_new_session=True,
            )  # fmt: skip

    def is_running(self) -> bool:
        """Whether the program runs. What it leaves behind when it ends is ended as well."""
        if self._process is None:
            return is_held(self._lock)
        if self._process.poll() is None:
            return True
        self._signal(signal.SIGKILL)
        return False

    @property
    def exit_code(self) -> int | None:
        """The exit code, or minus the signal; None while it runs or if it was not our child."""
        return self._process.poll() if self._process else None

    def stop(self) -> None:
        """Ask the program to end; make it when it has not after the grace. Call it again."""
        now = self._clock.monotonic()
        if self._asked is None:
            self._asked = now if self._signal(signal.SIGTERM) else None
        elif now - self._asked >= GRACE:
            self._signal(signal.SIGKILL)

    def kill(self) -> None:
        """Make a program that runs end without asking it."""
        self._signal(signal.SIGKILL)

    def _signal(self, how: signal.Signals) -> bool:
        """Send a signal to the program's whole group; False when it is not known or gone."""
        with suppress(ProcessLookupError, ValueError, FileNotFoundError):
            group = self._process.pid if self._process else int(self._lock.read_text())
            os.killpg(group, how)
            return True
        return False


def how_it_ended(code: int | None) -> str:
    """Say in words how a program ended."""
    if code is None:
        return "ended unseen, each time that it was started"
    if code >= 0:
        return f"ended with exit code {code}"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    memory = ", probably because the memory was full" if code == -signal.SIGKILL else ""
    return f"was ended by {name}{memory}"
