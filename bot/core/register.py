"""What must be known of a job that may have a machine, kept beside the photos, in the storage.

The ledger is the truth, but its disk may be gone with the host. So before a machine is created,
and until its absence is confirmed, a small document says whose it is. A bot that starts without
its ledger, or with an older copy, takes such jobs in.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from bot.core.jobs import Job, State
from bot.storage.base import Storage
from bot.storage.names import PRIVATE
from gpu.job import Pipeline

PREFIX = f"{PRIVATE}/active/"

#: What is kept of a job: what was asked for, where people are told, and how it ended.
_KEPT = (
    "id", "team", "channel", "user", "dataset", "pipeline", "options", "state", "attempt",
    "created_at", "started_at", "finished_at", "backend", "error", "hint", "viewer_url",
    "manifest_url",
)  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """A job that may have a machine. `intended_at` is when it was going to be created, Unix s."""

    job: Job
    intended_at: float


class Register:
    """The documents of the jobs that may have machines."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def enter(self, job: Job, *, now: float) -> None:
        """Note a job before its machine is created, and again when its end was told.

        Raises StorageError, and then no machine may be created.
        """
        kept = {name: getattr(job, name) for name in _KEPT} | {"options": dict(job.options)}
        data = json.dumps({"job": kept, "intended_at": now}).encode()
        self._storage.put(_key(job.id), data, "application/json", private=True)

    def strike(self, job_id: str) -> None:
        """Forget a job whose machine is gone."""
        self._storage.delete(_key(job_id))

    def entries(self) -> list[Entry]:
        """Return all jobs that may have machines. A document that is damaged says nothing."""
        read = (self._entry(key) for key in self._storage.keys(PREFIX))
        return [entry for entry in read if entry]

    def entry(self, job_id: str) -> Entry | None:
        """Return what is known of one job."""
        return self._entry(_key(job_id))

    def _entry(self, key: str) -> Entry | None:
        try:
            return _read(json.loads(self._storage.get(key)))
        except (KeyError, ValueError, TypeError):
            return None


def _key(job_id: str) -> str:
    return f"{PREFIX}{job_id}.json"


def _read(raw: dict[str, Any]) -> Entry:
    kept = {name: raw["job"][name] for name in _KEPT}
    kept |= {"pipeline": Pipeline(kept["pipeline"]), "state": State(kept["state"])}
    return Entry(Job(**kept, version=1), float(raw["intended_at"]))
