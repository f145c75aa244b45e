"""The machine's clock may be wrong or jump: what counts is the bot's."""

from __future__ import annotations

import pytest

from gpu.agent.agent import DOUBT
from gpu.agent.backoff import LONGEST
from gpu.job import Stage
from tests.gpu.agent.conftest import Boot
from tests.gpu.agent.machine import FakeTime, Machine
from tests.gpu.agent.test_telling import append

HOUR = 3600.0


class Other:
    """A clock of another machine, ahead by some seconds."""

    def __init__(self, clock: FakeTime, ahead: float = 0.0) -> None:
        self._clock, self.ahead = clock, ahead
        self.monotonic, self.sleep = clock.monotonic, clock.sleep

    def time(self) -> float:
        return self._clock.now + self.ahead


def wrong(machine: Machine, seconds: float) -> Machine:
    """Set the machine's clock ahead of the bot's, and boot."""
    machine.bot.clock = Other(machine.clock)
    machine.clock.wrong = seconds
    machine.start()
    return machine


@pytest.mark.parametrize("ahead", [-50 * 365 * 24 * HOUR, -HOUR, 290, 310, 2 * HOUR, 24 * HOUR])
def test_a_machine_whose_clock_is_wrong_does_its_job(boot: Boot, ahead: float) -> None:
    machine = wrong(boot("ok"), ahead)
    begin = machine.clock.now
    machine.finish()
    assert machine.bot.told == machine.events
    assert machine.bot.told[-1].stage is Stage.PUBLISH
    assert machine.bot.times[0] - begin < 1  # nothing was waited for


@pytest.mark.parametrize("ahead", [-HOUR, 24 * HOUR])
def test_a_clock_that_is_set_while_the_job_runs_changes_nothing(boot: Boot, ahead: float) -> None:
    machine = wrong(boot("wait"), 0).until_busy()
    machine.clock.wrong = ahead
    machine.for_seconds(60)
    append(machine, 1)
    machine.until(lambda: machine.bot.seq == len(machine.events))
    assert not machine.agent.work.over


def test_a_machine_that_stood_still_for_a_while_is_put_right(boot: Boot) -> None:
    machine = wrong(boot("wait"), 0).until_busy()
    machine.bot.clock = Other(machine.clock, ahead=HOUR)
    append(machine, 1)
    machine.until(lambda: machine.bot.seq == len(machine.events))
    assert machine.agent._clock.time() == pytest.approx(machine.bot.clock.time(), abs=1.5)


@pytest.mark.parametrize("ahead", [-2 * HOUR, 2 * HOUR])
def test_the_deadline_is_in_the_bots_time(boot: Boot, ahead: float) -> None:
    machine = wrong(boot("wait"), ahead).until_busy()
    machine.clock.now = machine.bot.deadline - 60
    machine.for_seconds(50)
    assert not machine.agent.work.over
    machine.clock.now = machine.bot.deadline + 2
    machine.finish()
    assert "deadline" in machine.bot.failures[0].message


def test_the_date_of_somebody_else_is_not_believed(boot: Boot) -> None:
    machine = wrong(boot("wait"), 0).until_busy()
    machine.bot.clock = Other(machine.clock, ahead=24 * HOUR)
    machine.bot.down = {"report": "401"}  # as a proxy may answer, with a clock of its own
    machine.for_seconds(60)
    assert not machine.agent.work.over
    machine.bot.clock, machine.bot.down = Other(machine.clock), {}
    machine.until(lambda: machine.bot.seq == len(machine.events))


def test_a_clock_that_says_late_at_boot_waits_for_the_bots_word(boot: Boot) -> None:
    machine = boot("ok")
    machine.bot.down = dict.fromkeys(("report", "spec", "uploads"), "drop")
    wrong(machine, 24 * HOUR)
    machine.for_seconds(DOUBT - LONGEST - 10)
    assert not machine.agent.work.over
    machine.bot.down = {}
    machine.finish()
    assert not machine.bot.failures


def test_without_the_bots_word_the_machines_own_clock_counts_in_the_end(boot: Boot) -> None:
    machine = boot("ok")
    machine.bot.down = dict.fromkeys(("report", "spec", "uploads"), "drop")
    wrong(machine, 24 * HOUR)
    machine.until(lambda: machine.agent.work.over)
    assert "deadline" in machine.events[-1].message
