"""The agent may be killed at any moment: no event is lost, and the pipeline runs once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gpu.agent.__main__ import RUNS_ALREADY
from gpu.job import Stage, Status
from tests.conftest import REPOSITORY
from tests.gpu.agent.bot import FakeBot, serving
from tests.gpu.agent.machine import FakeTime, Machine
from tests.waiting import PATIENCE, await_that

#: Where the agent is killed: at the how-manieth call of what, and before or after it. Three reports
#: are sure, however slow or fast the machine is: one that it prepares itself, one that it is
#: prepared, one with the last word.
POINTS = [
    f"gpu.agent.{what} {count} {when}"
    for what, count in [
        ("agent:enter", 1),  # the folder of the job
        ("child:Child.start", 1),  # provisioning
        ("client:Client._send", 1),  # the first report
        ("client:Client._send", 2),  # the assignment
        ("agent:write", 1),  # job.json
        ("work:Reporter.done", 1),  # the machine is ready
        ("child:Child.start", 2),  # the pipeline
        ("spool:Spool.acknowledge", 2),
        ("archive:Archive.close", 1),
        ("courier:Courier._report", 3),
    ]
    for when in ("before", "after")
]


CRASHING = (sys.executable, "-m", "tests.gpu.agent.crashing")


class Crashable(Machine):
    """A machine whose agent is a process of its own; its pipeline waits for the file `go`."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.agents: list[subprocess.Popen[bytes]] = []

    def run(self, point: str = "") -> subprocess.Popen[bytes]:
        """Start an agent, which is killed at a point if one is given."""
        command = [*CRASHING, str(self.write_config()), *point.split()]
        agent = subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.DEVNULL)
        self.agents.append(agent)
        return agent

    def open_the_gate(self) -> None:
        self.job.mkdir(exist_ok=True)
        (self.job / "go").touch()

    def close(self) -> None:
        """Leave nothing that runs; a pipeline without its agent ends once the gate is open."""
        for agent in self.agents:
            agent.kill()
            agent.wait()
        self.open_the_gate()


@pytest.fixture
def crashable(tmp_path: Path) -> Iterator[Crashable]:
    with serving(FakeBot(time, "gate")) as bot, closing(Crashable(tmp_path, bot, FakeTime())) as it:
        yield it


def everything_was_told(machine: Machine) -> bool:
    told = machine.bot.told
    last = [e for e in told if (e.stage, e.status) == (Stage.PUBLISH, Status.DONE)]
    return told == machine.events and last == told[-1:] and machine.bot.reports[-1].leaving


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_any_point_the_next_one_goes_on(crashable: Crashable, point: str) -> None:
    crashable.open_the_gate()
    assert crashable.run(point).wait(PATIENCE) == -signal.SIGKILL
    assert crashable.run().wait(PATIENCE) == 0
    assert everything_was_told(crashable)
    assert crashable.runs == 1


def test_a_pipeline_that_runs_is_taken_over_by_the_next_agent(crashable: Crashable) -> None:
    first = crashable.run()
    await_that(lambda: crashable.runs, "the pipeline", process=first)
    first.kill()
    first.wait()
    second = crashable.run()
    heard = len(crashable.bot.reports)
    await_that(lambda: len(crashable.bot.reports) > heard, "a report", process=second)
    crashable.open_the_gate()
    assert second.wait(PATIENCE) == 0
    assert everything_was_told(crashable)
    assert crashable.runs == 1


def test_a_pipeline_that_was_taken_over_is_stopped_when_the_bot_says_so(
    crashable: Crashable,
) -> None:
    first = crashable.run()
    await_that(lambda: crashable.runs, "the pipeline", process=first)
    first.kill()
    first.wait()
    crashable.bot.cancel = True
    assert crashable.run().wait(PATIENCE) == 0
    assert not crashable.bot.failures
    assert crashable.events[-1].message == "The job was stopped, as asked."


def test_after_a_reboot_the_pipeline_goes_on(crashable: Crashable) -> None:
    first = crashable.run()
    await_that(lambda: crashable.runs, "the pipeline", process=first)
    first.kill()
    first.wait()
    os.killpg(int((crashable.job / "pipeline.lock").read_text()), signal.SIGKILL)
    crashable.open_the_gate()
    assert crashable.run().wait(PATIENCE) == 0
    assert everything_was_told(crashable)
    assert crashable.runs == 2


def test_after_a_reboot_without_the_bot_the_pipeline_goes_on(crashable: Crashable) -> None:
    first = crashable.run()
    await_that(lambda: crashable.runs, "the pipeline", process=first)
    first.kill()
    first.wait()
    os.killpg(int((crashable.job / "pipeline.lock").read_text()), signal.SIGKILL)
    crashable.bot.down = dict.fromkeys(("report", "spec", "uploads"), "drop")
    crashable.open_the_gate()
    second = crashable.run()
    await_that(
        lambda: crashable.events[-1].stage is Stage.PUBLISH, "the pipeline's end", process=second
    )
    crashable.bot.down = {}
    assert second.wait(PATIENCE) == 0
    assert everything_was_told(crashable)


def test_there_is_one_agent_at_a_time(crashable: Crashable) -> None:
    first = crashable.run()
    await_that(lambda: crashable.runs, "the pipeline", process=first)
    assert crashable.run().wait(PATIENCE) == RUNS_ALREADY
    crashable.open_the_gate()
    assert first.wait(PATIENCE) == 0
    assert everything_was_told(crashable)


def test_an_agent_that_is_asked_to_end_stops_the_pipeline_and_says_why(
    crashable: Crashable,
) -> None:
    first = crashable.run()
    await_that(lambda: crashable.runs and crashable.bot.events, "a word", process=first)
    first.terminate()
    assert first.wait(PATIENCE) == 0
    assert "shuts down" in crashable.bot.told[-1].message
    assert not crashable.bot.reports[-1].leaving
    assert not crashable.bot.failures
