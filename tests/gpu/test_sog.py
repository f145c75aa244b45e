"""The web formats hold what was written, for our reader and for an independent one."""

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from gpu.export.codebook import codebook, indices, palette
from gpu.export.levels import best_growth, write_levels
from gpu.export.ply import read_ply
from gpu.export.sog import DamagedSog, along_curve, read_sog, write_sog
from gpu.export.spz import write_spz
from gpu.gaussians import Gaussians
from gpu.job.paths import LEVELS
from tests.conftest import NODE
from tests.gpu.photographed import looking_down, truth

CONVERTER = Path("viewer/node_modules/@playcanvas/splat-transform/bin/cli.mjs")


def scene(n: int = 3000, coefficients: int = 0, seed: int = 0) -> Gaussians:
    make = torch.Generator().manual_seed(seed)
    return Gaussians(
        means=torch.randn(n, 3, generator=make) * 4,
        quats=torch.randn(n, 4, generator=make),
        log_scales=torch.randn(n, 3, generator=make) * 0.5 - 2,
        logit_opacities=torch.randn(n, generator=make) + 1,
        sh0=torch.rand(n, 1, 3, generator=make) * 2 - 1,
        shN=0.2 * torch.randn(n, coefficients, 3, generator=make),
    )


def converted(file: Path, output: Path) -> Gaussians:
    """What PlayCanvas's splat-transform reads from a file."""
    command = [NODE, str(CONVERTER), "-q", "-w", "-g", "cpu", str(file), str(output)]
    subprocess.run(command, check=True, env=os.environ, capture_output=True)
    return read_ply(output)


def filtered(ply: Path) -> bool:
    """Whether splat-transform understood that the scene was trained with Mip-Splatting's filter."""
    return b"\ncomment SplatRenderMode: mip\n" in ply.read_bytes()[:2000]


def alike(after: Gaussians, before: Gaussians, *, place: float, colour: float = 0.02) -> None:
    """Hold what was read against what was written, each in its steps."""
    unit = torch.nn.functional.normalize(before.quats, dim=1)
    read = torch.nn.functional.normalize(after.quats, dim=1)
    assert (after.means - before.means).abs().max() < place
    sizes = (after.log_scales - before.log_scales).abs()
    assert sizes.mean() < 0.02
    assert sizes.max() < 0.3  # the few that are far from all others share an entry of the codebook
    assert (after.rgb - before.rgb).abs().max() < colour
    assert (after.opacities - before.opacities).abs().max() <= 0.6 / 255
    assert (unit * read).sum(dim=1).abs().min() > 0.9998


@pytest.mark.parametrize("coefficients", [0, 8])
def test_a_sog_holds_the_scene_for_us_and_for_others(tmp_path: Path, coefficients: int) -> None:
    before = scene(coefficients=coefficients)
    write_sog(before, tmp_path / "s.sog")
    before = before.select(along_curve(before.means))
    for after in (
        read_sog(tmp_path / "s.sog"),
        converted(tmp_path / "s.sog", tmp_path / "theirs.ply"),
    ):
        alike(after, before, place=0.01)
        assert after.shN.shape == before.shN.shape
        assert filtered(tmp_path / "theirs.ply")
        if coefficients:
            # 3000 random vectors in a palette of 3000: the codebook's steps are all that is lost.
            assert (after.shN - before.shN).abs().mean() < 0.01


def test_an_spz_holds_the_scene_for_others(tmp_path: Path) -> None:
    before = scene(coefficients=3)
    write_spz(before, tmp_path / "s.spz")
    after = converted(tmp_path / "s.spz", tmp_path / "theirs.ply")
    alike(after, before, place=1 / 4096)
    assert filtered(tmp_path / "theirs.ply")
    assert (after.shN - before.shN).abs().max() < 0.04


def test_a_sog_is_the_same_each_time(tmp_path: Path) -> None:
    for name in ("a.sog", "b.sog"):
        write_sog(scene(coefficients=3), tmp_path / name)
    assert (tmp_path / "a.sog").read_bytes() == (tmp_path / "b.sog").read_bytes()


@pytest.mark.parametrize("n", [1, 5, 17])
def test_a_few_gaussians_are_a_sog_too(tmp_path: Path, n: int) -> None:
    write_sog(scene(n), tmp_path / "s.sog")
    assert len(read_sog(tmp_path / "s.sog")) == n


def test_a_damaged_sog_is_refused_by_name(tmp_path: Path) -> None:
    write_sog(scene(100), tmp_path / "s.sog")
    whole = (tmp_path / "s.sog").read_bytes()
    (tmp_path / "s.sog").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DamagedSog, match=r"s\.sog"):
        read_sog(tmp_path / "s.sog")


def test_a_codebook_is_near_every_value() -> None:
    values = np.random.default_rng(0).normal(size=200_000).astype(np.float32)
    book = codebook(values)
    error = np.abs(book[indices(values, book)] - values)
    assert error.mean() < 0.006  # 256 even steps over the same range: 0.009
    assert (np.diff(book) >= 0).all()


def test_a_codebook_of_one_value_is_that_value() -> None:
    assert (codebook(np.full(9, 2.5, np.float32)) == 2.5).all()


def test_a_palette_finds_the_groups() -> None:
    middles = torch.tensor([[0.0, 0.0], [5.0, 0.0], [0.0, 5.0], [5.0, 5.0]])
    which = torch.arange(4000) % 4
    spread = 0.1 * torch.randn(4000, 2, generator=torch.Generator().manual_seed(1))
    vectors = middles[which] + spread
    entries, labels = palette(vectors, 16)
    assert (entries[labels] - vectors).norm(dim=1).mean() < 0.1


def test_levels_add_up_to_the_scene(tmp_path: Path) -> None:
    before = truth()
    views = [looking_down(f"{x}", x, 0.0, 8.0, 0.0) for x in (-1.0, 0.0, 1.0)]
    levels = write_levels(before, tmp_path, views)
    parts = [read_sog(tmp_path / name) for name in LEVELS]
    assert [len(part) for part in parts] == [level.gaussians for level in levels]
    assert sum(map(len, parts)) == len(before)
    assert [level.bytes for level in levels] == [
        (tmp_path / name).stat().st_size for name in LEVELS
    ]
    together = torch.cat([part.means for part in parts])
    missing = torch.cdist(before.means, together).min(dim=1).values
    assert missing.max() < 0.01
    assert levels[-1].grow == 1.0
    assert json.dumps([level.to_json() for level in levels])


def test_what_is_missing_is_made_up_for_by_size() -> None:
    """Of an even floor, one tile in four looks most like all when it is about twice as wide."""
    steps = torch.linspace(-4, 4, 40)
    places = torch.cartesian_prod(steps, steps)
    order = torch.randperm(len(places), generator=torch.Generator().manual_seed(0))
    places = places[order]
    floor = replace(
        scene(len(places)),
        means=torch.cat([places, torch.zeros(len(places), 1)], dim=1),
        log_scales=torch.full((len(places), 3), 0.12).log(),
        logit_opacities=torch.full((len(places),), 4.0),
        sh0=torch.ones(len(places), 1, 3),
    )
    view = looking_down("middle", 0.0, 0.0, 8.0, 0.0)
    assert best_growth(floor, len(places) // 4, [view]) >= 1.4
    assert best_growth(floor, len(places), [view]) == 1.0
