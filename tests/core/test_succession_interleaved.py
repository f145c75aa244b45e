"""Bots on one bucket, interleaved at every call: never may two act, and never nobody for long.

Each bot's step runs in a greenlet that stops before and after every call to the bucket, so that
anything may happen in between: another bot's calls, a crash, an outage, minutes of silence.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from greenlet import getcurrent, greenlet
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bot.core.errors import StorageError
from bot.core.succession import FREEZE, LEASE, RENEWAL, TTL, Standing, Succession
from tests.fakes.bucket import Bucket

#: Clocks may differ in speed by a tenth.
RATES = (0.9, 0.95, 1.0, 1.05, 1.1)


class TwoActing(Exception):
    """What must never be."""


class Line(Bucket):
    """One bot's way to the shared bucket: every call stops twice, and may fail in three ways."""

    def __init__(self, shared: Bucket, late: list[Callable[[], Any]]) -> None:
        super().__init__()
        self.objects = shared.objects
        self.late = late
        self.fault = ""

    def call(self, effect: Callable[[], Any]) -> Any:
        self.pause()
        fault = self.fault
        if fault == "late":  # it arrives when nobody waits for it any more
            self.late.append(effect)
        answer = effect() if fault in ("", "no answer") else None
        self.pause()
        if fault:
            raise StorageError("The bucket did not answer.")
        return answer

    def pause(self) -> None:
        if getcurrent().parent is not None:
            getcurrent().parent.switch()


class Bot:
    """A bot with a clock of its own, a step that may be half done, and machines being created."""

    def __init__(self, world: Any, kind: type[Succession], number: int, rate: float) -> None:
        self.line = Line(world.bucket, world.late)
        self.succession = kind(
            self.line,  # type: ignore[arg-type]
            monotonic=lambda: 1000.0 * number + rate * world.now,
            name=lambda: f"{number:08x}",
        )
        self.step: greenlet | None = None
        self.alive = True
        self.launches: list[float] = []  # when the calls under way end

    def advance(self) -> None:
        """Go on with the step until its next call, or begin the next step."""
        if self.step is None or self.step.dead:
            self.step = greenlet(self._work)
        self.step.switch()

    def finish(self) -> None:
        self.advance()
        while self.step and not self.step.dead:
            self.step.switch()

    def _work(self) -> None:
        try:
            self.succession.step()
            if self.succession.standing is Standing.RETIRING and not self.launches:
                self.succession.leave()
        except StorageError:
            return


class Bots(RuleBasedStateMachine):
    """Everything that may happen to up to four bots, in any order."""

    kind: type[Succession] = Succession

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.bucket = Bucket()
        self.late: list[Callable[[], Any]] = []
        self.bots: list[Bot] = []

    @initialize(rate=st.sampled_from(RATES))
    def begin(self, rate: float) -> None:
        self.start(rate)
        self.bots[0].finish()

    @property
    def living(self) -> list[Bot]:
        return [bot for bot in self.bots if bot.alive]

    @precondition(lambda self: len(self.living) < 4 and len(self.bots) < 12)
    @rule(rate=st.sampled_from(RATES))
    def start(self, rate: float) -> None:
        self.bots.append(Bot(self, self.kind, len(self.bots), rate))

    @precondition(lambda self: len(self.living) > 1)
    @rule(data=st.data())
    def crash(self, data: st.DataObject) -> None:
        self.one(data).alive = False

    @precondition(lambda self: self.living)
    @rule(data=st.data(), calls=st.integers(1, 12))
    def advance_one(self, data: st.DataObject, calls: int) -> None:
        bot = self.one(data)
        for _ in range(calls):
            bot.advance()

    @precondition(lambda self: self.living)
    @rule(data=st.data(), fault=st.sampled_from(["no call", "no answer", "late", "", ""]))
    def disturb(self, data: st.DataObject, fault: str) -> None:
        self.one(data).line.fault = fault

    @precondition(lambda self: self.living)
    @rule(data=st.data(), seconds=st.floats(0, FREEZE))
    def launch(self, data: st.DataObject, seconds: float) -> None:
        """Create a machine: the look at `may_act` and the effect may be `FREEZE` apart."""
        bot = self.one(data)
        if bot.succession.may_act():
            bot.launches.append(self.now + seconds)

    @precondition(lambda self: self.late)
    @rule(data=st.data())
    def arrive(self, data: st.DataObject) -> None:
        with suppress(KeyError):  # a look at what is gone
            self.late.pop(data.draw(st.integers(0, len(self.late) - 1)))()

    @rule(seconds=st.sampled_from([0.1, 1.0, RENEWAL, 14.0, LEASE, 61.0]))
    def stand_still(self, seconds: float) -> None:
        """Nobody takes a step for a while: only calls under way end."""
        self.pass_time(seconds)

    @precondition(lambda self: self.living)
    @rule(data=st.data(), seconds=st.sampled_from([RENEWAL, 20.0, 60.0, TTL * 1.2]))
    def work(self, data: st.DataObject, seconds: float) -> None:
        """Some of the bots take their steps for a while; the others are frozen."""
        working = data.draw(st.sets(st.sampled_from(self.living)))
        for _ in range(int(seconds / RENEWAL)):
            self.pass_time(RENEWAL)
            for bot in sorted(working, key=self.bots.index):
                bot.finish()
                self.one_may_act()

    @invariant()
    def one_may_act(self) -> None:
        """Also a bot that crashed counts, as long as a call that it sent may have its effect."""
        acting = [
            bot for bot in self.bots if bot.launches or (bot.alive and bot.succession.may_act())
        ]
        if len(acting) > 1:
            raise TwoActing([bot.succession.generation for bot in acting])

    def teardown(self) -> None:
        """Once everything works again, somebody acts before long."""
        for bot in self.living:
            bot.line.fault = ""
        enough = 2 * TTL * 1.1 + FREEZE + 4 * RENEWAL
        while enough > 0 and not any(bot.succession.may_act() for bot in self.living):
            enough -= RENEWAL
            self.pass_time(RENEWAL)
            for bot in self.living:
                bot.finish()
                self.one_may_act()
        assert enough > 0 or not self.living

    def one(self, data: st.DataObject) -> Bot:
        return data.draw(st.sampled_from(self.living))

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        for bot in self.bots:
            bot.launches = [end for end in bot.launches if end > self.now]


MANY = settings(max_examples=150, stateful_step_count=60, deadline=None)

TestBots = Bots.TestCase
TestBots.settings = MANY


class Impatient(Succession):
    """Does not wait for older bots."""

    def _is_over(self, other: str) -> bool:
        return True


class Endless(Succession):
    """Goes on acting when it can not renew."""

    def _proceed(self, began: float, others: dict[str, bool]) -> None:
        super()._proceed(began + TTL, others)


@pytest.mark.parametrize("broken", [Impatient, Endless])
def test_a_broken_rule_is_noticed(broken: type[Succession]) -> None:
    class BrokenBots(Bots):
        kind = broken

    search = settings(
        MANY, max_examples=300, phases=[Phase.generate], database=None, derandomize=True
    )
    with pytest.raises(TwoActing):
        run_state_machine_as_test(BrokenBots, settings=search)
