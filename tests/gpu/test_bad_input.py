"""What people really send: each ends in one clear sentence and a remedy, their files untouched."""

import errno
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gpu.job import Event, JobPaths, JobSpec, Source, Status
from gpu.pipeline import run_job
from gpu.report import Reporter, read_events
from tests.gpu.photos_on_disk import (
    fingerprint,
    jpeg,
    picture,
    unrelated_photos,
    zipped,
)


def ended(tmp_path: Path, given: Path) -> Event:
    """Run a job on `given` that must fail; check what holds for every failure."""
    before = fingerprint(given) if given.exists() else {}
    spec, paths = JobSpec("bad", "photos", Source(path=str(given))), JobPaths(tmp_path / "job")
    assert run_job(spec, paths, Reporter(spec, paths)) == 1
    last = read_events(paths.events)[-1]
    assert last.status is Status.FAILED
    assert last.message.endswith(".")
    assert last.hint.endswith(".")
    assert "unexpected" not in last.message
    assert (fingerprint(given) if given.exists() else {}) == before
    return last


def test_a_missing_folder(tmp_path: Path) -> None:
    last = ended(tmp_path, tmp_path / "nowhere")
    assert "nowhere is not there" in last.message
    assert "folder of photos" in last.hint


def test_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert ended(tmp_path, tmp_path / "empty").message == "empty holds no photos."


def test_a_file_that_is_no_archive(tmp_path: Path) -> None:
    (tmp_path / "photos.rar").write_bytes(b"Rar!")
    assert "neither a folder nor a .zip" in ended(tmp_path, tmp_path / "photos.rar").message


@pytest.mark.parametrize("name", ["../../evil.jpg", "/etc/evil.jpg", "a\\..\\evil.jpg", "C:/e.jpg"])
def test_a_zip_with_a_path_outside(tmp_path: Path, name: str) -> None:
    photo = jpeg(1, tmp_path / "one.jpg")
    given = zipped(tmp_path / "evil.zip", {"good.jpg": photo, name: photo})
    last = ended(tmp_path, given)
    assert "paths that lead outside" in last.message
    assert "plain folder" in last.hint
    assert not list(tmp_path.rglob("evil.jpg"))
    assert not list((tmp_path / "job").rglob("good.jpg"))


def test_a_zip_bomb(tmp_path: Path) -> None:
    given = zipped(tmp_path / "bomb.zip", {"photo.jpg": bytes(100 << 20)})
    assert given.stat().st_size < 200_000
    last = ended(tmp_path, given)
    assert "would unpack to 104.9 MB" in last.message
    assert not list((tmp_path / "job").rglob("photo.jpg"))


def test_a_damaged_zip(tmp_path: Path) -> None:
    given = zipped(tmp_path / "half.zip", {"photo.jpg": jpeg(1, tmp_path / "one.jpg")})
    given.write_bytes(given.read_bytes()[:-40])
    assert "half.zip is damaged" in ended(tmp_path, given).message


def test_a_locked_zip(tmp_path: Path) -> None:
    given = zipped(tmp_path / "locked.zip", {"photo.jpg": b"secret"})
    data = bytearray(given.read_bytes())
    for mark, flags in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        data[data.index(mark) + flags] |= 1
    given.write_bytes(data)
    assert "locked.zip is locked" in ended(tmp_path, given).message


def test_a_zip_without_photos(tmp_path: Path) -> None:
    given = zipped(tmp_path / "texts.zip", {"readme.txt": b"no photos"})
    assert "texts.zip holds no photos" in ended(tmp_path, given).message


def test_a_zip_of_raw_files_says_what_to_do(tmp_path: Path) -> None:
    given = zipped(tmp_path / "raw.zip", {"DCIM/a.DNG": b"raw", "DCIM/b.DNG": b"raw"})
    last = ended(tmp_path, given)
    assert "raw.zip holds no photos" in last.message
    assert last.hint == "It holds raw files: export them as JPEG."


def test_corrupt_photos_that_leave_too_few(tmp_path: Path) -> None:
    given = unrelated_photos(tmp_path / "photos", count=4)
    for name in ("photo_01.jpg", "photo_03.jpg"):
        (given / name).write_bytes((given / name).read_bytes()[:500])
    last = ended(tmp_path, given)
    assert "Only 2 photos are usable, and at least 3 are needed" in last.message
    assert "photo_01.jpg: the file is damaged" in last.message
    assert "photo_03.jpg: the file is damaged" in last.message


@pytest.mark.parametrize(
    ("count", "said"), [(1, "Only 1 photo is usable"), (2, "Only 2 photos are usable")]
)
def test_too_few_photos(tmp_path: Path, count: int, said: str) -> None:
    assert said in ended(tmp_path, unrelated_photos(tmp_path / "photos", count)).message


def test_all_photos_alike(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for i in range(5):
        picture(1).save(tmp_path / "photos" / f"{i}.jpg")
    last = ended(tmp_path, tmp_path / "photos")
    assert last.message.startswith("All 5 photos show the same view")
    assert "Walk around" in last.hint


def test_photos_of_one_pixel(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for i in range(4):
        Image.new("RGB", (1, 1), (60 * i, 0, 0)).save(tmp_path / "photos" / f"dot{i}.png")
    last = ended(tmp_path, tmp_path / "photos")
    assert "No photo is usable" in last.message
    assert "dot0.png: 1x1 pixels are too few" in last.message


def test_photos_that_do_not_overlap(tmp_path: Path) -> None:
    photos = unrelated_photos(tmp_path / "photos", count=5, size=(160, 120))
    last = ended(tmp_path, photos)
    told = "The photos do not connect: none of 5 photos could be placed in 4 tries"
    assert last.message.startswith(told)
    drawn = [event.pictures for event in read_events(tmp_path / "job" / "events.jsonl")]
    assert ("previews/matches.jpg",) in drawn
    assert (tmp_path / "job" / "previews" / "matches.jpg").stat().st_size > 5_000
    assert "photo_00.jpg" not in last.message, "where all are left out, no name tells them apart"
    assert "two thirds" in last.hint


def test_photos_of_nothing(tmp_path: Path) -> None:
    """Walls without texture: nothing to find, and nothing to crash on."""
    (tmp_path / "photos").mkdir()
    for i in range(4):
        grey = np.full((120, 160, 3), 40 * i + 60, np.uint8)
        Image.fromarray(grey).save(tmp_path / "photos" / f"{i}.png")
    assert "do not connect" in ended(tmp_path, tmp_path / "photos").message


@pytest.mark.slow
def test_photos_of_eight_different_rooms(datasets: Path, tmp_path: Path) -> None:
    last = ended(tmp_path, datasets / "room8" / "images")
    assert "The photos do not connect" in last.message
    assert "no_overlap_1.jpg" in last.message


def test_a_disk_that_fills_while_photos_are_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.link", full)
    monkeypatch.setattr("shutil.copyfile", full)
    last = ended(tmp_path, unrelated_photos(tmp_path / "photos"))
    assert "disk is full" in last.message
    assert "Free some space" in last.hint


def test_a_disk_that_fills_while_photos_are_prepared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A photo that could not be written is not taken for a damaged one."""

    really = Path.write_bytes

    def write(file: Path, data: bytes) -> int:
        if file.name == "photo_02.jpg":
            raise OSError(errno.ENOSPC, "No space left on device")
        return really(file, data)

    given = unrelated_photos(tmp_path / "photos")
    monkeypatch.setattr(Path, "write_bytes", write)
    assert "disk is full" in ended(tmp_path, given).message
