"""An answer about a job stays as it is, and leads to the job's one message, which goes on."""

import re

from bot.sandbox import state
from bot.slack.addresses import address
from tests.fakes.slack import text_of
from tests.slack.conftest import Bot, finish

AS_OF = re.compile(r"As of <!date\^\d+\^\{date_short} \{time}\|\d\d \w{3} \d\d:\d\d UTC>\.")


def answer(bot: Bot, text: str) -> str:
    bot.slack.person.type(text)
    return text_of(bot.slack.whispers()[-1])


def test_the_answer_says_of_when_it_is_and_leads_to_the_message_that_goes_on(bot: Bot) -> None:
    bot.start()
    said = answer(bot, "/splat status")
    assert AS_OF.search(said)
    assert f"This stays as it is: <{bot.slack.url}#{bot.status().ts}|the job's message>" in said
    assert "As of" not in text_of(bot.status())


def test_stopping_a_job_leads_there_too(bot: Bot) -> None:
    bot.start()
    assert f"<{bot.slack.url}#{bot.status().ts}|" in answer(bot, "/splat cancel")


def test_of_a_job_that_is_over_nothing_goes_on(bot: Bot) -> None:
    bot.start()
    finish(bot)
    bot.drain()
    said = answer(bot, "/splat status a")
    assert f"See <{bot.slack.url}#{bot.status().ts}|the job's message>." in said
    assert "As of" not in said


def test_without_the_messages_address_its_channel_is_named(bot: Bot) -> None:
    bot.slack.fail("chat.getPermalink", status=500)
    bot.start()
    assert f"the job's message in <#{state.CHANNEL}> goes on." in answer(bot, "/splat status")


def test_before_there_is_a_message_one_asks_again(bot: Bot) -> None:
    bot.slack.person.type("/splat demo/parcel --job-id a")
    said = answer(bot, "/splat status")
    assert AS_OF.search(said)
    assert "This stays as it is: ask again for what is new." in said


def test_a_message_that_was_deleted_is_not_led_to_but_the_one_that_takes_its_place(
    bot: Bot,
) -> None:
    bot.start()
    old = bot.status()
    old.deleted = True
    bot.ledger.request_cancel("a", "U1")
    bot.drain()
    said = answer(bot, "/splat status a")
    assert bot.status().ts != old.ts
    assert f"#{bot.status().ts}|" in said
    assert f"#{old.ts}|" not in said


def test_nobody_is_led_to_what_they_can_not_see(bot: Bot) -> None:
    bot.slack.person.type("/splat demo/parcel --job-id a", channel=state.DIRECT)
    bot.drain()
    job, link = bot.ledger.job("a"), f"<{bot.slack.url}#"
    assert address(bot.ledger, job, job.team, state.PERSON).startswith(link)
    assert address(bot.ledger, job, job.team, "U0OTHER") == ""
    assert address(bot.ledger, job, "T0ELSE", state.PERSON) == ""


def test_a_direct_message_without_an_address_is_not_called_a_channel(bot: Bot) -> None:
    bot.slack.fail("chat.getPermalink", status=500)
    bot.slack.person.type("/splat demo/parcel --job-id a", channel=state.DIRECT)
    bot.drain()
    job = bot.ledger.job("a")
    assert address(bot.ledger, job, job.team, state.PERSON) == ""
