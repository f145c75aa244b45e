"""Runs what wants an event loop of its own, where Playwright may have one in the main thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


def aside(work: Callable[[], T]) -> T:
    """Do something in a thread of its own; return or raise what it does."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(work).result()


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end."""
    return aside(lambda: asyncio.run(work))
