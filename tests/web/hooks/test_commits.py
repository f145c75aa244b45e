"""Writing together: in order, answered after the write, and never without an end."""

import asyncio
import threading
from collections.abc import Sequence

import pytest

from bot.web.hooks.commits import TOGETHER, GroupCommit, Overloaded
from tests.aside import run
from tests.waiting import PATIENCE


class Disk:
    """Writes when it is told to, and remembers what was written together."""

    def __init__(self, *, ready: bool = True) -> None:
        self.batches: list[list[int]] = []
        self.threads: set[int] = set()
        self.ready = threading.Event()
        if ready:
            self.ready.set()

    def write(self, items: Sequence[int]) -> list[int]:
        assert self.ready.wait(PATIENCE)
        self.threads.add(threading.get_ident())
        if -1 in items:
            raise OSError("full")
        self.batches.append(list(items))
        return [10 * item for item in items]


async def start(commits: GroupCommit[int, int], items: Sequence[int]) -> list["asyncio.Task[int]"]:
    tasks = [asyncio.create_task(commits.submit(item)) for item in items]
    await asyncio.sleep(0)
    return tasks


def test_what_comes_while_the_disk_is_busy_is_written_together_and_in_order() -> None:
    disk = Disk(ready=False)

    async def scene() -> list[int]:
        commits = GroupCommit(disk.write)
        first = await start(commits, [0])
        await asyncio.sleep(0)
        later = await start(commits, range(1, 2 * TOGETHER))
        assert not any(task.done() for task in first + later)
        disk.ready.set()
        return await asyncio.gather(*first, *later)

    assert run(scene()) == [10 * n for n in range(2 * TOGETHER)]
    assert disk.batches == [
        [0],
        list(range(1, TOGETHER + 1)),
        list(range(TOGETHER + 1, 2 * TOGETHER)),
    ]
    assert len(disk.threads) == 1
    assert threading.get_ident() not in disk.threads


def test_a_write_that_fails_is_told_to_those_it_was_for_and_to_nobody_else() -> None:
    disk = Disk(ready=False)

    async def scene() -> list[object]:
        commits = GroupCommit(disk.write)
        first = await start(commits, [1])
        await asyncio.sleep(0)
        second = await start(commits, [2, -1])
        disk.ready.set()
        answers: list[object] = [
            *await asyncio.gather(*first, *second, return_exceptions=True),
            await commits.submit(3),
        ]
        return answers

    one, two, bad, three = run(scene())
    assert (one, three) == (10, 30)
    assert isinstance(two, OSError)
    assert isinstance(bad, OSError)


def test_more_than_can_wait_is_turned_away() -> None:
    disk = Disk(ready=False)

    async def scene() -> list[int]:
        commits = GroupCommit(disk.write, waiting=2)
        first = await start(commits, [1])
        await asyncio.sleep(0)
        waiting = await start(commits, [2, 3])
        with pytest.raises(Overloaded):
            await commits.submit(4)
        disk.ready.set()
        return await asyncio.gather(*first, *waiting)

    assert run(scene()) == [10, 20, 30]


def test_who_leaves_before_the_answer_harms_nobody() -> None:
    disk = Disk(ready=False)

    async def scene() -> int:
        commits = GroupCommit(disk.write)
        gone, stays = await start(commits, [1, 2])
        gone.cancel()
        disk.ready.set()
        return await stays

    assert run(scene()) == 20
