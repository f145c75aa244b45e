"""Pure functions from figures to Block Kit: costs, droplets that are not ours, the doctor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.core.costs import Spending, next_month
from bot.core.intents import Foreign, Intent
from bot.core.jobs import Job
from bot.core.quotes import Quote
from bot.core.rounds import Report
from bot.slack import bills, cards, job_wording, outlooks, received, wording
from bot.slack.parts import (
    SECTION,
    Block,
    Post,
    actions,
    button,
    confirm,
    context,
    cut,
    header,
    said,
    section,
)

#: Droplets that are shown at most: Slack takes 50 blocks.
MOST = 20


def cost(spending: Spending) -> Post:
    """What machines have cost."""
    title = bills.period(spending)
    blocks = [header(title), section(f"{bills.total(spending)}\n{_month(spending)}")]
    if spending.jobs:
        tables = bills.days(spending), bills.people(spending), bills.jobs(spending)
        blocks += map(section, tables)
    if spending.budget > 0 or spending.living:  # else what is said of the month says it all
        blocks.append(section(bills.living(spending)))
    return Post(f"{title}: {bills.dollars(spending.total)}", blocks)


def _month(spending: Spending) -> str:
    return bills.month(spending.month, spending.budget, next_month(spending.now))


def strangers(found: Sequence[Foreign], asked: Mapping[str, Intent], now: float) -> Post:
    """The GPU droplets on the account that are not ours, each with a button."""
    blocks = [_stranger(machine, asked.get(machine.machine_id), now) for machine in found[:MOST]]
    text = cut(f"No job of ours is running. {bills.foreign_note(found)}", SECTION)
    return Post(text, [section("No job of ours is running."), *blocks, context(wording.NOT_OURS)])


def _stranger(machine: Foreign, asked: Intent | None, now: float) -> Block:
    shown = section(bills.foreign(machine, now, asked))
    is_asked = asked is not None and asked.done_at is None
    return shown if is_asked else shown | {"accessory": _destroy(machine, now)}


def _destroy(machine: Foreign, now: float) -> Block:
    pressed = button("Destroy", "destroy_foreign", machine.machine_id, style="danger")
    title = "Destroy a droplet that is not ours?"
    return pressed | {"confirm": confirm(title, bills.confirm_foreign(machine, now), "Destroy it")}


def view(job: Job) -> Post:
    """Where a job's splat can be seen."""
    if not job.viewer_url:
        return said(job_wording.no_splat(job))
    opens = button("Open viewer", "open_viewer", job.id, style="primary") | {"url": job.viewer_url}
    shown = section(f"{job_wording.job_line(job)}\n{cards.figures(job)}".strip())
    return Post(cut(job_wording.job_line(job), SECTION), [shown, actions(opens)])


def log(job: Job, text: str) -> Post:
    """The end of a job's log."""
    return Post(f"The log of #{job.id}", [section(job_wording.log(job, text))])


def invitation(dataset: str, url: str) -> Post:
    """The link to the page on which somebody uploads photos."""
    text = received.invitation(dataset)
    opens = button("Upload photos", "open_viewer", "upload", style="primary") | {"url": url}
    return Post(text, [section(text), actions(opens), context(received.INVITATION_IS_YOURS)])


def quote(quoted: Quote) -> Post:
    """What a job would mean, before it is started."""
    return Post(wording.NOTHING_STARTED, [section(outlooks.quote(quoted))])


def doctor(report: Report | None, now: float) -> Post:
    """What the last examination found: first what is to be mended."""
    if report is None:
        return Post(wording.FIRST_LOOK, [section(wording.FIRST_LOOK)])
    title = wording.diagnosis(report, now)
    sick = [wording.finding(each) for each in report.findings if not each.ok]
    well = [wording.finding(each) for each in report.findings if each.ok]
    lists = [section("\n".join(lines)) for lines in (sick, well) if lines]
    return Post(title, [section(f"*{title}*"), *lists, context(wording.LOOKING_AGAIN)])
