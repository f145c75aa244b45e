"""Recording what is started on the GPU, to play it back with one call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeAlias

import torch

Pool: TypeAlias = Any  #: torch's name of a part of the GPU's memory, private to torch


@contextmanager
def aside() -> Iterator[None]:
    """Work on a stream of its own, as recording has to, in order with the current stream."""
    here, side = torch.cuda.current_stream(), _side()
    side.wait_stream(here)
    with torch.cuda.stream(side):
        yield
    here.wait_stream(side)


@cache
def _side() -> torch.cuda.Stream:
    return torch.cuda.Stream()  # type: ignore[no-untyped-call]


def is_hoarding() -> bool:
    """Whether torch keeps more unused memory than half of what the GPU still has free.

    What was recorded for fewer Gaussians is too small for more: a pool of recordings grows with
    each refinement, to five times what is in use, and gives nothing back while it lasts.
    """
    unused = torch.cuda.memory_reserved() - torch.cuda.memory_allocated()
    free, _ = torch.cuda.mem_get_info()
    return unused > free / 2


@contextmanager
def recorded(graph: torch.cuda.CUDAGraph, pool: Pool) -> Iterator[None]:
    """Record what is started within; unlike torch.cuda.graph without emptying torch's caches."""
    with aside():
        # Another thread may copy a checkpoint meanwhile: only this one must not wait for the GPU.
        graph.capture_begin(pool, capture_error_mode="thread_local")
        try:
            yield
        finally:
            graph.capture_end()
