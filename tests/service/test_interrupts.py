"""Being told to stop: it raises, and it is not forgotten when what it raised got lost."""

import signal
from collections.abc import Iterator
from contextlib import suppress

import pytest
import uvicorn

from bot.interrupts import Interrupts

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Server(uvicorn.Server):
    """A server that is told to stop while it runs, or notes that it ran."""

    def __init__(self, told: signal.Signals | None = None) -> None:
        super().__init__(uvicorn.Config(app=""))
        self._told = told
        self.ran = False

    def run(self, sockets: object = None) -> None:
        self.ran = True
        if self._told:
            signal.raise_signal(self._told)


@pytest.fixture
def interrupts() -> Iterator[Interrupts]:
    before = [(number, signal.getsignal(number)) for number in SIGNALS]
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    interrupts = Interrupts()
    interrupts.listen()
    yield interrupts
    for number, handler in before:
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_raises_wherever_the_program_is(
    interrupts: Interrupts, number: signal.Signals
) -> None:
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_server_that_is_told_to_stop_has_stopped(
    interrupts: Interrupts, number: signal.Signals
) -> None:
    interrupts.serve(Server(told=number))


@pytest.mark.parametrize("number", SIGNALS)
def test_what_was_lost_on_the_way_keeps_the_server_from_beginning(
    interrupts: Interrupts, number: signal.Signals
) -> None:
    server = Server()
    with suppress(KeyboardInterrupt):  # as a destructor, and compiled code that calls back
        signal.raise_signal(number)
    interrupts.serve(server)
    assert not server.ran


def test_under_nohup_a_closed_terminal_ends_nothing(interrupts: Interrupts) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    interrupts.listen()
    signal.raise_signal(signal.SIGHUP)
    assert not interrupts.came


def test_a_server_that_nobody_told_to_stop_runs(interrupts: Interrupts) -> None:
    server = Server()
    interrupts.serve(server)
    assert server.ran
