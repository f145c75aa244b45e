"""Our own kernels for the GPU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import triton


def gpu_kernel(*varying: str) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function for the GPU when it is first launched, as `kernel[grid](...)`.

    Once for all values of the whole numbers that are named: Triton would compile anew for some.
    """

    def compiled(function: Callable[..., Any]) -> Any:
        return triton.jit(function, do_not_specialize=list(varying))

    return compiled
