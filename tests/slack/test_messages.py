"""What the channel sees: one message that edits itself, a thread, one end. Whatever goes wrong."""

import pytest

from bot.sandbox.state import Message
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


def test_a_message_that_arrived_though_its_answer_was_lost_is_not_sent_again(bot: Bot) -> None:
    bot.start()
    finish(bot)
    bot.drain()
    final = next(n for n in bot.slack.calls("chat.postMessage") if "ready" in n["text"])
    sent = len(bot.slack.calls("chat.postMessage"))
    # As after a crash between sending and noting: the notice is open again, tried once.
    db = bot.ledger._file.connection()
    db.execute("UPDATE outbox SET closed_at = NULL, tries = 1 WHERE kind = 'final'")
    bot.drain()
    assert len(bot.slack.calls("chat.postMessage")) == sent
    assert len(closing(bot)) == 1
    assert final["thread_ts"]


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
    bot.slack.api._methods["chat.postMessage"] = closed_to("C0SPLATS", bot)
    bot.drain()
    [direct] = [m for m in bot.slack.channel() if m.channel == "U0YOU"]
    assert "is ready" in direct.text


def closed_to(channel: str, bot: Bot):
    post = bot.slack.api._post_message

    def answer(params):
        from bot.sandbox.web_api import Refused

        if params["channel"] == channel:
            raise Refused("is_archived")
        return post(params)

    return answer


def test_edits_are_spaced_out_but_a_new_stage_is_shown_at_once(bot: Bot) -> None:
    bot.start()
    before = len(bot.slack.calls("chat.update"))
    for n in range(1, 31):
        bot.tell(n, Stage.TRAIN, Status.PROGRESS, fraction=n / 31, message=f"Step {n}")
        bot.drain(1, step=0.5)
    assert len(bot.slack.calls("chat.update")) - before <= 30 / 3 + 2
    bot.tell(31, Stage.COMPRESS, Status.STARTED)
    bot.drainer.drain()
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
