"""The clockwork calls what it should, soon when woken, and never twice at once."""

import threading
from collections.abc import Iterator

import pytest

from bot.core.scheduler import Scheduler
from tests.waiting import PATIENCE


@pytest.fixture
def scheduler() -> Iterator[Scheduler]:
    scheduler = Scheduler()
    scheduler.start()
    yield scheduler
    scheduler.stop()


def test_a_function_is_called_at_once_and_again_when_woken(scheduler: Scheduler) -> None:
    called = threading.Semaphore(0)
    scheduler.every(3600, called.release, "work")
    assert called.acquire(timeout=PATIENCE)
    scheduler.wake("work")
    assert called.acquire(timeout=PATIENCE)


def test_what_raises_is_called_again(scheduler: Scheduler) -> None:
    called = threading.Semaphore(0)

    def fail() -> None:
        called.release()
        raise RuntimeError("expected by this test")

    scheduler.every(0.01, fail, "work")
    for _ in range(3):
        assert called.acquire(timeout=PATIENCE)


def test_a_slow_function_never_runs_twice_at_once(scheduler: Scheduler) -> None:
    inside, entered, go_on = [], threading.Semaphore(0), threading.Event()

    def slow() -> None:
        inside.append(1)
        assert len(inside) == 1
        entered.release()
        go_on.wait(PATIENCE)
        inside.pop()

    scheduler.every(0.01, slow, "work")
    assert entered.acquire(timeout=PATIENCE)
    for _ in range(5):
        scheduler.wake("work")
    assert not entered.acquire(timeout=0.1)
    go_on.set()
    assert entered.acquire(timeout=PATIENCE)


def test_who_wakes_it_meanwhile_neither_delays_it_nor_has_it_called_again() -> None:
    asleep = Scheduler()
    asleep.every(3600, lambda: None, "work", after=3600)
    asleep._scheduler.start(paused=True)
    asleep.wake("work")
    soon = asleep._scheduler.get_job("work").next_run_time
    asleep.wake("work")
    assert asleep._scheduler.get_job("work").next_run_time == soon
    asleep.stop()


def test_waking_what_is_not_scheduled_does_nothing() -> None:
    Scheduler().wake("work")
