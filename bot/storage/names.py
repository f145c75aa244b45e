"""Which names in a store are photos, and which are ours."""

from __future__ import annotations

from gpu.job.errors import InvalidValue
from gpu.job.messages import GEOMETRY
from gpu.job.paths import OUTPUTS

#: Where the results of jobs are; nothing under it is a dataset.
RESULTS = "splats"

#: Where the bot keeps what is for itself alone; no dataset, and never public.
PRIVATE = ".splatbot"

PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".heic")


def private_key(job_id: str, name: str) -> str:
    """The key of a file of a job that only the bot reads: request.json, log.txt, a preview."""
    return f"{PRIVATE}/jobs/{job_id}/{name}"


def result_key(job_id: str, name: str) -> str:
    """The key of a file that a job's machine writes: a result, or something for the bot alone."""
    is_result = name in (*OUTPUTS, *GEOMETRY)
    return f"{RESULTS}/{job_id}/{name}" if is_result else private_key(job_id, name)


def is_ours(key: str) -> bool:
    """Whether a key is of our own making, so that nothing under it is a dataset."""
    return key.startswith((f"{RESULTS}/", f"{PRIVATE}/"))


def check_private(key: str) -> None:
    """Raise InvalidValue for a key that may not be removed: what is not the bot's own alone."""
    if not key.startswith(f"{PRIVATE}/"):
        raise InvalidValue("key", key, f"keys under {PRIVATE}/")


def is_photo(name: str) -> bool:
    """Whether a file name is that of a photo. Names with a dot in front are a Mac's notes."""
    return name.lower().endswith(PHOTO_SUFFIXES) and not name.startswith(".")


def is_archive(name: str) -> bool:
    """Whether a file name is that of an archive of photos."""
    return name.lower().endswith(".zip") and not name.startswith(".")
