"""How sizes of files are told, in the same words everywhere."""

from __future__ import annotations

import math


def human_size(count: float) -> str:
    """Return a number of bytes as people say it: "12 kB", "3.4 MB" or "1.2 GB"."""
    if count < 1e6:
        return f"{math.ceil(count / 1e3):,} kB"  # what is there is never called nothing
    return f"{count / 1e6:,.1f} MB" if count < 1e9 else f"{count / 1e9:,.1f} GB"
