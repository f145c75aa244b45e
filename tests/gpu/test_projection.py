"""The projection and its derivative agree with gsplat's torch reference."""

import pytest
import torch
from gsplat.cuda._torch_impl import _fully_fused_projection, _quat_scale_to_covar_preci
from torch import Tensor

from gpu.rendering.autograd import Projection
from gpu.rendering.projection import Camera
from tests.gpu.scenes import HEIGHT, WIDTH, cameras, random_scene


def relative_error(ours: Tensor, theirs: Tensor) -> float:
    return float(((ours - theirs).norm() / theirs.norm()).detach())


def reference(scene: dict[str, Tensor], views: Tensor, Ks: Tensor) -> tuple[Tensor, ...]:
    covars, _ = _quat_scale_to_covar_preci(scene["quats"], scene["scales"], compute_preci=False)
    result: tuple[Tensor, ...] = _fully_fused_projection(
        scene["means"], covars, views, Ks, WIDTH, HEIGHT, calc_compensations=True
    )
    return result


def ours(scene: dict[str, Tensor], views: Tensor, Ks: Tensor) -> tuple[Tensor, ...]:
    parameters = (scene[k] for k in ("means", "quats", "scales", "opacities"))
    camera = Camera(views.numpy(), Ks.numpy(), WIDTH, HEIGHT, 0.01, 1e10, 0.3)
    result: tuple[Tensor, ...] = Projection.apply(*parameters, camera, True)
    return result


@pytest.mark.parametrize("seed", range(4))
def test_values_and_gradients_agree_with_gsplat(seed: int) -> None:
    views, Ks = cameras(2)
    scene = random_scene(200, seed)
    found = ours(scene, views, Ks)
    wanted = reference(scene, views, Ks)
    seen = found[0].amin(-1) > 0
    assert seen.sum() > 100
    weights = [torch.randn(value.shape) for value in found[1:]]

    def gradients(values: tuple[Tensor, ...]) -> list[Tensor]:
        loss = sum(
            (value[seen] * weight[seen]).sum()
            for value, weight in zip(values[1:], weights, strict=True)
        )
        parameters = [scene["means"], scene["quats"], scene["scales"]]
        return list(torch.autograd.grad(loss, parameters))

    for value, expected in zip(found[1:], wanted[1:], strict=True):
        assert relative_error(value[seen], expected[seen]) < 1e-5
    for value, expected in zip(gradients(found), gradients(wanted), strict=True):
        assert relative_error(value, expected) < 1e-4


def test_the_jacobian_is_clamped_beside_the_image_as_in_gsplat() -> None:
    """Large Gaussians far to the side: without the clamp their splats explode."""
    views, Ks = cameras(1)
    scene = random_scene(100, 9)
    beside = torch.tensor([5.0, 3.5, 0.0]) * torch.sign(scene["means"].detach())
    scene["means"] = (scene["means"].detach() + beside).requires_grad_()
    scene["scales"] = (scene["scales"].detach() * 8).requires_grad_()
    found, wanted = ours(scene, views, Ks), reference(scene, views, Ks)
    seen = found[0].amin(-1) > 0
    assert seen.sum() > 20
    weights = torch.randn(found[3].shape)
    parameters = [scene["means"], scene["quats"], scene["scales"]]
    gradients = (
        torch.autograd.grad((splats[3] * weights)[seen].sum(), parameters)
        for splats in (found, wanted)
    )
    for value, expected in zip(*gradients, strict=True):
        assert relative_error(value, expected) < 1e-4


def test_the_box_of_a_faint_gaussian_is_smaller_and_never_larger_than_gsplats() -> None:
    views, Ks = cameras(1)
    scene = random_scene(200, 5)
    radii, boxes = ours(scene, views, Ks)[0], reference(scene, views, Ks)[0]
    seen = radii.amin(-1) > 0
    assert (radii[seen] <= boxes[seen]).all()
    faint = seen & (scene["opacities"][None] < 0.2)
    assert (radii[faint] < boxes[faint]).any()


@pytest.mark.parametrize("z", [-8.0, -3.995, 1e11])
def test_what_is_behind_too_near_or_too_far_is_not_seen(z: float) -> None:
    views, Ks = cameras(1)
    scene = random_scene(1, 0)
    scene["means"] = torch.tensor([[0.0, 0.0, z]])
    assert ours(scene, views, Ks)[0].tolist() == [[[0, 0]]]


def test_what_can_not_change_a_pixel_is_not_seen() -> None:
    views, Ks = cameras(1)
    scene = random_scene(1, 0)
    scene["means"] = torch.zeros(1, 3)
    scene["opacities"] = torch.full((1,), 0.9 / 255)
    assert ours(scene, views, Ks)[0].amax() == 0
