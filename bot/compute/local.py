"""Runs jobs on this machine, one child process (and its children) a job."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from bot.compute import processes
from bot.compute.base import (
    LOG_TAIL,
    Foreign,
    Handle,
    Observation,
    Owned,
    Plan,
    Presence,
    tail,
)
from bot.core.errors import BackendError
from bot.core.since import Since
from gpu.job import Event, InvalidValue, JobPaths, JobSpec, Source
from gpu.job.locks import is_held, taken

#: Seconds between asking a job to stop and making it.
GRACE = 8.0

#: Lines of the log that explain a job which ended without a word.
TAIL = 3

#: The file in a job's folder whose lock its process holds.
LOCK = "process.lock"

#: Settings of the bot whose names start so are none of the pipeline's business: it reads photos
#: of strangers.
PRIVATE = ("SLACK_", "SPLATBOT_", "SPACES_", "DIGITALOCEAN_", "AWS_")
#: What is meant for the pipeline all the same (gpu.training.lpips).
PASSED = ("SPLATBOT_LPIPS_WEIGHTS",)


class LocalBackend:
    """Jobs as processes of this machine. They outlive the bot, which finds them again.

    A job's process holds the lock in the job's folder, and it and its children carry the job's
    mark. Each sees what the other may miss: a process has no mark while it turns from `nice` into
    Python, and children do not inherit the lock. A job is gone when neither is there.
    """

    name = "local"
    has_heartbeat = False  # its processes are looked at directly

    def __init__(
        self,
        jobs: Path,
        *,
        command: Sequence[str] = (sys.executable, "-m", "gpu"),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._jobs = jobs.absolute()
        self._command = tuple(command)
        self._since = Since(clock)
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def plan(self) -> Plan:
        """Say that a job runs here, for nothing."""
        return Plan(machine="this machine", price_per_hour=0.0)

    def launch(self, spec: JobSpec) -> Handle:
        """Start the job's process, unless it runs already."""
        handle = self._handle(spec.job_id, spec.attempt)
        if spec.origin is not None:
            spec = replace(spec, kept=Source(path=str(self._jobs / spec.origin)))
        root = Path(handle["root"])
        try:
            root.mkdir(parents=True, exist_ok=True)
            with taken(root / LOCK) as lock:
                if lock is not None and not processes.marked(handle["mark"]):
                    self._children[handle["mark"]] = self._start(spec, handle["mark"], lock)
        except OSError as wrong:
            raise BackendError(
                f"The job could not be started: {wrong.strerror}.",
                hint="Look whether the disk is full and the folder of the jobs is writable.",
            ) from wrong
        return handle

    def find(self, job_id: str, attempt: int) -> Handle | None:
        """Find a job's process by its mark and its lock, or what it told before it ended."""
        handle = self._handle(job_id, attempt)
        return handle if _is_alive(handle) or self.events(job_id, attempt, after=0) else None

    def observe(self, handle: Handle) -> Observation:
        """Look whether any process of the job is left."""
        child = self._children.get(handle["mark"])
        code = child.poll() if child else None  # also buries the zombie that our child may be
        if _is_alive(handle) or (child is not None and code is None):
            return Observation(Presence.RUNNING)
        return Observation(Presence.GONE, detail=_last_words(handle, code), exit_code=code)

    def events(self, job_id: str, attempt: int, after: int) -> Sequence[Event]:
        """Read the events that the job wrote to its folder."""
        try:
            # A crash or a full disk may have damaged a line; the others still count.
            text = JobPaths(self._jobs / job_id).events.read_text("utf-8", errors="replace")
        except FileNotFoundError:
            return []
        whole = text[: text.rfind("\n") + 1]  # the last line may be half written
        events = (_event(line) for line in whole.splitlines())
        return [e for e in events if e and e.attempt == attempt and e.seq > after]

    def picture(self, job_id: str, name: str) -> bytes | None:
        """Read a picture from the job's folder; a name that leads out of it names nothing."""
        root = (self._jobs / job_id).resolve()
        path = (root / name).resolve()
        return path.read_bytes() if path.is_relative_to(root) and path.is_file() else None

    def log(self, job_id: str) -> str:
        """Read the end of the job's log."""
        try:
            with JobPaths(self._jobs / job_id).log.open("rb") as log:
                log.seek(-min(log.seek(0, os.SEEK_END), 4 * LOG_TAIL), os.SEEK_END)
                return tail(log.read().decode("utf-8", "replace"))
        except FileNotFoundError:
            return ""

    def cancel(self, handle: Handle) -> None:
        """Ask the job's processes to end; make them, when they have not after a while."""
        late = self._since.seconds(handle["mark"]) >= GRACE
        processes.stop(handle["mark"], signal.SIGKILL if late else signal.SIGTERM)

    def destroy(self, handle: Handle) -> None:
        """End the job's processes at once."""
        processes.stop(handle["mark"], signal.SIGKILL)

    def list_owned(self) -> Sequence[Owned]:
        """Find every job of ours that has a process."""
        marks = (Path(mark) for mark in processes.all_marks())
        ours = [mark for mark in marks if mark.parent == self._jobs and "#" in mark.name]
        parts = [mark.name.rsplit("#", 1) for mark in ours]
        found = [(job_id, int(attempt)) for job_id, attempt in sorted(parts)]
        return [Owned(job, attempt, self._handle(job, attempt)) for job, attempt in found]

    def list_foreign(self) -> Sequence[Foreign]:
        """Return nothing: other processes of this machine are none of our business."""
        return ()

    def destroy_foreign(self, machine_id: str) -> None:
        """Do nothing, as there is nothing foreign."""

    def _handle(self, job_id: str, attempt: int) -> Handle:
        root = self._jobs / job_id
        return {"root": str(root), "attempt": attempt, "mark": processes.mark(root, attempt)}

    def _start(self, spec: JobSpec, mark: str, lock: int) -> subprocess.Popen[bytes]:
        paths = JobPaths(self._jobs / spec.job_id)
        paths.spec.write_text(spec.to_json(), encoding="utf-8")
        with paths.log.open("ab") as log:
            return subprocess.Popen(
                # The bot has to answer Slack at once, even when a job keeps every core busy.
                ["nice", "-n", "10", *self._command, str(paths.spec)],
                env=_environment(mark),
                pass_fds=(lock,),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )


def _is_alive(handle: Handle) -> bool:
    held = is_held(Path(handle["root"]) / LOCK)
    return held or bool(processes.marked(handle["mark"]))


def _environment(mark: str) -> dict[str, str]:
    """Return the environment of a job: the bot's without its secrets, and with the job's mark."""
    shared = {
        name: value
        for name, value in os.environ.items()
        if name in PASSED or not name.startswith(PRIVATE)
    }
    return shared | {processes.VARIABLE: mark, "PYTHONUNBUFFERED": "1"}


def _event(line: str) -> Event | None:
    try:
        return Event.from_json(line)
    except InvalidValue:
        return None


def _last_words(handle: Handle, code: int | None) -> str:
    """Say how a process ended, as far as that is known: by a signal, or with what it printed."""
    if code is not None and code < 0:
        name = signal.Signals(-code).name
        memory = ", probably because the memory was full" if code == -signal.SIGKILL else ""
        return f"its process was ended by {name}{memory}"
    try:
        log = JobPaths(Path(handle["root"])).log.read_text("utf-8", errors="replace")
    except FileNotFoundError:
        return "it left no log"
    lines = [line.strip() for line in log.splitlines() if line.strip()][-TAIL:]
    lines = [re.sub(r"(https?://[^\s?]*)\?\S*", r"\1", line) for line in lines]  # signatures
    return "its last words were: " + " / ".join(lines)[-400:] if lines else "it left no word"
