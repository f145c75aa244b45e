"""The record of the photos that `preprocess` leaves for the stages after it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from gpu.ingest.exif import Gps
from gpu.ingest.xmp import Triple
from gpu.job import JobPaths


@dataclass(frozen=True)
class Rig:
    """A photo's place among others that were taken at one moment from one point.

    `frame` is equal for them; `rotation` is the unit quaternion (w, x, y, z) that turns
    directions of the frame into this photo's camera (x right, y down, z ahead), exactly.
    """

    frame: str
    rotation: tuple[float, float, float, float]


@dataclass(frozen=True)
class Photo:
    """One usable photo.

    `name` is what the user called it, `image` the file in `work/images` of `width` x `height`
    pixels, upright. `camera` is equal for photos that share one set of intrinsics. `focal` in
    pixels of that file; `gps` latitude, longitude (degrees, WGS 84), altitude (metres).

    `gps_sigma` is the standard deviation east, north and up (metres) that the receiver states;
    `gimbal` yaw from north, pitch (-90 is straight down), roll (degrees); `up` the unit vector up
    in the camera's frame (x right, y down, z ahead), as a phone measured it; `above_start` metres
    above the take-off. `masked`: `work/masks/<image>.png` is white where the photo counts.
    `sequence` names the video that it is a frame of, and `rig` what it is a part of.
    """

    name: str
    image: str
    width: int
    height: int
    camera: str
    focal: float | None = None
    gps: Gps | None = None
    gps_sigma: Triple | None = None
    gimbal: Triple | None = None
    up: Triple | None = None
    above_start: float | None = None
    taken: str | None = None
    masked: bool = False
    sequence: str | None = None
    rig: Rig | None = None

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> Photo:
        """Build the record from parsed JSON, in which tuples are lists."""
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in raw.items()
        }
        rig = values.get("rig")
        values["rig"] = rig and Rig(rig["frame"], tuple(rig["rotation"]))
        return cls(**values)


@dataclass(frozen=True)
class Photos:
    """The usable photos by name, and why each other one was left out."""

    photos: tuple[Photo, ...]
    dropped: Mapping[str, str] = field(default_factory=dict)

    @property
    def given(self) -> int:
        """How many photos the user gave."""
        return len(self.photos) + len(self.dropped)

    @property
    def names(self) -> Mapping[str, str]:
        """What the user called each photo, by its file in `work/images`."""
        return {photo.image: photo.name for photo in self.photos}

    def save(self, paths: JobPaths) -> None:
        """Write `work/photos.json`."""
        record_file(paths).write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")

    @classmethod
    def load(cls, paths: JobPaths) -> Photos:
        """Read `work/photos.json`."""
        raw = json.loads(record_file(paths).read_text(encoding="utf-8"))
        return cls(tuple(Photo.from_dict(photo) for photo in raw["photos"]), raw["dropped"])


def record_file(paths: JobPaths) -> Path:
    """Where the record is kept."""
    return paths.work / "photos.json"
