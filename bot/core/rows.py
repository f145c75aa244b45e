"""Rows of the ledger to and from the objects that the rest of the bot uses."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

from bot.core.jobs import Job, State
from gpu.job import Pipeline, Stage

Row = Mapping[str, Any]

#: Rows whose jobs are kept: more than a busy bot looks at in a second.
_KEPT = 1_024

#: Columns that hold JSON.
_JSON = ("options", "stage_seconds", "metrics", "handle", "heartbeat")

#: Every other field of a Job is a column of the same name; these are enumerations.
_ENUMERATIONS = ("pipeline", "state", "stage")
_PLAIN = tuple(f.name for f in fields(Job) if f.name not in _JSON + _ENUMERATIONS)


@dataclass(frozen=True)
class Notice:
    """Something that people should see, in no chat's language; the outbox renders and sends it.

    `kind` is `status`, `stage`, `pictures`, `final`, `again` (a failed job was run again) or
    `elsewhere`. `dedupe_key` is unique, so that a notice is made once, however often the thing that
    it tells of is seen.
    """

    id: int
    job_id: str
    kind: str
    dedupe_key: str
    payload: Mapping[str, Any]
    created_at: float
    tries: int


@lru_cache(_KEPT)
def job_from(row: sqlite3.Row) -> Job:
    """Build a Job from a row of `jobs`. Rows are equal when their columns are, and few change: a
    pass over twenty jobs reads each of them six times, while somebody may wait for an answer."""
    columns: dict[str, Any] = {name: row[name] for name in _PLAIN}
    columns |= {name: _read(row[name]) for name in _JSON}
    return Job(
        **columns,
        pipeline=Pipeline(row["pipeline"]),
        state=State(row["state"]),
        stage=Stage(row["stage"]) if row["stage"] else None,
    )


def _read(column: str | None) -> Any:
    # Most are empty, and a list of jobs has hundreds of them.
    return {} if column == "{}" else json.loads(column) if column else None


def row_of(job: Job) -> dict[str, Any]:
    """Build the row of a job that this ledger does not know: it begins as if it were queued."""
    row = {name: getattr(job, name) for name in (*_PLAIN, *_ENUMERATIONS)}
    row |= {name: json.dumps(dict(getattr(job, name) or {})) for name in _JSON}
    lost = {"handle": None, "state": State.QUEUED, "request_key": f"adopted:{job.id}"}
    return row | lost


def notice_from(row: Row) -> Notice:
    """Build a Notice from a row of `outbox`."""
    return Notice(
        id=row["id"],
        job_id=row["job"],
        kind=row["kind"],
        dedupe_key=row["dedupe_key"],
        payload=json.loads(row["payload"]),
        created_at=row["created_at"],
        tries=row["tries"],
    )
