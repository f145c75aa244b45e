"""Group commit: what arrives while the disk is busy is written together, in the next transaction.

A transaction costs a wait for the disk, however much is in it. One thread writes; whoever waits
for an answer gets it after the commit, so that what was answered is never lost.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

log = logging.getLogger(__name__)

Item = TypeVar("Item")
Result = TypeVar("Result")

#: Items of one transaction, and of all that wait at most.
TOGETHER, WAITING = 64, 1_000


class Overloaded(Exception):
    """More waits than can be written soon."""


class GroupCommit(Generic[Item, Result]):
    """Gives items to `write`, many at a time, in a thread of its own and in their order."""

    def __init__(
        self, write: Callable[[Sequence[Item]], Sequence[Result]], *, waiting: int = WAITING
    ) -> None:
        self._write = write
        self._most = waiting
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reports")
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._task: asyncio.Task[None] | None = None

    async def submit(self, item: Item) -> Result:
        """Return what `write` returned for the item; raises Overloaded and what `write` raises."""
        if len(self._waiting) >= self._most:
            raise Overloaded
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._drain())
        return await future

    async def _drain(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:TOGETHER], self._waiting[TOGETHER:]
            items = [item for item, _ in batch]
            loop = asyncio.get_running_loop()
            try:
                results = await loop.run_in_executor(self._thread, self._write, items)
            except Exception as failed:
                log.exception("%d reports could not be written", len(batch))
                for _, future in batch:
                    _settle(future, failed)
            else:
                for (_, future), result in zip(batch, results, strict=True):
                    _settle(future, result)


def _settle(future: asyncio.Future[Result], outcome: Result | Exception) -> None:
    if future.done():  # whoever asked has gone
        return
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
