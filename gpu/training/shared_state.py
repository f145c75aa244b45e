"""The state of a run on several GPUs as that of one: brought together to be kept, divided to go on.

What is kept is a checkpoint like any other, so that a run may go on with as many processes as there
then are, one or more. Which Gaussians are whose may differ afterwards, and which lots are drawn for
them: the schedules are the same, the bits are not.
"""

from __future__ import annotations

import torch
import torch.distributed
from torch import Tensor

from gpu.training.checkpoint import STEPS, State
from gpu.training.shards import Shards

CHANCE = "run/chance"
FIRST = 0  #: the process that keeps


def has_rows(name: str) -> bool:
    """Whether a tensor of a run's state has a row for each Gaussian."""
    return name.startswith(("optimizer/", "strategy/")) and not name.endswith(".step")


def together(shards: Shards, state: State, device: torch.device) -> State:
    """Return the state of all processes' Gaussians, on the CPU of the first; nothing elsewhere.

    It takes the memory of the largest tensor on the first GPU besides, not that of the whole.
    """
    steps, begun_with = state[STEPS].tolist()
    first = sum(shards.counts(begun_with, device))
    whole: State = {}
    for name, tensor in sorted(state.items()):
        rows = has_rows(name)
        whole[name] = _all(shards, tensor.detach(), device) if rows else tensor.detach().cpu()
    whole[STEPS] = torch.tensor([steps, first])
    return whole if shards.rank == FIRST else {}


def _all(shards: Shards, tensor: Tensor, device: torch.device) -> Tensor:
    """Return the rows of all processes, on the CPU of the first; elsewhere none.

    Who has how many is asked for each tensor: some have no rows until something was seen, and a
    process may have no Gaussians, and nobody may wait for what nobody sends.
    """
    counts = shards.counts(len(tensor), device)
    parts = [_sent(shards, tensor, rank, count) for rank, count in enumerate(counts) if count]
    return torch.cat([part for part in parts if part is not None] or [tensor[:0].cpu()])


def _sent(shards: Shards, tensor: Tensor, rank: int, count: int) -> Tensor | None:
    """Return a process's rows in the first process, on its CPU."""
    if shards.rank == rank == FIRST:
        return tensor.cpu()
    if shards.rank == rank:
        torch.distributed.send(tensor.contiguous(), FIRST)
    elif shards.rank == FIRST:
        got = tensor.new_empty(count, *tensor.shape[1:])
        torch.distributed.recv(got, rank)
        return got.cpu()
    return None


def divided(shards: Shards, state: State, seed: int, device: torch.device) -> State:
    """Return this process's part of a state: every `world`-th Gaussian, and lots of its own."""
    part = {
        name: tensor[shards.rank :: shards.world].clone() if has_rows(name) else tensor
        for name, tensor in state.items()
    }
    steps, first = state[STEPS].tolist()
    part[STEPS] = torch.tensor([steps, first // shards.world])
    if shards.rank != FIRST:  # What is kept is what the first has drawn.
        lots = torch.Generator(device).manual_seed((seed + steps) * shards.world + shards.rank)
        part[CHANCE] = lots.get_state()
    return part
