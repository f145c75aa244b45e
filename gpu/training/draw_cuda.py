"""From projected Gaussians to renders and back to their gradients, on the GPU.

Tiles differ in number from step to step, so this part of a step can not be recorded.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from gpu.rendering.tiles import TILE
from gpu.training.album import Batch
from gpu.training.compare_cuda import Comparison


class Projected(NamedTuple):
    """N Gaussians as B photos see them.

    radii [B, N, 2] int32 and depths [B, N]; and what the loss is differentiated by: positions in
    pixels [B, N, 2], conics [B, N, 3], colors [B, N, 3], opacities [B, N]. Where `photos` [M] int64
    is given, M pairs in place of [B, N]: each of a photo, of that number, and a Gaussian it sees.
    """

    radii: Tensor
    depths: Tensor
    means2d: Tensor
    conics: Tensor
    colors: Tensor
    opacities: Tensor
    photos: Tensor | None = None

    @property
    def drawn(self) -> tuple[Tensor, ...]:
        """What the loss is differentiated by."""
        return self.means2d, self.conics, self.colors, self.opacities


class Pulls(NamedTuple):
    """Where the gradients go: by `Projected.drawn`, and the absolute ones by the positions.

    The latter, [B, N, 2], say what to split (AbsGS); None where nothing is going to be.
    """

    gradients: Sequence[Tensor]
    stretch: Tensor | None

    @classmethod
    def like(cls, drawn: Sequence[Tensor], *, growing: bool) -> Pulls:
        """Return memory for the gradients by `drawn`."""
        stretch = torch.zeros_like(drawn[0]) if growing else None
        return cls([torch.zeros_like(tensor) for tensor in drawn], stretch)

    @property
    def tensors(self) -> list[Tensor]:
        """All of them, one after the other."""
        return [*self.gradients, *([] if self.stretch is None else [self.stretch])]

    def copy_(self, others: Pulls) -> None:
        """Take over the numbers of others of the same sizes."""
        torch._foreach_copy_(self.tensors, others.tensors)


def draw(
    projected: Projected,
    batch: Batch,
    backgrounds: Tensor | None,
    compare: Comparison,
    *,
    growing: bool,
) -> tuple[Tensor, Pulls]:
    """Return the loss of a batch's renders, a scalar, and its gradients.

    `backgrounds` are the colours behind the scene, [B, 3].
    """
    from gsplat import isect_offset_encode, isect_tiles, rasterize_to_pixels

    leaves = [t.detach().requires_grad_() for t in projected.drawn]
    means2d, conics, colors, opacities = leaves
    count, width, height = len(batch.images), batch.width, batch.height
    tiles = math.ceil(width / TILE), math.ceil(height / TILE)
    photos = projected.photos
    pairs = photos is not None
    _, order, drawn = isect_tiles(
        means2d, projected.radii, projected.depths, TILE, *tiles,
        # gsplat asks for the Gaussians' numbers too, but does not read them.
        packed=pairs, n_images=count, image_ids=photos, gaussian_ids=photos,
    )  # fmt: skip
    offsets = isect_offset_encode(order, count, *tiles).reshape(count, tiles[1], tiles[0])
    del order  # It is large.
    renders, alphas = rasterize_to_pixels(
        means2d, conics, colors, opacities, width, height, TILE, offsets, drawn,
        backgrounds=None if pairs else backgrounds, packed=pairs, absgrad=growing,
    )  # fmt: skip
    if pairs and backgrounds is not None:  # Of pairs, gsplat takes no background for each photo.
        renders = renders + (1 - alphas) * backgrounds[:, None, None]
    del alphas
    edge = torch.autograd.graph.get_gradient_edge(renders)
    loss, by_renders = compare(renders.detach(), batch)
    del renders  # It lies in `compare` too, and its gradients do not need it.
    gradients = torch.autograd.grad((edge,), leaves, (by_renders,))
    return loss, Pulls(gradients, means2d.absgrad if growing else None)  # type: ignore[attr-defined]
