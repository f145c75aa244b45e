"""Values and gradients of the CPU rasterizer against an independent one in plain torch."""

from types import ModuleType

import pytest
import torch
from gsplat.cuda._torch_impl import (
    _fully_fused_projection,
    _quat_scale_to_covar_preci,
    _spherical_harmonics,
)
from numba.core.dispatcher import Dispatcher
from torch import Tensor

from gpu.rendering import compositing, projection, rasterize, tiles
from tests.gpu.scenes import HEIGHT, WIDTH, cameras, random_scene

Scene = dict[str, Tensor]


def composite(
    means2d: Tensor, conics: Tensor, opacities: Tensor, colors: Tensor, depths: Tensor
) -> tuple[Tensor, Tensor]:
    """Blend one camera's splats in plain torch: every Gaussian at every pixel, by autograd.

    Returns colours [H, W, D] without background, and alphas [H, W, 1]. The rules are those of
    gsplat's CUDA kernel, written down a second time.
    """
    order = torch.argsort(depths)
    ys, xs = torch.meshgrid(torch.arange(HEIGHT) + 0.5, torch.arange(WIDTH) + 0.5, indexing="ij")
    pixels = torch.stack([xs, ys], -1).reshape(-1, 1, 2)
    dx, dy = (means2d[order] - pixels).unbind(-1)
    a, b, c = conics[order].unbind(-1)
    sigma = 0.5 * (a * dx * dx + c * dy * dy) + b * dx * dy
    alpha = (opacities[order] * torch.exp(-sigma)).clamp(max=0.999)
    alpha = torch.where((sigma >= 0) & (alpha >= 1 / 255), alpha, 0.0)
    after = torch.cumprod(1 - alpha, dim=1)
    alpha = torch.where(after > 1e-4, alpha, 0.0)  # A finished pixel stays finished.
    before = torch.cumprod(torch.cat([torch.ones(len(alpha), 1), 1 - alpha], 1), dim=1)
    weights = alpha * before[:, :-1]
    shape = (HEIGHT, WIDTH, -1)
    return (weights @ colors[order]).reshape(shape), (1 - before[:, -1]).reshape(shape)


def reference(
    scene: Scene, views: Tensor, Ks: Tensor, degree: int, backgrounds: Tensor, antialiased: bool
) -> tuple[Tensor, Tensor]:
    """Render colour and depth channels with gsplat's torch projection and harmonics."""
    covars, _ = _quat_scale_to_covar_preci(scene["quats"], scene["scales"], compute_preci=False)
    radii, means2d, depths, conics, ratios = _fully_fused_projection(
        scene["means"], covars, views, Ks, WIDTH, HEIGHT, calc_compensations=True
    )
    renders, alphas = [], []
    for i, view in enumerate(views):
        seen = radii[i].amin(-1) > 0
        directions = scene["means"] - torch.linalg.inv(view)[:3, 3]
        colors = (_spherical_harmonics(degree, directions, scene["colors"]) + 0.5).clamp_min(0)
        channels = torch.cat([colors, depths[i, :, None]], -1)
        opacities = scene["opacities"] * (ratios[i] if antialiased else 1)
        found, alpha = composite(
            *(t[seen] for t in (means2d[i], conics[i], opacities, channels, depths[i]))
        )
        behind = torch.cat([backgrounds[i], torch.zeros(1)])
        renders.append(found + (1 - alpha) * behind)
        alphas.append(alpha)
    return torch.stack(renders), torch.stack(alphas)


def relative_error(found: Tensor, wanted: Tensor) -> float:
    return float(((found - wanted).norm() / wanted.norm()).detach())


@pytest.mark.parametrize("antialiased", [False, True])
@pytest.mark.parametrize(("n", "degree", "seed"), [(300, 1, 0), (60, 0, 1), (300, 3, 2)])
def test_values_and_all_gradients_agree(n: int, degree: int, seed: int, antialiased: bool) -> None:
    views, Ks = cameras(2)
    scene = random_scene(n, seed, degree)
    scene["backgrounds"] = torch.rand(2, 3).requires_grad_()
    found, alphas, _ = render(
        scene,
        views,
        Ks,
        sh_degree=degree,
        backgrounds=scene["backgrounds"],
        render_mode="RGB+D",
        rasterize_mode="antialiased" if antialiased else "classic",
    )
    wanted, covered = reference(scene, views, Ks, degree, scene["backgrounds"], antialiased)
    assert relative_error(found, wanted) < 1e-4
    assert relative_error(alphas, covered) < 1e-4
    make = torch.Generator().manual_seed(seed)
    weights, alpha_weights = (torch.randn(t.shape, generator=make) for t in (wanted, covered))

    def gradients(renders: Tensor, alpha: Tensor) -> dict[str, Tensor]:
        loss = (renders * weights).sum() + (alpha * alpha_weights).sum()
        return dict(zip(scene, torch.autograd.grad(loss, list(scene.values())), strict=True))

    expected = gradients(wanted, covered)
    for name, gradient in gradients(found, alphas).items():
        assert relative_error(gradient, expected[name]) < 1e-4, name


def render(scene: Scene, views: Tensor, Ks: Tensor, **options: object) -> tuple[Tensor, ...]:
    names = ("means", "quats", "scales", "opacities", "colors")
    return rasterize(*(scene[k] for k in names), views, Ks, WIDTH, HEIGHT, **options)


def test_opaque_layers_end_a_pixel_early_as_in_gsplat() -> None:
    """Many large opaque Gaussians: most lie behind the point where a pixel is finished."""
    views, Ks = cameras(1)
    scene = random_scene(200, 4, degree=0)
    scene["scales"] = (scene["scales"].detach() * 4).requires_grad_()
    scene["opacities"] = torch.full((200,), 0.97).requires_grad_()
    found, alphas, _ = render(scene, views, Ks, sh_degree=0)
    wanted, _ = reference(scene, views, Ks, 0, torch.zeros(1, 3), False)
    assert float(alphas.detach().amax()) < 1 - 1e-4
    assert relative_error(found, wanted[..., :3]) < 1e-4
    weights = torch.randn(found.shape, generator=torch.Generator().manual_seed(1))
    names = ("means", "opacities", "colors")
    for ours, theirs in zip(
        torch.autograd.grad((found * weights).sum(), [scene[k] for k in names]),
        torch.autograd.grad((wanted[..., :3] * weights).sum(), [scene[k] for k in names]),
        strict=True,
    ):
        assert relative_error(ours, theirs) < 1e-4


def test_depth_modes_are_consistent() -> None:
    views, Ks = cameras(1)
    scene = random_scene(100, 3)
    both, alphas, _ = render(scene, views, Ks, sh_degree=1, render_mode="RGB+D")
    depth, _, _ = render(scene, views, Ks, sh_degree=1, render_mode="D")
    expected, _, _ = render(scene, views, Ks, sh_degree=1, render_mode="ED")
    assert torch.allclose(both[..., 3:], depth)
    assert torch.allclose(expected, depth / alphas.clamp_min(1e-10))


@pytest.mark.parametrize("channels", [1, 5])
def test_any_number_of_channels(channels: int) -> None:
    views, Ks = cameras(1)
    scene = random_scene(80, 6)
    scene["colors"] = torch.rand(80, channels, requires_grad=True)
    found, _, _ = render(scene, views, Ks)
    assert found.shape == (1, HEIGHT, WIDTH, channels)
    first = {**scene, "colors": scene["colors"][:, :1]}
    assert torch.allclose(found[..., :1], render(first, views, Ks)[0], atol=1e-6)


def test_nothing_in_sight_is_background() -> None:
    views, Ks = cameras(1)
    scene = {k: v[:0] for k, v in random_scene(1, 0).items()}
    backgrounds = torch.tensor([[0.2, 0.4, 0.6]])
    found, alphas, _ = render(scene, views, Ks, sh_degree=1, backgrounds=backgrounds)
    assert torch.equal(found, backgrounds.expand(1, HEIGHT, WIDTH, 3))
    assert alphas.amax() == 0


def test_the_same_input_gives_the_same_bits() -> None:
    """Two cores share the work; the sums must not depend on who was first."""
    views, Ks = cameras(1)

    def once() -> list[Tensor]:
        scene = random_scene(400, 8)
        found, _, _ = render(scene, views, Ks, sh_degree=1)
        return [found, *torch.autograd.grad((found**2).sum(), list(scene.values()))]

    assert all(torch.equal(a, b) for a, b in zip(once(), once(), strict=True))


def test_densification_gets_what_it_needs() -> None:
    views, Ks = cameras(2)
    scene = random_scene(50, 7)
    found, _, meta = render(scene, views, Ks, sh_degree=1, absgrad=True)
    assert isinstance(meta, dict)
    meta["means2d"].retain_grad()
    found.square().sum().backward()
    assert meta["means2d"].grad.shape == (2, 50, 2)
    assert meta["radii"].dtype == torch.int32
    assert (meta["means2d"].absgrad >= meta["means2d"].grad.abs() * 0.999).all()
    assert (meta["width"], meta["height"], meta["n_cameras"]) == (WIDTH, HEIGHT, 2)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"render_mode": "N"}, "render_mode is 'N'"),
        ({"rasterize_mode": "fast"}, "rasterize_mode is 'fast'"),
        ({"packed": True}, "packed=True is not supported"),
        ({"sh_degree": 4}, "sh_degree is 4"),
    ],
)
def test_what_the_cpu_can_not_do_is_refused(options: dict[str, object], words: str) -> None:
    views, Ks = cameras(1)
    with pytest.raises(ValueError, match=words):
        render(random_scene(5, 0), views, Ks, **options)


def test_gradients_of_cameras_are_refused() -> None:
    views, Ks = cameras(1)
    with pytest.raises(ValueError, match="gradients of viewmats"):
        render(random_scene(5, 0), views.requires_grad_(), Ks, sh_degree=1)


@pytest.mark.parametrize("module", [compositing, projection, tiles])
def test_no_kernel_calls_one_of_another_file(module: ModuleType) -> None:
    """Changed there, the other one would be called as it was: numba's cache looks at one file."""
    kernels = [each for each in vars(module).values() if isinstance(each, Dispatcher)]
    assert {kernel.py_func.__module__ for kernel in kernels} == {module.__name__}
