"""The App Home: what runs, what waits, what it costs, what came out lately."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.core.desk import Desk
from bot.core.jobs import Job, State
from bot.core.ledger import Ledger
from bot.slack import bills, blocks, cards, job_wording, wording
from bot.slack.addresses import address
from bot.slack.blocks import Standing
from bot.slack.parts import Block, actions, button, context, divider, header, image, section
from bot.slack.standing import standing_of

#: Jobs that are shown: Slack takes 100 blocks, and nobody reads more than a page.
NEWEST = 10

#: Jobs that are shown with a bar of their own; so many run where there are many slots.
RUNNING = 5


@dataclass(frozen=True)
class Home:
    """What the App Home shows. Notes are lines; empty ones are left out.

    `running` are jobs with all that is known of them, `waiting` those in the queue. `pictures`
    are addresses of the splats' pictures by job; a job without one has none. `onward` says by job
    where one that runs is told of, and as what a failed one was run again or where that can be.
    """

    running: Sequence[tuple[Job, Standing]] = ()
    waiting: Sequence[Job] = ()
    newest: Sequence[Job] = ()
    money: Sequence[str] = ()
    machines: Sequence[str] = ()
    pictures: dict[str, str] = field(default_factory=dict)
    onward: dict[str, str] = field(default_factory=dict)


def gather(desk: Desk, thumbnail_url: Callable[[Job], str], team: str, user: str) -> Home:
    """Read from the ledger what a person's App Home shows now."""
    ledger, budget = desk.ledger, desk.budget
    active = ledger.active()
    running = [job for job in active if job.state is not State.QUEUED]
    newest = ledger.ended(NEWEST)
    pictures = {job.id: thumbnail_url(job) for job in newest if job.viewer_url}
    spent = budget.spent()
    return Home(
        running=[(job, standing_of(ledger, job)) for job in running],
        waiting=[job for job in active if job.state is State.QUEUED],
        newest=newest,
        money=[
            bills.month_bar(spent, budget.monthly),
            bills.month(spent, budget.monthly, budget.renewed()),
        ],
        machines=[
            wording.slots(len(ledger.holders()), desk.slots),
            bills.market(desk.market),
            bills.stock(desk.market),
            bills.foreign_note(ledger.intents.foreign()),
            wording.who_may_start(desk.roles.starters),
        ],
        pictures={job: url for job, url in pictures.items() if url},
        onward={job.id: _onward(ledger, job, team, user) for job in [*running[:RUNNING], *newest]},
    )


def _onward(ledger: Ledger, job: Job, team: str, user: str) -> str:
    """Say where a running job is told of; as what a failed one was run again, or its button is.

    That button is not here: what helps is with the other, nobody is told anything in a Home, and
    the new job's message might come where whoever pressed does not look.
    """
    message = address(ledger, job, team, user)
    if job.state is not State.FAILED:
        return "" if job.is_over else message
    if again := ledger.done_again(job.id):
        is_seen = bool(address(ledger, again, team, user))
        return job_wording.was_run_again(again, ledger.status_link(again.id) if is_seen else "")
    return cards.onward(job, message)


def view(home: Home) -> dict[str, Any]:
    """The App Home's view. Slack refuses it when it can not fetch one of the pictures."""
    shown = [
        section(wording.WELCOME),
        actions(button("Make a splat", "open_start", "start", style="primary")),
        header("Now"),
        *_now(home),
        header("Newest"),
        *_newest(home),
        header("Money and machines"),
        *_notes(home.money),
        *_notes(home.machines),
    ]
    return {"type": "home", "blocks": shown}


def _now(home: Home) -> list[Block]:
    """What runs, each with its bar and its cost, and what waits."""
    shown = []
    for job, standing in home.running[:RUNNING]:
        line = job_wording.state_line(job, 0, bills.starting(job, standing.machine))
        bar = "" if job.state is State.CANCELLING else blocks.progress(job, standing)
        title = f"*{wording.escape(job_wording.title(job))}*"
        shown.append(section("\n".join(filter(None, (title, line, bar)))))
        facts = blocks.facts(job, standing), home.onward.get(job.id)
        shown.append(context(" · ".join(filter(None, facts))))
    rest = [job for job, _ in home.running[RUNNING:]]
    if rest or home.waiting or not shown:
        others = [*rest, *home.waiting]
        shown.append(section(job_wording.queue(others, len(others))))
    return shown


def _newest(home: Home) -> list[Block]:
    if not home.newest:
        return [section("No job is over yet.")]
    shown = [_card(job, home) for job in home.newest]
    return [block for card in shown for block in (*card, divider())][:-1]


def _card(job: Job, home: Home) -> list[Block]:
    """One job, with its figures, its picture and its button when it has them, or why not."""
    came_out = cards.figures(job) if job.viewer_url else cards.reason(job)
    lines = (cards.title(job), came_out, home.onward.get(job.id), cards.by(job))
    card = section("\n".join(filter(None, lines)))
    if picture := home.pictures.get(job.id):
        card["accessory"] = image(picture, f"The splat of {job.dataset}")
    if not job.viewer_url:
        return [card]
    opens = button("Open viewer", "open_viewer", job.id) | {"url": job.viewer_url}
    return [card, actions(opens)]


def _notes(notes: Sequence[str]) -> list[Block]:
    return [context(note) if "```" not in note else section(note) for note in notes if note]
