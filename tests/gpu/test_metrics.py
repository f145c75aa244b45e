"""PSNR and SSIM are the published numbers, and SSIM's own derivative is right."""

import math

import pytest
import torch
from torch import Tensor

from gpu.training.dataset import View
from gpu.training.metrics import (
    PhotoMetric,
    Score,
    color_fitted,
    compare,
    psnr,
    thumbnail_psnr,
)
from gpu.training.ssim import ssim, ssim_by_convolution


def images(height: int = 33, width: int = 47) -> tuple[Tensor, Tensor]:
    make = torch.Generator().manual_seed(0)
    image = torch.rand(height, width, 3, generator=make)
    return image, (image + 0.2 * torch.randn(height, width, 3, generator=make)).clamp(0, 1)


def test_psnr_of_a_known_error() -> None:
    assert psnr(torch.full((4, 4, 3), 0.6), torch.full((4, 4, 3), 0.5)) == pytest.approx(
        20, abs=1e-4
    )


def test_an_image_is_like_itself() -> None:
    image, _ = images()
    same = compare("a.jpg", image, image)
    assert same.ssim == pytest.approx(1)
    assert same.psnr == pytest.approx(100)


def test_ssim_of_flat_images_follows_the_formula() -> None:
    """Two flat images differ in luminance only: (2ab + C1) / (a^2 + b^2 + C1)."""
    a, b, c1 = 0.4, 0.6, 0.01**2
    value = ssim(torch.full((16, 16, 1), a), torch.full((16, 16, 1), b))
    assert float(value) == pytest.approx((2 * a * b + c1) / (a * a + b * b + c1), rel=1e-4)


def test_the_cpu_kernel_agrees_with_convolutions_in_value_and_gradient() -> None:
    image, reference = images()
    image.requires_grad_()
    ours = ssim(image, reference)
    theirs = ssim_by_convolution(image.permute(2, 0, 1), reference.permute(2, 0, 1))
    assert float(ours.detach()) == pytest.approx(float(theirs.detach()), rel=1e-5)
    (found,), (wanted,) = torch.autograd.grad(ours, image), torch.autograd.grad(theirs, image)
    assert float((found - wanted).norm() / wanted.norm()) < 1e-4


def test_a_larger_error_is_less_like() -> None:
    image, noisy = images()
    slightly = compare("a", (0.7 * image + 0.3 * noisy), image)
    clearly = compare("a", noisy, image)
    assert slightly.psnr > clearly.psnr and slightly.ssim > clearly.ssim


def test_another_exposure_costs_the_plain_psnr_and_not_the_corrected_one() -> None:
    image, _ = images()
    image = 0.2 + 0.5 * image
    warmer = image * torch.tensor([0.9, 1.0, 1.1]) + torch.tensor([0.05, 0.0, -0.05])
    metric = compare("a", warmer, image)
    assert metric.psnr < 40
    assert metric.psnr_corrected > 60


def test_what_a_mask_hides_has_no_say_and_does_not_flatter() -> None:
    """The half that counts has an error of 0.1: 20 dB, whatever the other half is like."""
    reference = torch.full((40, 60, 3), 0.5)
    image = torch.full((40, 60, 3), 0.6)
    image[:, 30:] = torch.rand(40, 30, 3)
    mask = torch.zeros(40, 60, dtype=torch.bool)
    mask[:, :30] = True
    assert compare("a", image, reference, mask).psnr == pytest.approx(20, abs=1e-4)
    photo, noisy = images(80, 80)
    halves = torch.zeros(80, 80, dtype=torch.bool)
    halves[:, :40] = True
    whole, half = compare("a", noisy, photo), compare("a", noisy, photo, halves)
    assert half.psnr == pytest.approx(whole.psnr, abs=0.2)
    assert half.ssim == pytest.approx(whole.ssim, abs=0.05)


def striped(pixels: int) -> Tensor:
    """A photo [H, W, 3] in bytes, with stripes so many pixels wide, dark and bright by turns."""
    stripes = torch.arange(128) // pixels % 2 * 200 + 20
    return stripes.byte()[None, :, None].expand(96, 128, 3).contiguous()


def test_a_thumbnail_is_like_a_photo_of_large_things_and_not_of_small_ones() -> None:
    large, small = (
        thumbnail_psnr(View("a", striped(pixels), torch.eye(4), torch.eye(3))) for pixels in (64, 4)
    )
    assert large > 15
    assert small == pytest.approx(-20 * math.log10(100 / 255), abs=0.2)  # grey all over


def test_what_a_mask_hides_does_not_make_a_thumbnail_worse() -> None:
    image, mask = torch.full((96, 128, 3), 90, dtype=torch.uint8), torch.ones(96, 128).bool()
    image[:, 64:], mask[:, 40:] = striped(4)[:, 64:], False
    hidden, shown = (View("a", image, torch.eye(4), torch.eye(3), m) for m in (mask, None))
    assert thumbnail_psnr(hidden) > thumbnail_psnr(shown) + 5


def test_what_is_wrong_with_the_scene_stays_wrong_with_any_colours() -> None:
    image, noisy = images()
    metric = compare("a", noisy, image)
    assert metric.psnr <= metric.psnr_corrected < metric.psnr + 2


def test_an_image_without_a_colour_to_go_by_stays_as_it_is() -> None:
    black, grey = torch.zeros(12, 12, 3), torch.full((12, 12, 3), 0.5)
    assert torch.equal(color_fitted(black, grey), black.double())
    assert color_fitted(grey, 0.6 * grey).allclose(0.6 * grey.double(), atol=1e-6)


def test_an_image_smaller_than_the_window_is_refused() -> None:
    with pytest.raises(ValueError, match="11 pixels"):
        ssim(torch.zeros(8, 20, 3), torch.zeros(8, 20, 3))


def test_the_score_is_the_mean_and_says_when_there_is_none() -> None:
    photos = [PhotoMetric("a", 20.0, 0.5, 24.0), PhotoMetric("b", 30.0, 0.7, 31.0)]
    assert Score.of(photos) == Score(25.0, pytest.approx(0.6), 27.5)
    assert Score.of([]) == Score(None, None, None)
    assert not math.isnan(Score.of(photos).psnr or 0)
