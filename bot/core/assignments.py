"""What a job's machine is told to do, with addresses that are good for that job alone."""

from __future__ import annotations

from collections.abc import Mapping

from bot.core.jobs import Job
from bot.storage.base import Storage
from gpu.job import JobSpec
from gpu.job.messages import Assignment


def specification(job: Job, storage: Storage) -> JobSpec:
    """Return a job as the pipeline reads it. Raises UnknownDataset and StorageError."""
    return JobSpec(
        job_id=job.id,
        dataset=job.dataset,
        source=storage.source(job.dataset),
        target=storage.target(job.id),
        pipeline=job.pipeline,
        attempt=job.attempt,
        **job.options,
    )


def assignment(
    job: Job, storage: Storage, *, seconds: float, self_destruct: Mapping[str, str] | None
) -> Assignment:
    """Return what a machine that has booted has to do within `seconds` of the job's start."""
    deadline = (job.started_at or job.created_at) + seconds
    return Assignment(specification(job, storage).to_json(), deadline, self_destruct)
