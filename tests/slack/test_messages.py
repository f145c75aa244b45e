"""What the channel sees: one message that edits itself, a thread, one end. Whatever goes wrong."""

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import pytest

from bot.sandbox.state import Message
from bot.sandbox.web_api import Refused, Reply
from gpu.job import Stage, Status
from tests.fakes.slack import buttons, text_of
from tests.slack.conftest import PICTURE, Bot

FIGURES = {
    "photos": 36, "photos_registered": 36, "gaussians": 5000, "psnr": 24.31, "held_out": 5,
    "splat_bytes": 160_000,
}  # fmt: skip


def finish(bot: Bot) -> None:
    bot.tell(1, Stage.FETCH, Status.DONE)
    bot.tell(2, Stage.PUBLISH, Status.DONE, metrics={"seconds": 1.0, **FIGURES})
    bot.ledger.succeed("a", viewer_url="http://v", manifest_url="http://m")


def replies(bot: Bot) -> list[Message]:
    return bot.slack.thread(bot.status())


def closing(bot: Bot) -> list[Message]:
    return [m for m in replies(bot) if "<@U0YOU>" in m.text]


def test_one_message_tells_the_way_from_the_queue_to_the_link(bot: Bot) -> None:
    bot.slack.person.type("/splat demo/parcel aerial --job-id a")
    bot.drain(4)
    assert "Waiting in the queue: number 1" in text_of(bot.status())
    bot.ledger.claim()
    bot.ledger.set_handle("a", {})
    bot.tell(1, Stage.FETCH, Status.DONE)
    bot.tell(2, Stage.TRAIN, Status.PROGRESS, message="Step 350 of 700")
    bot.drain(4)
    shown = text_of(bot.status())
    assert "✓ Fetch photos `2 s`" in shown
    assert "▸ *Train* 50%" in shown
    assert "Step 350 of 700" in shown
    assert "no estimate yet" in shown
    bot.ledger.succeed("a", viewer_url="http://v", manifest_url="http://m")
    bot.drain()
    assert "Your splat is ready" in text_of(bot.status())
    assert buttons(bot.status())["Open viewer"]["url"] == "http://v"


def test_the_end_mentions_the_person_once_with_link_and_figures(bot: Bot) -> None:
    bot.start()
    finish(bot)
    bot.drain()
    [end] = closing(bot)
    assert "<http://v|open it>" in end.text
    said = text_of(end)
    for figure in ("36 of 36 photos", "5,000 Gaussians", "24.3 dB on 5 held-out", "0.2 MB"):
        assert figure in said


def test_a_figure_that_was_not_measured_is_not_said(bot: Bot) -> None:
    bot.start()
    bot.tell(1, Stage.PUBLISH, Status.DONE, metrics={"seconds": 1.0, "gaussians": 7, "psnr": None})
    bot.ledger.succeed("a", viewer_url="http://v", manifest_url="http://m")
    bot.drain()
    assert "dB" not in text_of(closing(bot)[0])


def test_every_finished_stage_and_its_pictures_are_in_the_thread(bot: Bot) -> None:
    bot.start()
    bot.tell(1, Stage.FETCH, Status.DONE, message="36 photos.")
    bot.tell(2, Stage.TRAIN, Status.DONE, pictures=("previews/train.jpg",))
    bot.drain()
    texts = [m.text for m in replies(bot)]
    assert ":white_check_mark: *Fetch photos* (2 s) 36 photos." in texts
    [picture] = [m for m in replies(bot) if m.files]
    assert bot.slack.workspace.files[picture.files[0]].content == PICTURE


def test_a_failure_says_what_and_why_and_has_no_live_buttons(bot: Bot) -> None:
    bot.start()
    bot.ledger.fail("a", error="The photos do not connect.", hint="Take more in between.")
    bot.drain()
    for message in (bot.status(), closing(bot)[0]):
        assert "The photos do not connect." in text_of(message)
        assert "Take more in between." in text_of(message)
        assert buttons(message) == {}


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_refusal_delays_a_message_and_never_doubles_it(bot: Bot, status: int) -> None:
    bot.slack.fail("chat.postMessage", status=status, times=2)
    bot.slack.person.type("/splat demo/parcel --job-id a")
    bot.drain(300)
    assert len(bot.slack.channel()) == 1


def test_retry_after_is_honoured(bot: Bot) -> None:
    bot.slack.fail("chat.postMessage", times=1, retry_after=30)
    bot.slack.person.type("/splat demo/parcel --job-id a")
    bot.drain(28)
    assert bot.slack.channel() == []
    bot.drain(8)
    assert len(bot.slack.channel()) == 1


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


def test_an_answer_that_got_lost_is_looked_up_before_a_second_try(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_answers(bot, monkeypatch, "chat.postMessage", times=1)
    bot.clock.move(1)
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


def lose_answers(bot: Bot, monkeypatch: pytest.MonkeyPatch, method: str, times: int) -> None:
    """Have Slack do what it is asked, and then answer with an error."""
    real, left = bot.slack.api.answer, [times]

    def answer(name: str, token: str | None, params: dict[str, object]) -> Reply:
        reply = real(name, token, params)
        if name != method or not left[0]:
            return reply
        left[0] -= 1
        return Reply(503, {"ok": False, "error": "service_unavailable"})

    monkeypatch.setattr(bot.slack.api, "answer", answer)


def refuse(error: str) -> Callable[[object], NoReturn]:
    def refuse(_: object) -> NoReturn:
        raise Refused(error)

    return refuse


def test_a_picture_that_fails_fails_nothing_else(bot: Bot) -> None:
    bot.slack.fail("files.getUploadURLExternal", status=500, times=99)
    bot.start()
    bot.tell(1, Stage.TRAIN, Status.DONE, pictures=("previews/train.jpg", "previews/none.jpg"))
    finish_after(bot)
    assert len(closing(bot)) == 1


def finish_after(bot: Bot) -> None:
    bot.tell(2, Stage.PUBLISH, Status.DONE, metrics={"seconds": 1.0, **FIGURES})
    bot.ledger.succeed("a", viewer_url="http://v", manifest_url="http://m")
    bot.drain(200)


def test_a_missing_picture_is_left_out(bot: Bot) -> None:
    bot.start()
    bot.tell(1, Stage.TRAIN, Status.DONE, pictures=("previews/none.jpg",))
    finish_after(bot)
    assert not [m for m in replies(bot) if m.files]
    assert len(closing(bot)) == 1


def test_a_deleted_status_message_is_posted_again(bot: Bot) -> None:
    bot.start()
    bot.status().deleted = True
    bot.tell(1, Stage.FETCH, Status.DONE)
    bot.drain()
    assert "✓ Fetch photos" in text_of(bot.status())


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
    assert [
        m.text for m in direct_messages(bot) if m.thread_ts == status.ts and "open it" in m.text
    ]


def direct_messages(bot: Bot) -> list[Message]:
    return [m for m in bot.slack.workspace.messages if m.channel == "D0YOU"]


def close_channel(bot: Bot, error: str) -> None:
    post = bot.slack.api._methods["chat.postMessage"]

    def answer(params: Mapping[str, Any]) -> dict[str, Any]:
        if params["channel"] == "C0SPLATS":
            raise Refused(error)
        return post(params)

    bot.slack.api._methods["chat.postMessage"] = answer


def test_edits_are_spaced_out_but_a_new_stage_is_shown_at_once(bot: Bot) -> None:
    bot.start()
    before = len(bot.slack.calls("chat.update"))
    for n in range(1, 31):
        bot.tell(n, Stage.TRAIN, Status.PROGRESS, fraction=n / 31, message=f"Step {n}")
        bot.drain(1, step=0.5)
    assert len(bot.slack.calls("chat.update")) - before <= 30 / 3 + 2
    bot.tell(31, Stage.COMPRESS, Status.STARTED)
    bot.outbox.drain()
    assert "▸ *Compress*" in text_of(bot.status())


def test_nothing_is_sent_when_nothing_changed(bot: Bot) -> None:
    bot.start()
    bot.drain()
    before = len(bot.slack.api.calls)
    bot.drain()
    assert len(bot.slack.api.calls) == before


def test_a_restart_in_the_middle_neither_repeats_nor_forgets(bot: Bot) -> None:
    bot.start()
    bot.tell(1, Stage.FETCH, Status.DONE)
    bot.drain(6)
    bot.restart()
    bot.tell(2, Stage.PUBLISH, Status.DONE, metrics={"seconds": 1.0, **FIGURES})
    bot.ledger.succeed("a", viewer_url="http://v", manifest_url="http://m")
    bot.restart()
    bot.drain()
    assert len(bot.slack.channel()) == 1
    assert len(closing(bot)) == 1
    assert len([m for m in replies(bot) if "Fetch photos" in m.text]) == 1


def test_silence_is_said(bot: Bot) -> None:
    bot.start()
    bot.tell(1, Stage.TRAIN, Status.PROGRESS)
    bot.drain(60)
    assert "last word" not in text_of(bot.status())
    bot.drain(200)
    assert "last word from the job" in text_of(bot.status())
