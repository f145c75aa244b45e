"""How good a scene is: its renders beside photos that training never saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from gpu.gaussians import Gaussians
from gpu.training.dataset import View
from gpu.training.lpips import SMALLEST, Lpips
from gpu.training.render import render_view
from gpu.training.ssim import ssim

THUMBNAIL = 4  #: pixels of its longer side
CLIPPED = 0.5 / 255  #: as near to black or white a photo says nothing of its exposure


@dataclass(frozen=True)
class PhotoMetric:
    """The likeness of one render to its photo: PSNR in dB, SSIM up to 1.

    `psnr_corrected` is that of the render with its colours fitted to the photo: it says how good
    the scene is where a photo's exposure differs. It is a figure of its own, never the PSNR.
    `lpips` is 0 or more (0: alike), and None where it was not measured (gpu.training.lpips).
    """

    name: str
    psnr: float
    ssim: float
    psnr_corrected: float
    lpips: float | None = None


@dataclass(frozen=True)
class Score:
    """The means over some photos; None where there were no photos, or one was not measured."""

    psnr: float | None
    ssim: float | None
    psnr_corrected: float | None
    lpips: float | None = None

    @classmethod
    def of(cls, photos: Sequence[PhotoMetric]) -> Score:
        if not photos:
            return cls(None, None, None)
        figures = [(p.psnr, p.ssim, p.psnr_corrected, p.lpips) for p in photos]
        return cls(*(_mean(column) for column in zip(*figures, strict=True)))


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if len(known) == len(values) else None


def psnr(image: Tensor, reference: Tensor) -> float:
    """Return the peak signal-to-noise ratio in dB of images (or pixels) with values 0 to 1."""
    error = (image - reference).square().mean().clamp_min(1e-10)
    return float(-10 * torch.log10(error))


def thumbnail_psnr(view: View) -> float:
    """Return the PSNR in dB of a photo that is shrunk to a thumbnail and blown up again.

    A render that is no closer shows where it is bright and dark, and nothing else. How much that
    is depends on the photo: of flat fields seen from above it is 22 dB and more.
    """
    photo = view.pixels
    size = [max(1, round(side * THUMBNAIL / max(photo.shape[:2]))) for side in photo.shape[:2]]
    planes = photo.permute(2, 0, 1)[None]
    blown_up = interpolate(interpolate(planes, size, mode="area"), photo.shape[:2], mode="bicubic")
    blurred = blown_up[0].permute(1, 2, 0).clamp(0, 1)
    if view.mask is None or not bool(view.mask.any()):
        return psnr(blurred, photo)
    return psnr(blurred[view.mask], photo[view.mask])


def compare(
    name: str,
    image: Tensor,
    reference: Tensor,
    mask: Tensor | None = None,
    lpips: Lpips | None = None,
) -> PhotoMetric:
    """Return the measures of two images [H, W, 3]; the render is clipped to 0 to 1 first.

    Pixels outside the mask [H, W] have no say: they are left out of the means. For SSIM and LPIPS
    the photo takes the render's place there, and the part of their means that this is is taken out.
    """
    image = image.clamp(0, 1)
    if mask is None or bool(mask.all()) or not bool(mask.any()):
        corrected = psnr(color_fitted(image, reference), reference)
        likeness, unlike = float(ssim(image, reference)), _distance(lpips, image, reference)
        return PhotoMetric(name, psnr(image, reference), likeness, corrected, unlike)
    shown, wanted = image[mask][None], reference[mask][None]
    corrected = psnr(color_fitted(shown, wanted), wanted)
    filled, part = torch.where(mask[..., None], image, reference), float(mask.float().mean())
    likeness = 1 - (1 - float(ssim(filled, reference))) / part
    whole = _distance(lpips, filled, reference)
    unlike = None if whole is None else whole / part
    return PhotoMetric(name, psnr(shown, wanted), likeness, corrected, unlike)


def _distance(lpips: Lpips | None, image: Tensor, reference: Tensor) -> float | None:
    if lpips is None or min(image.shape[:2]) < SMALLEST:
        return None
    return float(lpips(*(i.permute(2, 0, 1)[None] for i in (image, reference))))


def color_fitted(image: Tensor, reference: Tensor) -> Tensor:
    """Return the image [H, W, 3] with the affine change of its colours that fits best.

    Least squares over the pixels that are clipped in neither image. gsplat's `color_correct`
    (examples/lib_bilagrid.py, v1.5.3) has quadratic terms too, and so gives slightly more.
    """
    flat, wanted = (i.reshape(-1, 3).double() for i in (image, reference))
    inside = ((flat > CLIPPED) & (flat < 1 - CLIPPED)).all(1)
    inside &= ((wanted > CLIPPED) & (wanted < 1 - CLIPPED)).all(1)
    known = torch.cat([flat, flat.new_ones(len(flat), 1)], 1)
    weighted = known * inside[:, None]
    change = torch.linalg.pinv(weighted.T @ known, hermitian=True) @ (weighted.T @ wanted)
    return torch.where(inside.any(), (known @ change).clamp(0, 1), flat).reshape(image.shape)


@torch.no_grad()
def evaluate(
    gaussians: Gaussians, views: Sequence[View], lpips: Lpips | None = None
) -> list[PhotoMetric]:
    """Return the likeness of the scene to each view's photo, in the order of the views."""
    return [_measured(gaussians, view, lpips) for view in views]


def _measured(gaussians: Gaussians, view: View, lpips: Lpips | None) -> PhotoMetric:
    render = render_view(gaussians, view).renders[0]
    mask = None if view.mask is None else view.mask.to(render.device)
    return compare(view.name, render, view.pixels.to(render), mask, lpips)
