"""How the CPU kernels are compiled.

The relaxed arithmetic may reorder sums and contract multiply-adds; it never assumes that values
are finite, so that a NaN stays visible.

numba's cache looks only at the file of the kernel itself: what it calls or reads of another file
stays as it was when that file changes. So kernels are in one file with those that they call, and
with the tuples that they read. Compositing alone reads more, TILE and Tiles of `tiles.py` and
ALPHA_THRESHOLD of `projection.py`: whoever changes these removes the `__pycache__` here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])
#: A float32 or an index inside a kernel: numba types it, Python's `float` does not describe it.
Scalar: TypeAlias = Any

RELAXED = {"reassoc", "contract", "arcp", "nsz", "afn"}


def kernel(function: F) -> F:
    """Compile a function that runs on one core (called from a parallel one)."""
    compile_ = numba.njit(cache=True, fastmath=RELAXED, error_model="numpy")
    return cast(F, compile_(function))


def inlined(function: F) -> F:
    """Compile a function into its callers; a call in an inner loop costs twice the time."""
    compile_ = numba.njit(cache=True, fastmath=RELAXED, error_model="numpy", inline="always")
    return cast(F, compile_(function))


def parallel_kernel(function: F) -> F:
    """Compile a function whose `prange` loops use every core."""
    compile_ = numba.njit(cache=True, fastmath=RELAXED, error_model="numpy", parallel=True)
    return cast(F, compile_(function))
