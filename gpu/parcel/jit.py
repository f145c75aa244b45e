"""Compiled kernels whose cache knows all the sources that they are made of.

numba's cache looks only at the file of the kernel itself: a kernel that calls a function of
another file would stay as it was when that file changes. So the cache's folder is named after
all sources of this package.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba import config

Function = TypeVar("Function", bound=Callable[..., Any])
_HERE = Path(__file__).parent


def sources_digest() -> str:
    """Return a digest of this package's sources: equal digests mean equal photos."""
    sources = sorted(_HERE.glob("*.py"))
    return hashlib.sha256(b"".join(s.read_bytes() for s in sources)).hexdigest()[:12]


_CACHE = _HERE / "__pycache__" / f"kernels-{sources_digest()}"


def kernel(function: Function) -> Function:
    """Compile a function; it may be called from other kernels."""
    return _compile(function, parallel=False)


def parallel_kernel(function: Function) -> Function:
    """Compile a function whose `numba.prange` loops use all cores."""
    return _compile(function, parallel=True)


def _compile(function: Function, *, parallel: bool) -> Function:
    before = vars(config)["CACHE_DIR"]
    vars(config)["CACHE_DIR"] = str(_CACHE)
    try:
        # numpy's error model: a division by zero gives infinity, and needs no branch.
        compiled = numba.njit(cache=True, parallel=parallel, error_model="numpy")(function)
        return cast(Function, compiled)
    finally:
        vars(config)["CACHE_DIR"] = before
