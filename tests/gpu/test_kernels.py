"""The GPU's own kernels, run on the CPU by Triton's interpreter (scripts/triton.sh fetches it)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor

from gpu.rendering.harmonics import harmonics_colors
from gpu.training.ssim import C1, C2, TAPS, ssim_by_convolution

TRITON = Path(__file__).parents[2] / ".triton"
WEIGHT = 0.2
#: A kernel launched on the CPU costs a hundredth of a second a program: pictures are tiny.
PHOTOS = (2, 12, 13, 2)


@pytest.fixture(scope="module")
def interpreter() -> Iterator[None]:
    """Have kernels that are imported from now on run on the CPU."""
    if not TRITON.is_dir():
        pytest.skip("Triton is not in .triton: `make test` brings it")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRITON_INTERPRET", "1")
        patch.syspath_prepend(TRITON)
        yield
        kernels = ("kernels", "ssim_cuda", "adam_cuda", "harmonics_cuda")
        ours = {f"gpu.training.{name}" for name in kernels}
        for name in [n for n in sys.modules if n.split(".")[0] == "triton" or n in ours]:
            del sys.modules[name]


@pytest.fixture
def ssim_cuda(interpreter: None) -> ModuleType:
    import gpu.training.ssim_cuda

    return gpu.training.ssim_cuda


@pytest.fixture
def adam_cuda(interpreter: None) -> ModuleType:
    import gpu.training.adam_cuda

    return gpu.training.adam_cuda


@pytest.fixture
def harmonics_cuda(interpreter: None) -> ModuleType:
    import gpu.training.harmonics_cuda

    return gpu.training.harmonics_cuda


def pictures(*, whole: bool) -> tuple[Tensor, Tensor]:
    """Return renders and photos, the photos in bytes or from 0 to 1."""
    make = torch.Generator().manual_seed(0)
    renders, photos = torch.rand(2, *PHOTOS, generator=make)
    return renders, (photos * 255).byte() if whole else photos


def by_torch(renders: Tensor, photos: Tensor) -> tuple[float, Tensor]:
    """Return the loss and its gradient as convolutions and autograd find them."""
    leaf = renders.clone().requires_grad_()
    planes = [t.permute(0, 3, 1, 2).flatten(0, 1) for t in (leaf, photos)]
    likeness = ssim_by_convolution(*planes)
    loss = (1 - WEIGHT) * (leaf - photos).abs().mean() + WEIGHT * (1 - likeness)
    (gradient,) = torch.autograd.grad(loss, leaf)
    return float(loss.detach()), gradient


def by_kernels(ssim_cuda: ModuleType, renders: Tensor, photos: Tensor) -> tuple[float, Tensor]:
    constants = float(C1), float(C2)
    taps = torch.as_tensor(TAPS)
    loss, gradient = ssim_cuda.photo_distance(renders, photos, taps, constants, WEIGHT)
    return float(loss), gradient


def test_loss_and_gradient_are_those_of_convolutions(ssim_cuda: ModuleType) -> None:
    renders, photos = pictures(whole=False)
    loss, gradient = by_kernels(ssim_cuda, renders, photos)
    true_loss, true_gradient = by_torch(renders, photos)
    assert loss == pytest.approx(true_loss, rel=1e-5)
    torch.testing.assert_close(gradient, true_gradient, rtol=1e-4, atol=1e-7)


def test_photos_may_be_bytes_and_planes_worked_on_one_after_the_other(
    ssim_cuda: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    renders, photos = (t[:1] for t in pictures(whole=True))
    monkeypatch.setattr(ssim_cuda, "CACHE", 1)
    loss, gradient = by_kernels(ssim_cuda, renders, photos)
    true_loss, true_gradient = by_torch(renders, photos.float() / 255)
    assert loss == pytest.approx(true_loss, rel=1e-5)
    torch.testing.assert_close(gradient, true_gradient, rtol=1e-4, atol=1e-7)


class Parameters:
    """Tensors of several sizes with an Adam that has a rate for each."""

    def __init__(self, adam_cuda: ModuleType | None) -> None:
        make = torch.Generator().manual_seed(1)
        shapes = [(1_500, 3), (1_025,), (70, 8, 3), (1, 3)]
        self.leaves = [torch.randn(s, generator=make).requires_grad_() for s in shapes]
        rates = torch.tensor([1e-2, 5e-2, 1e-3, 0.1])
        groups = [
            {"params": [leaf], "lr": rate} for leaf, rate in zip(self.leaves, rates, strict=True)
        ]
        self.adam: Any = (
            torch.optim.Adam(groups, eps=1e-15, fused=True)
            if adam_cuda is None
            else adam_cuda.GpuAdam(groups, rates, 1e-15)
        )
        for leaf in self.leaves:
            moments = {key: torch.zeros_like(leaf) for key in ("exp_avg", "exp_avg_sq")}
            self.adam.state[leaf] = {"step": torch.zeros(()), **moments}

    def step(self, seed: int, *, skip: bool = False, without: int | None = None) -> None:
        make = torch.Generator().manual_seed(seed)
        for i, leaf in enumerate(self.leaves):
            gradient = torch.randn(leaf.shape, generator=make) * 10.0 ** -(seed % 5)
            leaf.grad = None if i == without else gradient
        self.adam.found_inf = torch.tensor(float(skip))
        self.adam.step()

    @property
    def state(self) -> list[Tensor]:
        kept = [self.adam.state[leaf] for leaf in self.leaves]
        return [leaf.detach() for leaf in self.leaves] + [t for s in kept for t in s.values()]


def test_adam_goes_where_torchs_goes(adam_cuda: ModuleType) -> None:
    ours, theirs = Parameters(adam_cuda), Parameters(None)
    for which in (ours, theirs):
        which.step(1)
        which.step(2, without=2)
        which.step(3, skip=True)
        which.step(4)
    torch.testing.assert_close(ours.state, theirs.state, rtol=1e-5, atol=1e-7)


def test_a_step_that_is_left_out_or_only_prepared_changes_nothing(adam_cuda: ModuleType) -> None:
    ours = Parameters(adam_cuda)
    ours.step(1)
    before = [t.clone() for t in ours.state]
    ours.adam.prepare()
    ours.step(2, skip=True)
    torch.testing.assert_close(ours.state, before, rtol=0, atol=0)


GAUSSIANS, CAMERAS = 150, 2


def lit(seed: int = 2) -> tuple[list[Tensor], Tensor, Tensor]:
    """Return means, sh0 and shN as leaves, the cameras' positions, and radii, some of them 0.

    Many a colour is so dark that it is cut off at 0.
    """
    make = torch.Generator().manual_seed(seed)
    shapes = [(GAUSSIANS, 3), (GAUSSIANS, 1, 3), (GAUSSIANS, 8, 3)]
    leaves = [(2 * torch.randn(s, generator=make)).requires_grad_() for s in shapes]
    radii = torch.randint(0, 3, (CAMERAS, GAUSSIANS, 2), generator=make, dtype=torch.int32)
    radii[..., 1] = radii[..., 0]
    return leaves, torch.randn(CAMERAS, 3, generator=make), radii


@pytest.mark.parametrize("degree", [0, 1, 2])
def test_colours_and_what_pulls_at_them_are_those_of_the_harmonics(
    harmonics_cuda: ModuleType, degree: int
) -> None:
    (means, sh0, shN), positions, radii = lit()
    seen = (radii[..., 0] > 0)[..., None]
    true = harmonics_colors(degree, means - positions[:, None], torch.cat([sh0, shN], 1)) * seen
    colors = harmonics_cuda.SeenColors.apply(degree, means, positions, sh0, shN, radii)
    dark = (colors == 0)[seen.expand_as(colors)]
    assert 0.1 < dark.float().mean() < 0.6
    torch.testing.assert_close(colors, true, rtol=1e-5, atol=1e-6)
    pulls = torch.randn(colors.shape, generator=torch.Generator().manual_seed(3))
    leaves = means, sh0, shN
    wanted = torch.autograd.grad(true, leaves, pulls, allow_unused=True, materialize_grads=True)
    got = torch.autograd.grad(colors, leaves, pulls)
    torch.testing.assert_close(got, wanted, rtol=1e-4, atol=1e-5)


def test_a_gaussian_in_a_cameras_place_that_it_does_not_see_spoils_nothing(
    harmonics_cuda: ModuleType,
) -> None:
    (means, sh0, shN), positions, radii = lit()
    with torch.no_grad():
        means[0] = positions[1]
    radii[1, 0] = 0
    colors = harmonics_cuda.SeenColors.apply(2, means, positions, sh0, shN, radii)
    gradients = torch.autograd.grad(colors, (means, sh0, shN), torch.ones_like(colors))
    assert all(gradient.isfinite().all() for gradient in gradients)


def test_more_harmonics_than_there_are_terms_for_are_refused(harmonics_cuda: ModuleType) -> None:
    (means, sh0, shN), positions, radii = lit()
    with pytest.raises(ValueError, match="sh_degree is 3"):
        harmonics_cuda.SeenColors.apply(3, means, positions, sh0, shN, radii)
