"""What is known of a job's geometry: `geometry/geometry.json`, for the stages after it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from gpu.ingest.exif import Gps
from gpu.job import JobPaths


@dataclass(frozen=True)
class Geometry:
    """The geometry of a job, in the world frame (Z up).

    `registered` and `left_out` are the photos' own names. `images` are the registered photos'
    file names, in the order of `registered`. `reprojection_error` is the mean, in pixels;
    `track_length` the mean number of photos that see a point; `coverage` the share of its area in
    which the median photo sees points; `parts` the photos of each separate part, this one's first;
    `quality` says it in words, `tries` what each try came to. Lengths are metres when `metric`.
    `gps_rmse`, `gps_across` and `gps_up` are how far GPS and cameras are apart, in all, on the
    ground and in height; `gps_note` says why GPS was not used and `up_from` what told up instead.
    `camera_height` is the median height of the cameras above `ground_z`; for a drone flight with
    GPS that is the height above ground at which it flew. `origin` is the GPS place of (0, 0, 0),
    and `epsg` the UTM zone that it lies in. `digest` tells apart the photos that it was found from
    (gpu.geometry.earlier), and is empty in records of earlier versions.
    """

    registered: tuple[str, ...]
    left_out: tuple[str, ...]
    images: tuple[str, ...]
    points: int
    reprojection_error: float
    track_length: float
    rung: int
    metric: bool
    gps_rmse: float | None
    gps_agreeing: int
    origin: Gps | None
    ground_z: float
    camera_height: float
    scene_distance: float
    coverage: float | None = None
    parts: tuple[int, ...] = ()
    quality: str = ""
    tries: tuple[str, ...] = ()
    gps_across: float | None = None
    gps_up: float | None = None
    gps_note: str = ""
    up_from: str = ""
    epsg: int | None = None
    digest: str = ""

    def save(self, paths: JobPaths) -> None:
        """Write the record."""
        record_file(paths).write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")

    @classmethod
    def load(cls, paths: JobPaths) -> Geometry:
        """Read the record."""
        return cls.from_dict(json.loads(record_file(paths).read_text(encoding="utf-8")))

    @classmethod
    def from_dict(cls, raw: dict[str, object]) -> Geometry:
        """Build the record from parsed JSON, in which tuples are lists."""
        values = {k: tuple(v) if isinstance(v, list) else v for k, v in raw.items()}
        return cls(**values)  # type: ignore[arg-type]


def record_file(paths: JobPaths) -> Path:
    """Where the record is kept."""
    return paths.geometry / "geometry.json"
