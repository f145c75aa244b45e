"""From trained Gaussians to what users get: files that hold what the figures say."""

import json
import math
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gpu.export import compress
from gpu.export.cameras import above, central_view, on_foot
from gpu.export.compress import run_compress
from gpu.export.ground import ground_of
from gpu.export.ply import read_ply, write_ply
from gpu.export.prune import RULES, Box, prune
from gpu.export.sog import read_sog
from gpu.export.splat import DamagedSplat, importance, read_splat, write_splat
from gpu.gaussians import SH_C0, Gaussians
from gpu.geometry.record import Geometry
from gpu.ingest.photos import Photo, Photos
from gpu.job import Pipeline, Stage
from gpu.job.paths import SOG, SPLAT
from gpu.stage import Context
from gpu.training.dataset import load_dataset
from gpu.training.metrics import Score, evaluate
from tests.gpu.photographed import job, looking_down, truth


def gaussians(n: int, seed: int = 0, degree_one: bool = False) -> Gaussians:
    make = torch.Generator().manual_seed(seed)
    return Gaussians(
        means=torch.randn(n, 3, generator=make) * 4,
        quats=torch.randn(n, 4, generator=make),
        log_scales=torch.randn(n, 3, generator=make) * 0.5 - 2,
        logit_opacities=torch.randn(n, generator=make) + 1,
        sh0=torch.rand(n, 1, 3, generator=make) * 2 - 1,
        shN=torch.randn(n, 3 if degree_one else 0, 3, generator=make),
    )


# .splat


def test_one_gaussian_is_these_32_bytes(tmp_path: Path) -> None:
    """Position, scales, colour and opacity, and a quarter turn about z, by the format's text."""
    one = Gaussians(
        means=torch.tensor([[1.0, -2.0, 3.5]]),
        quats=torch.tensor([[2.0, 0.0, 0.0, 2.0]]),
        log_scales=torch.tensor([[0.5, 0.25, 0.125]]).log(),
        logit_opacities=torch.tensor([0.0]),
        sh0=torch.tensor([[[0.5 / SH_C0, 0.0, -9.0]]]),
        shN=torch.zeros(1, 0, 3),
    )
    write_splat(one, tmp_path / "one.splat")
    data = (tmp_path / "one.splat").read_bytes()
    root = round(128 + 128 * math.sqrt(0.5))
    colour = bytes([255, 128, 0, 128])
    assert data[:24] == struct.pack("<6f", 1.0, -2.0, 3.5, 0.5, 0.25, 0.125)
    assert data[24:28] == colour
    assert data[28:] == bytes([root, 128, 128, root])


def test_what_is_read_is_what_was_written_to_a_byte_step(tmp_path: Path) -> None:
    before = gaussians(200, degree_one=True)
    write_splat(before, tmp_path / "s.splat")
    after = read_splat(tmp_path / "s.splat")
    order = importance(before).argsort(descending=True, stable=True)
    before = before.select(order)
    quats = torch.nn.functional.normalize(before.quats, dim=1)
    assert torch.equal(after.means, before.means)
    assert torch.allclose(after.scales, before.scales, rtol=1e-5)
    assert (after.rgb - before.rgb.clamp(0, 1)).abs().max() <= 0.51 / 255
    assert (after.opacities - before.opacities).abs().max() <= 0.51 / 255
    assert (after.quats - quats).abs().max() <= 1.01 / 128
    assert after.shN.shape == (200, 0, 3)


def test_the_most_important_come_first(tmp_path: Path) -> None:
    write_splat(gaussians(100), tmp_path / "s.splat")
    values = importance(read_splat(tmp_path / "s.splat"))
    assert (values[1:] <= values[:-1] * 1.05).all()


def test_a_splat_that_is_not_whole_is_refused(tmp_path: Path) -> None:
    (tmp_path / "half.splat").write_bytes(bytes(33))
    with pytest.raises(DamagedSplat, match="33 bytes"):
        read_splat(tmp_path / "half.splat")


# Pruning


def surface(n: int = 2000) -> Gaussians:
    """A flat, solid piece of ground, 10 units wide."""
    scene = gaussians(n)
    places = torch.rand(n, 3, generator=torch.Generator().manual_seed(1)) * torch.tensor(
        [10, 10, 0.2]
    )
    small = torch.full((n, 3), math.log(0.05))
    return replace(scene, means=places, log_scales=small, logit_opacities=torch.full((n,), 3.0))


def with_one(scene: Gaussians, **values: torch.Tensor) -> Gaussians:
    """Replace the first Gaussian's values."""
    changed = {name: tensor.clone() for name, tensor in scene.tensors().items()}
    for name, value in values.items():
        changed[name][0] = value
    return Gaussians(**changed)


@pytest.mark.parametrize(
    ("rule", "values"),
    [
        ("faint", {"logit_opacities": torch.tensor(-6.0)}),
        ("oversized", {"log_scales": torch.full((3,), math.log(20.0))}),
        ("oversized", {"log_scales": torch.tensor([2.0, 0.01, 0.01]).log()}),
        ("astray", {"means": torch.tensor([5.0, 5.0, 900.0])}),
        ("floaters", {"means": torch.tensor([5.0, 5.0, 4.0])}),
    ],
)
def test_each_rule_finds_what_it_is_for(rule: str, values: dict[str, torch.Tensor]) -> None:
    scene = with_one(surface(), **values)
    box = Box(torch.zeros(3), torch.tensor([10.0, 10.0, 0.2]))
    keep = RULES[rule](scene, box)
    assert not keep[0]
    assert keep[1:].all()


def test_a_far_large_background_is_no_floater() -> None:
    scene = with_one(
        surface(), means=torch.tensor([5.0, 25.0, 3.0]), log_scales=torch.full((3,), math.log(2.0))
    )
    box = Box(torch.zeros(3), torch.tensor([10.0, 10.0, 0.2]))
    assert RULES["floaters"](scene, box)[0]
    assert RULES["astray"](scene, box)[0]


def test_a_rule_that_makes_held_out_photos_worse_is_not_followed() -> None:
    scene = with_one(surface(), logit_opacities=torch.tensor(-6.0))
    box = Box(torch.zeros(3), torch.tensor([10.0, 10.0, 0.2]))
    kept, left_out = prune(scene, box, psnr=lambda g: float(len(g)))
    assert (len(kept), sum(left_out.values())) == (2000, 0)
    kept, left_out = prune(scene, box, psnr=lambda _: 20.0)
    assert (len(kept), left_out["faint"]) == (1999, 1)


# The ground


def terrain() -> np.ndarray:
    """A slope with a house (a box 3 high) on it and some errors below the ground."""
    rng = np.random.default_rng(0)
    points = rng.uniform([0, 0, 0], [64, 48, 0], (40_000, 3))
    points[:, 2] = 0.05 * points[:, 0] + rng.normal(0, 0.02, len(points))
    house = (abs(points[:, 0] - 40) < 3) & (abs(points[:, 1] - 20) < 3)
    points[house, 2] += 3.0
    points[:40, 2] -= 5.0
    return points


def test_the_ground_is_a_slope_and_not_the_house() -> None:
    points = terrain()
    ground = ground_of(points, points.min(axis=0), points.max(axis=0))
    assert ground is not None
    for x, y in ((10, 10), (30, 40), (55, 5), (40, 20)):
        assert ground.at(x, y) == pytest.approx(0.05 * x, abs=0.3)
    assert max(ground.heights.shape) <= 64


def test_nobody_starts_inside_the_house() -> None:
    points = terrain()
    ground = ground_of(points, points.min(axis=0), points.max(axis=0))
    assert ground is not None
    x, y = ground.nearest_free(40, 20)
    assert max(abs(x - 40), abs(y - 20)) > 3.0
    assert ground.nearest_free(10, 10) == pytest.approx((10, 10), abs=ground.cell)


def test_cells_without_points_are_filled_from_beside() -> None:
    points = terrain()
    hole = (abs(points[:, 0] - 20) < 8) & (abs(points[:, 1] - 20) < 8)
    ground = ground_of(points[~hole], points.min(axis=0), points.max(axis=0))
    assert ground is not None
    assert np.isfinite(ground.heights).all()
    assert ground.at(20, 20) == pytest.approx(1.0, abs=0.6)


def test_nothing_has_no_ground() -> None:
    assert ground_of(np.zeros((3, 3)), np.zeros(3), np.ones(3)) is None


# Cameras


def test_a_map_starts_over_the_centre_with_north_up() -> None:
    camera = above((3, 4, 1), (40, 30, 5), ground_z=0.0, height=50.0)
    x, y, z = camera.position
    assert (x, z) == (3, 50.0)
    assert 0 < 4 - y < 15  # from slightly south, so that up on the screen is north
    assert camera.look_at == (3, 4, 0.0)
    assert above((0, 0, 0), (200, 100, 5), 0.0, 50.0).position[2] == 120.0


def test_a_walker_stands_on_the_ground_and_looks_level() -> None:
    points = terrain()
    ground = ground_of(points, points.min(axis=0), points.max(axis=0))
    start = above((32, 24, 1), (64, 48, 5), ground_z=0.0, height=50.0)
    walk = on_foot(start, (64, 48, 5), ground, 0.0, metric=True)
    assert ground is not None
    assert walk.position[2] == pytest.approx(ground.at(*walk.position[:2]) + 1.7)
    assert walk.look_at[2] == walk.position[2]
    assert on_foot(start, (64, 48, 5), None, 2.0, metric=False).position[2] == 3.7


def test_the_central_view_is_not_the_one_apart() -> None:
    views = [looking_down(f"{x}", x, 0.0, 8.0, 0.0) for x in (-1.0, 0.0, 1.0, 40.0)]
    assert central_view(views).name == "0.0"


# The stage


@pytest.fixture(scope="module")
def compressed(tmp_path_factory: pytest.TempPathFactory) -> Context:
    """A job whose training found the truth, with some dirt in it."""
    ctx = job(tmp_path_factory.mktemp("job"))
    scene = truth()
    dirt = replace(scene.select(torch.arange(5)), logit_opacities=torch.full((5,), -8.0))
    both = {k: torch.cat([v, dirt.tensors()[k]]) for k, v in scene.tensors().items()}
    write_ply(Gaussians(**both), ctx.paths.gaussians(Stage.DESCEND))
    names = sorted(f.name for f in (ctx.paths.undistorted / "images").iterdir())
    photos = [Photo(n.replace(".jpg", ".JPG"), n, 96, 72, "c") for n in names]
    Photos(tuple(photos), {"blurred.jpg": "the file is damaged"}).save(ctx.paths)
    ctx.paths.geometry.mkdir(parents=True, exist_ok=True)
    record = Geometry(
        registered=tuple(p.name for p in photos), left_out=("far.jpg",), images=tuple(names),
        points=900, reprojection_error=0.3, track_length=4.0, rung=1, metric=True, gps_rmse=0.4,
        gps_agreeing=12, origin=(52.5, 13.4, 40.0), ground_z=0.0, camera_height=8.0,
        scene_distance=8.0, epsg=32633,
    )  # fmt: skip
    record.save(ctx.paths)
    with pytest.MonkeyPatch.context() as patch:  # what turns is looked at in test_turntable.py
        patch.setattr(compress, "draw_turntable", lambda *_, **__: False)
        outcome = run_compress(ctx)
    assert outcome.pictures == ("thumbnail.jpg",)
    return ctx


def loaded(ctx: Context, name: str) -> dict[str, object]:
    content: dict[str, object] = json.loads((ctx.paths.root / name).read_text())
    return content


def test_the_figures_are_measured_on_what_the_viewer_shows(compressed: Context) -> None:
    """Measured again here, from scene.sog alone; scene.splat has its own."""
    root, figures = compressed.paths.root, loaded(compressed, "metrics.json")
    dataset = load_dataset(compressed.paths.undistorted, 480, compressed.spec.holdout)
    splat = figures["splat"]
    assert isinstance(splat, dict)
    for told, scene in (figures, read_sog(root / SOG)), (splat, read_splat(root / SPLAT)):
        again = Score.of(evaluate(scene, dataset.held_out))
        assert told["psnr"] == pytest.approx(again.psnr, abs=1e-3)
        assert told["ssim"] == pytest.approx(again.ssim, abs=1e-3)
    assert splat["bytes"] == 32 * figures["gaussians"]  # type: ignore[operator]
    assert list(splat["photos"]) == figures["held_out"] == ["photo_00.JPG", "photo_08.JPG"]


def test_the_figures_name_every_photo(compressed: Context) -> None:
    figures = loaded(compressed, "metrics.json")
    assert figures["photos"] == 13
    assert figures["photos_registered"] == 12
    assert figures["left_out"] == {
        "blurred.jpg": "the file is damaged",
        "far.jpg": "does not connect",
    }


def test_the_dirt_is_gone_from_both_files(compressed: Context) -> None:
    assert len(read_splat(compressed.paths.root / "scene.splat")) <= 900
    assert len(read_ply(compressed.paths.root / "scene.ply")) == len(
        read_splat(compressed.paths.root / "scene.splat")
    )


def test_the_manifest_tells_a_viewer_where_to_stand(compressed: Context) -> None:
    manifest = loaded(compressed, "manifest.json")
    bounds, metadata = manifest["scene_bounds"], manifest["metadata"]
    assert isinstance(bounds, dict)
    assert isinstance(metadata, dict)
    assert manifest["viewer_mode"] == "topdown"
    assert bounds["min"] == pytest.approx([-5, -5, 0], abs=0.6)
    assert bounds["max"] == pytest.approx([5, 5, 0.6], abs=0.6)
    assert bounds["size"] == pytest.approx(np.subtract(bounds["max"], bounds["min"]), abs=1e-3)
    assert metadata["drone_agl_m"] == 8.0
    assert metadata["georeference"] == {
        "latitude": 52.5, "longitude": 13.4, "altitude": 40.0, "axes": "ENU", "epsg": 32633,
    }  # fmt: skip
    for url in ("splat_url", "ply_url", "thumbnail_url", "metrics_url"):
        assert (compressed.paths.root / str(manifest[url])).stat().st_size > 0
    ground = manifest["ground"]
    assert isinstance(ground, dict)
    assert len(ground["heights"]) == ground["rows"] * ground["columns"]


def test_the_thumbnail_shows_the_scene(compressed: Context) -> None:
    picture = Image.open(compressed.paths.root / "thumbnail.jpg")
    assert picture.size == (960, 480)
    assert np.asarray(picture, float).std() > 20
    assert compressed.spec.pipeline is Pipeline.AERIAL


def test_the_manifest_weighs_what_there_is_to_load(compressed: Context) -> None:
    manifest = loaded(compressed, "manifest.json")
    levels, formats = manifest["levels"], manifest["formats"]
    assert isinstance(levels, list)
    assert isinstance(formats, list)
    for entry in (*levels, *formats):
        assert (compressed.paths.root / entry["url"]).stat().st_size == entry["bytes"]
    metadata = manifest["metadata"]
    assert isinstance(metadata, dict)
    assert sum(level["gaussians"] for level in levels) == metadata["gaussians"]
    assert [f["url"] for f in formats] == ["scene.sog", "scene.spz", "scene.splat", "scene.ply"]
    cameras = manifest["cameras"]
    assert isinstance(cameras, dict)
    assert (compressed.paths.root / cameras["url"]).stat().st_size == cameras["bytes"]
    assert (cameras["count"], cameras["photos"]) == (12, 0)  # nobody asked to see the photos
    sog = loaded(compressed, "metrics.json")["sog"]
    assert isinstance(sog, dict)
    assert sog["psnr"] == pytest.approx(manifest["metadata"]["psnr"], abs=0.5)  # type: ignore[index]
