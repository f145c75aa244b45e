"""Puts solids together into the arrays that rays are traced against."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from gpu.parcel.materials import Material
from gpu.parcel.trace import BOX, ELLIPSOID, GABLE, Floats, Solids


def turn(yaw: float, roll: float = 0.0) -> Floats:
    """Return axes (as rows) turned by `roll` about the own x, then by `yaw` about the vertical."""
    c, s, a, b = np.cos(yaw), np.sin(yaw), np.cos(roll), np.sin(roll)
    lean = np.array([[1.0, 0.0, 0.0], [0.0, a, b], [0.0, -b, a]])
    return np.asarray(lean @ np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]]))


@dataclass
class Builder:
    """Collects solids; those added inside one `with group():` are one thing."""

    rows: list[tuple[int, Material, Floats, Floats, Floats, float, float]] = field(
        default_factory=list
    )
    first: list[int] = field(default_factory=lambda: [0])

    @contextmanager
    def group(self) -> Iterator[None]:
        """Make one thing of what is added inside: its leaves shade each other."""
        yield
        if len(self.rows) > self.first[-1]:
            self.first.append(len(self.rows))

    def box(
        self,
        centre: tuple[float, float, float],
        half: tuple[float, float, float],
        material: Material,
        *,
        axes: Floats | None = None,
        tone: float = 0.5,
        slope: float = 0.0,
    ) -> None:
        """Add an oriented box; with a `slope` its top is a gabled roof along the own x."""
        own = turn(0.0) if axes is None else axes
        kind = GABLE if slope > 0.0 else BOX
        self.rows.append((kind, material, np.array(centre), own, np.array(half), slope, tone))

    def ellipsoid(
        self,
        centre: tuple[float, float, float],
        half: tuple[float, float, float],
        material: Material,
        *,
        tone: float = 0.5,
    ) -> None:
        """Add an ellipsoid along the world's axes."""
        row = (ELLIPSOID, material, np.array(centre), turn(0.0), np.array(half), 0.0, tone)
        self.rows.append(row)

    def build(self) -> Solids:
        """Return the arrays."""
        kind, material, centre, axes, half, slope, tone = zip(*self.rows, strict=True)
        middle, own, extents = np.array(centre), np.array(axes), np.array(half)
        reach = np.einsum("nij,ni->nj", np.abs(own), extents)
        starts, sizes = self.first[:-1], np.diff(self.first)
        low = np.minimum.reduceat(middle - reach, starts)
        high = np.maximum.reduceat(middle + reach, starts)
        box = np.array(kind) != ELLIPSOID
        radius = np.where(box, np.linalg.norm(extents, axis=1), extents.max(axis=1))
        return Solids(
            np.array(kind),
            np.array(material, dtype=np.int64),
            middle,
            own,
            extents,
            np.array(slope),
            np.array(tone),
            radius,
            np.repeat(np.hstack([low, high]), sizes, axis=0),
        )
