"""A known scene: a cube with a colour per face on a chequered plane that rises to the east.

World frame: right-handed, Z up, metres. The cube is 4 m wide, stands on the ground around the
origin; the plane is 24 m wide, level west of x = 6, and rises 0.5 m per metre east of it.
"""

import math
import struct
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np

from gpu.export.walls import BLOCKED, Walls

Colour = tuple[int, int, int]
Point = tuple[float, float, float]

HALF_PLANE = 12.0
RAMP_FROM, SLOPE = 6.0, 0.5
HALF_CUBE = 2.0
LIGHT, DARK = (200, 200, 190), (70, 74, 80)
SOUTH, NORTH, EAST, WEST, TOP = (
    (220, 50, 40),  # red, faces -y
    (40, 90, 220),  # blue, faces +y
    (240, 190, 30),  # yellow, faces +x
    (40, 170, 80),  # green, faces -x
    (200, 60, 200),  # magenta, faces +z
)
EYE = 1.7
RECORD = struct.Struct("<6f8B")
FLAT_ROTATION = (255, 128, 128, 128)


def ground(x: float) -> float:
    """Height of the plane, metres."""
    return max(0.0, (x - RAMP_FROM) * SLOPE)


@cache
def splat() -> bytes:
    """The scene as a .splat file of about 30,000 Gaussians, one megabyte."""
    return b"".join(_record(place, size, colour) for place, size, colour in _gaussians())


def height_map() -> dict[str, Any]:
    """The manifest's `ground`: one height per metre."""
    side = range(-int(HALF_PLANE), int(HALF_PLANE) + 1)
    return {
        "origin": [-HALF_PLANE, -HALF_PLANE],
        "cell": 1.0,
        "columns": len(side),
        "rows": len(side),
        "heights": [ground(x) for _ in side for x in side],
    }


def walls() -> dict[str, Any]:
    """The manifest's `walls`, as the pipeline packs them: nobody can stand in the cube."""
    cell, side = 0.25, round(2 * HALF_PLANE / 0.25)
    tops = np.zeros((side, side), np.uint8)
    low, high = (round((HALF_PLANE + at) / cell) for at in (-HALF_CUBE, HALF_CUBE))
    tops[low:high, low:high] = BLOCKED
    return Walls((-HALF_PLANE, -HALF_PLANE), cell, tops).to_json()


def manifest(**changes: Any) -> dict[str, Any]:
    """A manifest as the pipeline writes it; `changes` replace fields."""
    low, high = [-HALF_PLANE, -HALF_PLANE, 0.0], [HALF_PLANE, HALF_PLANE, 4.0]
    return {
        "version": 1,
        "job": "cube",
        "title": "demo/cube",
        "pipeline": "splat",
        "created_at": "2026-11-20T12:00:00Z",
        "splat_url": "scene.splat",
        "ply_url": "scene.ply",
        "thumbnail_url": "thumbnail.jpg",
        "viewer_mode": "orbit",
        "viewer_modes": ["orbit", "fly", "walk", "topdown"],
        "scene_bounds": {
            "min": low,
            "max": high,
            "center": [0, 0, 2],
            "size": [24, 24, 4],
            "ground_z": 0.0,
        },
        "camera_defaults": {"position": [0, -16, 9], "look_at": [0, 0, 1.5], "up": [0, 0, 1]},
        "walk_camera_defaults": {
            "position": [0, -9, EYE],
            "look_at": [0, 0, EYE],
            "up": [0, 0, 1],
        },
        "ground": height_map(),
        "metadata": {
            "metric": True,
            "gaussians": len(splat()) // RECORD.size,
            "photos": 36,
            "photos_registered": 35,
            "psnr": 26.42,
            "ssim": 0.871,
            "lpips": 0.214,
            "held_out_joined": True,
            "splat_size_mb": 1.0,
        },
    } | changes


@cache
def ply() -> bytes:
    """The same scene as a standard 3DGS .ply with colours of degree 0."""
    names = "x y z f_dc_0 f_dc_1 f_dc_2 opacity scale_0 scale_1 scale_2 rot_0 rot_1 rot_2 rot_3"
    records = list(_gaussians())
    header = ["ply", "format binary_little_endian 1.0", f"element vertex {len(records)}"]
    header += [f"property float {name}" for name in names.split()] + ["end_header", ""]
    vertex = struct.Struct("<14f")
    rows = (
        vertex.pack(
            *place,
            *((c / 255 - 0.5) / 0.28209479 for c in colour),
            5.0,
            *([math.log(size)] * 3),
            1,
            0,
            0,
            0,
        )
        for place, size, colour in records
    )
    return "\n".join(header).encode() + b"".join(rows)


def _record(place: Point, size: float, colour: Colour) -> bytes:
    return RECORD.pack(*place, size, size, size, *colour, 255, *FLAT_ROTATION)


def _gaussians() -> Iterator[tuple[Point, float, Colour]]:
    yield from _cube(36)
    yield from _plane(154)


def _plane(steps: int) -> Iterator[tuple[Point, float, Colour]]:
    size = 2 * HALF_PLANE / steps
    for i, j in ((i, j) for i in range(steps) for j in range(steps)):
        x, y = -HALF_PLANE + (i + 0.5) * size, -HALF_PLANE + (j + 0.5) * size
        colour = LIGHT if (math.floor(x / 2) + math.floor(y / 2)) % 2 else DARK
        yield (x, y, ground(x)), 0.5 * size, colour


def _cube(steps: int) -> Iterator[tuple[Point, float, Colour]]:
    step = 2 * HALF_CUBE / steps
    marks = [-HALF_CUBE + (i + 0.5) * step for i in range(steps)]
    for a, b in ((a, b) for a in marks for b in marks):
        high = b + HALF_CUBE
        yield (a, -HALF_CUBE, high), 0.5 * step, SOUTH
        yield (a, HALF_CUBE, high), 0.5 * step, NORTH
        yield (HALF_CUBE, a, high), 0.5 * step, EAST
        yield (-HALF_CUBE, a, high), 0.5 * step, WEST
        yield (a, b, 2 * HALF_CUBE), 0.5 * step, TOP
