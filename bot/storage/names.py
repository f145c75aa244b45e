"""Which names in a store are photos, and which are ours."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from gpu.job.captures import PHOTOS, VIDEOS, is_cameras
from gpu.job.errors import InvalidValue
from gpu.job.messages import GEOMETRY
from gpu.job.paths import OUTPUTS, PHOTO_FILES, PREVIEW

#: Where the results of jobs are; nothing under it is a dataset.
RESULTS = "splats"

#: Where the bot keeps what is for itself alone; no dataset, and never public.
PRIVATE = ".splatbot"

#: Folders beside the photos that hold something else than photos.
BESIDE = frozenset({"mask", "masks", "depth", "depths"})

#: Characters of a file's name that we give.
NAME = 80


def private_key(job_id: str, name: str) -> str:
    """The key of a file of a job that only the bot reads: request.json, log.txt, a preview."""
    return f"{PRIVATE}/jobs/{job_id}/{name}"


def result_key(job_id: str, name: str) -> str:
    """The key of a file that a job's machine writes: a result, or something for the bot alone."""
    is_result = name in (*OUTPUTS, PREVIEW, *GEOMETRY, *PHOTO_FILES)
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
    return name.lower().endswith(tuple(PHOTOS)) and not name.startswith(".")


def is_archive(name: str) -> bool:
    """Whether a file name is that of an archive of photos."""
    return name.lower().endswith(".zip") and not name.startswith(".")


def is_video(name: str) -> bool:
    """Whether a file name is that of a video: its sharpest frames become photos."""
    return name.lower().endswith(tuple(VIDEOS)) and not name.startswith(".")


def is_capture(name: str) -> bool:
    """Whether a file name is that of a photo or a video."""
    return is_photo(name) or is_video(name)


def is_wanted(key: str) -> bool:
    """Whether a job reads a file: photos, masks, videos, other programs' cameras."""
    return is_capture(key.rsplit("/", 1)[-1]) or is_cameras(key)


def is_set(folder: str) -> bool:
    """Whether what is in a folder is a dataset: masks and depth belong to photos elsewhere."""
    return folder.rsplit("/", 1)[-1].lower() not in BESIDE


def safe_name(name: str) -> str:
    """Return a file's name as one that every storage and URL can hold, its suffix kept.

    Letters and digits of any script stay; what leads elsewhere or hides the file does not.
    """
    plain = unicodedata.normalize("NFC", name).replace("\\", "/").rsplit("/", 1)[-1]
    stem, dot, suffix = plain.rpartition(".")
    stem = re.sub(r"[^\w.+-]+", "_", stem if dot else suffix).strip("._") or "photo"
    ending = re.sub(r"[^a-z0-9]", "", suffix.lower())[:8] if dot else ""
    return f"{stem[:NAME]}.{ending}" if ending else stem[:NAME]


def file_names(names: Sequence[str]) -> list[str]:
    """Return safe names for files of one folder, no two of them alike on any disk."""
    taken: set[str] = set()
    result = []
    for name in map(safe_name, names):
        stem, _, suffix = name.rpartition(".")
        candidate, number = name, 1
        while candidate.lower() in taken:
            number += 1
            candidate = f"{stem}-{number}.{suffix}"
        taken.add(candidate.lower())
        result.append(candidate)
    return result
