"""Preparing photos: upright, RGB, of one size, and only those that can be used."""

from base64 import b85decode
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms
from PIL.TiffImagePlugin import IFDRational

from gpu.ingest import contact_sheet
from gpu.ingest.errors import PhotosAlike, TooFewPhotos
from gpu.ingest.exif import focal_in_diagonals, position, read_exif
from gpu.ingest.fetch import run_fetch
from gpu.ingest.photos import Photos
from gpu.ingest.pixels import decode_smaller
from gpu.ingest.preprocess import WORKING_SIZE, run_preprocess
from gpu.stage import Context
from tests.gpu.photos_on_disk import context, picture, unrelated_photos

FILM = ExifTags.Base.FocalLengthIn35mmFilm

#: A phone's HEIC of 96 x 64 pixels, left half red and right half blue. HEIC has its own
#: way to say how it is turned; the EXIF in it says 6, and has no say.
HEIC = b85decode(
    b"0000SW^{RQXk}?*00000ZE0pPXk}?*ZE0a<0004(ZDn*}000000000XXk=`10000000000aA{+7000000000"
    b"00000000000G-+&aV*mgE07O6l0ssL300001y8r<I00000001Wd0ssI200H6v0RR9100000HUIzsIB98aW&i"
    b"*H00062000$fZf0cy000000RRAKc4ILB0000LX>Mj^0ssI300IC2MR;ju000004sdC7Z2$lO00031007o$aB"
    b"^?}006gXaAR)(004Msc4I>U18@KU0FVFx0000U@BsY%`1k+-4+CHT0RR|40Sp2E{{wIU00RJ!0009300RIXx"
    b"&lC90096iLID8-Z~y=U0FVFx0{{R603M()fd!W8Nhz*w0vZem00093$N&HX00=;000968L;=Baup&SJ000wX"
    b"Z)|dIV{CW;0RRmE27mwn02FC+aAg1h000000AK(B06+i$01$9#cxeCt0009B2nYZG02gU+ZD9Za000000096"
    b"21c3qr1ONa48fkK6W&i*H000004r63<V*mmG0RRC2003oeWMOmw001K>0k0W=_k4vn|MMna`AsYR?hCa4{lN"
    b"!%HRt!Jr~&MBul@i400u>PX=VTbO-%qQ0000800IFJ00IC200sa6044zv00RI30096700000002;EZ*FA("
)


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


@pytest.mark.parametrize("name", ["phone.HEIC", "renamed.jpg"])
def test_a_phones_heic_is_read_whatever_it_is_called(tmp_path: Path, name: str) -> None:
    given = unrelated_photos(tmp_path / "given", count=3)
    (given / name).write_bytes(HEIC)
    ctx, photos = prepared(tmp_path)
    assert photos.dropped == {}
    image = np.asarray(opened(ctx, f"{Path(name).stem}.jpg"), float)
    assert image.shape == (64, 96, 3)
    assert np.abs(image[10:54, 10:38] - [200, 60, 30]).mean() < 25
    assert np.abs(image[10:54, 58:86] - [20, 60, 200]).mean() < 25


def test_colour_profiles_do_no_harm(tmp_path: Path) -> None:
    """A profile of sRGB itself, and one that is none, change nothing."""
    given = unrelated_photos(tmp_path / "given", count=3)
    swapped = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    flat = Image.new("RGB", (320, 240), (200, 90, 40))
    flat.paste((10, 20, 30), (0, 0, 20, 240))
    flat.save(given / "srgb.png", icc_profile=swapped)
    flat.rotate(180).save(given / "broken.png", icc_profile=b"no profile")
    ctx, photos = prepared(tmp_path)
    assert len(photos.photos) == 5
    for name, at in (("srgb.jpg", 200), ("broken.jpg", 100)):
        pixel = np.asarray(opened(ctx, name), float)[120, at]
        assert np.abs(pixel - [200, 90, 40]).max() < 6


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


@pytest.mark.parametrize(("size", "seen"), [((640, 480), (320, 240)), ((480, 640), (240, 320))])
def test_a_large_jpeg_is_decoded_no_larger_than_is_needed(
    tmp_path: Path, size: tuple[int, int], seen: tuple[int, int]
) -> None:
    picture(0, size).save(tmp_path / "a.jpg")
    for side, expected in ((300, seen), (320, seen), (400, size), (9999, size)):
        with Image.open(tmp_path / "a.jpg") as opened:
            decode_smaller(opened, side)
            assert opened.size == expected


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
    ctx, photos = prepared(tmp_path, max_views=3)
    assert run_preprocess(ctx).message == (
        "9 of 9 photos are usable. Used are 3, which show what all show."
    )
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
    assert "broken.jpg: the file is empty" in outcome.message
    sheet = np.asarray(Image.open(ctx.paths.root / outcome.pictures[0]), int)
    red = sheet[..., 0] - sheet[..., 1] > 80
    assert red[:180, :160].sum() > 100  # the frame of the first cell, which is the one left out


def test_a_mask_that_belongs_to_no_photo_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = unrelated_photos(tmp_path / "given", count=3)
    (given / "masks").mkdir()
    half = Image.new("L", (320, 240))
    half.paste(255, (0, 0, 160, 240))
    half.save(given / "masks" / "photo_01.png")
    half.save(given / "masks" / "foto_02.png")
    (given / "z.jpg").touch()
    ctx = context(tmp_path / "job", given)
    run_fetch(ctx)
    written: list[str] = []

    def wrap(text: str, width: int = 20) -> str:
        written.append(text)
        return text

    monkeypatch.setattr(contact_sheet, "wrap", wrap)
    assert run_preprocess(ctx).message == (
        "3 of 4 photos are usable (left out: z.jpg: the file is empty). Masks hide a part of 1."
        " No photo has the name of masks/foto_02.png."
    )
    # The thread has the picture in place of the message.
    assert "What masks hide is violet. No photo has the name of masks/foto_02.png." in written


def test_too_few_photos_leave_their_picture_for_the_thread(tmp_path: Path) -> None:
    given = unrelated_photos(tmp_path / "given", count=2)
    ctx = context(tmp_path / "job", given)
    run_fetch(ctx)
    with pytest.raises(TooFewPhotos, match="Only 2 photos are usable"):
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
