"""Which photos are left out, and for what reason; and which of many are enough."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageFilter

from gpu.ingest.exif import Gps
from gpu.ingest.fetch import run_fetch
from gpu.ingest.judge import cover, judge
from gpu.ingest.photos import Photo, Photos
from gpu.ingest.prepare import THUMBNAIL, Made
from gpu.ingest.preprocess import run_preprocess
from tests.gpu.photos_on_disk import context, picture, unrelated_photos


def made(i: int, *, gps: Gps | None = None, level: float | None = None, sharp: float = 9.0) -> Made:
    """A photo of noise, or of one grey level."""
    noise = np.random.default_rng(i).uniform(0, 255, (THUMBNAIL, THUMBNAIL)).astype(np.float32)
    look = noise if level is None else np.full_like(noise, level)
    photo = Photo(f"{i:03}.jpg", f"{i:03}.jpg", 320, 240, "c", gps=gps)
    return Made(photo, look, bytes([i % 256, i // 256]), sharp, 0.2, 0.0)


def prepared(tmp_path: Path) -> Photos:
    ctx = context(tmp_path / "job", tmp_path / "given")
    run_fetch(ctx)
    run_preprocess(ctx)
    return Photos.load(ctx.paths)


def test_what_is_wrong_with_a_photo_is_said(tmp_path: Path) -> None:
    given = unrelated_photos(tmp_path / "given", count=16)

    def change(name: str, how: ImageFilter.Filter | float) -> None:
        with Image.open(given / name) as opened:
            photo = opened.convert("RGB")
        light = ImageEnhance.Brightness(photo)
        new = light.enhance(how) if isinstance(how, float) else photo.filter(how)
        new.save(given / name, quality=95)

    change("photo_03.jpg", ImageFilter.GaussianBlur(4))
    change("photo_05.jpg", 0.01)
    change("photo_07.jpg", 30.0)
    with Image.open(given / "photo_09.jpg") as photo:
        photo.save(given / "photo_98.jpg", quality=60)
    assert dict(prepared(tmp_path).dropped) == {
        "photo_03.jpg": "blurred",
        "photo_05.jpg": "too dark",
        "photo_07.jpg": "too bright",
        "photo_98.jpg": "the same view as photo_09.jpg",
    }


def test_of_a_few_photos_none_is_left_out_for_its_looks() -> None:
    photos = [made(i, sharp=9.0 if i else 0.1) for i in range(8)]
    assert judge(photos) == (photos, {})


def test_a_set_that_is_soft_in_large_parts_stays_whole() -> None:
    """When a third of the photos look blurred it is the rule that is wrong."""
    photos = [made(i, sharp=9.0 if i % 3 else 1.0) for i in range(30)]
    assert judge(photos)[1] == {}


def test_photos_that_look_alike_from_two_places_stay() -> None:
    """Two nadir photos of a lawn, three metres apart; and two that are one by any measure."""
    apart = [made(i, level=100, gps=(52.0 + i * 3e-5, 13.0, 80.0)) for i in range(3)]
    assert judge(apart)[1] == {}
    together = [made(i, level=100, gps=(52.0, 13.0, 80.0)) for i in range(2)]
    assert judge(together)[1] == {"001.jpg": "the same view as 000.jpg"}


def test_by_gps_the_photos_picked_cover_the_flight() -> None:
    """A hundred photos hovering at one corner, and a line of nine to the other end."""
    hover = [made(i, gps=(52.0 + i * 1e-7, 13.0, 80.0)) for i in range(100)]
    line = [made(200 + i, gps=(52.0 + (i + 1) * 1e-3, 13.0, 80.0)) for i in range(9)]
    kept, reasons = cover([*hover, *line], 10)
    assert {m.photo.name for m in line} <= {m.photo.name for m in kept}
    assert len(kept) == 10
    assert set(reasons.values()) == {"not needed: others show it"}


def test_a_drone_that_looks_two_ways_from_one_place_keeps_both() -> None:
    places: list[Gps] = [(52.0 + i * 1e-4, 13.0, 80.0) for i in range(10)]
    down = [replace(made(i, gps=p).photo, gimbal=(0.0, -90.0, 0.0)) for i, p in enumerate(places)]
    level = [replace(p, name=f"l{p.name}", gimbal=(0.0, 0.0, 0.0)) for p in down]
    both = [replace(made(i), photo=p) for i, p in enumerate([*down, *level])]
    kept, _ = cover(both, 6)
    assert {m.photo.gimbal for m in kept} == {(0.0, -90.0, 0.0), (0.0, 0.0, 0.0)}


def test_without_gps_more_is_taken_where_the_picture_changes_more() -> None:
    """Forty photos of standing still, then twenty of walking."""
    still = [made(i, level=100 + i * 0.01) for i in range(40)]
    walk = [made(100 + i, level=120.0 + 8 * i) for i in range(16)]
    kept, _ = cover([*still, *walk], 12)
    assert len(kept) == 12
    assert sum(m.photo.name >= "100.jpg" for m in kept) >= 9


def test_the_sharper_of_neighbours_is_picked() -> None:
    photos = [made(i, level=100.0 + i, sharp=1.0 + (i % 5 == 0)) for i in range(101)]
    kept, _ = cover(photos, 11)
    assert all(m.sharpness == 2.0 for m in kept)


@pytest.mark.parametrize("most", [None, 5, 9])
def test_nothing_is_picked_from_few(most: int | None) -> None:
    photos = [made(i) for i in range(5)]
    assert cover(photos, most) == (photos, {})


def test_of_the_real_sets_nothing_is_left_out(datasets: Path, tmp_path: Path) -> None:
    for name in ("kermit", "flower25", "fountain_p11"):
        ctx = context(tmp_path / name, datasets / name / "images")
        run_fetch(ctx)
        assert run_preprocess(ctx).metrics["photos_dropped"] == 0


def test_a_turned_copy_is_another_view(tmp_path: Path) -> None:
    given = unrelated_photos(tmp_path / "given", count=3)
    picture(1, (320, 240)).rotate(180).save(given / "turned.jpg")
    assert prepared(tmp_path).dropped == {}
