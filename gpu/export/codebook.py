"""Few values that stand for many: the codebooks and the palette of a .sog."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

#: Entries of a codebook: what one byte can name.
ENTRIES = 256
#: The values are counted in so many bins first, so that a round takes no longer for more of them.
BINS, ROUNDS = 16_384, 12
#: Vectors that a palette is fitted to, rounds of it, and rows that are compared at once.
SAMPLE, PALETTE_ROUNDS, ROWS = 32_768, 8, 65_536

Floats = NDArray[np.float32]


def codebook(values: Floats) -> Floats:
    """Return ENTRIES sorted numbers near `values`: k-means (Lloyd 1982) over their histogram."""
    low, high = float(values.min()), float(values.max())
    if high - low < 1e-9:
        return np.full(ENTRIES, low, np.float32)
    counts, edges = np.histogram(values, BINS, (low, high))
    middles = (edges[1:] + edges[:-1]) / 2
    # The cube root of the density places the entries almost where the rounds will leave them.
    share = np.cumsum(counts ** (1 / 3))
    book = np.interp((np.arange(ENTRIES) + 0.5) / ENTRIES * share[-1], share, middles)
    for _ in range(ROUNDS):
        nearest = np.searchsorted((book[1:] + book[:-1]) / 2, middles)
        weight = np.bincount(nearest, counts, ENTRIES)
        total = np.bincount(nearest, counts * middles, ENTRIES)
        book = np.sort(np.where(weight > 0, total / np.maximum(weight, 1), book))
    entries: Floats = book.astype(np.float32)
    return entries


def indices(values: Floats, book: Floats) -> NDArray[np.uint8]:
    """Return the index of the nearest entry of a sorted codebook for each value."""
    return np.searchsorted((book[1:] + book[:-1]) / 2, values).astype(np.uint8)


def palette(vectors: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Return `size` vectors [size, D] near `vectors` [N, D], and which stands for each, [N].

    k-means on a sample; deterministic. Takes N * size * D multiplications.
    """
    make = torch.Generator().manual_seed(0)
    chosen = torch.randperm(len(vectors), generator=make).to(vectors.device)
    sample, entries = vectors[chosen[:SAMPLE]], vectors[chosen[:size]].clone()
    for _ in range(PALETTE_ROUNDS):
        labels = _nearest(sample, entries)
        total = torch.zeros_like(entries).index_add_(0, labels, sample)
        count = torch.bincount(labels, minlength=len(entries))[:, None]
        entries = torch.where(count > 0, total / count.clamp_min(1), entries)
    return entries, _nearest(vectors, entries)


def _nearest(vectors: Tensor, entries: Tensor) -> Tensor:
    squares = entries.square().sum(dim=1)
    starts = range(0, len(vectors), ROWS)
    parts = [(squares - 2 * vectors[i : i + ROWS] @ entries.T).argmin(dim=1) for i in starts]
    return torch.cat(parts)
