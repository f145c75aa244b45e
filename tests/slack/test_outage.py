"""Slack is away for five minutes and jobs end meanwhile: every end is told once, and in order."""

import random
from collections.abc import Callable, Iterator, Mapping
from itertools import cycle, repeat
from typing import Any

import pytest
from slack_sdk import WebClient

from bot.sandbox.state import CHANNEL, Message
from bot.sandbox.web_api import Fault, Refused
from gpu.job import Stage, Status
from tests.core.conftest import a_request, an_event
from tests.slack.conftest import FIGURES, Bot

#: Seconds for which Slack is away, and at which the jobs end: the last ones when it is back.
AWAY = 300.0
ENDS = {"a": 0.0, "b": 58.0, "c": 118.0, "d": 180.0, "e": 270.0, "f": 298.0, "g": 306.0}

#: Seconds after which everything is told. Posts into a channel are a second apart.
CAUGHT_UP = 60.0

Call = Callable[..., Any]


class Weather:
    """What becomes of the calls of the Web API while Slack is away."""

    def __init__(self, bot: Bot, kinds: Iterator[str]) -> None:
        self._bot, self._kinds, self._real = bot, kinds, WebClient.api_call
        self._back = bot.clock() + AWAY
        self.met: set[str] = set()

    def call(self, client: WebClient, method: str, **more: Any) -> Any:
        if self._bot.clock() >= self._back:
            return self._real(client, method, **more)
        kind = next(self._kinds)
        self.met.add(kind)
        if kind == "answer lost":
            self._real(client, method, **more)
        if kind in {"time-out", "answer lost"}:
            raise TimeoutError
        self._bot.slack.api.faults[method] = Fault(int(kind), times=1, retry_after=30)
        return self._real(client, method, **more)


KINDS = ("429", "503", "time-out", "answer lost")


@pytest.mark.parametrize("kind", [*KINDS, "in turn", "by lot"])
def test_after_five_minutes_without_slack_every_end_is_told_once_and_in_order(
    bot: Bot, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    start_all(bot)
    lot = random.Random(5)
    mixed = {"in turn": cycle(KINDS), "by lot": (lot.choice(KINDS) for _ in repeat(0))}
    weather = Weather(bot, mixed.get(kind, repeat(kind)))

    def call(client: WebClient, method: str, **more: Any) -> Any:
        return weather.call(client, method, **more)

    monkeypatch.setattr(WebClient, "api_call", call)
    for second in range(0, int(AWAY + CAUGHT_UP), 2):
        for job in (job for job, end in ENDS.items() if end == second):
            end(bot, job)
        bot.outbox.drain()
        bot.clock.move(2)
    assert weather.met == (set(KINDS) if kind in mixed else {kind})
    assert [job_of(bot, message) for message in ends(bot)] == list(ENDS)
    for job in ENDS:
        [message] = [each for each in ends(bot) if job_of(bot, each) == job]
        thread = bot.slack.workspace.thread(CHANNEL, message.thread_ts or "")[1:]
        assert [line.text.split("*")[1] for line in thread[:-1]] == ["Fetch photos", "Publish"]
        assert thread[-1] is message


def test_a_message_that_slack_never_takes_holds_the_others_up_for_minutes_at_most(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_all(bot)
    post = bot.slack.api._methods["chat.postMessage"]

    def choke(params: Mapping[str, Any]) -> dict[str, Any]:
        if "final:a" in str(params["metadata"]):
            raise Refused("internal_error")
        return post(params)

    monkeypatch.setitem(bot.slack.api._methods, "chat.postMessage", choke)
    for job in "ab":
        end(bot, job)
    bot.drain(600, step=5)
    assert [job_of(bot, message) for message in ends(bot)] == ["b"]
    monkeypatch.undo()
    bot.drain(150, step=5)
    assert [job_of(bot, message) for message in ends(bot)] == ["b", "a"]


def start_all(bot: Bot) -> None:
    for job in ENDS:
        bot.ledger.submit(
            a_request(job, channel=CHANNEL, user="U0YOU"), backend="local", price_per_hour=0.0
        )
        bot.ledger.claim(len(ENDS))
        bot.ledger.set_handle(job, {})
        bot.drain(4)
        bot.ledger.record(an_event(job, 1, Stage.FETCH, Status.DONE))
    bot.drain(30)


def end(bot: Bot, job: str) -> None:
    figures = {"seconds": 1.0, **FIGURES}
    bot.ledger.record(an_event(job, 2, Stage.PUBLISH, Status.DONE, metrics=figures))
    bot.ledger.succeed(job, viewer_url="http://v", manifest_url="http://m")


def ends(bot: Bot) -> list[Message]:
    """The messages that mention somebody, in the order in which they came."""
    return [
        each for each in bot.slack.workspace.messages if "<@U0YOU>" in each.text and each.thread_ts
    ]


def job_of(bot: Bot, message: Message) -> str:
    [job] = [job for job in ENDS if bot.ledger.status_message(job) == (CHANNEL, message.thread_ts)]
    return job
