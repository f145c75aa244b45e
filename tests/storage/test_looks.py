"""What is said of photos before a job: little is read of them, no sharp one is called blurred."""

import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median

import pytest
from PIL import ExifTags, Image, ImageFilter

from bot.core.errors import StorageError
from bot.slack import seen
from bot.storage.base import Dataset, Storage
from bot.storage.heads import HEAD, read_head
from bot.storage.local import LocalStorage
from bot.storage.looks import HEADS, RUN, WHOLE, Looks, look_at, look_into_archive, runs_of
from bot.storage.samples import in_time
from bot.storage.sharpness import BLURRED, SIDE, TooLarge, sharpness_of, variance
from bot.storage.spaces import SpacesStorage
from tests.storage.test_stores import spaces

#: Photos of each set that are looked at, as the bot does.
MOST = WHOLE


def a_photo(number: int, *, blurred: bool = False, suffix: str = "JPEG") -> bytes:
    """A photo of a drone at 52 degrees north, 12 metres and 3 seconds after the one before it."""
    image = Image.effect_noise((800, 600), 80).convert("RGB")
    image = image.filter(ImageFilter.GaussianBlur(6)) if blurred else image
    exif = Image.Exif()
    minutes = divmod(number % 5 * 12 / 111_320 * 60, 1)
    exif.get_ifd(ExifTags.IFD.GPSInfo).update({
        1: "N", 2: (52.0, minutes[0], minutes[1] * 60),
        3: "E", 4: (13.0, 0.0, number // 5 * 20 / 111_320 / 0.6157 * 3600), 6: 130.0,
    })  # fmt: skip
    taken = f"2026:05:04 10:{number * 3 // 60:02}:{number * 3 % 60:02}"
    exif.get_ifd(ExifTags.IFD.Exif).update({0x9003: taken, 0xA405: 24})
    xmp = b'<x:xmpmeta drone-dji:RelativeAltitude="+40.0" drone-dji:GimbalPitchDegree="-90.0"/>'
    written = io.BytesIO()
    image.save(written, suffix, exif=exif, xmp=xmp, quality=90)
    return written.getvalue()


@pytest.fixture(scope="module")
def flight() -> dict[str, bytes]:
    """A flight of 20 photos of which one is blurred, and what lies beside them."""
    photos = {f"{n:02}.jpg": a_photo(n, blurred=n == 7) for n in range(20)}
    return photos | {"20.DNG": b"raw", "07.dng": b"its JPEG is there", "notes.txt": b"n"}


class Counting:
    """Counts the bytes that are read of a storage, all and of single files."""

    def __init__(self, storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
        self.read: list[int] = []
        real = storage.part

        def part(key: str, start: int, count: int) -> bytes:
            got = real(key, start, count)
            self.read.append(len(got))
            return got

        monkeypatch.setattr(storage, "part", part)


def dataset(storage: Storage, name: str) -> Dataset:
    return next(each for each in storage.datasets() if each.name == name)


def told(found: object) -> tuple[object, ...]:
    names = "photos", "looked_at", "gps", "every", "blurred", "unreadable", "unread", "doubt"
    return tuple(getattr(found, name) for name in names)


TOLD = (20, 20, 20, 3.0, ("07.jpg",), (), ("20.DNG",), None)


def test_a_folder_in_a_bucket_is_looked_at(s3_server: str, flight: dict[str, bytes]) -> None:
    storage = spaces(s3_server, "looked")
    for name, data in flight.items():
        storage.put(f"datasets/field/{name}", data, "")
    found = look_at(storage, dataset(storage, "datasets/field"))
    assert told(found) == TOLD
    assert found.flight is not None
    assert found.flight.along == pytest.approx(1 - 12 / (40 * 26 / 24), abs=0.02)
    assert storage.source("datasets/field").unread == ["20.DNG"]


def test_a_zip_in_a_bucket_is_looked_into(s3_server: str, flight: dict[str, bytes]) -> None:
    storage = spaces(s3_server, "zipped")
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, data in (flight | {"__MACOSX/._00.jpg": b"fork"}).items():
            archive.writestr(name, data)
    storage.put("datasets/field.zip", written.getvalue(), "")
    assert told(look_at(storage, dataset(storage, "datasets/field.zip"))) == TOLD


def test_of_many_photos_only_the_beginnings_are_read(
    s3_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole are only as many as 64 MB hold; here they say that they are of 16 MB each."""
    storage = spaces(s3_server, "many")
    photo = a_photo(0) + b"\0" * 100_000
    for number in range(9):
        storage.put(f"many/{number}.jpg", photo, "")
    counting = Counting(storage, monkeypatch)
    found = look_at(storage, replace(dataset(storage, "many"), bytes=9 * 16_000_000))
    assert (found.looked_at, found.opened) == (9, 4)
    assert sorted(counting.read) == [HEAD] * 9 + [len(photo)] * 4


def test_what_a_bucket_does_not_give_in_time_is_not_waited_for(
    s3_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = spaces(s3_server, "slow")
    storage.put("slow/a.jpg", a_photo(0), "")
    times = iter([0.0, 1e9, 1e9])
    found = look_at(storage, dataset(storage, "slow"), clock=lambda: next(times))
    assert (found.photos, found.looked_at, found.opened) == (1, 0, 0)


def test_photos_that_can_not_be_read_fail_nothing(
    s3_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = spaces(s3_server, "lost")
    storage.put("lost/a.jpg", a_photo(0), "")
    storage.put("lost/b.jpg", b"no photo at all", "")
    known = dataset(storage, "lost")
    assert look_at(storage, known).unreadable == ("b.jpg",)

    def refuse(self: SpacesStorage, key: str, start: int, count: int) -> bytes:
        raise StorageError("The bucket did not answer.")

    monkeypatch.setattr(SpacesStorage, "part", refuse)
    assert look_at(storage, known).looked_at == 0
    assert Looks(storage)(Dataset("none.zip", 0, 9)) is None


@pytest.mark.parametrize(("suffix", "known"), [("JPEG", 1), ("PNG", 0), ("WEBP", 0), ("TIFF", 0)])
def test_nothing_is_said_of_files_that_may_tell_of_their_place_further_behind(
    tmp_path: Path, suffix: str, known: int
) -> None:
    """PNG and WebP mostly have EXIF after the picture, TIFF may: a beginning is no answer."""
    storage = LocalStorage(tmp_path, "http://bot")
    storage.put(f"one/a.{suffix.lower()}", a_photo(0, suffix=suffix), "")
    found = look_at(storage, dataset(storage, "one"))
    assert (found.looked_at, found.gps, found.opened) == (known, known, 1)
    assert ("GPS" in " ".join(seen.lines(found))) is bool(known)


@pytest.mark.parametrize(("options", "size"), [({}, 9_200), ({"progressive": True}, 6_000)])
def test_a_photo_of_very_many_pixels_is_not_decoded_on_a_bot_host(
    options: dict[str, bool], size: int
) -> None:
    written = io.BytesIO()
    Image.new("L", (size, size)).save(written, "JPEG", quality=10, **options)
    with pytest.raises(TooLarge):
        sharpness_of(written.getvalue())
    assert sharpness_of(b"no photo") is None


def test_exif_at_the_beginning_of_a_png_is_read() -> None:
    exif, written = Image.Exif(), io.BytesIO()
    exif.get_ifd(ExifTags.IFD.GPSInfo).update({1: "S", 2: (52, 30, 0), 3: "W", 4: (13, 0, 36)})
    Image.effect_noise((600, 400), 80).save(written, "PNG")
    chunk, png = exif.tobytes().removeprefix(b"Exif\0\0"), written.getvalue()
    chunk = len(chunk).to_bytes(4, "big") + b"eXIf" + chunk + bytes(4)
    png = png[:33] + chunk + png[33:]  # after the header
    head = read_head(png[:HEAD])
    assert head is not None
    assert head.place == pytest.approx((-52.5, -13.01))


def test_a_look_is_remembered_until_the_photos_change(
    s3_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = spaces(s3_server, "again")
    storage.put("again/a.jpg", a_photo(0), "")
    looks, counting = Looks(storage), Counting(storage, monkeypatch)
    first = looks(dataset(storage, "again"))
    assert looks(dataset(storage, "again")) == first
    assert len(counting.read) == 2
    storage.put("again/b.jpg", a_photo(1), "")
    second = looks(dataset(storage, "again"))
    assert second is not None
    assert second.photos == 2


def test_large_sets_are_looked_at_in_runs_from_end_to_end() -> None:
    assert runs_of(HEADS) == [range(HEADS)]
    runs = runs_of(5000)
    assert (runs[0][0], runs[-1][-1]) == (0, 4999)
    assert sum(map(len, runs)) == HEADS
    assert {len(run) for run in runs} == {RUN}


def test_a_job_that_fails_gives_none_and_the_others_their_results() -> None:
    jobs: list[Callable[[], float]] = [lambda: 1.0, lambda: 1 / 0, lambda: 3.0]
    assert in_time(jobs, 10.0, 2) == [1.0, None, 3.0]


def test_a_zip_on_the_disk_that_is_none_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"no zip")
    with pytest.raises(zipfile.BadZipFile):
        look_into_archive(tmp_path / "a.zip")


def test_no_real_photo_is_called_blurred_and_every_blurred_one_is(datasets: Path) -> None:
    """All sets are of careful photographers; each photo is blurred by two pixels here."""
    for folder in sorted(path for path in datasets.iterdir() if path.is_dir()):
        files = sorted(f for f in folder.rglob("*") if f.suffix.lower() in {".jpg", ".jpeg"})
        sharp, blurred = [], []
        for file in files[:MOST]:
            with Image.open(file) as photo:
                photo.draft("RGB", (2 * SIDE, 2 * SIDE))
                grey = photo.convert("L")
            grey.thumbnail((SIDE, SIDE))
            sharp.append(variance(grey))
            blurred.append(variance(grey.filter(ImageFilter.GaussianBlur(2))))
        if sharp:
            limit = BLURRED * median(sharp)
            assert max(blurred) < limit < min(sharp), folder.name
