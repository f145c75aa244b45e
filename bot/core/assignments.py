"""What a job's machine is told to do, with addresses that are good for that job alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.core.jobs import Job
from bot.storage.base import Storage
from gpu.job import JobSpec, Source
from gpu.job.messages import Assignment
from gpu.job.public import is_address


def specification(job: Job, storage: Storage) -> JobSpec:
    """Return a job as the pipeline reads it. Raises UnknownDataset and StorageError."""
    options: dict[str, Any] = dict(job.options)
    return JobSpec(
        job_id=job.id,
        dataset=job.dataset,
        source=_source(job.dataset, storage),
        target=storage.target(job.id),
        pipeline=job.pipeline,
        attempt=job.attempt,
        **options,
    )


def _source(dataset: str, storage: Storage) -> Source:
    """Say where the photos are: in the store, or wherever the address of a .zip leads."""
    return Source(address=dataset) if is_address(dataset) else storage.source(dataset)


def assignment(
    job: Job, storage: Storage, *, seconds: float, self_destruct: Mapping[str, str] | None
) -> Assignment:
    """Return what a machine that has booted has to do within `seconds` of the job's start."""
    deadline = (job.started_at or job.created_at) + seconds
    return Assignment(specification(job, storage).to_json(), deadline, self_destruct)
