"""The machine removes itself only if the operator opted in, and only when nobody else does."""

from __future__ import annotations

import pytest

from gpu.agent.destruct import ALONE, FAREWELL
from gpu.agent.scrub import Scrubber
from tests.gpu.agent.bot import TOKEN
from tests.gpu.agent.conftest import Boot
from tests.gpu.agent.machine import Machine

AWAY = dict.fromkeys(("report", "uploads", "spec"), "drop")


def opted_in(boot: Boot, dataset: str = "ok") -> Machine:
    machine = boot(dataset)
    machine.bot.self_destruct = {"url": f"{machine.bot.url}/v2/droplets/77", "token": TOKEN}
    return machine


def test_after_the_deadline_it_says_why_and_removes_itself(boot: Boot) -> None:
    machine = opted_in(boot, "wait")
    machine.until(lambda: machine.runs)
    machine.clock.now = machine.bot.deadline
    machine.until(lambda: machine.bot.deleted)
    assert machine.bot.deleted == ["/v2/droplets/77"]
    assert machine.bot.failures
    assert machine.agent.step()


def test_before_the_deadline_a_machine_whose_bot_is_there_waits_for_it(boot: Boot) -> None:
    machine = opted_in(boot)
    machine.finish()
    machine.for_seconds(2 * ALONE)
    assert not machine.bot.deleted


def test_half_an_hour_after_the_end_without_the_bot_it_removes_itself(boot: Boot) -> None:
    machine = opted_in(boot)
    machine.finish()
    machine.bot.down, since = dict(AWAY), machine.clock.now
    machine.for_seconds(ALONE - 60)
    assert not machine.bot.deleted
    machine.until(lambda: machine.bot.deleted)
    assert machine.clock.now - since < ALONE + 60


def test_while_the_job_runs_an_absent_bot_is_no_reason(boot: Boot) -> None:
    machine = opted_in(boot, "wait")
    machine.until(lambda: machine.runs)
    machine.bot.down = dict(AWAY)
    machine.for_seconds(2 * ALONE)
    assert not machine.bot.deleted


def test_a_bot_that_is_away_at_the_deadline_has_two_minutes(boot: Boot) -> None:
    machine = opted_in(boot, "wait")
    machine.until(lambda: machine.runs)
    machine.bot.down = dict(AWAY)
    machine.clock.now = machine.bot.deadline
    machine.for_seconds(FAREWELL - 10)
    assert not machine.bot.deleted
    machine.until(lambda: machine.bot.deleted)
    assert machine.clock.now - machine.bot.deadline < FAREWELL + 5


@pytest.mark.parametrize("fault", ["500", "drop", "429", "401"])
def test_it_goes_on_asking_until_that_is_granted(boot: Boot, fault: str) -> None:
    machine = opted_in(boot)
    machine.finish()
    machine.bot.faults["delete"].extend([fault] * 3)
    machine.clock.now = machine.bot.deadline
    machine.until(lambda: machine.bot.deleted)
    assert len(machine.bot.deleted) == 1


def test_a_machine_that_is_not_there_any_more_is_removed(boot: Boot) -> None:
    machine = opted_in(boot)
    machine.finish()
    machine.bot.down["delete"] = "404"
    machine.clock.now = machine.bot.deadline
    assert machine.agent.step()


def test_without_the_operators_word_it_never_does(boot: Boot) -> None:
    machine = boot("ok")
    machine.finish()
    machine.bot.down = dict(AWAY)
    machine.for_seconds(2 * ALONE)
    machine.clock.now = machine.bot.deadline + 3600
    machine.agent.step()
    assert not machine.bot.deleted


def test_the_token_is_in_no_file(boot: Boot) -> None:
    machine = opted_in(boot)
    machine.finish()
    files = [file for file in machine.folder.rglob("*") if file.is_file()]
    assert files
    assert not [file for file in files if TOKEN.encode() in file.read_bytes()]


def test_the_token_is_hidden_whatever_its_form(boot: Boot) -> None:
    machine, scrubber = boot("ok"), Scrubber()
    machine.bot.self_destruct = {"url": f"{machine.bot.url}/v2/droplets/77", "token": "open sesame"}
    machine.start(scrubber)
    machine.finish()
    assert "sesame" not in scrubber.text("It was open sesame.")
