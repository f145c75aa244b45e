"""What a job's machine is told to do, with addresses that are good for that job alone."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from bot.core.errors import StorageError
from bot.core.jobs import CAMERAS, EARLIER, Job, Options
from bot.storage.base import Storage
from bot.storage.names import result_key
from gpu.job import JobSpec, Source
from gpu.job.choices import PUBLISH
from gpu.job.messages import Assignment
from gpu.job.paths import FOUND, KEPT
from gpu.job.public import is_address

#: Seconds for which an address is good: longer than any job.
SIGNED = 6 * 3600


def specification(job: Job, storage: Storage) -> JobSpec:
    """Return a job as the pipeline reads it. Raises UnknownDataset and StorageError."""
    options: dict[str, Any] = dict(job.options)
    return JobSpec(
        job_id=job.id,
        dataset=job.dataset,
        source=_source(job.dataset, storage),
        target=storage.target(job.id, photos=options.get("photos") == PUBLISH),
        pipeline=job.pipeline,
        attempt=job.attempt,
        kept=_kept(job.options, storage),
        **options,
    )


def _kept(options: Options, storage: Storage) -> Source | None:
    """Say where what is taken over of an earlier job is. Raises StorageError.

    None where there is nothing; on the bot's own machine it is in the job's folder.
    """
    earlier, cameras = options.get(EARLIER), options.get(CAMERAS)
    names = KEPT if earlier else FOUND if cameras else ()
    keys = {name: result_key(str(earlier or cameras), name) for name in names}
    there = {name: key for name, key in keys.items() if storage.size(key) is not None}
    with suppress(StorageError):
        urls = {name: storage.sign_get(key, SIGNED) for name, key in there.items()}
        return Source(urls=urls) if urls else None
    return None


def _source(dataset: str, storage: Storage) -> Source:
    """Say where the photos are: in the store, or wherever the address of a .zip leads."""
    return Source(address=dataset) if is_address(dataset) else storage.source(dataset)


def assignment(
    job: Job, storage: Storage, *, seconds: float, self_destruct: Mapping[str, str] | None
) -> Assignment:
    """Return what a machine that has booted has to do within `seconds` of the job's start."""
    deadline = (job.started_at or job.created_at) + seconds
    return Assignment(specification(job, storage).to_json(), deadline, self_destruct)
