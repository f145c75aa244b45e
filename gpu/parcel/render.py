"""Renders the parcel's photos and writes them with their EXIF.

The ground's colour and light are baked into a map first: almost every ray ends there, and most
of the texture's cost is paid once instead of once per photo.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numba
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gpu.job import InvalidValue
from gpu.parcel.camera import RING_HEIGHTS, Shot, flight, focal_pixels, intrinsics
from gpu.parcel.exif import describe
from gpu.parcel.ground import height
from gpu.parcel.jit import kernel, parallel_kernel, sources_digest
from gpu.parcel.light import (
    TILE,
    GroundMap,
    bake_ground,
    bake_heights,
    bake_shadows,
    bake_sky,
    ground_radiance,
    shade,
)
from gpu.parcel.scene import parcel
from gpu.parcel.textures import Colour
from gpu.parcel.trace import (
    LEAVES,
    Floats,
    HeightMap,
    Ints,
    Solids,
    Vector,
    ground_distance,
    nearest,
    towards,
)

Bytes = NDArray[np.uint8]
Progress = Callable[[float, str], None]

STAMP, PHOTO = ".parcel.json", "parcel_{:03d}.jpg"
QUALITY = 92
PHOTOS, SIDE = (8, 200), (64, 8192)
#: Half the size of the finely and the coarsely baked ground, and of the maps of sky and sun.
FINE, COARSE, SKY = (30.0, 25.0), (85.0, 80.0), (24.0, 19.0)
SUN_PLANE = (42.0, 36.0)
#: Steps of the film curve per unit of radiance.
FILM_STEPS = 8192
SKY_COLOUR = (0.55, 0.68, 0.88)
#: What the ground's map adds to the time: the part of the progress that it is.
BAKE = 0.2


@dataclass(frozen=True)
class World:
    """All that rays can meet, lit."""

    solids: Solids
    shadows: HeightMap
    heights: HeightMap
    fine: GroundMap
    coarse: GroundMap
    salt: int


def bake(seed: int, ground_pixel: float) -> World:
    """Build the parcel of a seed; `ground_pixel` (metres) is a photo's on the ground."""
    salt = 1009 * seed
    solids = parcel(seed)
    heights = HeightMap(*_lattice(COARSE, 0.5))
    bake_heights(*heights)
    sky = HeightMap(*_lattice(SKY, 0.4))
    bake_sky(solids, heights, *sky)
    shadows = HeightMap(*_lattice(SUN_PLANE, 1.4 * ground_pixel))
    bake_shadows(solids, *shadows)
    fine = GroundMap(*_canvas(FINE, 0.75 * ground_pixel))
    coarse = GroundMap(*_canvas(COARSE, 5.0 * ground_pixel))
    for ground in (fine, coarse):
        bake_ground(heights, sky, shadows, *ground, salt)
    return World(solids, shadows, heights, fine, coarse, salt)


def _lattice(half: tuple[float, float], cell: float) -> tuple[float, float, float, Floats]:
    columns, rows = (int(2 * side / cell) + 1 for side in half)
    return -half[0], -half[1], cell, np.ones((rows, columns))


def _canvas(
    half: tuple[float, float], cell: float
) -> tuple[float, float, float, NDArray[np.float32]]:
    columns, rows = (int(2 * side / cell) + 1 for side in half)
    return -half[0], -half[1], cell, np.zeros((rows, columns, 3), np.float32)


@kernel
def _ground(fine: GroundMap, coarse: GroundMap, x: float, y: float) -> Colour:
    if abs(x) < -fine.left and abs(y) < -fine.low:
        return ground_radiance(fine, x, y)
    return ground_radiance(coarse, x, y)


@kernel
def _ray(rotation: Floats, u: float, v: float) -> Vector:
    """Return the unit direction in the world of the point (u, v) of a picture at distance 1."""
    x = rotation[0, 0] * u + rotation[1, 0] * v + rotation[2, 0]
    y = rotation[0, 1] * u + rotation[1, 1] * v + rotation[2, 1]
    z = rotation[0, 2] * u + rotation[1, 2] * v + rotation[2, 2]
    size = math.sqrt(u * u + v * v + 1.0)
    return x / size, y / size, z / size


@kernel
def _pixel(
    solids: Solids,
    shadows: HeightMap,
    few: Ints,
    count: int,
    heights: HeightMap,
    fine: GroundMap,
    coarse: GroundMap,
    rotation: Floats,
    o: Vector,
    u: float,
    v: float,
    width: float,
    salt: int,
) -> Colour:
    """Return the sum of what the four rays of the pixel at (u, v) see."""
    r, g, b = 0.0, 0.0, 0.0
    before, c = -1, SKY_COLOUR
    for k in range(4):
        d = _ray(rotation, u + width * (0.25 + 0.5 * (k & 1)), v + width * (0.25 + 0.25 * (k & 2)))
        ground = ground_distance(heights, o, d)
        far, i = nearest(solids, few, count, o, d, ground)
        x, y = o[0] + far * d[0], o[1] + far * d[1]
        if i < 0:
            c = SKY_COLOUR if math.isinf(ground) else _ground(fine, coarse, x, y)
        elif i != before or solids.material[i] != LEAVES:
            # Leaves are shaded once a pixel: they are costly, and too irregular to show it.
            c = shade(solids, shadows, i, (x, y, o[2] + far * d[2]), salt)
        before = i
        r, g, b = r + c[0], g + c[1], b + c[2]
    return r, g, b


def _film() -> Bytes:
    """Return the 8-bit sRGB values of radiances 0 to 4: a soft shoulder, then the sRGB curve."""
    c = 1.0 - np.exp(-np.arange(4 * FILM_STEPS) / FILM_STEPS)
    s = np.where(c < 0.0031308, 12.92 * c, 1.055 * c ** (1.0 / 2.4) - 0.055)
    return np.asarray(255.0 * s + 0.5).astype(np.uint8)


@parallel_kernel
def paint(
    solids: Solids,
    shadows: HeightMap,
    heights: HeightMap,
    fine: GroundMap,
    coarse: GroundMap,
    rotation: Floats,
    o: Vector,
    focal: float,
    exposure: float,
    salt: int,
    film: Bytes,
    picture: Bytes,
) -> None:
    """Fill a picture (height, width, 3) tile by tile: 2 x 2 rays a pixel, slightly vignetted."""
    rows, columns, _ = picture.shape
    last = len(film) - 1
    across, down = -(-columns // TILE), -(-rows // TILE)
    for tile in numba.prange(across * down):
        found = np.empty(len(solids.kind), np.int64)
        top, side = tile // across * TILE, tile % across * TILE
        middle = _ray(
            rotation,
            (side + TILE / 2 - columns / 2) / focal,
            (top + TILE / 2 - rows / 2) / focal,
        )
        count = towards(solids, o, 0.0, middle, TILE / focal, found)
        for row in range(top, min(top + TILE, rows)):
            for column in range(side, min(side + TILE, columns)):
                u, v = (column - columns / 2) / focal, (row - rows / 2) / focal
                r, g, b = _pixel(
                    solids,
                    shadows,
                    found,
                    count,
                    heights,
                    fine,
                    coarse,
                    rotation,
                    o,
                    u,
                    v,
                    1.0 / focal,
                    salt,
                )
                light = 0.25 * FILM_STEPS * exposure * (1.0 - 0.12 * (u * u + v * v))
                picture[row, column, 0] = film[min(int(light * r), last)]
                picture[row, column, 1] = film[min(int(light * g), last)]
                picture[row, column, 2] = film[min(int(light * b), last)]


def photograph(world: World, shot: Shot, size: tuple[int, int]) -> Bytes:
    """Return one photo, (height, width, 3) sRGB."""
    picture = np.zeros((size[1], size[0], 3), np.uint8)
    o = (float(shot.centre[0]), float(shot.centre[1]), float(shot.centre[2]))
    parts = (world.solids, world.shadows, world.heights, world.fine, world.coarse)
    paint(*parts, shot.rotation, o, focal_pixels(size), shot.exposure, world.salt, _film(), picture)
    return picture


def generate(
    out_dir: Path | str,
    photos: int = 36,
    size: tuple[int, int] = (960, 720),
    seed: int = 7,
    progress: Progress | None = None,
) -> list[Path]:
    """Write the photos of a flight over the parcel into a folder and return their paths.

    Deterministic for (photos, size, seed). Does nothing when the folder already holds them.
    `progress` gets (fraction done, message). Raises InvalidValue for a number out of range.
    """
    _check(photos, size, seed)
    out, tell = Path(out_dir), progress or _silent
    paths = [out / PHOTO.format(i + 1) for i in range(photos)]
    made = {"version": sources_digest(), "photos": photos, "size": list(size), "seed": seed}
    if not _is_made(out, made, paths):
        out.mkdir(parents=True, exist_ok=True)
        for old in [out / STAMP, *out.glob(PHOTO.replace("{:03d}", "*"))]:
            old.unlink(missing_ok=True)
        _photograph_all(paths, size, seed, tell)
        (out / STAMP).write_text(json.dumps(made), encoding="utf-8")
    tell(1.0, f"{photos} photos of the parcel are in {out}.")
    return paths


def _photograph_all(paths: list[Path], size: tuple[int, int], seed: int, tell: Progress) -> None:
    tell(0.0, "Laying out the parcel.")
    shots = flight(len(paths), seed)
    world = bake(seed, max(RING_HEIGHTS) / focal_pixels(size))
    for index, (path, shot) in enumerate(zip(paths, shots, strict=True)):
        tell(BAKE + (1.0 - BAKE) * index / len(paths), f"Photo {index + 1} of {len(paths)}.")
        image = Image.fromarray(photograph(world, shot, size))
        image.save(path, quality=QUALITY, exif=describe(shot, index))


def write_truth(file: Path | str, photos: int, size: tuple[int, int], seed: int) -> None:
    """Write what the photos hide: K, world-to-camera poses (4 x 4) and heights of the ground.

    Frame: metres east, north, up of the origin; ground points are (east, north, up).
    """
    places = [(float(x), float(y)) for x in range(-20, 21, 5) for y in range(-15, 16, 5)]
    truth = {
        "size": size,
        "K": intrinsics(size).tolist(),
        "poses": {
            PHOTO.format(i + 1): shot.world_to_camera.tolist()
            for i, shot in enumerate(flight(photos, seed))
        },
        "ground": [(x, y, height(x, y)) for x, y in places],
    }
    Path(file).write_text(json.dumps(truth), encoding="utf-8")


def _is_made(out: Path, made: dict[str, object], paths: list[Path]) -> bool:
    try:
        stamp = json.loads((out / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(stamp == made) and all(p.is_file() for p in paths)


def _check(photos: int, size: tuple[int, int], seed: int) -> None:
    for name, value, (low, high) in (
        ("photos", photos, PHOTOS),
        ("width", size[0], SIDE),
        ("height", size[1], SIDE),
        ("seed", seed, (0, 2**31 - 1)),
    ):
        if not low <= value <= high:
            raise InvalidValue(name, value, f"a whole number from {low} to {high}")


def _silent(fraction: float, message: str) -> None:
    """Drop the progress."""
