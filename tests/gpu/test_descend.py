"""The descent: real pixels in virtual views, and a gate that rolls back what does not help."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from gpu.export.ply import read_ply, write_ply
from gpu.gaussians import Gaussians
from gpu.job import Stage
from gpu.training import descend
from gpu.training.config import TrainConfig
from gpu.training.dataset import Dataset, View, load_dataset
from gpu.training.descend import LEVELS, NEEDLE, Descent, run_descend, shorten_needles
from gpu.training.nadir import Reprojector, ground_below, nadir_view, tiling
from gpu.training.render import render_view
from tests.gpu.photographed import CAMERA_HEIGHT, aerial_views, job, photograph, truth

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    scene = truth()
    views = [photograph(scene, view) for view in aerial_views()]
    held_out, seen = views[::8], [v for i, v in enumerate(views) if i % 8]
    return Dataset(tuple(seen), tuple(held_out), scene.means, scene.rgb)


class TestVirtualViews:
    def test_the_ground_is_found_below_the_cameras(self, dataset: Dataset) -> None:
        ground = ground_below(dataset)
        assert 0 < ground.height < 0.6
        assert ground.above == pytest.approx(CAMERA_HEIGHT - ground.height)
        assert ground.low[0] >= -3 and ground.high[0] <= 3

    def test_a_nadir_view_sees_the_point_below_it_in_its_middle_with_north_up(self) -> None:
        view = nadir_view(1.0, 2.0, 5.0)
        assert torch.allclose(view.position, torch.tensor([1.0, 2.0, 5.0]))
        points = torch.tensor([[1.0, 2.0, 0.0, 1.0], [1.0, 3.0, 0.0, 1.0], [2.0, 2.0, 0.0, 1.0]])
        x, y, z = (view.K @ (view.viewmat @ points.T)[:3]).tolist()
        below, north, east = ((x[i] / z[i], y[i] / z[i]) for i in range(3))
        assert below == pytest.approx((view.width / 2, view.height / 2))
        assert north[1] < below[1] and east[0] > below[0]

    def test_lower_levels_take_more_views_up_to_the_limit(self, dataset: Dataset) -> None:
        ground = ground_below(dataset)
        counts = [len(tiling(ground, f * ground.above, 12, seed=0)) for f in LEVELS]
        assert counts == sorted(counts) and counts[0] >= 1 and counts[-1] == 12

    def test_a_virtual_view_holds_what_a_real_camera_there_would_see(
        self, dataset: Dataset
    ) -> None:
        scene = truth()
        empty = nadir_view(0.0, 0.0, 4.0, size=64)
        filled = Reprojector(scene, dataset.train).fill(empty)
        assert filled is not None and filled.mask is not None
        wanted = render_view(scene, empty).renders[0]
        error = (filled.pixels - wanted).abs().mean(-1)[filled.mask]
        assert float(filled.mask.float().mean()) > 0.5
        assert float(error.mean()) < 0.08
        blank = (torch.full_like(wanted, 0.5) - wanted).abs().mean()
        assert float(error.mean()) < 0.5 * float(blank)

    def test_what_no_photo_shows_stays_unknown(self, dataset: Dataset) -> None:
        assert Reprojector(truth(), dataset.train).fill(nadir_view(40.0, 40.0, 4.0)) is None

    def test_what_is_hidden_from_the_photo_is_not_painted_onto_what_is_in_front(self) -> None:
        """A lid hides the ground from the photo; a view below the lid must not get its colour."""
        scene = truth()
        photo = photograph(scene, aerial_views()[5])
        lid = replace(scene, means=scene.means + torch.tensor([0.0, 0.0, 4.0]))
        both = Gaussians(
            **{k: torch.cat([v, lid.tensors()[k]]) for k, v in scene.tensors().items()}
        )
        assert Reprojector(both, [photo]).fill(nadir_view(0.0, 0.0, 3.0)) is None


class TestGate:
    def descent(
        self, dataset: Dataset, trained: Gaussians, monkeypatch: pytest.MonkeyPatch
    ) -> Descent:
        """A descent whose training returns `trained`."""

        def fake(start: Gaussians, views: list[View], *_: object) -> Gaussians:
            names = {view.name for view in views}
            assert not names & {view.name for view in dataset.held_out}
            return trained

        monkeypatch.setattr(descend, "train", fake)
        config = TrainConfig(1, 1000, 0)
        return Descent(self.start(), dataset, ground_below(dataset), config, CPU)

    def start(self) -> Gaussians:
        return replace(truth(), sh0=truth().sh0 * 0.8)

    def test_a_level_that_helps_is_kept(
        self, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        descent = self.descent(dataset, truth(), monkeypatch)
        level = descent.descend_to(0.5)
        assert level.kept and level.after > level.before
        assert torch.equal(descent.gaussians.sh0, truth().sh0)

    def test_a_level_that_harms_is_rolled_back_and_both_numbers_are_reported(
        self, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        worse = replace(truth(), sh0=truth().sh0 * 0.2)
        descent = self.descent(dataset, worse, monkeypatch)
        level = descent.descend_to(0.25)
        assert not level.kept and level.after < level.before
        assert torch.equal(descent.gaussians.sh0, self.start().sh0)
        assert level.figures()["level_0.25_psnr_after"] == round(level.after, 3)
        assert level.sentence().startswith("From 25% of the flight's height: rolled back (")

    def test_small_losses_do_not_add_up(
        self, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Every level is measured against the best so far, not against the last."""
        descent = self.descent(dataset, truth(), monkeypatch)
        best = descent.descend_to(1.0).after
        slightly = self.descent(dataset, replace(truth(), sh0=truth().sh0 * 0.8), monkeypatch)
        assert slightly.descend_to(1.0).before < best
        assert descent.descend_to(0.5).before == best


def test_needles_are_shortened_and_nothing_else() -> None:
    scene = truth()
    log_scales = scene.log_scales.clone()
    log_scales[3, 2] += math.log(50)
    short = shorten_needles(replace(scene, log_scales=log_scales)).log_scales
    assert float((short[3, 2] - short[3, 1]).exp()) == pytest.approx(NEEDLE, rel=1e-4)
    others = torch.arange(len(scene)) != 3
    assert torch.equal(short[others], scene.log_scales[others])


def test_the_stage_reports_every_level_and_never_ends_worse(tmp_path: Path) -> None:
    ctx = job(tmp_path, iterations=200, use_all_photos="no")
    start = replace(truth(), sh0=truth().sh0 * 0.8)
    write_ply(start, ctx.paths.gaussians(Stage.TRAIN))
    outcome = run_descend(ctx)
    for factor in LEVELS:
        assert isinstance(outcome.metrics[f"level_{factor:g}_kept"], bool)
    before, after = outcome.metrics["level_1_psnr_before"], outcome.metrics["psnr"]
    assert isinstance(before, float) and isinstance(after, float)
    assert after >= before - 0.05
    photos = load_dataset(ctx.paths.undistorted, 10_000, ctx.spec.holdout).held_out
    longest = max(photo.long_side for photo in photos)
    assert f"held-out photos ({longest} pixels) went from" in outcome.message
    assert len(read_ply(ctx.paths.gaussians(Stage.DESCEND))) == outcome.metrics["gaussians"]
    width, height = Image.open(tmp_path / outcome.pictures[0]).size
    assert width > 4 * height


def test_photos_that_were_not_taken_from_above_are_left_as_they_are(tmp_path: Path) -> None:
    ctx = job(tmp_path, use_all_photos="no")
    start = truth()
    below = replace(start, means=start.means + torch.tensor([0.0, 0.0, 50.0]))
    write_ply(below, ctx.paths.gaussians(Stage.TRAIN))
    folder = ctx.paths.undistorted / "sparse"
    import pycolmap

    model = pycolmap.Reconstruction(folder)
    model.transform(
        pycolmap.Sim3d(
            1.0,
            pycolmap.Rotation3d(torch.diag(torch.tensor([1.0, -1, -1]).double()).numpy()),
            [0, 0, 0],
        )
    )
    model.write(folder)
    outcome = run_descend(ctx)
    assert "not taken from above" in outcome.message
    assert torch.equal(read_ply(ctx.paths.gaussians(Stage.DESCEND)).means, below.means)
