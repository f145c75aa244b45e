"""What the bot does by itself lets those go first who wait for an answer, but not for ever."""

import threading
from pathlib import Path

import pytest

from bot.core import rush
from bot.core.ledger import Ledger
from bot.core.rush import RUSH, Rush
from bot.core.scheduler import Scheduler
from bot.web.hooks.reports import Reports
from tests.core.conftest import Clock
from tests.core.machines import Bench
from tests.waiting import PATIENCE


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
def way(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A list in which stands, between all else that is noted there, where way was given."""
    noted: list[str] = []
    monkeypatch.setattr(RUSH, "give_way", lambda: noted.append("way"))
    return noted


def test_other_work_waits_until_everybody_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rush, "MOST", 60.0)
    waited = Rush()
    done = threading.Event()

    def work() -> None:
        waited.give_way()
        done.set()

    with waited:
        with waited:
            threading.Thread(target=work).start()
        assert not done.wait(0.05)
    assert done.wait(PATIENCE)


def test_it_waits_for_nobody_who_is_not_there() -> None:
    Rush().give_way()


def test_it_waits_no_longer_for_those_who_come_later(clock: Clock) -> None:
    waited = Rush(clock)
    with waited:
        clock.now += rush.MOST - 0.001
        with waited:
            clock.now += 0.001
            waited.give_way()  # else it would never return here


def test_whoever_comes_after_the_last_answer_is_let_go_first_again(clock: Clock) -> None:
    waited = Rush(clock)
    with waited:
        clock.now += rush.MOST
    done = threading.Event()

    def work() -> None:
        waited.give_way()
        done.set()

    with waited:
        threading.Thread(target=work).start()
        assert not done.wait(0.05)
    assert done.wait(PATIENCE)


def test_the_clockwork_gives_way_before_each_call(way: list[str]) -> None:
    scheduler, called = Scheduler(), threading.Event()

    def work() -> None:
        way.append("work")
        called.set()

    scheduler.every(3600, work, "work")
    scheduler.start()
    assert called.wait(PATIENCE)
    scheduler.stop()
    assert way == ["way", "work"]


def test_a_pass_over_jobs_gives_way_before_each(
    bench: Bench, way: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in "ab":
        bench.ledger.claim(2)
    monkeypatch.setattr(bench.dispatcher, "_advance", way.append)
    bench.tick()
    assert way == ["way", "a", "way", "b"]


def test_reports_of_machines_give_way(
    ledger: Ledger, way: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "record_all", lambda *_: way.append("written"))
    Reports(ledger, lambda: None).take([])
    assert way == ["way", "written"]
