"""Background and people removed by a network that the operator has put there; never by default."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from gpu.ingest.errors import RemoverNotInstalled, TooFewPhotos
from gpu.ingest.photos import Photos
from gpu.ingest.preprocess import run_preprocess
from gpu.ingest.remove import open_remover
from gpu.stage import Context
from tests.gpu.networks import mean_of_colours
from tests.gpu.photos_on_disk import context, picture


@pytest.fixture
def learned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SPLATBOT_LEARNED", str(tmp_path / "learned"))
    return tmp_path / "learned"


def bright_disc(number: int) -> Image.Image:
    """A dark place with a bright thing in it, which the made-up network finds."""
    image = picture(number, (320, 240)).point([value // 12 for value in range(256)] * 3)
    ImageDraw.Draw(image).ellipse((60 + 20 * number, 60, 180 + 20 * number, 180), fill="white")
    return image


def job(tmp_path: Path, remove: str | None) -> Context:
    ctx = context(tmp_path / "job", tmp_path, remove=remove)
    ctx.paths.photos.mkdir(parents=True)
    for number in range(3):
        bright_disc(number).save(ctx.paths.photos / f"{number}.jpg", quality=95)
    return ctx


@pytest.mark.parametrize(
    ("remove", "file", "disc", "around"),
    [("background", "u2net.onnx", 255, 0), ("people", "u2net_human_seg.onnx", 0, 255)],
)
def test_a_network_of_the_operators_makes_the_masks(
    tmp_path: Path, learned: Path, remove: str, file: str, disc: int, around: int
) -> None:
    mean_of_colours(learned / f"remove-{remove}" / "weights" / file)
    ctx = job(tmp_path, remove)
    outcome = run_preprocess(ctx)
    assert outcome.metrics["photos_masked"] == 3
    with Image.open(ctx.paths.masks / "1.jpg.png") as mask:
        assert (mask.mode, mask.size) == ("L", (320, 240))
        assert set(np.unique(np.asarray(mask))) == {0, 255}
        assert (mask.getpixel((140, 120)), mask.getpixel((10, 10))) == (disc, around)
    assert outcome.message == "3 of 3 photos are usable. Masks hide a part of 3."
    with Image.open(ctx.paths.root / outcome.pictures[0]) as sheet:  # what is hidden is dark
        assert (sheet.convert("L").getpixel((62, 81)) > 128) is (disc == 255)


def test_a_given_mask_still_counts(tmp_path: Path, learned: Path) -> None:
    mean_of_colours(learned / "remove-background" / "weights" / "u2net.onnx")
    ctx = job(tmp_path, "background")
    given = Image.new("L", (320, 240), 255)
    given.paste(0, (0, 0, 140, 240))
    (ctx.paths.photos / "masks").mkdir()
    given.save(ctx.paths.photos / "masks" / "1.png")
    run_preprocess(ctx)
    with Image.open(ctx.paths.masks / "1.jpg.png") as mask:
        assert (mask.getpixel((100, 120)), mask.getpixel((180, 120))) == (0, 255)


def test_a_photo_in_which_nothing_stands_out_is_left_out_by_name(
    tmp_path: Path, learned: Path
) -> None:
    mean_of_colours(learned / "remove-background" / "weights" / "silueta.onnx")
    ctx = job(tmp_path, "background")
    empty = Image.new("RGB", (320, 240), (20, 20, 20))
    empty.paste((255, 255, 255), (0, 0, 20, 20))  # the brightest counts as white
    empty.save(ctx.paths.photos / "empty.png")
    run_preprocess(ctx)
    dropped = Photos.load(ctx.paths).dropped
    assert dropped == {"empty.png": "nothing is left of it without what was to be removed"}


def test_without_asking_nothing_is_removed(tmp_path: Path, learned: Path) -> None:
    mean_of_colours(learned / "remove-background" / "weights" / "u2net.onnx")
    assert run_preprocess(job(tmp_path, None)).metrics["photos_masked"] == 0


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({}, "no network is installed for it"),
        ({"weights/another.onnx": b"x"}, "no network is installed for it"),
        ({"weights/u2net.onnx": b"no network"}, "u2net.onnx can not be read"),
    ],
)
def test_what_is_not_installed_is_refused_before_anything_is_computed(
    tmp_path: Path, learned: Path, files: dict[str, bytes], why: str
) -> None:
    for name, data in files.items():
        file = learned / "remove-background" / name
        file.parent.mkdir(parents=True)
        file.write_bytes(data)
    ctx = job(tmp_path, "background")
    with pytest.raises(RemoverNotInstalled, match=f"The background can not .*: {why}") as refused:
        run_preprocess(ctx)
    assert "Leave `--remove` away, put a folder `masks` beside the photos" in refused.value.hint
    assert not list(ctx.paths.images.iterdir())


def test_a_machine_without_onnxruntime_says_so(
    learned: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mean_of_colours(learned / "remove-people" / "weights" / "u2net_human_seg.onnx")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(RemoverNotInstalled, match=r"People can not .*onnxruntime is not installed"):
        open_remover("people")


def test_a_network_that_hides_everything_leaves_too_few_photos(
    tmp_path: Path, learned: Path
) -> None:
    mean_of_colours(learned / "remove-people" / "weights" / "u2net_human_seg.onnx")
    ctx = context(tmp_path / "job", tmp_path, remove="people")
    ctx.paths.photos.mkdir(parents=True)
    for number in range(3):
        Image.new("RGB", (320, 240 + number), "white").save(ctx.paths.photos / f"{number}.png")
    with pytest.raises(TooFewPhotos, match="nothing is left of it"):
        run_preprocess(ctx)
