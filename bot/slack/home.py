"""The App Home: what runs, what it costs, what came out lately."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.core.desk import Desk
from bot.core.jobs import Job
from bot.slack import bills, wording
from bot.slack.parts import Block, actions, button, context, header, image, section

#: Jobs that are shown: Slack takes 100 blocks, and nobody reads more than a page.
NEWEST = 10


@dataclass(frozen=True)
class Home:
    """What the App Home shows. `notes` are lines on machines and money; empty ones are left out.

    `pictures` are addresses of the splats' pictures by job; a job without one has none.
    """

    active: Sequence[Job]
    newest: Sequence[Job]
    notes: Sequence[str] = ()
    pictures: dict[str, str] = field(default_factory=dict)


def gather(desk: Desk, thumbnail_url: Callable[[Job], str]) -> Home:
    """Read from the ledger what the App Home shows now."""
    ledger, budget = desk.ledger, desk.budget
    newest = [job for job in ledger.jobs(limit=2 * NEWEST) if job.is_over][:NEWEST]
    pictures = {job.id: thumbnail_url(job) for job in newest if job.viewer_url}
    notes = [
        bills.market(desk.market),
        bills.month(budget.spent(), budget.monthly, budget.renewed()),
        bills.foreign_note(ledger.intents.foreign()),
    ]
    return Home(ledger.active(), newest, notes, {job: url for job, url in pictures.items() if url})


def view(home: Home) -> dict[str, Any]:
    """The App Home's view. Slack refuses it when it can not fetch one of the pictures."""
    blocks = [
        header("Splatbot"),
        section(wording.WELCOME),
        actions(button("Make a splat", "open_start", "start", style="primary")),
        header("Now"),
        section(wording.queue(home.active)),
        *(context(note) for note in home.notes if note),
        header("Newest"),
        *(_card(job, home.pictures.get(job.id, "")) for job in home.newest),
    ]
    return {"type": "home", "blocks": blocks if home.newest else [*blocks, section("No jobs yet.")]}


def _card(job: Job, picture: str) -> Block:
    """One job, with its figures and its picture when it has them."""
    figures = wording.figures(job) if job.viewer_url else ""
    card = section(f"{wording.job_line(job)}\n{figures}".strip())
    return card | ({"accessory": image(picture, f"The splat of {job.dataset}")} if picture else {})
