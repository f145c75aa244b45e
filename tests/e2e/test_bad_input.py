"""Bad photos end in a failed job that says why and what to do; the slot is free, all is kept."""

import hashlib
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bot.compute.local import LocalBackend
from bot.core.dispatcher import Dispatcher
from bot.core.jobs import State
from bot.core.ledger import Ledger
from bot.storage.local import LocalStorage
from tests.core.conftest import a_request
from tests.waiting import await_that

pytestmark = pytest.mark.slow

Make = Callable[[Path], None]


def noise(seed: int, size: tuple[int, int] = (320, 240)) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def photos(count: int, *, alike: bool = False, size: tuple[int, int] = (320, 240)) -> Make:
    def make(folder: Path) -> None:
        for number in range(count):
            noise(0 if alike else number, size).save(folder / f"{number}.jpg")

    return make


def zipped(name: str, data: bytes) -> Make:
    def make(folder: Path) -> None:
        with zipfile.ZipFile(folder / "photos.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, data)

    return make


def corrupt(folder: Path) -> None:
    for number in range(4):
        (folder / f"{number}.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture at all")


CASES: list[tuple[str, Make, str]] = [
    ("a path outside", zipped("../../outside.jpg", b"x"), "outside"),
    ("a bomb", zipped("a.jpg", bytes(200 << 20)), "which is no set of photos"),
    ("corrupt photos", corrupt, "0.jpg"),
    ("two photos", photos(2), "photos"),
    ("all alike", photos(6, alike=True), "same"),
    ("one pixel", photos(6, size=(1, 1)), "1x1 pixels are too few"),
    ("no overlap", photos(6), "do not connect"),
]


@pytest.mark.parametrize(("make", "said"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_bad_photos_fail_in_words(tmp_path: Path, make: Make, said: str) -> None:
    folder = tmp_path / "store" / "bad"
    folder.mkdir(parents=True)
    make(folder)
    dataset = "bad/photos.zip" if (folder / "photos.zip").exists() else "bad"
    before = fingerprint(tmp_path / "store")
    ledger, dispatcher = bot(tmp_path)
    ledger.submit(a_request("a", dataset=dataset), backend="local", price_per_hour=0.0)
    await_that(
        lambda: ledger.job("a").is_over and not ledger.holders(), "the job's end",
        said=ledger.jobs, meanwhile=dispatcher.tick, patience=120, pause=0.1,
    )  # fmt: skip
    job = ledger.job("a")
    assert job.state is State.FAILED
    assert said in f"{job.error} {job.hint}"
    assert "Traceback" not in job.error
    assert job.hint
    assert job.would_fail_again
    assert fingerprint(tmp_path / "store") == before
    assert not (tmp_path.parent / "outside.jpg").exists()


def bot(root: Path) -> tuple[Ledger, Dispatcher]:
    ledger = Ledger(root / "ledger.db")
    storage = LocalStorage(root / "store", "http://bot")
    backend = LocalBackend(root / "jobs")
    return ledger, Dispatcher(ledger, backend, storage, public_url="http://bot")


def fingerprint(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(f): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}
