"""A drone's flight over textured terraces, ray-cast: real photos for structure from motion, with
the truth known. Under a second for a dozen photos."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

Array = NDArray[np.float64]

SIZE, FOCAL = (400, 300), 330.0
ALTITUDE = 40.0
#: Height and (west, south, east, north) of each terrace, metres; the ground lies at 0.
TERRACES = (
    (6.0, (-18.0, -4.0, -6.0, 10.0)),
    (4.0, (6.0, -14.0, 16.0, -2.0)),
    (2.4, (2.0, 4.0, 18.0, 16.0)),
)
METRES_A_DEGREE = 111_320.0


@dataclass(frozen=True)
class Shot:
    """A photo's true place (East, North, Up, metres) and its rotation, camera to world [3, 3]."""

    centre: Array
    rotation: Array


def shots(count: int = 12) -> list[Shot]:
    """Lines of a grid, flown to and fro, the camera tilted a little."""
    return [_shot(i) for i in range(count)]


def _shot(i: int) -> Shot:
    wobble = np.random.default_rng(i)
    row, column = divmod(i, 4)
    east, north = 8.0 * column - 12.0, 10.0 * row - 10.0
    centre = np.array([east, north, ALTITUDE + wobble.uniform(-1.5, 1.5)])
    yaw = (row % 2) * np.pi + wobble.uniform(-0.2, 0.2)
    tilt = wobble.uniform(0.0, 0.25)
    right = np.array([np.cos(yaw), np.sin(yaw), 0.0])
    ahead = np.array([-np.sin(yaw) * np.sin(tilt), np.cos(yaw) * np.sin(tilt), -np.cos(tilt)])
    return Shot(centre, np.stack([right, np.cross(ahead, right), ahead], axis=1))


def photograph(
    folder: Path, count: int = 12, *, gps: bool = True, noise: float = 0.0
) -> list[Shot]:
    """Write the photos of the flight; `noise` (metres) is the standard error of the GPS."""
    folder.mkdir(parents=True, exist_ok=True)
    flown = shots(count)
    for i, shot in enumerate(flown):
        error = np.random.default_rng(1000 + i).normal(0, noise, 3) if noise else np.zeros(3)
        exif = _exif(shot.centre + error) if gps else Image.Exif()
        _render(shot).save(folder / f"shot_{i:02}.jpg", quality=95, exif=exif)
    return flown


def _render(shot: Shot) -> Image.Image:
    """Cast a ray for every pixel: the highest terrace that it meets, else the ground."""
    width, height = SIZE
    u, v = np.meshgrid(np.arange(width) + 0.5 - width / 2, np.arange(height) + 0.5 - height / 2)
    rays = np.stack([u / FOCAL, v / FOCAL, np.ones_like(u)], axis=-1) @ shot.rotation.T
    image = _surface(shot, rays, 0.0)[0]
    for z, box in sorted(TERRACES):
        colour, place = _surface(shot, rays, z)
        west, south, east, north = box
        x, y = place[..., 0], place[..., 1]
        on = (x > west) & (x < east) & (y > south) & (y < north)
        image[on] = colour[on]
    return Image.fromarray(image.round().clip(0, 255).astype(np.uint8))


def _surface(shot: Shot, rays: Array, z: float) -> tuple[Array, Array]:
    """Return what a level plane shows at each ray, and where, [H, W, 3] and [H, W, 2]."""
    along = (z - shot.centre[2]) / rays[..., 2]
    place = (shot.centre + along[..., None] * rays)[..., :2]
    return _texture(place + 100 * z), place


def _texture(place: Array) -> Array:
    """Sample a smooth random pattern, the same at every call, in metres."""
    grid = _pattern()
    at = np.mod(place / 0.16, len(grid) - 1)
    cell = at.astype(int)
    (fx, fy), (x, y) = np.moveaxis(at - cell, -1, 0)[..., None], np.moveaxis(cell, -1, 0)
    top = (1 - fx) * grid[y, x] + fx * grid[y, x + 1]
    bottom = (1 - fx) * grid[y + 1, x] + fx * grid[y + 1, x + 1]
    return (1 - fy) * top + fy * bottom


_CACHE: list[Array] = []


def _pattern() -> Array:
    if not _CACHE:
        _CACHE.append(sum(_octaves(), np.zeros((1024, 1024, 3))).clip(0, 255))
    return _CACHE[0]


def _octaves() -> Iterator[Array]:
    for cells, weight in ((32, 0.5), (128, 0.35), (340, 0.35)):
        noise = np.random.default_rng(cells).integers(0, 256, (cells, cells, 3), dtype=np.uint8)
        smooth = Image.fromarray(noise).resize((1024, 1024), Image.Resampling.BICUBIC)
        yield weight * np.asarray(smooth, np.float64)


def _exif(centre: Array) -> Image.Exif:
    """Say the place as GPS about 52.5 N, 13.4 E, 100 m, and the focal length as on film."""
    exif = Image.Exif()
    exif[ExifTags.Base.Model] = "Flight"
    film = FOCAL / float(np.hypot(*SIZE)) * float(np.hypot(36, 24))
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.FocalLengthIn35mmFilm] = round(film)
    latitude = 52.5 + centre[1] / 111_267.0
    longitude = 13.4 + centre[0] / (METRES_A_DEGREE * np.cos(np.radians(52.5)) * 1.00213)
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(
        {
            1: "N",
            2: _sexagesimal(latitude),
            3: "E",
            4: _sexagesimal(longitude),
            5: b"\x00",
            6: 100.0 + centre[2],
        }
    )
    return exif


def _sexagesimal(degrees: float) -> tuple[float, float, float]:
    whole = int(degrees)
    minutes = int((degrees - whole) * 60)
    return float(whole), float(minutes), round((degrees - whole - minutes / 60) * 3600, 5)
