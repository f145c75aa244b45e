"""The agent of a machine and the hooks of the bot understand each other, over a real connection."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from fastapi import FastAPI

from bot.core.ledger import Ledger
from gpu.agent.client import Away, Client, Refused
from gpu.agent.clock import BotTime
from gpu.agent.config import Config
from gpu.job import Event, Stage, Status
from gpu.job.messages import EVENTS, LOG, Report
from gpu.job.signing import WINDOW, job_key
from tests.fakes.slack import serving
from tests.ports import held_port
from tests.web.hooks.conftest import FOREIGN, NEW, TOKEN


class Machine:
    """The clock of a machine that is ahead by some seconds."""

    def __init__(self, ahead: float) -> None:
        self._ahead = ahead
        self.monotonic, self.sleep = time.monotonic, time.sleep

    def time(self) -> float:
        return time.time() + self._ahead


@pytest.fixture
def clock() -> Callable[[], float]:
    return time.time


@pytest.fixture
def address(app: FastAPI) -> Iterator[str]:
    with held_port() as port, serving(app, port) as url:
        yield url


def agent(address: str, *, ahead: float = 0.0, secret: str = NEW) -> Client:
    config = Config("a", 1, job_key(secret, "a", 1), address, time.time() + 3600)
    return Client(config, BotTime(Machine(ahead)))


@pytest.mark.parametrize("ahead", [0.0, -2 * WINDOW, 24 * 3600.0])
def test_a_machine_gets_its_work_whatever_its_clock_says(address: str, ahead: float) -> None:
    assignment = agent(address, ahead=ahead).assignment()
    assert assignment.deadline > time.time()
    assert assignment.self_destruct is not None
    assert assignment.self_destruct["token"] == TOKEN


def test_what_a_machine_tells_is_written_down(address: str, ledger: Ledger) -> None:
    event = Event("a", 1, 1, Stage.PREPARE, Status.STARTED, 0.0, "", time.time())
    answer = agent(address, ahead=3600).report(Report([event], {"gpu": 3.5, "gpu_name": "H100"}))
    assert (answer.cancel, answer.seq) == (False, 1)
    job = ledger.job("a")
    assert ledger.last_seq(job) == 1
    ledger.request_cancel("a", by="U1")
    assert agent(address).report(Report()).cancel


def test_a_machine_gets_addresses_for_what_it_may_write(address: str) -> None:
    assert set(agent(address).addresses([LOG, EVENTS])) == {LOG, EVENTS}
    with pytest.raises(Refused, match="may not write"):
        agent(address).addresses(["job.json"])


def test_a_stranger_is_not_heard_and_asks_again_later(address: str) -> None:
    with pytest.raises(Away, match="401"):
        agent(address, secret=FOREIGN).report(Report())
