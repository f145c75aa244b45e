"""What the API answers, documented by these in OpenAPI. What it takes is bot.core.orders.Order."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from bot.core.jobs import Job, State
from gpu.job import Pipeline, Stage


class JobStatus(BaseModel):
    """Where a job stands. Times are Unix seconds, `cost` is US dollars until now.

    `error` and `hint` are set when it has failed, the addresses when it has succeeded.
    """

    id: str
    dataset: str
    pipeline: Pipeline
    options: dict[str, int | str]
    user: str
    state: State
    position: int
    stage: Stage | None
    fraction: float
    message: str
    created_at: float
    started_at: float | None
    finished_at: float | None
    metrics: dict[str, Any]
    cost: float
    error: str
    hint: str
    cancelled_by: str
    viewer_url: str
    manifest_url: str

    @classmethod
    def of(cls, job: Job, *, position: int, cost: float) -> JobStatus:
        """Describe a job; `position` is its place in the queue, 0 when it does not wait."""
        known = {name: getattr(job, name) for name in cls.model_fields if hasattr(job, name)}
        return cls(**known, position=position, cost=round(cost, 4))


class Problem(BaseModel):
    """What is wrong, in one or two sentences."""

    detail: str
