"""Which names in a store are photos, and which are ours."""

from __future__ import annotations

#: Where the results of jobs are; nothing under it is a dataset.
RESULTS = "splats"

PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".heic")


def is_photo(name: str) -> bool:
    """Whether a file name is that of a photo. Names with a dot in front are a Mac's notes."""
    return name.lower().endswith(PHOTO_SUFFIXES) and not name.startswith(".")


def is_archive(name: str) -> bool:
    """Whether a file name is that of an archive of photos."""
    return name.lower().endswith(".zip") and not name.startswith(".")
