"""The record of the photos that `preprocess` leaves for the stages after it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from gpu.ingest.exif import Gps
from gpu.job import JobPaths


@dataclass(frozen=True)
class Photo:
    """One usable photo.

    `name` is what the user called it, `image` the file in `work/images` of `width` x `height`
    pixels, upright. `camera` is equal for photos that share one set of intrinsics. `focal` in
    pixels of that file; `gps` latitude, longitude (degrees, WGS 84), altitude (metres).
    """

    name: str
    image: str
    width: int
    height: int
    camera: str
    focal: float | None = None
    gps: Gps | None = None


@dataclass(frozen=True)
class Photos:
    """The usable photos by name, and why each other one was left out."""

    photos: tuple[Photo, ...]
    dropped: Mapping[str, str] = field(default_factory=dict)

    @property
    def given(self) -> int:
        """How many photos the user gave."""
        return len(self.photos) + len(self.dropped)

    def save(self, paths: JobPaths) -> None:
        """Write `work/photos.json`."""
        record_file(paths).write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")

    @classmethod
    def load(cls, paths: JobPaths) -> Photos:
        """Read `work/photos.json`."""
        raw = json.loads(record_file(paths).read_text(encoding="utf-8"))
        for photo in raw["photos"]:
            photo["gps"] = tuple(photo["gps"]) if photo["gps"] else None
        return cls(tuple(Photo(**p) for p in raw["photos"]), raw["dropped"])


def record_file(paths: JobPaths) -> Path:
    """Where the record is kept."""
    return paths.work / "photos.json"
