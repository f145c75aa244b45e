"""What can be wrong with what the user gave us.

SplatError (gpu.job)
└── BadInput             the photos, or the place that they come from, can not be used
    ├── NoPhotos         nothing there that we can read as a photo
    ├── BadArchive       a .zip that is damaged, locked, too large or unsafe
    ├── DownloadFailed   a file could not be read from its URL
    ├── TooFewPhotos     fewer than three photos are usable
    ├── PhotosAlike      all photos show the same view
    └── RemoverNotInstalled   the background, or people, can not be removed on this machine
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from gpu.job import MIN_PHOTOS, SplatError


class BadInput(SplatError):
    """The photos, or the place that they come from, can not be used."""

    lasting = True


class NoPhotos(BadInput):
    """There is nothing at the place given that we can read as a photo."""


class BadArchive(BadInput):
    """A .zip that is damaged, locked, too large or unsafe. Nothing of it is unpacked."""


class DownloadFailed(BadInput):
    """A file could not be read. Names the file, never its URL: a presigned URL is a secret."""

    lasting = False


class TooFewPhotos(BadInput):
    """Fewer than three photos are usable. `dropped` says why each of the others is not."""

    def __init__(self, usable: int, dropped: Mapping[str, str]) -> None:
        few = ("No photo is", "Only 1 photo is", "Only 2 photos are")
        super().__init__(
            f"{few[usable]} usable, and at least {MIN_PHOTOS} are needed{because(dropped)}.",
            hint="Add photos of the same scene from different places; 20 or more work well.",
        )


class PhotosAlike(BadInput):
    """All photos show the same view, so there is no depth to see."""

    def __init__(self, photos: int) -> None:
        super().__init__(
            f"All {photos} photos show the same view, so their depth can not be measured.",
            hint="Walk around the subject and take a photo every step or two.",
        )


class RemoverNotInstalled(BadInput):
    """The background, or people, can not be removed on this machine, and why."""

    def __init__(self, what: str, place: Path, why: str) -> None:
        verb = "The background" if what == "background" else "People"
        super().__init__(
            f"{verb} can not be removed on this machine: {why}.",
            hint="Leave `--remove` away, put a folder `masks` beside the photos, or have the"
            f" operator put a network into {place} (operator guide, *Background and people*).",
        )


def because(dropped: Mapping[str, str]) -> str:
    """Return ' (left out: a.jpg is damaged, ...)' or nothing."""
    return f" (left out: {named([f'{n}: {why}' for n, why in dropped.items()])})" if dropped else ""


def named(names: Sequence[str], most: int = 6) -> str:
    """Join names for a sentence; after `most` of them say how many more there are."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
