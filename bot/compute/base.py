"""The protocol of everything that can run a job: this machine, a GPU droplet, a cluster."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from gpu.job import Event, JobSpec

#: Characters of a log's end that are worth reading in a chat.
LOG_TAIL = 2_500

#: What a backend needs to find a job again after a restart of the bot. JSON, kept in the ledger.
Handle = Mapping[str, Any]


def is_same(one: Handle, other: Handle) -> bool:
    """Whether two handles are of one machine: its price may change, and our way to write it."""
    numbers = [each.get("droplet_id") for each in (one, other)]
    return numbers[0] == numbers[1] if all(numbers) else dict(one) == dict(other)


def tail(log: str) -> str:
    """Return the whole last lines of a log, LOG_TAIL characters at most, without signatures."""
    plain = re.sub(r"(https?://[^\s?]*)\?\S*", r"\1", log.rstrip())
    if len(plain) <= LOG_TAIL:
        return plain
    end = plain[-LOG_TAIL:]
    return end.partition("\n")[2] or end


class Presence(StrEnum):
    """Whether a job's machine is there. `GONE` is said only when it is certain."""

    RUNNING = "running"
    GONE = "gone"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Plan:
    """What a job would run on, before anything is created. Price in US dollars an hour.

    `size` is the kind of machine as its provider calls it; `others` are what could be had instead.
    """

    machine: str
    price_per_hour: float
    size: str = ""
    others: tuple[Plan, ...] = ()


@dataclass(frozen=True)
class Observation:
    """What is known of a job's machine right now; `detail` is one sentence for people."""

    presence: Presence
    detail: str = ""
    exit_code: int | None = None


@dataclass(frozen=True)
class Owned:
    """A machine of ours that exists now, as its own name and tags say.

    `expires` is the Unix time after which nobody may need it; None on machines that cost nothing.
    `created_at` and `price_per_hour` are the provider's own figures, as far as there are any.
    """

    job: str
    attempt: int
    handle: Handle
    created_at: float = 0.0
    expires: float | None = None
    size: str = ""
    region: str = ""
    price_per_hour: float = 0.0


@dataclass(frozen=True)
class Foreign:
    """A GPU machine on the account that is not ours: shown, and never touched by itself."""

    machine_id: str
    name: str
    size: str
    region: str
    price_per_hour: float
    created_at: float


class ComputeBackend(Protocol):
    """Runs jobs. Every method may be called again after a crash and must then do no harm."""

    name: str

    #: Whether the job's machine says regularly that it lives. Where it does, one that is silent
    #: for long is removed.
    has_heartbeat: bool

    def plan(self) -> Plan:
        """Say where a job would run now and what that costs. Creates nothing.

        Raises BackendError when nothing can be had.
        """
        ...

    def launch(self, spec: JobSpec) -> Handle:
        """Start the job and return how to find it. Raises BackendError when nothing was started.

        Called only after the ledger knows the intent. Launching a job of the same id and attempt
        again returns the one that runs. Raises NotYet while that is not known, or not possible.
        """
        ...

    def find(self, job_id: str, attempt: int) -> Handle | None:
        """Find a launched job whose handle was lost in a crash, also when it has ended since.

        None if it was never launched, or ended without a trace. Raises NotYet while that can not
        be said.
        """
        ...

    def observe(self, handle: Handle) -> Observation:
        """Look whether the job's machine is there."""
        ...

    def events(self, job_id: str, attempt: int, after: int) -> Sequence[Event]:
        """Return the job's events numbered above `after`, in order, as far as they are kept."""
        ...

    def picture(self, job_id: str, name: str) -> bytes | None:
        """Read a picture that one of the job's events names; None when it is not there."""
        ...

    def log(self, job_id: str) -> str:
        """Read the end of a job's log, LOG_TAIL characters at most; empty when there is none."""
        ...

    def cancel(self, handle: Handle) -> None:
        """Ask the job to stop; it may take a few seconds to be gone."""
        ...

    def destroy(self, handle: Handle) -> None:
        """Remove the job's machine at once. Safe to repeat; `observe` says when it is gone."""
        ...

    def list_owned(self) -> Sequence[Owned]:
        """Everything of ours that exists now, whatever the ledger says; handles as of `launch`."""
        ...

    def list_foreign(self) -> Sequence[Foreign]:
        """GPU machines on the same account that are not ours."""
        ...

    def destroy_foreign(self, machine_id: str) -> None:
        """Remove a machine that is not ours, because a person asked for exactly that one.

        Safe to repeat; `list_foreign` says when it is gone. Raises BackendError.
        """
        ...
