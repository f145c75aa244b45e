"""The button of a failed job: who presses it gets the same job again, and everybody gets one."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import NoReturn

import pytest

from bot.core.costs import Budget
from bot.core.errors import IllegalMove, NotAllowed
from bot.core.jobs import Job, Request, State
from bot.core.roles import Roles
from bot.sandbox import state
from bot.sandbox.state import Message
from bot.sandbox.web_api import Refused
from bot.slack import job_wording
from gpu.job import Stage, Status
from tests.fakes.slack import buttons, text_of
from tests.slack.conftest import Bot
from tests.waiting import PATIENCE

AGAIN = job_wording.AGAIN


def lost(bot: Bot, command: str = "demo/parcel aerial --iterations 700 --job-id a") -> Job:
    """Play a job whose machine is lost after its cameras were found, and free its slot."""
    bot.start(command)
    bot.tell(1, Stage.GEOMETRY, Status.DONE, metrics={"seconds": 60.0})
    bot.ledger.fail("a", error="The job's machine has been silent.", hint="Start the job again.")
    bot.ledger.release("a")
    bot.drain()
    return bot.ledger.job("a")


def final(bot: Bot) -> Message:
    """The reply that told the end of the first job."""
    return next(m for m in bot.slack.thread(bot.slack.channel()[0]) if "did not work" in m.text)


def hear(bot: Bot, text: str) -> Message:
    """Wait until the person alone is told something: that comes after Slack's own answer."""
    bot.wait_until(lambda: any(text in text_of(w) for w in bot.slack.whispers()), f"no {text}")
    return next(w for w in reversed(bot.slack.whispers()) if text in text_of(w))


def newest(bot: Bot) -> Job:
    return bot.ledger.jobs()[0]


def test_a_failed_job_runs_again_at_one_press_as_it_was_and_goes_on_from_what_is_there(
    bot: Bot,
) -> None:
    failed = lost(bot)
    bot.press(final(bot), AGAIN)
    again = newest(bot)
    assert (again.state, again.user, again.channel) == (State.QUEUED, state.PERSON, failed.channel)
    assert (again.dataset, again.pipeline) == (failed.dataset, failed.pipeline)
    assert again.options == {"iterations": 700, "earlier": "a"}
    hear(bot, f"`#a` runs again as job `#{again.id}`, with a message of its own.")
    assert bot.wakes[-1] == "wake"


@pytest.mark.parametrize("where", [final, lambda bot: bot.slack.channel()[0]])
def test_both_messages_say_who_ran_it_again_and_lead_to_the_new_ones_message(
    bot: Bot, where: object
) -> None:
    lost(bot)
    bot.press(where(bot), AGAIN)  # type: ignore[operator]
    bot.drain()
    old, new = bot.slack.channel()
    link = f"{bot.slack.url}#{new.ts}"
    for message in (old, final(bot)):
        assert f"Run again by <@{state.PERSON}> as <{link}|#{newest(bot).id}>" in text_of(message)
        assert buttons(message) == {}
    assert "Waiting in the queue: number 1" in text_of(new)


def test_it_asks_before_and_says_what_it_means(bot: Bot) -> None:
    lost(bot)
    asks = buttons(final(bot))[AGAIN]["confirm"]
    assert "same photos and options" in asks["text"]["text"]
    assert "not computed again" in asks["text"]["text"]
    assert asks["deny"]["text"] == "Not now"


def test_an_answer_is_where_the_button_was(bot: Bot) -> None:
    """Who presses in a thread does not look into the channel, nor the other way around."""
    lost(bot)
    [status] = bot.slack.channel()
    bot.press(final(bot), AGAIN)
    assert hear(bot, "`#a` runs again as job").thread_ts == status.ts
    bot.press(status, AGAIN)
    assert hear(bot, "was run again already").thread_ts is None


# -- one job, however often -----------------------------------------------------------------------


def test_a_second_press_orders_nothing_and_says_what_became_of_the_first(bot: Bot) -> None:
    lost(bot)
    end = final(bot)
    bot.press(end, AGAIN)
    bot.press(end, AGAIN)
    assert len(bot.ledger.jobs()) == 2
    hear(bot, f"`#a` was run again already, as <@{state.PERSON}> asked")
    hear(bot, f"`#{newest(bot).id}` demo/parcel · aerial · *queued*")


def test_of_many_who_press_at_once_one_orders(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    lost(bot)
    people = [f"U{number}" for number in range(8)]
    all_are_there, start = Barrier(len(people)), bot.desk.start

    def together(request: Request) -> Job:
        all_are_there.wait(PATIENCE)
        return start(request)

    monkeypatch.setattr(bot.desk, "start", together)
    with ThreadPoolExecutor(len(people)) as pool:
        answers = list(pool.map(lambda user: bot.desk.run_again("a", user), people))
    assert len(bot.ledger.jobs()) == 2
    assert {job.id for job, _ in answers} == {newest(bot).id}
    assert [job.user for job, is_new in answers if is_new] == [newest(bot).user]


def test_one_that_was_run_again_and_failed_again_is_run_from_its_own_message(bot: Bot) -> None:
    lost(bot)
    second, _ = bot.desk.run_again("a", "U1")
    bot.ledger.claim()
    bot.ledger.fail(second.id, error="No GPU droplet can be had now.", hint="Try again later.")
    assert bot.desk.run_again("a", "U2") == (bot.ledger.job(second.id), False)
    third, is_new = bot.desk.run_again(second.id, "U2")
    assert is_new
    # The second had no cameras of its own yet: those of the first are not lost.
    assert third.options == {"iterations": 700, "earlier": "a"}


def test_while_one_that_somebody_typed_goes_on_from_it_nothing_is_ordered(bot: Bot) -> None:
    lost(bot)
    bot.slack.person.type("/splat rerun a --job-id b")
    bot.press(final(bot), AGAIN)
    hear(bot, "was run again already")
    assert len(bot.ledger.jobs()) == 2
    bot.ledger.request_cancel("b", "U1")
    bot.press(final(bot), AGAIN)
    hear(bot, "runs again as job")
    assert len(bot.ledger.jobs()) == 3


def test_another_training_on_the_same_cameras_is_not_that_job_run_again(bot: Bot) -> None:
    bot.start("demo/parcel --job-id a")
    bot.ledger.succeed("a", viewer_url="http://v", manifest_url="http://m")
    bot.ledger.release("a")
    bot.slack.person.type("/splat rerun a --preset best --job-id b")
    bot.ledger.claim()
    bot.ledger.fail("b", error="No GPU droplet can be had now.", hint="Try again later.")
    bot.slack.person.type("/splat rerun a --preset draft --job-id c")
    again, is_new = bot.desk.run_again("b", "U1")
    assert is_new
    assert again.options == {"preset": "best", "cameras": "a"}
    assert bot.desk.run_again("b", "U2") == (again, False)


def test_it_waits_for_its_turn(bot: Bot) -> None:
    lost(bot)
    bot.slack.person.type("/splat demo/parcel --job-id b")
    bot.press(final(bot), AGAIN)
    hear(bot, "It is number 2 in the queue.")
    [first, second] = [bot.ledger.claim(slots=2), bot.ledger.claim(slots=2)]
    assert first and second
    assert (first.id, second.id) == ("b", newest(bot).id)


# -- where nothing is started ---------------------------------------------------------------------


def test_only_who_may_start_jobs_may_run_one_again(bot: Bot) -> None:
    lost(bot)
    bot.desk.roles = Roles(starters=("U0OTHER",))
    bot.press(final(bot), AGAIN)
    hear(bot, "You may not start jobs here. These may: <@U0OTHER>.")
    assert len(bot.ledger.jobs()) == 1
    with pytest.raises(NotAllowed):
        bot.desk.run_again("a", state.PERSON)


def test_the_months_budget_counts(bot: Bot) -> None:
    lost(bot)
    bot.desk._price, bot.desk.budget = 2.0, Budget(bot.ledger, 0.0, bot.clock)
    bot.press(final(bot), AGAIN)
    hear(bot, "budget")
    assert len(bot.ledger.jobs()) == 1
    assert AGAIN in buttons(final(bot))


def test_photos_that_are_gone_are_named(bot: Bot) -> None:
    lost(bot)
    bot.storage.path("demo/parcel").rename(bot.storage.path("demo/else"))
    bot.catalogue.refresh()
    bot.press(final(bot), AGAIN)
    hear(bot, "There are no photos under `demo/parcel`.")
    assert len(bot.ledger.jobs()) == 1


@pytest.mark.parametrize("end", ["succeed", "cancel"])
def test_other_ends_have_no_such_button(bot: Bot, end: str) -> None:
    bot.start()
    if end == "succeed":
        bot.ledger.succeed("a", viewer_url="http://v", manifest_url="http://m")
    else:
        bot.ledger.request_cancel("a", "U1")
        bot.ledger.cancelled("a")
    bot.drain()
    messages = [bot.status(), *bot.slack.thread(bot.status())]
    assert all(AGAIN not in buttons(message) for message in messages)
    with pytest.raises(IllegalMove, match="Only one that has failed"):
        bot.desk.run_again("a", "U1")


def test_who_wants_a_cancelled_job_back_is_told_how(bot: Bot) -> None:
    """Somebody meant to stop it: that is not undone by a button where Cancel just was."""
    bot.slack.person.type("/splat demo/parcel --job-id a")
    bot.drain(4)
    bot.press(bot.status(), "Cancel")
    bot.drain()
    [end] = bot.slack.thread(bot.status())
    assert "`@splat rerun a` runs it again." in end.text
    bot.slack.person.type("@splat rerun a", bot.status().ts)
    bot.wait_until(lambda: len(bot.ledger.jobs()) == 2, "it was not run again")


# -- what would fail again ------------------------------------------------------------------------


def test_where_the_photos_are_the_reason_nothing_is_promised(bot: Bot) -> None:
    bot.start()
    error, hint = "The photos do not connect.", "Photograph the ways between them."
    why = {"message": error, "hint": hint, "metrics": {"lasting": True}}
    bot.tell(1, Stage.GEOMETRY, Status.FAILED, **why)
    bot.ledger.fail("a", error=error, hint=hint)
    bot.drain()
    for message in (bot.status(), final(bot)):
        [(words, button)] = buttons(message).items()
        assert words == "Run again, once that is mended"
        assert "style" not in button
        assert "As long as the reason is there, it ends the same" in str(button["confirm"])
        assert "/splat rerun a --" in str(button["confirm"])


def test_what_was_mended_is_run_again_by_the_same_button(bot: Bot) -> None:
    bot.start()
    bot.ledger.fail("a", error="Only 2 photos are usable.", hint="Add photos.", lasting=True)
    bot.drain()
    bot.press(final(bot), job_wording.AGAIN_ONCE_MENDED)
    assert newest(bot).options == {"earlier": "a"}


# -- trouble --------------------------------------------------------------------------------------


def test_a_crash_before_the_old_messages_were_edited_edits_them_later(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost(bot)
    bot.press(final(bot), AGAIN)

    def crash(*_: object, **__: object) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(bot.ledger, "sent", crash)
    with pytest.raises(KeyboardInterrupt):
        bot.drain()
    monkeypatch.undo()
    bot.restart()
    bot.drain()
    old, new = bot.slack.channel()
    for message in (old, final(bot)):
        assert f"#{new.ts}|#{newest(bot).id}>" in text_of(message)


def test_without_the_new_messages_address_its_number_is_said(bot: Bot) -> None:
    lost(bot)
    bot.slack.fail("chat.getPermalink", status=500)
    bot.press(final(bot), AGAIN)
    bot.drain()
    said = f"Run again by <@{state.PERSON}> as #{newest(bot).id}"
    assert all(said in text_of(m) for m in (bot.slack.channel()[0], final(bot)))


def test_slack_may_be_away_when_the_old_end_is_to_be_edited(bot: Bot) -> None:
    lost(bot)
    bot.press(final(bot), AGAIN)
    bot.slack.fail("chat.update", status=503, times=5)
    bot.drain(300)
    assert buttons(final(bot)) == {}
    assert len(bot.slack.channel()) == 2


def test_an_end_that_somebody_deleted_brings_nothing_back(bot: Bot) -> None:
    bot.clock.move(1)  # the job is younger than the process
    lost(bot)
    end = final(bot)
    bot.press(end, AGAIN)
    end.deleted = True
    bot.drain(120)
    old, _ = bot.slack.channel()
    assert "Run again by" in text_of(old)
    assert [m.text for m in bot.slack.thread(old) if "did not work" in m.text] == []


def test_a_channel_that_takes_nothing_any_more_leaves_the_job_to_its_person(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new job is told to who pressed, directly; the old messages can not be changed."""
    lost(bot)
    bot.press(final(bot), AGAIN)
    real = bot.slack.api._methods["chat.postMessage"]

    def closed(params: dict[str, object]) -> dict[str, object]:
        if params["channel"] == state.CHANNEL:
            raise Refused("is_archived")
        return real(params)

    monkeypatch.setitem(bot.slack.api._methods, "chat.postMessage", closed)
    bot.drain(60)
    assert [m.channel for m in bot.slack.channel()] == [state.CHANNEL, state.DIRECT]
