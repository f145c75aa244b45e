"""The training photos: stacks of one size, at several resolutions.

They stay in the machine's memory, pinned, and the GPU fetches those of a step without waiting:
that takes as long as if they lay on it (bench/results.md), and leaves its memory to the Gaussians.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from gpu.training.dataset import View

#: Photos that can be trained on at once: width, height, whether they have a mask, kind of lens.
Shape: TypeAlias = tuple[int, int, bool, str]


@dataclass(frozen=True)
class Batch:
    """B photos of one size and their cameras: pinholes, or all with one kind of lens that bends.

    images [B, H, W, 3] uint8; viewmats [B, 4, 4] world to camera; Ks [B, 3, 3] pixels;
    positions [B, 3] of the cameras in the world; masks [B, H, W] bool, None = all is known;
    bends [B, 8] of a `lens` (gpu.rendering.unscented), None = pinholes.
    """

    images: Tensor
    viewmats: Tensor
    Ks: Tensor
    positions: Tensor
    masks: Tensor | None = None
    bends: Tensor | None = None
    lens: str = ""

    @classmethod
    def of(cls, views: Sequence[View]) -> Batch:
        """Stack views that have one size and kind of lens, and all a mask or none."""
        bends = [view.lens.bends for view in views if view.lens is not None]
        masks = [view.mask for view in views if view.mask is not None]
        return cls(
            torch.stack([view.image for view in views]),
            torch.stack([view.viewmat for view in views]),
            torch.stack([view.K for view in views]),
            torch.stack([view.position for view in views]),
            torch.stack(masks) if masks else None,
            torch.stack(bends) if bends else None,
            views[0].lens.kind if views[0].lens is not None else "",
        )

    @property
    def width(self) -> int:
        return int(self.images.shape[2])

    @property
    def height(self) -> int:
        return int(self.images.shape[1])

    @property
    def pixels(self) -> Tensor:
        """The photos with values 0 to 1, float32 [B, H, W, 3]."""
        return self.images.float() / 255

    def select(self, which: Sequence[int], device: torch.device) -> Batch:
        """Return some of the photos on a device.

        Nothing waits for the GPU, as an index on the CPU would: each photo is copied by itself.
        """
        return self._map(
            lambda tensor: torch.stack([tensor[i].to(device, non_blocking=True) for i in which])
        )

    def some(self, which: slice) -> Batch:
        """Return photos that follow each other, not copied."""
        return self._map(lambda tensor: tensor[which])

    def for_device(self, device: torch.device) -> Batch:
        """Return the batch with its cameras on a device, and photos that it can fetch quickly."""

        def pinned(tensor: Tensor) -> Tensor:
            return tensor.pin_memory() if device.type == "cuda" else tensor

        viewmats, Ks, positions = (t.to(device) for t in (self.viewmats, self.Ks, self.positions))
        masks = None if self.masks is None else pinned(self.masks)
        bends = None if self.bends is None else self.bends.to(device)
        return Batch(pinned(self.images), viewmats, Ks, positions, masks, bends, self.lens)

    def reduced(self, factor: int, by: torch.device | None = None) -> Batch:
        """Return the photos at 1/factor of their size, by area; what is left over is cut off.

        The device `by` does the work, a photo at a time; the result lies where the batch does.
        """
        if factor == 1:
            return self
        here = self.images.device
        smaller = (_smaller(image.to(by or here), factor) for image in self.images)
        images = torch.stack([image.to(here) for image in smaller])
        scale = self.Ks.new_tensor([1 / factor, 1 / factor, 1.0])
        masks = self.masks
        if masks is not None:
            masks = avg_pool2d(masks[:, None].float(), factor)[:, 0] == 1
        Ks = self.Ks * scale[:, None]
        return replace(self, images=images, Ks=Ks, masks=masks)

    def _map(self, function: Callable[[Tensor], Tensor]) -> Batch:
        tensors = (self.images, self.viewmats, self.Ks, self.positions)
        images, viewmats, Ks, positions = (function(tensor) for tensor in tensors)
        masks = None if self.masks is None else function(self.masks)
        bends = None if self.bends is None else function(self.bends)
        return Batch(images, viewmats, Ks, positions, masks, bends, self.lens)


def _smaller(image: Tensor, factor: int) -> Tensor:
    """Return an image [H, W, 3] uint8 at 1/factor of its size."""
    means = avg_pool2d(image.permute(2, 0, 1).float(), factor)
    return means.round().byte().permute(1, 2, 0)


class Album:
    """The photos of a training run at the reductions that it needs, for `device` to fetch."""

    def __init__(
        self,
        views: Sequence[View],
        reductions: Sequence[int],
        device: torch.device,
    ) -> None:
        self._device = device
        self._shapes = [
            (v.width, v.height, v.mask is not None, v.lens.kind if v.lens is not None else "")
            for v in views
        ]
        members: dict[Shape, list[int]] = defaultdict(list)
        for i, shape in enumerate(self._shapes):
            members[shape].append(i)
        self._rank = {i: rank for group in members.values() for rank, i in enumerate(group)}
        stacks = {s: Batch.of([views[i] for i in group]) for s, group in members.items()}
        self._stacks = {
            (shape, factor): stack.reduced(factor, device).for_device(device)
            for shape, stack in stacks.items()
            for factor in reductions
        }

    def batch(self, photos: Sequence[int], factor: int) -> Batch:
        """Return photos of one shape, by their indices, at 1/factor of their size."""
        stack = self._stacks[self._shapes[photos[0]], factor]
        return stack.select([self._rank[i] for i in photos], self._device)

    def order(self, count: int, seed: int) -> Iterator[tuple[int, ...]]:
        """Yield `count` photos of one shape without end; none comes again before all had a turn.

        A shape that only few photos have waits until it fills a batch.
        """
        make = torch.Generator().manual_seed(seed)
        waiting: dict[Shape, list[int]] = defaultdict(list)
        while True:
            for i in torch.randperm(len(self._shapes), generator=make).tolist():
                queue = waiting[self._shapes[i]]
                queue.append(i)
                if len(queue) == count:
                    yield tuple(waiting.pop(self._shapes[i]))
