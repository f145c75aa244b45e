"""A scene's Gaussians and a step's photos divided among several processes, one per GPU.

Which are whose, and how what belongs together gets together: torch.distributed carries it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.distributed
from torch import Tensor

from gpu.gaussians import Gaussians
from gpu.training.config import TrainConfig


@dataclass(frozen=True)
class Route:
    """The way of what photos see of Gaussians to the photos' processes, and of gradients back.

    A row is what one photo sees of one Gaussian. `sent` and `got` are the rows that this process
    sends to each one and gets from each; `photos` [sum of got] says which of its own photos each
    row is of that it gets. What is sent is in the order of the photos.
    """

    sent: list[int]
    got: list[int]
    photos: Tensor

    def to_photos(self, rows: Tensor) -> Tensor:
        """Send rows [sum of sent, D] to where they are drawn; return those that are drawn here."""
        return _swapped(rows, self.sent, self.got)

    def to_gaussians(self, rows: Tensor) -> Tensor:
        """Send rows [sum of got, D] back: the reverse of `to_photos`."""
        return _swapped(rows, self.got, self.sent)


def _swapped(rows: Tensor, sent: list[int], got: list[int]) -> Tensor:
    there = rows.new_empty(sum(got), *rows.shape[1:])
    torch.distributed.all_to_all_single(there, rows, got, sent)
    return there


@dataclass(frozen=True)
class Shards:
    """Which process this one is, of how many."""

    rank: int
    world: int

    @classmethod
    def here(cls) -> Shards:
        """Return this process's place in the group that torch.distributed has set up."""
        return cls(torch.distributed.get_rank(), torch.distributed.get_world_size())

    def part(self, gaussians: Gaussians) -> Gaussians:
        """Return this process's Gaussians: every `world`-th, so that all see as much."""
        return gaussians.select(torch.arange(self.rank, len(gaussians), self.world))

    def config(self, config: TrainConfig) -> TrainConfig:
        """Return what this process trains with, so that all together train with `config`.

        The weights are of means over all Gaussians; a step's photos are divided among all.
        """
        each = -(-config.views_per_step // self.world)
        return replace(
            config,
            max_gaussians=config.max_gaussians // self.world,
            opacity_weight=config.opacity_weight / self.world,
            scale_weight=config.scale_weight / self.world,
            views_per_step=each * self.world,
        )

    def own(self, photos: int) -> slice:
        """Return which of a step's photos this process draws."""
        each = photos // self.world
        return slice(self.rank * each, (self.rank + 1) * each)

    def counts(self, own: int, device: torch.device) -> list[int]:
        """Return how many Gaussians each process has; waits for all of them."""
        mine = torch.tensor([own], device=device)
        everyones = [torch.empty_like(mine) for _ in range(self.world)]
        torch.distributed.all_gather(everyones, mine)
        return [int(count) for count in everyones]

    def agreed(self, value: bool, device: torch.device) -> bool:
        """Return what the first process says; waits for all of them."""
        said = torch.tensor([value], dtype=torch.uint8, device=device)
        torch.distributed.broadcast(said, 0)
        return bool(said)

    def route(self, seen: Tensor) -> Route:
        """Return who sends what, when so many of the own Gaussians are `seen` by each photo [B].

        Waits for all processes.
        """
        arriving = torch.empty_like(seen)
        torch.distributed.all_to_all_single(arriving, seen)
        each = len(seen) // self.world
        sizes = torch.stack([seen, arriving]).view(2, self.world, each).sum(-1)
        sent, got = sizes.tolist()
        own = torch.arange(each, device=seen.device).repeat(self.world)
        return Route(sent, got, own.repeat_interleave(arriving, output_size=sum(got)))

    def gathered(self, gaussians: Gaussians) -> Gaussians:
        """Return the Gaussians of all processes, in each of them."""
        counts = self.counts(len(gaussians), gaussians.means.device)
        whole = {}
        for name, tensor in gaussians.tensors().items():
            parts = [tensor.new_empty(count, *tensor.shape[1:]) for count in counts]
            parts[self.rank] = tensor.detach().contiguous()
            for rank, part in enumerate(parts):
                torch.distributed.broadcast(part, rank)
            whole[name] = torch.cat(parts)
        return Gaussians(**whole)
