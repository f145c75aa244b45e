"""A ledger with a long history: one job that really went through it, copied many times."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from bot.core.ledger import Ledger
from gpu.job import Pipeline, Stage, Status, stages_of
from tests.core.conftest import Clock, a_request, an_event

#: Tables with the rows of jobs, and which of their columns hold the job's name.
_NAMED = {
    "jobs": ("id", "request_key"),
    "events": ("job",),
    "slots": ("job",),
    "outbox": ("job", "dedupe_key"),
    "audit": ("job",),
    "machines": ("job",),
}


def grow(path: Path, jobs: int, *, events: int) -> None:
    """Write a ledger of `jobs` jobs that are over, each of which told `events` events."""
    ledger = Ledger(path, Clock())
    one_job(ledger, events)
    ledger._file.connection().close()
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("PRAGMA foreign_keys = OFF")
        for table, named in _NAMED.items():
            _copy(database, table, named, jobs)


def one_job(ledger: Ledger, events: int, *, end: bool = True) -> None:
    """Take a job through everything that is noted of one on a droplet, to its end if wanted."""
    ledger.submit(a_request("job-0", pipeline=Pipeline.SPLAT), backend="droplet", price_per_hour=0)
    ledger.claim()
    place = {"size": "gpu-h100x1-80gb", "region": "nyc2", "price_per_hour": 3.39}
    ledger.machines.intend("job-0", 1, name="splat-job-0-1", **place)  # type: ignore[arg-type]
    ledger.machines.adopt(
        "job-0", 1, name="splat-job-0-1", **place, machine_id="1", created_at=0.0  # type: ignore[arg-type]
    )  # fmt: skip
    ledger.set_handle("job-0", {"droplet_id": 1, "name": "splat-job-0-1", **place})
    stages = stages_of(Pipeline.SPLAT)
    for number in range(1, events + 1):
        stage = stages[(number - 1) * len(stages) // events]
        is_last = number * len(stages) // events != (number - 1) * len(stages) // events
        status = Status.DONE if is_last else Status.PROGRESS
        ledger.record(
            an_event(
                "job-0", number, Stage(stage), status,
                message=f"Step {number:,} of 30,000, {number * 2000:,} Gaussians.",
                metrics={"loss": 1 / number, "gaussians": number * 2000},
            )
        )  # fmt: skip
    if not end:
        return
    for notice in ledger.pending(Clock()() + 1e6, limit=1000):
        ledger.sent(notice.id, channel="C1", ts="1790000000.000100")
    ledger.succeed("job-0", viewer_url="https://bot/viewer/?manifest=x", manifest_url="https://b/x")
    ledger.release("job-0")


def _copy(database: sqlite3.Connection, table: str, named: tuple[str, ...], jobs: int) -> None:
    """Copy the rows of `job-0` for the others; what the database numbers, it numbers anew."""
    info = database.execute(f"PRAGMA table_info({table})").fetchall()
    numbered = [name for _, name, kind, _, _, key in info if kind == "INTEGER" and key == 1]
    columns = [row[1] for row in info if row[1] not in numbered]
    values = [
        f"replace({name}, 'job-0', 'job-' || n) AS {name}" if name in named else name
        for name in columns
    ]
    database.execute(
        f"WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers"
        f" WHERE n < {jobs} - 1) INSERT INTO {table} ({', '.join(columns)})"
        f" SELECT {', '.join(values)} FROM numbers, {table} AS old WHERE n < {jobs}"
    )
