"""360 degree photos are recognised, and cut into views that fit together exactly."""

from pathlib import Path

import numpy as np
import pycolmap
import pytest
from PIL import Image, ImageDraw

from gpu.ingest import panorama
from gpu.ingest.exif import Exif
from gpu.ingest.fetch import run_fetch
from gpu.ingest.photos import Photos
from gpu.ingest.preprocess import run_preprocess
from tests.gpu.photos_on_disk import context, picture

GPANO = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description '
    b'GPano:ProjectionType="equirectangular"/></x:xmpmeta>'
)


def sky_and_ground(width: int = 1600) -> Image.Image:
    """A round view: no seam at its edge, and everywhere something else."""
    lon = (np.arange(width) + 0.5) / width * 2 * np.pi
    lat = (np.arange(width // 2) + 0.5) / width * 2 * np.pi
    red = 128 + 100 * np.cos(3 * lon)[None] * np.sin(lat)[:, None]
    green = 128 + 100 * np.sin(2 * lon)[None] * np.sin(lat)[:, None]
    blue = np.broadcast_to(255 * lat[:, None] / np.pi, red.shape)
    return Image.fromarray(np.stack([red, green, blue], -1).astype(np.uint8))


def test_the_xmp_decides() -> None:
    flat = picture(1, (800, 400))
    assert not panorama.is_panorama(flat, Exif())
    assert panorama.is_panorama(flat, Exif(panorama=True))
    assert not panorama.is_panorama(picture(1, (800, 500)), Exif(panorama=True))


def test_without_xmp_the_seam_decides() -> None:
    assert panorama.is_panorama(sky_and_ground(), Exif())
    assert not panorama.is_panorama(picture(1, (1600, 800)), Exif())
    assert not panorama.is_panorama(sky_and_ground(), Exif(focal=1.0))  # a lens: cropped to 2:1


def test_a_point_of_the_panorama_is_where_each_view_says_that_it_is() -> None:
    """A white spot at a known direction, found again in all views that should see it."""
    width, azimuth, elevation = 2000, np.radians(70.0), np.radians(20.0)
    black = Image.new("RGB", (width, width // 2))
    at = np.array([azimuth / (2 * np.pi) + 0.5, 0.5 - elevation / np.pi]) * [width, width // 2]
    ImageDraw.Draw(black).ellipse([*(at - 6), *(at + 6)], fill="white")
    level = np.cos(elevation)
    ray = np.array([np.sin(azimuth) * level, -np.sin(elevation), np.cos(azimuth) * level])
    seen = 0
    for _, view, (w, x, y, z), focal in panorama.views(black, 600):
        here = pycolmap.Rotation3d(np.array([x, y, z, w])).matrix() @ ray
        spot = np.argwhere(np.asarray(view)[..., 0] > 128) + 0.5
        expected = here[:2] / here[2] * focal + view.width / 2
        if here[2] > 0 and (np.abs(expected - view.width / 2) < view.width / 2 - 10).all():
            assert spot.mean(axis=0)[::-1] == pytest.approx(expected, abs=1.0)
            seen += 1
        else:
            assert len(spot) < 100
    assert seen >= 1


def test_a_panorama_becomes_eight_views_of_one_rig(tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.mkdir()
    sky_and_ground().save(given / "room.jpg", xmp=GPANO, quality=95)
    picture(7, (640, 480)).save(given / "door.jpg")
    ctx = context(tmp_path / "job", given)
    run_fetch(ctx)
    run_preprocess(ctx)
    photos = Photos.load(ctx.paths)
    views = [photo for photo in photos.photos if photo.rig]
    assert len(views) == 8
    assert {view.rig.frame for view in views if view.rig} == {"room.jpg"}
    assert {view.focal for view in views} == {views[0].width / 2}  # 90 degrees, exactly
    assert len({view.camera for view in views}) == 1
    assert "room.jpg at 90 -35" in [view.name for view in views]
