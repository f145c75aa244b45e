"""How good a geometry is, and whether it is good enough: the gate of structure from motion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pycolmap

#: With this share of the photos placed, no harder try follows.
REGISTERED = 0.95
#: A mean reprojection error above this many thousandths of the photo's long side is no good
#: model: the real sets reach 0.3 to 1.
ERROR = 1.5e-3
#: Of a photo's area, this share holds points in the median photo; blank walls and chance reach
#: less than a tenth.
COVERAGE = 0.10
#: Columns and rows of cells in which a photo's coverage is counted.
CELLS = (8, 6)


@dataclass(frozen=True)
class Quality:
    """The figures of one model.

    `parts` are the photos of each component, this one's first. `error` is the mean reprojection
    error in pixels of a photo whose long side is `side`; `coverage` the share of its area in which
    the median photo sees points; `track` the mean number of photos that see a point.
    """

    photos: int
    parts: tuple[int, ...] = ()
    error: float = 0.0
    side: int = 0
    track: float = 0.0
    coverage: float = 0.0

    @property
    def registered(self) -> int:
        """The photos placed."""
        return self.parts[0] if self.parts else 0

    def shortfalls(self) -> tuple[str, ...]:
        """Say what is not good enough; nothing when the gate is passed."""
        said = []
        if self.registered < REGISTERED * self.photos:
            said.append(f"{self.registered} of {self.photos} photos placed")
        if len(self.parts) > 1 and self.registered < REGISTERED * self.photos:
            said.append(f"{len(self.parts)} separate parts")
        if self.parts and self.error > ERROR * self.side:
            said.append(f"an error of {self.error:.1f} pixels")
        if self.parts and self.coverage < COVERAGE:
            said.append(f"points in only {self.coverage:.0%} of a photo")
        return tuple(said)

    def sentence(self) -> str:
        """Say how good the model is, in words for people."""
        if self.registered == self.photos:
            how = "All photos hold together"
        elif self.registered >= REGISTERED * self.photos:
            how = "Nearly all photos hold together"
        elif self.registered >= 0.5 * self.photos:
            how = "Part of the photos could not be placed, so parts of the scene may be missing"
        else:
            how = "Most photos could not be placed: the scene shows only what the others see"
        exact = "precise" if self.error <= ERROR * self.side / 1.5 else "not very precise"
        return f"{how}; the cameras are {exact} ({self.error:.1f} pixels)"


def measure(model: pycolmap.Reconstruction, photos: int, parts: tuple[int, ...]) -> Quality:
    """Return the figures of `model`; `parts` as in Quality."""
    sides = [max(camera.width, camera.height) for camera in model.cameras.values()]
    shares = [_coverage(model, number) for number in model.reg_image_ids()]
    return Quality(
        photos=photos,
        parts=parts,
        error=float(model.compute_mean_reprojection_error()),
        side=max(sides),
        track=float(model.compute_mean_track_length()),
        coverage=float(np.median(shares)),
    )


def _coverage(model: pycolmap.Reconstruction, number: int) -> float:
    """Return the share of a photo's cells that hold a point."""
    image = model.image(number)
    camera = model.cameras[image.camera_id]
    seen = np.array([point.xy for point in image.get_observation_points2D()]).reshape(-1, 2)
    cells = np.floor(seen / (camera.width, camera.height) * CELLS).clip(0, np.array(CELLS) - 1)
    return len(np.unique(cells, axis=0)) / (CELLS[0] * CELLS[1])
