"""A map of the sparse points and the cameras, seen from above."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pycolmap
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from gpu.geometry.world import centres_of

WIDTH, HEIGHT, MARGIN = 960, 720, 40
BACKGROUND, INK, CAMERA = (18, 20, 24), (225, 228, 232), (255, 150, 40)


def draw_geometry(file: Path, model: pycolmap.Reconstruction, *, metric: bool) -> None:
    """Draw points in their colours and cameras with their viewing directions; North (+Y) is up."""
    points = np.array([p.xyz for p in model.points3D.values()])
    colours = np.array([p.color for p in model.points3D.values()])
    cameras = np.array([centre for _, centre in sorted(centres_of(model).items())])
    low, high = np.percentile(points[:, :2], [2, 98], axis=0)
    low, high = (
        np.minimum(low, cameras[:, :2].min(axis=0)),
        np.maximum(high, cameras[:, :2].max(axis=0)),
    )
    scale = min((WIDTH - 2 * MARGIN) / (high - low)[0], (HEIGHT - 2 * MARGIN) / (high - low)[1])
    middle = (low + high) / 2

    def place(xyz: NDArray[np.float64]) -> NDArray[np.float64]:
        flat = (xyz[:, :2] - middle) * scale
        return np.stack([WIDTH / 2 + flat[:, 0], HEIGHT / 2 - flat[:, 1]], axis=1)

    canvas = _scatter(place(points), points[:, 2], colours)
    ahead = np.array([model.image(i).viewing_direction() for i in _by_name(model)])
    _cameras(canvas, place(cameras), ahead)
    _scale_bar(canvas, scale, "m" if metric else "units")
    file.parent.mkdir(parents=True, exist_ok=True)
    canvas.save(file, quality=88)


def _by_name(model: pycolmap.Reconstruction) -> list[int]:
    return sorted(model.reg_image_ids(), key=lambda number: str(model.image(number).name))


def _scatter(
    places: NDArray[np.float64], heights: NDArray[np.float64], colours: NDArray[np.uint8]
) -> Image.Image:
    """Paint 2x2 pixels for every point, the highest last."""
    pixels = np.full((HEIGHT, WIDTH, 3), BACKGROUND, np.uint8)
    order = np.argsort(heights)
    columns, rows = np.round(places[order]).astype(int).T
    inside = (columns >= 0) & (columns < WIDTH - 1) & (rows >= 0) & (rows < HEIGHT - 1)
    for right, below in ((0, 0), (0, 1), (1, 0), (1, 1)):
        pixels[rows[inside] + below, columns[inside] + right] = colours[order][inside]
    return Image.fromarray(pixels)


def _cameras(canvas: Image.Image, places: NDArray[np.float64], ahead: NDArray[np.float64]) -> None:
    pen = ImageDraw.Draw(canvas)
    for (x, y), (east, north, _) in zip(places.tolist(), ahead.tolist(), strict=True):
        pen.line((x, y, x + 22 * east, y - 22 * north), fill=CAMERA, width=2)
        pen.ellipse((x - 4, y - 4, x + 4, y + 4), fill=CAMERA)


def _scale_bar(canvas: Image.Image, pixels_per_unit: float, unit: str) -> None:
    """Draw a bar of 1, 2 or 5 times a power of ten, about a fifth of the width."""
    target = WIDTH / 5 / pixels_per_unit
    power = 10 ** np.floor(np.log10(target))
    length = max(step * power for step in (1, 2, 5) if step * power <= target)
    pen, y = ImageDraw.Draw(canvas), HEIGHT - 18
    pen.line((MARGIN, y, MARGIN + length * pixels_per_unit, y), fill=INK, width=4)
    # On a phone the picture is less than half as wide.
    pen.text((MARGIN, y - 34), f"{length:g} {unit}", fill=INK, font=ImageFont.load_default(26))
