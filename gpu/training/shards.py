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

    def to_photos(self, seen: Tensor, counts: list[int]) -> Tensor:
        """Send what the own Gaussians are in all photos [B, N, D] to the photos' processes.

        Returns what all Gaussians are in the own photos, [B / world, sum of counts, D].
        """
        photos, own, depth = seen.shape
        each = photos // self.world
        sizes = [each * count * depth for count in counts]
        got = seen.new_empty(sum(sizes))
        torch.distributed.all_to_all_single(
            got, seen.reshape(-1), sizes, [each * own * depth] * self.world
        )
        parts = zip(torch.split(got, sizes), counts, strict=True)
        return torch.cat([part.view(each, count, depth) for part, count in parts], 1)

    def to_gaussians(self, drawn: Tensor, counts: list[int]) -> Tensor:
        """Send what the own photos say of all Gaussians back: the reverse of `to_photos`."""
        each, _, depth = drawn.shape
        parts = [part.reshape(-1) for part in torch.split(drawn, counts, 1)]
        own = counts[self.rank]
        got = drawn.new_empty(self.world * each * own * depth)
        torch.distributed.all_to_all_single(
            got, torch.cat(parts), [each * own * depth] * self.world, [len(p) for p in parts]
        )
        return got.view(self.world * each, own, depth)

    def gathered(self, gaussians: Gaussians) -> Gaussians:
        """Return the Gaussians of all processes, in each of them."""
        counts = self.counts(len(gaussians), gaussians.means.device)
        whole = {}
        for name, tensor in gaussians.detach().tensors().items():
            parts = [tensor.new_empty(count, *tensor.shape[1:]) for count in counts]
            parts[self.rank] = tensor.contiguous()
            for rank, part in enumerate(parts):
                torch.distributed.broadcast(part, rank)
            whole[name] = torch.cat(parts)
        return Gaussians(**whole)
