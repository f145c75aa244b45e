"""LPIPS: the published formula, with made-up weights; and what is said of a wrong file."""

import json
import runpy
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import Tensor, nn

from gpu.export import compress
from gpu.export.ply import write_ply
from gpu.job import Pipeline, Stage
from gpu.training import descend
from gpu.training.dataset import load_dataset
from gpu.training.lpips import SHAPES, VARIABLE, BadWeights, Lpips
from gpu.training.metrics import PhotoMetric, Score, compare, evaluate
from gpu.training.stage import photo_metrics, run_train
from tests.gpu.photographed import WIDTH, job, recorded, truth


def weights() -> dict[str, Tensor]:
    """Made-up weights that keep what a layer sees about as large as what it gets."""
    make = torch.Generator().manual_seed(0)
    made = {n: torch.randn(s, generator=make) for n, s in SHAPES.items()}
    for name, tensor in made.items():
        if name.startswith("lin"):
            made[name] = tensor.abs()
        elif name.endswith("weight"):
            made[name] = tensor / tensor[0].numel() ** 0.5
    return made


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that the setting names."""
    file = tmp_path / "weights.pt"
    torch.save(weights(), file)
    monkeypatch.setenv(VARIABLE, str(file))
    return file


@pytest.fixture(autouse=True)
def nothing_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("SPLATBOT_LEARNED", str(tmp_path / "learned"))


def pair(side: int = 64) -> tuple[Tensor, Tensor]:
    make = torch.Generator().manual_seed(1)
    image = torch.rand(1, 3, side, side, generator=make)
    return image, (image + 0.1 * torch.randn(1, 3, side, side, generator=make)).clamp(0, 1)


def by_the_formula(a: Tensor, b: Tensor, held: dict[str, Tensor]) -> Tensor:
    """The distance as the paper writes it, with the layers of torchvision's AlexNet."""
    network = nn.Sequential(
        nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(),
        nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(),
        nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(),
    )  # fmt: skip
    prefix = "features."
    network.load_state_dict({n[len(prefix) :]: t for n, t in held.items() if n.startswith(prefix)})
    mean = torch.tensor([-0.030, -0.088, -0.188])[:, None, None]
    deviation = torch.tensor([0.458, 0.448, 0.450])[:, None, None]
    a, b = ((2 * t - 1 - mean) / deviation for t in (a, b))
    distances = []
    for layer in network:
        a, b = layer(a), layer(b)
        if isinstance(layer, nn.ReLU):
            apart = (F.normalize(a, dim=1) - F.normalize(b, dim=1)) ** 2
            linear = held[f"lin{len(distances)}.model.1.weight"].flatten()
            distances.append(torch.einsum("bchw,c->bhw", apart, linear).mean())
    return torch.stack(distances).sum()


def test_the_distance_is_that_of_the_paper() -> None:
    held = weights()
    with torch.no_grad():
        wanted = float(by_the_formula(*pair(), held))
    assert wanted > 0.05
    assert float(Lpips(held)(*pair())) == pytest.approx(wanted, rel=1e-4)


def test_a_picture_is_no_distance_from_itself_and_more_noise_is_farther() -> None:
    lpips, (image, noisy) = Lpips(weights()), pair()
    assert float(lpips(image, image)) == 0
    assert 0 < float(lpips((image + noisy) / 2, image)) < float(lpips(noisy, image))


def test_what_a_mask_hides_has_no_say_and_does_not_flatter() -> None:
    lpips, (image, noisy) = Lpips(weights()), (i[0].permute(1, 2, 0) for i in pair(96))
    left = torch.zeros(96, 96, dtype=torch.bool)
    left[:, :48] = True
    whole, half = (compare("a", noisy, image, mask, lpips).lpips for mask in (None, left))
    assert whole and half == pytest.approx(whole, rel=0.25)
    noisy = torch.where(left[..., None], noisy, torch.zeros(3))
    assert compare("a", noisy, image, left, lpips).lpips == half


def test_pictures_that_the_network_can_not_take_are_refused_and_photos_go_without() -> None:
    lpips, (image, noisy) = Lpips(weights()), pair(30)
    with pytest.raises(ValueError, match="31 pixels"):
        lpips(image, noisy)
    assert compare("a", *(i[0].permute(1, 2, 0) for i in pair(30)), lpips=lpips).lpips is None
    assert compare("a", *(i[0].permute(1, 2, 0) for i in pair(31)), lpips=lpips).lpips


def test_without_a_setting_and_a_file_there_is_no_lpips(tmp_path: Path) -> None:
    assert Lpips.installed() is None
    place = tmp_path / "learned" / "lpips" / "weights"
    place.mkdir(parents=True)
    torch.save(weights(), place / "alex.pt")
    assert Lpips.installed()


def test_the_score_has_lpips_only_where_every_photo_has() -> None:
    photos = [PhotoMetric("a", 20.0, 0.5, 24.0, 0.2), PhotoMetric("b", 30.0, 0.7, 31.0, 0.4)]
    assert Score.of(photos).lpips == pytest.approx(0.3)
    assert photo_metrics(photos)["lpips/b"] == 0.4
    assert Score.of([photos[0], replace(photos[1], lpips=None)]).lpips is None


@pytest.mark.parametrize("damage", ["cut", "other", "shape", "absent"])
def test_a_file_that_can_not_be_read_is_named_before_anything_is_computed(
    file: Path, tmp_path: Path, damage: str
) -> None:
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:1000])
    elif damage == "other":
        torch.save([1, 2], file)
    elif damage == "shape":
        torch.save(weights() | {"features.3.bias": torch.zeros(3)}, file)
    else:
        file.unlink()
    with pytest.raises(BadWeights, match=r"weights\.pt") as told:
        run_train(job(tmp_path / "job"))
    assert "gpu.training.lpips" in told.value.hint
    assert not (tmp_path / "job" / "previews").exists()


def test_the_command_makes_the_file_from_the_two_that_are_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, files = weights(), [tmp_path / name for name in ("alexnet.pth", "alex.pth", "out.pt")]
    classifier = {"classifier.1.weight": torch.zeros(4, 4)}
    torch.save({n: t for n, t in held.items() if n.startswith("f")} | classifier, files[0])
    torch.save({n: t for n, t in held.items() if n.startswith("l")}, files[1])
    monkeypatch.setattr(sys, "argv", ["lpips", *map(str, files)])
    monkeypatch.delitem(sys.modules, "gpu.training.lpips")
    runpy.run_module("gpu.training.lpips", run_name="__main__")
    monkeypatch.setenv(VARIABLE, str(files[2]))
    made = Lpips.installed()
    assert made and set(made.weights) == set(SHAPES)
    assert set(torch.load(files[2], weights_only=True)) == set(SHAPES)
    assert float(made(*pair())) == float(Lpips(held)(*pair()))


def test_the_descent_measures_it_on_every_level(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each level makes the scene that was photographed of one that is too dark."""
    monkeypatch.setattr(descend, "train", lambda *_: truth())
    ctx = job(tmp_path / "job", use_all_photos="no")
    dark = replace(truth(), sh0=truth().sh0 * 0.8)
    write_ply(dark, ctx.paths.gaussians(Stage.TRAIN))
    held_out = load_dataset(ctx.paths.undistorted, WIDTH, 8).held_out
    before = Score.of(evaluate(dark, held_out, Lpips.installed())).lpips
    assert before and before > float(str(descend.run_descend(ctx).metrics["lpips"])) > 0


@pytest.mark.parametrize("is_set", [True, False], ids=["with weights", "without"])
def test_a_scenes_report_has_lpips_where_there_are_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_set: bool
) -> None:
    monkeypatch.setattr(compress, "draw_turntable", lambda *_, **__: False)
    monkeypatch.setattr(compress, "write_levels", lambda *_: [])
    if is_set:
        torch.save(weights(), tmp_path / "weights.pt")
        monkeypatch.setenv(VARIABLE, str(tmp_path / "weights.pt"))
    ctx = job(tmp_path / "job", iterations=50)
    ctx = replace(ctx, spec=replace(ctx.spec, pipeline=Pipeline.SPLAT, use_all_photos="no"))
    recorded(ctx)
    trained = run_train(ctx)
    write_ply(truth(), ctx.paths.gaussians(Stage.TRAIN))
    outcome = compress.run_compress(ctx)
    figures = json.loads((ctx.paths.root / "metrics.json").read_text())
    metadata = json.loads((ctx.paths.root / "manifest.json").read_text())["metadata"]
    photo = next(iter(figures["ply"]["photos"].values()))
    places = (trained.metrics, outcome.metrics, figures, figures["ply"], photo, metadata)
    assert [("lpips" in place) for place in places] == [is_set] * len(places)
    if is_set:
        told = float(str(outcome.metrics["lpips"]))
        assert 0 < told < float(str(trained.metrics["lpips"]))
        assert told == metadata["lpips"] == figures["lpips"] == figures["sog"]["lpips"]
