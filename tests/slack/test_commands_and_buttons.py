"""What a person types and presses, and what comes back, over signed requests to the real Bolt."""

import threading
import time
from typing import Any, NoReturn

import httpx
import pytest

from bot.core.jobs import State
from bot.sandbox import state
from bot.sandbox.web_api import Reply
from tests.fakes.slack import buttons, text_of
from tests.slack.conftest import Bot
from tests.waiting import PATIENCE


def answer(bot: Bot, text: str) -> str:
    bot.slack.person.type(text)
    return text_of(bot.slack.whispers()[-1])


def test_a_start_is_echoed_and_queued(bot: Bot) -> None:
    said = answer(bot, "/splat demo/parcel aerial --iterations 700 --job-id a")
    assert "`/splat demo/parcel aerial --iterations 700 --job-id a` is job `#a`" in said
    job = bot.ledger.job("a")
    assert (job.state, job.user, job.channel) == (State.QUEUED, state.PERSON, state.CHANNEL)
    assert job.options == {"iterations": 700}
    assert bot.wakes == ["wake"]


def test_an_unknown_dataset_is_answered_with_the_nearest_names(bot: Bot) -> None:
    said = answer(bot, "/splat demo/parcl aerial")
    assert "There are no photos under `demo/parcl`. Did you mean `demo/parcel`?" in said
    assert bot.ledger.jobs() == []


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("demo/parcel --iterations 5", "from 50 to 100,000"),
        ("demo/parcel areal", "Did you mean `aerial`?"),
        ("cancel", "`/splat datasets` shows"),
        ("status nope", "`/splat list` shows"),
    ],
)
def test_a_mistake_is_answered_with_the_remedy(bot: Bot, text: str, remedy: str) -> None:
    assert remedy in answer(bot, f"/splat {text}")


def test_help_list_datasets_and_status(bot: Bot) -> None:
    assert "/splat cancel [job]" in answer(bot, "/splat help")
    assert "There are no jobs yet" in answer(bot, "/splat list")
    assert "`demo/parcel` 3 photos" in answer(bot, "/splat datasets")
    bot.start()
    assert "`#a` demo/parcel" in answer(bot, "/splat list")
    assert "demo/parcel · aerial · #a" in answer(bot, "/splat status")


def test_a_command_that_slack_delivers_twice_starts_one_job(bot: Bot) -> None:
    trigger = bot.slack.workspace.new_trigger
    bot.slack.workspace.new_trigger = lambda: "same-trigger"  # type: ignore[method-assign]
    bot.slack.person.type("/splat demo/parcel")
    bot.slack.person.type("/splat demo/parcel")
    bot.slack.workspace.new_trigger = trigger  # type: ignore[method-assign]
    assert len(bot.ledger.jobs()) == 1


def test_a_request_with_a_wrong_signature_or_an_old_one_is_refused(bot: Bot) -> None:
    url = f"{bot.settings.public_url}/slack/events"
    form = "command=%2Fsplat&text=demo%2Fparcel&trigger_id=x&user_id=U&team_id=T&channel_id=C"
    old = str(int(time.time()) - 301)
    for headers in (
        {},
        {"X-Slack-Request-Timestamp": str(int(time.time())), "X-Slack-Signature": "v0=00"},
        {
            "X-Slack-Request-Timestamp": old,
            "X-Slack-Signature": bot.slack.sender._verifier.generate_signature(
                timestamp=old, body=form
            ),
        },
    ):
        form_type = {"Content-Type": "application/x-www-form-urlencoded"}
        sent = httpx.post(url, content=form, headers={**headers, **form_type}, trust_env=False)
        assert sent.status_code == 401
    assert bot.ledger.jobs() == []


def test_anybody_may_cancel_with_the_button(bot: Bot) -> None:
    bot.start()
    assert "stops" in buttons(bot.status())["Cancel"]["confirm"]["text"]["text"]
    bot.press(bot.status(), "Cancel")
    bot.drain(4)
    assert bot.ledger.job("a").state is State.CANCELLING
    assert f"as <@{state.PERSON}> asked" in text_of(bot.status())
    assert list(buttons(bot.status())) == ["Destroy"]


def test_a_double_click_and_an_old_button_change_nothing(bot: Bot) -> None:
    bot.start()
    old = bot.status()
    action = dict(buttons(old)["Cancel"])
    bot.ledger.succeed("a", viewer_url="http://v", manifest_url="http://m")
    for _ in range(2):
        bot.slack.person.press(old.ts, {**action, "block_id": "b"})
    wait_for_whisper(bot, "*succeeded*")
    assert bot.ledger.job("a").state is State.SUCCEEDED


def test_destroy_is_marked_for_the_dispatcher(bot: Bot) -> None:
    bot.start()
    bot.press(bot.status(), "Destroy")
    assert bot.ledger.destroy_requested("a")


def test_in_a_thread_a_mention_does_what_slash_commands_can_not(bot: Bot) -> None:
    bot.start()
    bot.slack.person.type("/splat status", bot.status().ts)
    assert "not supported in threads" in text_of(bot.slack.whispers()[-1])
    bot.slack.person.type("@splat status", bot.status().ts)
    wait_for_whisper(bot, "`#a`")
    bot.slack.person.type("@splat cancel", bot.status().ts)
    wait_for_whisper(bot, "Being stopped, as")


def wait_for_whisper(bot: Bot, text: str) -> None:
    whispers = bot.slack.whispers
    bot.wait_until(lambda: any(text in text_of(w) for w in whispers()), f"nobody said {text}")


def test_the_home_shows_what_runs_and_what_is_done(bot: Bot) -> None:
    bot.start()
    bot.slack.person.open_home()
    bot.wait_until(lambda: bot.slack.workspace.home is not None, "no home")
    assert "demo/parcel · aerial · #a" in str(bot.slack.workspace.home)


def test_a_slack_that_does_not_answer_us_keeps_nobody_from_being_answered(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten people open the App Home while the Web API hangs; Bolt alone has five threads."""
    open_again, real = threading.Event(), bot.slack.api.answer

    def hang(*call: Any) -> Reply:
        assert open_again.wait(PATIENCE)
        return real(*call)

    monkeypatch.setattr(bot.slack.api, "answer", hang)
    for _ in range(10):
        bot.slack.person.open_home()
    assert "/splat cancel [job]" in answer(bot, "/splat help")
    assert "is job" in answer(bot, "/splat demo/parcel")
    open_again.set()


def test_what_is_acknowledged_is_in_the_ledger(bot: Bot) -> None:
    bot.start()
    bot.press(bot.status(), "Cancel")
    assert bot.ledger.job("a").state is State.CANCELLING


def test_a_bug_is_said_without_what_it_was(
    bot: Bot, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def bug(*_: object, **__: object) -> NoReturn:
        raise RuntimeError("secret details")

    monkeypatch.setattr(bot.ledger, "jobs", bug)
    said = answer(bot, "/splat list")
    assert "Something went wrong in the bot itself" in said
    assert "secret" not in said
    assert "secret details" in caplog.text


def test_names_from_outside_mention_nobody(bot: Bot) -> None:
    bot.add_dataset("demo/<!channel>")
    bot.slack.person.type("/splat demo/<!channel> --job-id a")
    bot.drain(4)
    bot.ledger.claim()
    bot.ledger.set_handle("a", {})
    bot.ledger.fail("a", error="<!here> & co.", hint="<@U0YOU>")
    bot.drain()
    bot.slack.person.type("/splat <!everyone>")
    for message in bot.slack.workspace.messages:
        mrkdwn = [t for t in text_of(message).splitlines() if t != "demo/<!channel> · splat · #a"]
        assert "<!" not in "".join(mrkdwn), message
