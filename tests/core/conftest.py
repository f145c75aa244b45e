"""A ledger in a fresh folder, with a clock that only the test moves."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.core.jobs import Request
from bot.core.ledger import Ledger
from gpu.job import Event, Pipeline, Stage, Status


class Clock:
    """Time that stands still until it is moved."""

    def __init__(self, now: float = 1_790_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(tmp_path: Path, clock: Clock) -> Ledger:
    return Ledger(tmp_path / "ledger.db", clock)


@pytest.fixture
def ask(ledger: Ledger) -> Callable[..., str]:
    """Queue a job and return its id."""

    def ask(name: str, **changes: object) -> str:
        return ledger.submit(a_request(name, **changes), backend="local", price_per_hour=0.0).id

    return ask


def a_request(name: str, **changes: object) -> Request:
    values: dict[str, object] = {
        "team": "T1",
        "channel": "C1",
        "user": "U1",
        "dataset": "demo/parcel",
        "pipeline": Pipeline.AERIAL,
        "key": f"key-{name}",
        "job_id": name,
    }
    return Request(**(values | changes))  # type: ignore[arg-type]


def an_event(job: str, seq: int, stage: Stage, status: Status, **changes: object) -> Event:
    values: dict[str, object] = {
        "job": job,
        "attempt": 1,
        "seq": seq,
        "stage": stage,
        "status": status,
        "fraction": 1.0 if status is Status.DONE else 0.5,
        "message": f"{stage} {status}",
        "time": 1_790_000_000.0 + seq,
        "metrics": {"seconds": 2.0} if status is Status.DONE else {},
    }
    return Event(**(values | changes))  # type: ignore[arg-type]
