"""Preparing photos: upright, RGB, of one size, and only those that can be used."""

from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

from gpu.ingest.errors import PhotosAlike, TooFewPhotos
from gpu.ingest.exif import focal_in_diagonals, position, read_exif
from gpu.ingest.fetch import run_fetch
from gpu.ingest.photos import Photos
from gpu.ingest.preprocess import WORKING_SIZE, run_preprocess
from gpu.stage import Context
from tests.gpu.photos_on_disk import context, picture, unrelated_photos

FILM = ExifTags.Base.FocalLengthIn35mmFilm


def prepared(tmp_path: Path, **fields: object) -> tuple[Context, Photos]:
    ctx = context(tmp_path / "job", tmp_path / "given", **fields)
    run_fetch(ctx)
    run_preprocess(ctx)
    return ctx, Photos.load(ctx.paths)


def opened(ctx: Context, name: str) -> Image.Image:
    image = Image.open(ctx.paths.images / name)
    image.load()
    return image


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_photos_are_turned_upright(tmp_path: Path, orientation: int) -> None:
    """The camera stored the picture turned; EXIF tells how to turn it back."""
    given = unrelated_photos(tmp_path / "given")
    upright = picture(99, (320, 240))
    stored = {1: upright, 3: upright.rotate(180), 6: upright.rotate(90, expand=True)}
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    turned = stored.get(orientation, upright.rotate(-90, expand=True))
    turned.save(given / "turned.jpg", quality=95, exif=exif)
    ctx, _ = prepared(tmp_path)
    image = opened(ctx, "turned.jpg")
    assert image.size == upright.size
    assert np.abs(np.asarray(image, float) - np.asarray(upright, float)).mean() < 6
    assert ExifTags.Base.Orientation not in image.getexif()


@pytest.mark.parametrize("mode", ["L", "RGBA", "CMYK", "P", "I;16", "LA", "1"])
def test_every_kind_of_pixel_becomes_rgb(tmp_path: Path, mode: str) -> None:
    given = unrelated_photos(tmp_path / "given")
    if mode == "I;16":
        wide = np.linspace(0, 65535, 320 * 240).astype(np.uint16).reshape(240, 320)
        Image.fromarray(wide).save(given / "other.png")
    else:
        suffix = "tif" if mode == "CMYK" else "png"
        picture(50, (320, 240)).convert(mode).save(given / f"other.{suffix}")
    ctx, photos = prepared(tmp_path)
    assert opened(ctx, "other.jpg").mode == "RGB"
    assert len(photos.photos) == 7
    assert np.asarray(opened(ctx, "other.jpg")).std() > 20


def test_what_is_transparent_becomes_white_and_does_not_count(tmp_path: Path) -> None:
    given = unrelated_photos(tmp_path / "given")
    glass = Image.new("RGBA", (320, 240), (0, 0, 0, 0))
    glass.paste((90, 60, 30, 255), (0, 0, 160, 240))
    glass.save(given / "glass.png")
    Image.new("RGBA", (320, 240), (0, 0, 0, 0)).save(given / "nothing.png")
    ctx, photos = prepared(tmp_path)
    assert np.asarray(opened(ctx, "glass.jpg"))[:, 170:].min() == 255
    mask = np.asarray(Image.open(ctx.paths.masks / "glass.jpg.png"))
    assert (mask[:, :160] == 255).all()
    assert (mask[:, 160:] == 0).all()
    assert [p.name for p in photos.photos if p.masked] == ["glass.png"]
    assert photos.dropped == {"nothing.png": "its mask hides all of it"}


@pytest.mark.parametrize("place", ["masks/a.jpg.png", "masks/a.png"])
def test_masks_beside_the_photos_are_taken(tmp_path: Path, place: str) -> None:
    """White counts. The mask lies as the sensor did, and is turned with its photo."""
    given = unrelated_photos(tmp_path / "given" / "images", count=3).parent
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    picture(50, (320, 240)).save(given / "images" / "a.jpg", exif=exif)
    (given / "masks").mkdir()
    mask = Image.new("L", (320, 240), 0)
    mask.paste(255, (0, 0, 320, 60))  # the sensor's top is the right of the upright photo
    mask.save(given / place)
    ctx, photos = prepared(tmp_path)
    assert [p.name for p in photos.photos if p.masked] == ["images/a.jpg"]
    upright = np.asarray(Image.open(ctx.paths.masks / "images_a.jpg.png"))
    assert upright.shape == (320, 240)
    assert (upright[:, 180:] == 255).all()
    assert (upright[:, :180] == 0).all()


def test_large_photos_shrink_and_keep_their_shape_small_ones_stay(tmp_path: Path) -> None:
    given = unrelated_photos(tmp_path / "given", count=3)
    picture(9, (4000, 2250)).save(given / "drone.jpg")
    ctx, photos = prepared(tmp_path)
    sizes = {photo.name: (photo.width, photo.height) for photo in photos.photos}
    assert sizes["drone.jpg"] == (WORKING_SIZE, WORKING_SIZE * 2250 // 4000)
    assert sizes["photo_00.jpg"] == (320, 240) == opened(ctx, "photo_00.jpg").size


def test_photos_of_one_size_and_camera_share_their_intrinsics(tmp_path: Path) -> None:
    given = unrelated_photos(tmp_path / "given", count=4)
    picture(9, (240, 320)).save(given / "portrait.jpg")
    _, photos = prepared(tmp_path)
    cameras = {photo.name: photo.camera for photo in photos.photos}
    assert len(set(cameras.values())) == 2
    assert cameras["portrait.jpg"] != cameras["photo_00.jpg"]


def test_photos_of_one_name_in_two_folders_stay_two(tmp_path: Path) -> None:
    given = unrelated_photos(tmp_path / "given" / "a", count=2)
    picture(77).save(tmp_path / "given" / "a_photo_00.jpg")
    assert given.exists()
    ctx, photos = prepared(tmp_path)
    assert len({photo.image for photo in photos.photos}) == 3
    assert len(list(ctx.paths.images.iterdir())) == 3


def test_most_views_are_spread_evenly(tmp_path: Path) -> None:
    unrelated_photos(tmp_path / "given", count=9)
    _, photos = prepared(tmp_path, max_views=3)
    assert [p.name for p in photos.photos] == ["photo_00.jpg", "photo_04.jpg", "photo_08.jpg"]


def test_a_damaged_photo_is_left_out_by_name(tmp_path: Path) -> None:
    given = unrelated_photos(tmp_path / "given")
    whole = (given / "photo_02.jpg").read_bytes()
    (given / "photo_02.jpg").write_bytes(whole[: len(whole) // 2])
    (given / "photo_03.jpg").write_bytes(b"not a JPEG")
    _, photos = prepared(tmp_path)
    assert dict(photos.dropped) == dict.fromkeys(
        ("photo_02.jpg", "photo_03.jpg"), "the file is damaged"
    )
    assert photos.given == 6


def test_the_same_photo_twice_counts_once(tmp_path: Path) -> None:
    given = unrelated_photos(tmp_path / "given", count=4)
    (given / "z_copy.jpg").write_bytes((given / "photo_01.jpg").read_bytes())
    _, photos = prepared(tmp_path)
    assert dict(photos.dropped) == {"z_copy.jpg": "the same photo as photo_01.jpg"}


def test_noise_does_not_make_photos_different(tmp_path: Path) -> None:
    """A tripod: five photos of one view, each with its own sensor noise."""
    (tmp_path / "given").mkdir()
    view = np.asarray(picture(3, (320, 240)), float)
    for i in range(5):
        noise = np.random.default_rng(i).normal(0, 6, view.shape)
        pixels = (view + noise).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / "given" / f"{i}.jpg")
    with pytest.raises(PhotosAlike, match="All 5 photos show the same view"):
        prepared(tmp_path)


def test_the_contact_sheet_shows_what_was_left_out(tmp_path: Path) -> None:
    given = unrelated_photos(tmp_path / "given", count=7)
    ctx = context(tmp_path / "job", given)
    (given / "broken.jpg").write_bytes(b"")
    run_fetch(ctx)
    outcome = run_preprocess(ctx)
    assert outcome.pictures == ("previews/photos.jpg",)
    assert "broken.jpg: the file is damaged" in outcome.message
    sheet = np.asarray(Image.open(ctx.paths.root / outcome.pictures[0]), int)
    red = sheet[..., 0] - sheet[..., 1] > 80
    assert red[:180, :160].sum() > 100  # the frame of the first cell, which is the one left out


def test_too_few_photos_leave_their_picture_for_the_thread(tmp_path: Path) -> None:
    given = unrelated_photos(tmp_path / "given", count=2)
    ctx = context(tmp_path / "job", given)
    run_fetch(ctx)
    with pytest.raises(TooFewPhotos, match="Only 2 are usable"):
        run_preprocess(ctx)
    assert (ctx.paths.previews / "photos.jpg").exists()


def test_the_focal_length_comes_from_the_35_mm_equivalent() -> None:
    assert focal_in_diagonals({FILM: 43}) == pytest.approx(0.99384, abs=1e-4)


def test_the_focal_length_comes_from_millimetres_and_the_sensor() -> None:
    """A Canon SX260: 4.5 mm on a sensor of 6.20 x 4.65 mm, in its own EXIF figures."""
    detail = {
        ExifTags.Base.FocalLength: IFDRational(45, 10),
        ExifTags.Base.FocalPlaneXResolution: 16393.44262295082,
        ExifTags.Base.FocalPlaneResolutionUnit: 2,
        ExifTags.Base.ExifImageWidth: 4000,
        ExifTags.Base.ExifImageHeight: 3000,
    }
    assert focal_in_diagonals(detail) == pytest.approx(4.5 / 7.747, rel=1e-3)


@pytest.mark.parametrize("broken", [0, -5, "long", None, IFDRational(1, 0), 1e9])
def test_a_senseless_focal_length_is_none(broken: object) -> None:
    assert focal_in_diagonals({FILM: broken}) is None


def test_gps_is_read_with_its_hemispheres() -> None:
    gps = {1: "S", 2: (33.0, 30.0, 36.0), 3: "W", 4: (70.0, 15.0, 0.0), 5: b"\x01", 6: 12.5}
    assert position(gps) == pytest.approx((-33.51, -70.25, -12.5))


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {1: "N", 2: (1.0, 2.0), 3: "E", 4: (1.0, 2.0, 3.0)},
        {1: "N", 2: (0.0, 0.0, 0.0), 3: "E", 4: (0.0, 0.0, 0.0)},
        {1: "N", 2: (95.0, 0.0, 0.0), 3: "E", 4: (1.0, 0.0, 0.0)},
        {1: "N", 2: (float("nan"), 0.0, 0.0), 3: "E", 4: (1.0, 0.0, 0.0)},
    ],
)
def test_a_senseless_place_is_none(broken: dict[int, object]) -> None:
    assert position(broken) is None


def test_the_record_keeps_focal_length_and_place(tmp_path: Path) -> None:
    given = unrelated_photos(tmp_path / "given")
    exif = Image.Exif()
    exif[ExifTags.Base.Make], exif[ExifTags.Base.Model] = "Maker", "Drone 1"
    exif.get_ifd(ExifTags.IFD.Exif)[FILM] = 24
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(
        {1: "N", 2: (52.0, 30.0, 0.0), 3: "E", 4: (13.0, 24.0, 0.0), 6: 80.0}
    )
    picture(42, (2400, 1800)).save(given / "drone.jpg", exif=exif)
    assert read_exif(Image.open(given / "drone.jpg")).camera == "Maker Drone 1"
    _, photos = prepared(tmp_path)
    drone = next(photo for photo in photos.photos if photo.name == "drone.jpg")
    assert drone.focal == pytest.approx(24 / 43.267 * 2000, rel=1e-3)  # of the 1600 x 1200 copy
    assert drone.gps == pytest.approx((52.5, 13.4, 80.0))
