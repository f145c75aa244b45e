"""Slack refuses, is slow, loses answers; the bot crashes. All the same each message comes once."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import pytest

from bot.core.ledger import Ledger
from bot.sandbox.state import Message
from bot.sandbox.web_api import Fault, Refused
from bot.slack import blocks
from gpu.job import Stage, Status
from tests.core.conftest import a_request
from tests.fakes.slack import text_of
from tests.slack.conftest import Bot, closing, finish, replies


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_refusal_delays_a_message_and_never_doubles_it(bot: Bot, status: int) -> None:
    bot.slack.fail("chat.postMessage", status=status, times=2)
    bot.slack.person.type("/splat demo/parcel --job-id a")
    bot.drain(300)
    assert len(bot.slack.channel()) == 1


def test_retry_after_is_honoured_by_everything_for_that_channel(bot: Bot) -> None:
    bot.slack.fail("chat.postMessage", times=1, retry_after=30)
    bot.slack.person.type("/splat demo/parcel --job-id a")
    bot.slack.person.type("/splat demo/parcel --job-id b")
    bot.drain(28)
    assert bot.slack.calls("chat.postMessage") == []
    bot.drain(8)
    assert len(bot.slack.channel()) == 2


def test_another_conversation_does_not_wait_for_one_that_is_held(bot: Bot) -> None:
    bot.slack.fail("chat.postMessage", times=1, retry_after=30)
    bot.slack.person.type("/splat demo/parcel --job-id a")
    bot.outbox.drain()
    other = a_request("b", channel="D0YOU")
    bot.ledger.submit(other, backend="local", price_per_hour=0.0)
    bot.outbox.drain()
    assert [m.channel for m in bot.slack.channel()] == ["D0YOU"]


def test_a_slack_that_was_away_for_hours_still_gets_the_end(bot: Bot) -> None:
    bot.start()
    bot.slack.fail("chat.postMessage", status=503, times=10**6)
    finish(bot)
    bot.drain(5 * 3600, step=60)
    assert closing(bot) == []
    bot.slack.fail("chat.postMessage", times=0)
    bot.drain(300)
    assert len(closing(bot)) == 1


def test_messages_wait_for_a_token_that_slack_takes(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot.start()
    monkeypatch.setattr(bot.slack.api, "_token", "xoxb-another")
    finish(bot)
    bot.drain(3600, step=60)
    monkeypatch.undo()
    assert closing(bot) == []
    bot.drain(300)
    assert len(closing(bot)) == 1


@pytest.mark.parametrize("kind", ["status", "stage", "final"])
def test_a_crash_between_sending_and_noting_sends_nothing_twice(
    bot: Bot, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    noted = bot.ledger.sent

    def crash(notice_id: int, **where: str) -> None:
        if bot.ledger.pending(1e12)[0].kind == kind:
            raise KeyboardInterrupt
        noted(notice_id, **where)

    monkeypatch.setattr(bot.ledger, "sent", crash)
    bot.slack.person.type("/splat demo/parcel aerial --job-id a")
    bot.ledger.claim()
    bot.ledger.set_handle("a", {})
    finish(bot)
    with pytest.raises(KeyboardInterrupt):
        bot.drain()
    monkeypatch.undo()
    bot.restart()
    bot.drain()
    assert len(bot.slack.channel()) == 1
    assert len(replies(bot)) == 3  # two stages and the end
    assert len(closing(bot)) == 1


def test_a_restart_in_the_middle_neither_repeats_nor_forgets(bot: Bot) -> None:
    bot.start()
    bot.tell(1, Stage.TRAIN, Status.DONE)
    bot.drain(6)
    bot.restart()
    finish(bot, first=2)
    bot.restart()
    bot.drain()
    assert len(bot.slack.channel()) == 1
    assert len(closing(bot)) == 1
    assert len([m for m in replies(bot) if "*Train*" in m.text]) == 1


def test_a_lost_ledger_repeats_no_word(bot: Bot, tmp_path: Path) -> None:
    """The job is taken in again, and its machine tells everything once more."""
    job = bot.start()
    bot.tell(1, Stage.TRAIN, Status.DONE)
    bot.drain(6)
    bot.ledger = Ledger(tmp_path / "new.db", bot.clock)
    bot.restart()
    bot.clock.move(100)
    bot.ledger.adopt(job, 1, intended_at=bot.clock())
    bot.tell(1, Stage.TRAIN, Status.DONE)
    finish(bot, first=2)
    bot.drain()
    assert "Your splat is ready" in text_of(bot.status())
    look = bot.slack.calls("conversations.history")[-1]
    assert float(look["oldest"]) < job.created_at
    assert len(closing(bot)) == 1
    assert len([m for m in replies(bot) if "*Train*" in m.text]) == 1


def test_an_answer_that_got_lost_is_looked_up_before_a_second_try(bot: Bot) -> None:
    bot.clock.move(1)
    bot.slack.api.faults["chat.postMessage"] = Fault(503, times=1, lost=True)
    bot.slack.person.type("/splat demo/parcel --job-id a")
    bot.drain()
    assert len(bot.slack.channel()) == 1
    assert len(bot.slack.calls("conversations.history")) == 1


def test_without_the_right_to_look_up_a_message_is_sent_rather_than_lost(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(bot.slack.api._methods, "conversations.history", refuse("missing_scope"))
    bot.slack.fail("chat.postMessage", status=503)
    bot.slack.person.type("/splat demo/parcel --job-id a")
    bot.drain()
    assert len(bot.slack.channel()) == 1


def refuse(error: str) -> Any:
    def refuse(_: object) -> NoReturn:
        raise Refused(error)

    return refuse


def test_a_notice_that_can_not_be_rendered_does_not_silence_the_others(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot.start()
    monkeypatch.setattr(blocks, "stage_done", lambda _: {}["a bug"])
    finish(bot)
    bot.drain()
    assert len(closing(bot)) == 1


def test_a_picture_that_fails_fails_nothing_else(bot: Bot) -> None:
    bot.slack.fail("files.getUploadURLExternal", status=500, times=99)
    bot.start()
    bot.tell(1, Stage.TRAIN, Status.DONE, pictures=("previews/train.jpg",))
    finish(bot, first=2)
    bot.drain()
    assert not [m for m in replies(bot) if m.files]
    assert len(closing(bot)) == 1


def test_a_picture_that_hangs_holds_up_no_word(bot: Bot) -> None:
    bot.start()
    bot.tell(1, Stage.TRAIN, Status.DONE, pictures=("previews/train.jpg",))
    finish(bot, first=2)
    for _ in range(10):  # the upload's thread hangs; the words have one of their own
        bot.outbox.drain()
        bot.clock.move(2)
    assert len(closing(bot)) == 1
    assert "ready" in text_of(bot.status())


def test_pictures_wait_for_as_long_as_slack_asks(bot: Bot) -> None:
    bot.start()
    bot.slack.fail("files.getUploadURLExternal", times=1, retry_after=20)
    bot.tell(1, Stage.TRAIN, Status.DONE, pictures=("previews/train.jpg",))
    bot.drain(18)
    assert not [m for m in replies(bot) if m.files]
    bot.drain(10)
    assert [m for m in replies(bot) if m.files]


def test_a_missing_picture_is_left_out(bot: Bot) -> None:
    bot.start()
    bot.tell(1, Stage.TRAIN, Status.DONE, pictures=("previews/none.jpg",))
    finish(bot, first=2)
    bot.drain()
    assert not [m for m in replies(bot) if m.files]
    assert len(closing(bot)) == 1


def test_a_thumbnail_that_slack_can_not_fetch_is_left_out(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    for method in ("chat.postMessage", "chat.update"):
        monkeypatch.setitem(bot.slack.api._methods, method, no_images(bot, method))
    bot.start()
    finish(bot)
    bot.drain()
    assert "Your splat is ready" in text_of(bot.status())
    assert len(closing(bot)) == 1


def no_images(bot: Bot, method: str) -> Any:
    real = bot.slack.api._methods[method]

    def answer(params: Mapping[str, Any]) -> dict[str, Any]:
        if "image_url" in str(params["blocks"]):
            raise Refused("invalid_blocks")
        return real(params)

    return answer


def test_a_deleted_status_message_is_posted_again_before_what_belongs_into_its_thread(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot.start()
    gone = bot.status()
    gone.deleted = True
    monkeypatch.setitem(bot.slack.api._methods, "chat.postMessage", threads_of_live_messages(bot))
    finish(bot)
    bot.drain()
    assert "✓ Fetch photos" in text_of(bot.status())
    assert len(replies(bot)) == 3
    assert not [m for m in bot.slack.workspace.messages if m.thread_ts == gone.ts]


def threads_of_live_messages(bot: Bot) -> Any:
    post = bot.slack.api._methods["chat.postMessage"]

    def answer(params: Mapping[str, Any]) -> dict[str, Any]:
        thread = params.get("thread_ts")
        if thread and bot.slack.workspace.find(params["channel"], thread) is None:
            raise Refused("thread_not_found")
        return post(params)

    return answer


def test_when_the_channel_is_closed_the_end_comes_as_a_direct_message(bot: Bot) -> None:
    bot.start()
    finish(bot)
    close_channel(bot, "is_archived")
    bot.drain()
    [direct] = direct_messages(bot)
    assert "is ready" in direct.text


def test_where_the_bot_is_no_member_the_whole_job_is_shown_directly(bot: Bot) -> None:
    close_channel(bot, "not_in_channel")
    bot.start()
    finish(bot)
    bot.drain()
    [status] = [m for m in direct_messages(bot) if not m.thread_ts]
    assert "Your splat is ready" in text_of(status)
    thread = [m.text for m in direct_messages(bot) if m.thread_ts == status.ts]
    assert len(thread) == 3
    assert "open it" in thread[-1]


def direct_messages(bot: Bot) -> list[Message]:
    return [m for m in bot.slack.workspace.messages if m.channel == "D0YOU"]


def close_channel(bot: Bot, error: str) -> None:
    post = bot.slack.api._methods["chat.postMessage"]

    def answer(params: Mapping[str, Any]) -> dict[str, Any]:
        if params["channel"] == "C0SPLATS":
            raise Refused(error)
        return post(params)

    bot.slack.api._methods["chat.postMessage"] = answer
