"""The App Home: what runs, what it costs, what came out lately."""

from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackClientError

from bot.compute.base import Plan
from bot.core.errors import BackendError
from bot.core.market import Market
from bot.sandbox import state
from bot.sandbox.web_api import Reply
from bot.slack import bills, links
from bot.slack.home import NEWEST, gather, view
from bot.slack.homes import LOOKED_AT, MOST, Homes
from bot.slack.workspaces import OneWorkspace
from gpu.job import Stage, Status
from tests.fakes.slack import buttons, text_of, texts
from tests.slack.conftest import FIGURES, Bot, finish


def home(bot: Bot) -> dict[str, Any]:
    """Open the App Home; return its view once it shows what is there now."""
    bot.slack.workspace.home = None
    bot.slack.person.open_home()
    bot.wait_until(lambda: bot.slack.workspace.home is not None, "no home")
    return bot.slack.workspace.home or {}


def done(bot: Bot) -> None:
    bot.start()
    finish(bot)
    bot.ledger.release("a")


def test_at_first_there_is_nothing_but_the_way_to_start(bot: Bot) -> None:
    shown = "\n".join(texts(home(bot)))
    assert "Nothing runs, and nothing waits." in shown
    assert "No job is over yet." in shown
    assert "Make a splat" in shown


def test_what_runs_and_what_waits_comes_first(bot: Bot) -> None:
    bot.start()
    bot.slack.person.type("/splat demo/parcel --job-id b")
    shown = "\n".join(texts(home(bot)))
    assert "demo/parcel · aerial · #a" in shown
    assert "▱ 0% · no estimate yet" in shown
    assert "free, on the bot's own machine" in shown
    assert f" · <{bot.slack.url}#{bot.status().ts}|the job's message>" in shown  # its bar goes on
    assert "1. `#b` demo/parcel" in shown


def test_a_splat_is_a_card_with_figures_link_and_picture(bot: Bot) -> None:
    done(bot)
    [card] = [b for b in home(bot)["blocks"] if b.get("accessory")]
    assert card["accessory"]["image_url"].endswith("splats/a/thumbnail.jpg")
    assert card["accessory"]["alt_text"] == "The splat of demo/parcel"
    assert "24.3 dB" in card["text"]["text"]
    [row] = [b for b in home(bot)["blocks"] if b["type"] == "actions"][1:]
    assert row["elements"][0]["url"] == "http://v"


@pytest.mark.parametrize(("likeness", "is_marked"), [(16.9, True), (24.3, False)])
def test_a_splat_that_looks_little_like_its_photos_is_marked_wherever_it_is_shown(
    bot: Bot, likeness: float, is_marked: bool
) -> None:
    bot.start()
    bot.tell(1, Stage.PUBLISH, Status.DONE, metrics={"seconds": 1.0, **FIGURES, "psnr": likeness})
    bot.ledger.succeed("a", viewer_url="http://v", manifest_url="http://m")
    [card] = [b for b in home(bot)["blocks"] if b.get("accessory")]
    bot.slack.person.type("/splat view a")
    below_a_link = links.blocks_of(bot.ledger.job("a"), "")["blocks"][0]
    for said in (card["text"]["text"], text_of(bot.slack.whispers()[-1]), str(below_a_link)):
        assert f"{likeness} dB" in said
        assert (":warning: It looks little like the photos." in said) == is_marked


def failed(
    bot: Bot,
    channel: str = state.CHANNEL,
    error: str = "No droplet can be had.",
    *,
    lasting: bool = False,
) -> None:
    bot.slack.person.type("/splat demo/parcel --job-id a", channel=channel)
    bot.ledger.claim()
    bot.drain(4)
    bot.ledger.fail("a", error=error, hint="Try again later.", lasting=lasting)
    bot.ledger.release("a")
    bot.drain()


def test_a_failed_job_says_why_and_leads_to_its_message_which_has_the_button(bot: Bot) -> None:
    failed(bot)
    said = str(home(bot)["blocks"])
    assert "No droplet can be had.\\nWhat helps, and *Run again*: " in said
    assert f"<{bot.slack.url}#{bot.status().ts}|the job's message>." in said
    assert "run_again" not in said


@pytest.mark.parametrize("lasting", [True, False])
def test_the_button_of_a_failed_job_is_named_as_its_message_has_it(bot: Bot, lasting: bool) -> None:
    failed(bot, lasting=lasting)
    [(words, _)] = buttons(bot.status()).items()
    assert f"What helps, and *{words}*: " in str(home(bot)["blocks"])


def test_a_failed_job_that_was_run_again_says_as_which(bot: Bot) -> None:
    failed(bot)
    bot.desk.run_again("a", "U1")
    bot.drain(4)
    _, new = bot.slack.channel()
    said = str(home(bot)["blocks"])
    assert f"Run again by <@U1> as <{bot.slack.url}#{new.ts}|#{bot.ledger.jobs()[0].id}>" in said
    assert "What helps" not in said


def test_nobody_is_led_into_somebody_elses_direct_messages(bot: Bot) -> None:
    failed(bot, state.DIRECT)
    bot.slack.person.type("/splat demo/parcel --job-id b", channel=state.DIRECT)
    bot.ledger.claim()
    bot.ledger.fail("b", error="No droplet can be had.", hint="Try again later.")
    bot.desk.run_again("b", state.PERSON)
    bot.drain(8)
    for user, led in ((state.PERSON, 2), ("U0OTHER", 0)):
        said = str(view(gather(bot.desk, bot.thumbnail_url, state.TEAM, user)))
        assert said.count("No droplet can be had.") == 2
        assert said.count("Run again by") == 1
        assert said.count(f"<{bot.slack.url}#") == led


def test_a_long_reason_is_cut_in_a_card(bot: Bot) -> None:
    failed(bot, error="<x>" * 1000)
    assert "&lt;x&gt;&lt;…\nWhat helps" in "\n".join(texts(home(bot)))


def test_a_splat_is_shown_however_many_jobs_wait_behind_it(bot: Bot) -> None:
    done(bot)
    for number in range(2 * NEWEST):
        bot.slack.person.type(f"/splat demo/parcel --job-id w{number}")
    assert len([b for b in home(bot)["blocks"] if b.get("accessory")]) == 1


def test_the_home_says_who_may_start_and_what_machines_there_are(bot: Bot) -> None:
    others = (Plan("gpu-h100x1-80gb in nyc2", 3.39),)
    bot.market._ask = lambda: Plan("gpu-l40sx1-48gb in tor1", 1.57, others=others)
    bot.market.look()
    shown = "\n".join(texts(home(bot)))
    assert "One job runs at a time" in shown
    assert "gpu-l40sx1-48gb in tor1      $1.57/h\ngpu-h100x1-80gb in nyc2      $3.39/h" in shown
    assert "Everybody may start jobs" in shown
    assert "This month: $0.00 of $5.00" in shown


def test_a_picture_that_slack_can_not_fetch_costs_the_picture_alone(
    bot: Bot, monkeypatch: Any
) -> None:
    real = bot.slack.api.answer

    def picky(method: str, *rest: Any) -> Reply:
        if method == "views.publish" and "image_url" in str(rest):
            return Reply(200, {"ok": False, "error": "invalid_arguments"})
        return real(method, *rest)

    monkeypatch.setattr(bot.slack.api, "answer", picky)
    done(bot)
    shown = home(bot)
    assert "24.3 dB" in str(shown)
    assert "image_url" not in str(shown)


def published(bot: Bot) -> int:
    return len(bot.slack.calls("views.publish"))


def test_a_home_that_was_opened_follows_what_runs(bot: Bot) -> None:
    home(bot)
    bot.homes.refresh()
    assert published(bot) == 1  # nothing is new
    bot.start()
    bot.homes.refresh()
    assert "#a" in "\n".join(texts(bot.slack.workspace.home))
    bot.tell(1, Stage.TRAIN, Status.PROGRESS, fraction=0.5)
    bot.homes.refresh()
    assert published(bot) == 2  # how far a job is, its own message says
    finish(bot, first=2)
    bot.homes.refresh()
    assert "Open viewer" in "\n".join(texts(bot.slack.workspace.home))
    assert published(bot) == 3


def test_a_home_that_nobody_looks_at_any_more_is_left_alone(bot: Bot) -> None:
    home(bot)
    bot.clock.move(LOOKED_AT + 1)
    bot.start()
    bot.homes.refresh()
    assert published(bot) == 1


class ManyPeople(OneWorkspace):
    """A workspace of many people; it does not take the Home of those in `refused`."""

    def __init__(self, bot: Bot, *refused: str) -> None:
        super().__init__(bot.settings)
        self.shown: list[str] = []
        self._refused = refused

    def client(self, team: str) -> WebClient:
        client = super().client(team)
        client.views_publish = self._publish  # type: ignore[method-assign]
        return client

    def _publish(self, *, user_id: str, view: object) -> None:  # type: ignore[override]
        self.shown.append(user_id)
        if user_id in self._refused and len(self.shown) > 2:
            raise SlackClientError


def test_only_so_many_homes_are_kept_up_to_date_as_slack_takes(bot: Bot) -> None:
    people = ManyPeople(bot)
    homes = Homes(bot.desk, people)
    for number in range(MOST + 5):
        homes.open(state.TEAM, f"U{number}")
    bot.start()
    homes.refresh()
    assert people.shown[MOST + 5 :] == [f"U{number}" for number in range(5, MOST + 5)]


def test_a_home_that_slack_does_not_take_keeps_no_other_from_being_shown(bot: Bot) -> None:
    people = ManyPeople(bot, "U1")
    homes = Homes(bot.desk, people)
    for user in ("U1", "U2"):
        homes.open(state.TEAM, user)
    bot.start()
    homes.refresh()
    assert people.shown == ["U1", "U2", "U1", "U2"]


def test_what_a_job_would_run_on_is_said_where_it_costs_money() -> None:
    assert bills.market(looked(Plan("this machine", 0.0))) == ""
    said = bills.market(looked(Plan("gpu-l40sx1-48gb in tor1", 1.57)))
    assert said == "A job would get gpu-l40sx1-48gb in tor1 now, $1.57/h"


def test_that_all_machines_are_sold_out_is_said() -> None:
    def sold_out() -> Plan:
        raise BackendError("No GPU droplet can be had now.")

    market = Market(sold_out)
    assert bills.market(market) == ""  # nobody has looked yet
    market.look()
    assert bills.market(market) == ":warning: No GPU droplet can be had now."


def looked(plan: Plan) -> Market:
    market = Market(lambda: plan)
    market.look()
    return market
