"""What a finished runtime of the tests has compiled: the CPU's kernels, in this checkout.

The pipeline of a droplet is a copy in another folder, for which numba would compile everything
anew, for most of a minute. It compares sources by their content, so that another version of a
kernel is never taken.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numba.core.caching import InTreeCacheLocator

CHECKOUT = Path(__file__).resolve().parents[3]


class Checkout(InTreeCacheLocator):  # type: ignore[misc]
    """Finds compiled kernels of `<anywhere>/pipeline/gpu` in the checkout's own folders."""

    def __init__(self, py_func: Any, py_file: str) -> None:
        super().__init__(py_func, py_file)
        inside = py_file.rpartition("/pipeline/")[2]
        self._cache_path = str((CHECKOUT / inside).parent / "__pycache__")
