"""A request is answered as soon as a listener acknowledges, and within Slack's three seconds."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import httpx
import pytest
from slack_bolt import Ack, App, BoltRequest, BoltResponse
from slack_bolt.authorization import AuthorizeResult

from bot.core.rush import RUSH
from bot.slack.hearing import Answer, hear
from bot.storage.base import Dataset
from bot.web import slack_route, turns
from tests.fakes.slack import text_of
from tests.slack.conftest import Bot
from tests.slack.test_dialog import filled, open_dialog
from tests.waiting import PATIENCE


def an_app(listener: Callable[..., None]) -> App:
    def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token="xoxb-test")

    app = App(
        authorize=authorize, signing_secret="-", request_verification_enabled=False,
        process_before_response=True,
    )  # fmt: skip
    app.command("/splat")(listener)
    return app


COMMAND = "command=%2Fsplat&text=help&team_id=T&user_id=U&channel_id=C"


def test_what_a_listener_does_after_its_acknowledgement_keeps_nobody_waiting() -> None:
    answered: list[BoltResponse] = []
    seen: list[str] = []

    def listener(ack: Ack) -> None:
        ack("done")
        seen.append(answered[0].body)  # the answer is on its way already

    hear(an_app(listener), BoltRequest(body=COMMAND), Answer(answered.append))
    assert seen == ["done"]
    assert len(answered) == 1


def test_whoever_waits_is_answered_although_a_listener_fails() -> None:
    def listener(ack: Ack) -> None:
        raise RuntimeError

    answered: list[BoltResponse] = []
    hear(an_app(listener), BoltRequest(body=COMMAND), Answer(answered.append))
    assert [answer.status for answer in answered] == [500]


def test_all_threads_that_answer_begin_before_anybody_asks() -> None:
    begun: set[int] = set()
    all_there = threading.Event()

    def first() -> None:
        begun.add(threading.get_ident())
        if len(begun) == turns.AT_ONCE:
            all_there.set()

    slack_route.slack_route(an_app(lambda: None), first)
    assert all_there.wait(PATIENCE)


def test_a_turn_that_has_come_is_not_taken_twice() -> None:
    took, go_on = threading.Semaphore(0), threading.Event()
    threads = turns.Turns()

    def call() -> None:
        took.release()
        assert go_on.wait(PATIENCE)

    turn = threads.submit(call)
    assert took.acquire(timeout=PATIENCE)
    turn.hurry()
    go_on.set()
    turn.work.result(PATIENCE)
    assert not took.acquire(blocking=False)


class SlowCatalogue:
    """Photos that are listed when the test says so."""

    def __init__(self, bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
        self._there, self._list = threading.Event(), bot.storage.datasets
        monkeypatch.setattr(bot.storage, "datasets", self._slowly)
        monkeypatch.setattr(slack_route, "SOON", 0.05)

    def _slowly(self) -> Sequence[Dataset]:
        assert self._there.wait(PATIENCE)
        return self._list()

    def is_there(self) -> None:
        self._there.set()


def test_a_command_whose_answer_takes_long_is_acknowledged_and_answered_after(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The photos may have come just now: a bucket takes longer to list than Slack waits."""
    catalogue = SlowCatalogue(bot, monkeypatch)
    sent = bot.slack.sender.command("/splat", "demo/parcel --job-id a")
    assert (sent.error, sent.body) == ("", "")
    assert bot.ledger.jobs() == []
    catalogue.is_there()
    bot.wait_until(lambda: bool(bot.slack.whispers()), "the answer never came")
    assert "is job `#a`" in text_of(bot.slack.whispers()[0])
    assert [job.id for job in bot.ledger.jobs()] == ["a"]


def test_nobody_waits_long_for_those_who_are_held_up(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue = SlowCatalogue(bot, monkeypatch)
    for number in range(turns.AT_ONCE):
        bot.slack.sender.command("/splat", f"demo/parcel --job-id j{number}")
    monkeypatch.setattr(slack_route, "SOON", 60.0)
    assert "There are no jobs yet" in bot.slack.sender.command("/splat", "list").body
    catalogue.is_there()
    bot.wait_until(lambda: len(bot.ledger.jobs()) == turns.AT_ONCE, "a command was lost")


def test_other_work_knows_of_those_who_wait(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    inside: list[bool] = []
    monkeypatch.setattr(bot.ledger, "jobs", lambda **_: inside.append(RUSH.is_on) or [])
    bot.slack.sender.command("/splat", "list")
    assert inside[0]
    assert not RUSH.is_on


def test_a_dialog_waits_for_what_is_wrong_with_it(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = open_dialog(bot)
    catalogue = SlowCatalogue(bot, monkeypatch)
    later = threading.Timer(0.2, catalogue.is_there)
    later.start()
    gone = {"value": "demo/gone", "text": {"type": "plain_text", "text": "gone"}}
    said: dict[str, Any] = bot.slack.sender.submit(view, filled(gone)).json
    assert "no photos" in said["errors"]["dataset"]


def test_a_body_that_is_no_text_is_refused_before_anything_is_done(bot: Bot) -> None:
    url = f"{bot.settings.public_url}/slack/events"
    assert httpx.post(url, content=b"\xff\xfe", trust_env=False).status_code == 400
