"""What drones and phones write beside the pixels, read once into one record."""

import struct
from pathlib import Path

import pytest
from PIL import ExifTags, Image

from gpu.ingest.exif import read_exif
from gpu.ingest.phone import up_of_phone
from gpu.ingest.xmp import Xmp, read_xmp
from tests.gpu.photos_on_disk import picture


def xmp(inside: str) -> str:
    return f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF>{inside}</rdf:RDF></x:xmpmeta>'


@pytest.mark.parametrize(
    ("inside", "gimbal"),
    [
        (
            '<rdf:Description drone-dji:GimbalYawDegree="+45.0" drone-dji:GimbalRollDegree="+0.00"'
            ' drone-dji:GimbalPitchDegree="-89.90" drone-dji:FlightPitchDegree="+1.8"/>',
            (45.0, -89.9, 0.0),
        ),
        (
            "<drone:GimbalYawDegree>10</drone:GimbalYawDegree>"
            "<drone:GimbalPitchDegree>-60.5</drone:GimbalPitchDegree>"
            "<drone:GimbalRollDegree>0.1</drone:GimbalRollDegree>",
            (10.0, -60.5, 0.1),
        ),
        (
            '<rdf:Description drone-parrot:CameraYawDegree="176.3"'
            ' drone-parrot:CameraPitchDegree="-78.36" drone-parrot:CameraRollDegree="-0.32"/>',
            (176.3, -78.36, -0.32),
        ),
        (
            '<rdf:Description Camera:Yaw="12" Camera:Pitch="7.5" Camera:Roll="1"/>',
            (12.0, -82.5, 1.0),  # Pix4D's pitch is 0 straight down
        ),
        ('<rdf:Description drone-dji:GimbalPitchDegree="-90"/>', None),
        (
            '<rdf:Description drone-dji:GimbalYawDegree="nan" drone-dji:GimbalRollDegree="0"'
            ' drone-dji:GimbalPitchDegree="-900"/>',
            None,
        ),
    ],
)
def test_the_gimbal_of_every_maker_points_down_at_minus_90(
    inside: str, gimbal: tuple[float, float, float] | None
) -> None:
    assert read_xmp(xmp(inside)).gimbal == pytest.approx(gimbal)


def test_rtk_says_how_good_its_place_is() -> None:
    inside = 'drone-dji:RtkStdLon="0.011" drone-dji:RtkStdLat="0.012" drone-dji:RtkStdHgt="0.025"'
    assert read_xmp(xmp(f"<rdf:Description {inside}/>")).sigma == (0.011, 0.012, 0.025)
    stated = 'Camera:GPSXYAccuracy="0.5" Camera:GPSZAccuracy="1.5"'
    assert read_xmp(xmp(f"<rdf:Description {stated}/>")).sigma == (0.5, 0.5, 1.5)


def test_the_height_above_the_start() -> None:
    assert read_xmp(xmp('<a drone-dji:RelativeAltitude="+39.80"/>')).height == 39.8
    assert read_xmp(xmp('<a Camera:AboveGroundAltitude="1500/10"/>')).height == 150.0


@pytest.mark.parametrize("broken", [None, b"", b"\xff\xfe" * 50, "<" * 5000, b"\0" * 100])
def test_xmp_that_is_none_says_nothing(broken: bytes | str | None) -> None:
    assert read_xmp(broken) == Xmp()


def test_a_real_drone_photo_is_read_whole(datasets: Path) -> None:
    first = min((datasets / "brighton_beach" / "images").iterdir())
    with Image.open(first) as photo:
        read = read_exif(photo)
    assert read.gimbal == pytest.approx((45.0, -89.9, 0.0), abs=0.2)
    assert read.height == pytest.approx(39.8, abs=0.5)
    assert read.gps is not None
    assert read.taken is not None
    assert read.taken.startswith("20")


def test_the_sensor_of_a_known_camera_gives_the_focal_length(tmp_path: Path) -> None:
    """A Phantom 4 Pro without the 35 mm equivalent: 8.8 mm on 13.2 mm, 24 mm on film."""
    exif = Image.Exif()
    exif[ExifTags.Base.Make], exif[ExifTags.Base.Model] = "DJI", "FC6310"
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.FocalLength] = 8.8
    picture(1, (600, 400)).save(tmp_path / "a.jpg", exif=exif)
    with Image.open(tmp_path / "a.jpg") as photo:
        focal = read_exif(photo).focal
    assert focal == pytest.approx(24 / 36 * 600 / 721.11, rel=1e-3)


def test_a_phone_states_the_error_of_its_place(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(
        {1: "N", 2: (52.0, 30.0, 0.0), 3: "E", 4: (13.0, 24.0, 0.0), 31: 4.5}
    )
    picture(1).save(tmp_path / "a.jpg", exif=exif)
    with Image.open(tmp_path / "a.jpg") as photo:
        assert read_exif(photo).gps_sigma == pytest.approx((4.5, 4.5, 9.0))


def apple(x: float, y: float, z: float, *, order: str = ">") -> bytes:
    """The notes of an iPhone that measures this acceleration, in g."""
    entry = struct.pack(f"{order}HHII", 8, 10, 3, 32)
    values = (part for axis in (x, y, z) for part in (round(axis * 1000), 1000))
    mark = b"MM" if order == ">" else b"II"
    head = b"Apple iOS\0\0\1" + mark + struct.pack(f"{order}H", 1) + entry + bytes(4)
    return head + struct.pack(f"{order}6i", *values)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(
    ("orientation", "acceleration"),
    [(6, (0, -0.8, -0.6)), (1, (-0.8, 0, -0.6)), (8, (0, 0.8, -0.6)), (3, (0.8, 0, -0.6))],
)
def test_a_phone_held_in_any_way_tells_up(
    orientation: int, acceleration: tuple[float, float, float], order: str
) -> None:
    """Tilted so that it looks down by 37 degrees, its screen turned to the sky."""
    up = up_of_phone(apple(*acceleration, order=order), orientation)
    assert up == pytest.approx((0, -0.8, -0.6))


@pytest.mark.parametrize(
    ("notes", "orientation"),
    [
        (apple(0, -1.2, 0), 6),  # shaken
        (apple(0, -1, 0), 5),  # mirrored
        (apple(0, -1, 0)[:40], 6),
        (apple(0, -1, 0).replace(struct.pack(">i", 1000), bytes(4)), 6),
        (b"Apple iOS\0\0\1MM\xff\xff", 6),
        (b"Nikon\0\2\x10\0\0MM" + bytes(40), 1),
        (None, 1),
    ],
)
def test_a_phone_that_says_nothing_sensible_tells_no_up(notes: object, orientation: int) -> None:
    assert up_of_phone(notes, orientation) is None


def test_a_phone_s_up_is_that_of_the_upright_photo(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.MakerNote] = apple(0, -0.8, -0.6)
    picture(1, (600, 400)).save(tmp_path / "a.jpg", exif=exif)
    with Image.open(tmp_path / "a.jpg") as photo:
        assert read_exif(photo).up == pytest.approx((0, -0.8, -0.6))
        photo.info["original_orientation"] = 3  # as of a HEIC, which is upright once it is open
        assert read_exif(photo).up == pytest.approx((0.8, 0, -0.6))
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.LensModel] = "iPhone 7 front camera 2.87mm"
    picture(1, (600, 400)).save(tmp_path / "a.jpg", exif=exif)
    with Image.open(tmp_path / "a.jpg") as photo:
        assert read_exif(photo).up is None
