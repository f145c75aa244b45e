"""What people see of droplets: what they cost, when they go, that they are silent."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from bot.compute.base import Foreign
from bot.core.costs import JobCost, Spending
from bot.core.intents import Kind
from bot.core.jobs import Job, State
from bot.core.machines import Machine, Outcome
from bot.core.rounds import Finding, Report
from bot.slack import blocks, reports
from bot.slack.blocks import Standing
from gpu.job import Stage, Status
from tests.fakes.slack import text_of
from tests.slack.conftest import Bot, closing, replies
from tests.slack.test_blocks import accepted, jobs, machines, running, seconds, words

#: 14:32 UTC on 21 November 2026, and what Slack is sent for it.
NOW = 1_795_271_520.0
AT_1432 = "<!date^1795271520^{time}|14:32 UTC>"

H100 = Machine(
    1, "a", 1, "splat-a-1", "gpu-h100x1-80gb", "tor1", 3.39, NOW - 330, Outcome.CREATED, "7"
)
BOX = Foreign("42", "training-box", "gpu-h100x1-80gb", "tor1", 3.39, NOW - 5 * 3600)


def on_a_droplet(**changes: Any) -> Job:
    return running(backend="droplet", started_at=NOW - 340, **changes)


def standing(**changes: Any) -> Standing:
    values = {"now": NOW, "machine": H100, "spent": 0.31, "deadline": NOW}
    return Standing(**values | changes)


def facts(job: Job, seen: Standing) -> str:
    """The line in small print of a status message."""
    [line] = [b for b in blocks.status(job, seen).blocks if b["type"] == "context"]
    return str(line["elements"][0]["text"])


# -- one job --------------------------------------------------------------------------------------


def test_while_the_droplet_lives_its_cost_rate_and_end_are_shown() -> None:
    expected = f"gpu-h100x1-80gb in tor1 · $0.31 so far · $3.39/h · destroyed at {AT_1432} at the"
    assert expected in facts(on_a_droplet(), standing())


@pytest.mark.parametrize("state", [State.SUCCEEDED, State.FAILED, State.CANCELLED])
def test_after_the_end_it_is_said_whether_the_droplet_is_gone(state: State) -> None:
    over = on_a_droplet(state=state, cancelled_by="U2", error="No.")
    going = "the droplet is being destroyed, $0.40 so far"
    assert going in facts(over, standing(spent=0.4))
    assert going in blocks.final(over, standing(spent=0.4)).text.replace("The", "the")
    gone = standing(spent=0.42, machine=replace(H100, gone_at=NOW))
    assert f"droplet destroyed at {AT_1432}, cost $0.42" in facts(over, gone)
    assert f"Droplet destroyed at {AT_1432}, cost $0.42." in blocks.final(over, gone).text


def test_a_job_that_never_had_a_droplet_cost_nothing() -> None:
    none = standing(machine=None, spent=0.0)
    assert "no droplet yet, nothing is billed" in facts(on_a_droplet(state=State.QUEUED), none)
    refused = on_a_droplet(state=State.FAILED, error="No GPU droplet can be had now.")
    assert "No droplet was created, it cost nothing." in blocks.final(refused, none).text


def test_what_is_not_known_is_not_claimed() -> None:
    """The answer to the create was lost: there may be a droplet, or none."""
    sent = standing(machine=replace(H100, outcome=Outcome.SENT, machine_id=None), spent=0.0)
    assert "is being created · $3.39/h" in facts(on_a_droplet(state=State.LAUNCHING), sent)
    failed = facts(on_a_droplet(state=State.FAILED, error="No."), sent)
    assert "the bot is making sure that no droplet was created" in failed
    assert "$" not in failed


@pytest.mark.parametrize(
    ("machine", "said"),
    [
        (None, "Looking for a GPU droplet."),
        (replace(H100, outcome=Outcome.SENT), "Creating a droplet: gpu-h100x1-80gb in tor1."),
        (H100, "The droplet is booting: gpu-h100x1-80gb in tor1."),
    ],
)
def test_before_the_first_word_it_is_said_what_is_awaited(
    machine: Machine | None, said: str
) -> None:
    launching = on_a_droplet(state=State.LAUNCHING)
    assert said in blocks.status(launching, standing(machine=machine)).text


def test_preparing_the_machine_is_a_stage_where_it_happens() -> None:
    stages = "\n".join(str(b) for b in blocks.status(on_a_droplet(), standing()).blocks)
    assert "Prepare the machine" not in stages
    preparing = on_a_droplet(stage=Stage.PREPARE, stage_seconds={}, fraction=0.4)
    assert "▸ *Prepare the machine* 40%" in str(blocks.status(preparing, standing()).blocks)
    prepared = on_a_droplet(stage_seconds={"prepare": 71.0})
    assert "✓ Prepare the machine (1 min 11 s)" in str(blocks.status(prepared, standing()).blocks)


def test_a_silent_droplet_is_warned_about_with_what_will_happen_and_when() -> None:
    silent = on_a_droplet(heartbeat_at=NOW - 181)
    text = str(blocks.status(silent, standing(given_up_at=NOW)).blocks)
    assert "silent for 3 min 1 s. Unless it speaks again, the job ends soon" in text
    text = str(blocks.status(silent, standing(now=NOW - 1, given_up_at=NOW)).blocks)
    assert "silent" not in text  # for exactly three minutes
    later = standing(now=NOW + 60, given_up_at=NOW + 420)
    assert "the job ends at <!date^1795271940^" in str(blocks.status(silent, later).blocks)


def test_how_busy_the_machine_is() -> None:
    figures = {"gpu": 97.3, "gpu_memory": 41, "memory": 12, "gpu_name": "NVIDIA H100", "disk": "x"}
    assert "GPU 97%, GPU memory 41%" in facts(on_a_droplet(heartbeat=figures), standing())
    silent = on_a_droplet(heartbeat=figures, heartbeat_at=NOW - 200)
    assert "GPU" not in facts(silent, standing(given_up_at=NOW + 400))


# -- through the whole bot ------------------------------------------------------------------------


def launch(bot: Bot) -> None:
    """Start job `a` on a droplet of 3.60 dollars an hour: a tenth of a cent a second."""
    bot.desk._backend = "droplet"
    bot.start()
    machine = bot.ledger.machines.intend(
        "a", 1, name="splat-a-1", size="gpu-h100x1-80gb", region="tor1", price_per_hour=3.6
    )
    bot.ledger.machines.settle(machine.number, Outcome.CREATED, "7")


def test_the_cost_grows_in_the_status_message_and_ends_when_the_droplet_is_gone(bot: Bot) -> None:
    launch(bot)
    bot.drain(100)
    assert "$0.09 so far · $3.60/h" in text_of(bot.status())
    bot.ledger.fail("a", error="The photos do not connect.", hint="Take more in between.")
    bot.drain(20)
    assert "the droplet is being destroyed" in text_of(bot.status())
    assert "The droplet is being destroyed, $0.1" in closing(bot)[0].text
    bot.ledger.release("a")
    bot.drain(20)
    assert "droplet destroyed at <!date^" in text_of(bot.status())
    assert ", cost $0.12" in text_of(bot.status())
    before = text_of(bot.status())
    bot.drain(100)
    assert text_of(bot.status()) == before


def test_a_finished_preparation_is_a_line_in_the_thread(bot: Bot) -> None:
    launch(bot)
    bot.tell(1, Stage.PREPARE, Status.DONE, message="Runtime 3f2a, from the volume.")
    bot.drain()
    [line] = [m.text for m in replies(bot)]
    assert line.startswith(":white_check_mark: *Prepare the machine* (2 s) Runtime 3f2a")


def test_a_droplet_that_reports_is_not_called_silent(bot: Bot) -> None:
    launch(bot)
    for _ in range(20):
        bot.ledger.beat("a", {"gpu": 50})
        bot.drain(20)
        assert "silent" not in text_of(bot.status())
    bot.drain(200)
    assert "The droplet has been silent for 3 min" in text_of(bot.status())


def answer(bot: Bot, text: str) -> str:
    bot.slack.person.type(text)
    return text_of(bot.slack.whispers()[-1])


def test_without_droplets_there_is_no_budget_to_be_spent(bot: Bot) -> None:
    bot.desk.budget.monthly = 0.0
    said = answer(bot, "/splat cost")
    assert "Jobs run on the bot's own machine: nothing is billed." in said
    assert "no job starts" not in said
    assert "droplet" not in said


def test_the_cost_of_a_period_is_asked_for(bot: Bot) -> None:
    assert "Nothing was spent." in answer(bot, "/splat cost")
    launch(bot)
    bot.clock.move(600)
    said = answer(bot, "/splat cost 7d")
    assert "Cost of the last 7 days" in said
    assert "*$0.60* for 1 job" in said
    assert "This month: $0.60 of $5.00 · anew on" in said
    assert "<@U0YOU> $0.60 · 1 job" in said
    assert "$0.60 `#a` demo/parcel · aerial · running · gpu-h100x1-80gb in tor1" in said
    assert "gpu-h100x1-80gb in tor1 for `#a` · $0.60 so far · $3.60/h" in said
    assert "from `1d` to `366d`" in answer(bot, "/splat cost week")


def test_once_the_budget_is_spent_a_start_is_refused_with_the_remedy(bot: Bot) -> None:
    launch(bot)
    bot.desk._price = 3.6
    bot.clock.move(2 * 3600)
    said = answer(bot, "/splat demo/parcel")
    assert "This month's budget of $5.00 is spent: $7.2" in said
    assert "SPLATBOT_MONTHLY_BUDGET" in said
    assert len(bot.ledger.jobs()) == 1
    assert bot.ledger.job("a").state is State.RUNNING


def test_the_home_shows_the_cost_against_the_budget(bot: Bot) -> None:
    launch(bot)
    bot.clock.move(600)
    bot.ledger.intents.set_foreign([BOX])
    bot.slack.person.open_home()
    bot.wait_until(lambda: bot.slack.workspace.home is not None, "no home")
    assert "This month: $0.60 of $5.00" in str(bot.slack.workspace.home)
    assert "Not ours, but on the account: `training-box`" in str(bot.slack.workspace.home)


def whispers_of(bot: Bot, text: str) -> None:
    """Wait until the person alone is told something."""
    said = bot.slack.whispers
    bot.wait_until(lambda: any(text in text_of(w) for w in said()), f"nobody said {text}")


# -- droplets that are not ours -------------------------------------------------------------------


def test_a_droplet_that_is_not_ours_is_destroyed_after_a_confirmed_click(bot: Bot) -> None:
    bot.ledger.intents.set_foreign([BOX])
    said = answer(bot, "/splat destroy")
    assert "*Not ours:* `training-box` · gpu-h100x1-80gb in tor1" in said
    assert "No job of ours is running" in said
    [shown] = bot.slack.whispers()
    [pressed] = [b["accessory"] for b in shown.blocks if "accessory" in b]
    asked = pressed["confirm"]["text"]["text"]
    assert asked.startswith("training-box (gpu-h100x1-80gb in tor1, $3.39/h, ")
    assert "lost for good" in asked
    bot.slack.person.press(shown.ts, {**pressed, "block_id": "b"})
    [intent] = bot.ledger.intents.open()
    assert (intent.kind, intent.subject, intent.actor) == (Kind.DESTROY_FOREIGN, "42", "U0YOU")
    whispers_of(bot, "`training-box` is being destroyed")
    assert bot.ledger.audit_log()[0]["action"] == "destroy_foreign"
    assert "Being destroyed, as <@U0YOU> asked" in answer(bot, "/splat destroy")
    assert not [b for b in bot.slack.whispers()[-1].blocks if "accessory" in b]


def test_why_it_was_not_destroyed_is_said(bot: Bot) -> None:
    bot.ledger.intents.set_foreign([replace(BOX, created_at=bot.clock.now - 60)])
    intent = bot.ledger.intents.ask(Kind.DESTROY_FOREIGN, "42", "U2")
    bot.ledger.intents.done(intent.id, "DigitalOcean refused it: locked.")
    assert "<@U2> wanted it destroyed. DigitalOcean refused it" in answer(bot, "/splat status")


def test_an_old_button_destroys_nothing_that_came_later(bot: Bot) -> None:
    bot.ledger.intents.set_foreign([BOX])
    answer(bot, "/splat destroy")
    [shown] = bot.slack.whispers()
    [pressed] = [b["accessory"] for b in shown.blocks if "accessory" in b]
    bot.ledger.intents.set_foreign([replace(BOX, machine_id="43")])
    bot.slack.person.press(shown.ts, {**pressed, "block_id": "b"})
    assert bot.ledger.intents.open() == []
    whispers_of(bot, "not on the account any more")


def test_while_a_job_runs_destroy_means_that_job(bot: Bot) -> None:
    bot.ledger.intents.set_foreign([BOX])
    launch(bot)
    assert "Not ours, but on the account: `training-box`" in answer(bot, "/splat status")
    answer(bot, "/splat destroy")
    assert bot.ledger.destroy_requested("a")
    assert bot.ledger.intents.open() == []


# -- the doctor -----------------------------------------------------------------------------------


def test_the_doctor_shows_the_last_result_and_looks_again(bot: Bot) -> None:
    assert "looking for the first time" in answer(bot, "/splat doctor")
    bot.findings = [
        Finding(True, "Slack knows the bot as splat."),
        Finding(False, "No SSH key is registered.", "Add one to the account."),
    ]
    bot.desk.rounds.look()
    said = answer(bot, "/splat doctor")
    assert "1 thing to mend" in said
    assert said.index("✗ *No SSH key is registered.*") < said.index("✓ Slack knows the bot")
    assert "Add one to the account." in said
    assert bot.wakes == ["doctor", "doctor"]


def test_the_doctor_says_how_old_its_result_is() -> None:
    for age, said in ((0.4, "All is well, as of now"), (75.0, "All is well, as of 1 min 15 s ago")):
        assert reports.doctor(Report((), 0.0), age).text == said


# -- whatever there is, Slack takes it ------------------------------------------------------------

strangers = some.builds(
    Foreign, machine_id=some.text("0123456789", min_size=1, max_size=12),
    name=words.filter(bool), size=words, region=words, price_per_hour=some.floats(0, 30),
    created_at=seconds,
)  # fmt: skip


@given(some.lists(strangers, min_size=1, max_size=60), seconds)
def test_slack_takes_any_droplets_that_are_not_ours(found: list[Foreign], now: float) -> None:
    accepted(reports.strangers(found, {}, now))


@given(some.lists(some.builds(Finding, ok=some.booleans(), what=words, remedy=words), max_size=40))
def test_slack_takes_any_findings(findings: list[Finding]) -> None:
    accepted(reports.doctor(Report(tuple(findings), 0.0), 5.0))
    accepted(reports.doctor(None, 5.0))


@given(
    some.lists(some.builds(JobCost, jobs(), some.floats(0, 1e4), machines), max_size=30),
    some.lists(some.tuples(some.dates(), some.floats(0.01, 1e5)), max_size=366),
    some.lists(machines, max_size=3),
    some.sampled_from(["1d", "30d", "month"]),
)
def test_slack_takes_any_costs(
    costs: list[JobCost], days: list[Any], living: list[Machine], period: str
) -> None:
    people = [(each.job.user, 1, each.dollars) for each in costs]
    total = sum(each.dollars for each in costs)
    table = Spending(period, NOW, total, days, people, costs, living, total, 100.0)
    accepted(reports.cost(table))
