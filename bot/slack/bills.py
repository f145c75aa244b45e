"""What people read about machines and money."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from bot.core.costs import MONTH, JobCost, Spending
from bot.core.intents import Foreign, Intent
from bot.core.jobs import Job, State
from bot.core.machines import HOUR, Machine, Outcome
from bot.core.market import Market
from bot.slack.wording import escape, person, seconds

#: The backend whose machines cost money.
DROPLET = "droplet"

FREE = "free, on the bot's own machine"

#: Lines of a table at most, and signs of its longest bar.
ROWS, BAR = 14, 12


def dollars(value: float) -> str:
    """Money."""
    return f"${value:,.2f}"


def clock_time(when: float) -> str:
    """A time of day, in the reader's own time zone where Slack shows it."""
    utc = datetime.fromtimestamp(when, UTC)
    return f"<!date^{int(when)}^{{time}}|{utc:%H:%M} UTC>"


def place(machine: Machine | Foreign) -> str:
    """A machine's size, and where it is."""
    size, region = escape(machine.size), escape(machine.region)
    return f"{size} in {region}" if size and region else "a GPU droplet"


def bill(job: Job, machine: Machine | None, spent: float, deadline: float) -> str:
    """What a job costs, as far as it is known now, and what becomes of its machine."""
    if job.backend != DROPLET:
        return FREE
    if machine is None:
        nothing = "no droplet was created, it cost nothing"
        return nothing if job.is_over else "no droplet yet, nothing is billed"
    if machine.outcome is Outcome.SENT:
        return _in_doubt(job, machine)
    if machine.gone_at is not None:
        return f"droplet destroyed at {clock_time(machine.gone_at)}, cost {dollars(spent)}"
    if job.is_over:
        return f"the droplet is being destroyed, {dollars(spent)} so far"
    rate = f"{dollars(spent)} so far · {dollars(machine.price_per_hour)}/h"
    return f"{place(machine)} · {rate} · destroyed at {clock_time(deadline)} at the latest"


def _in_doubt(job: Job, machine: Machine) -> str:
    if job.is_over:
        return "the bot is making sure that no droplet was created"
    return f"{place(machine)} is being created · {dollars(machine.price_per_hour)}/h"


def starting(job: Job, machine: Machine | None) -> str:
    """What happens before a job's first word."""
    if job.backend != DROPLET:
        return "Starting." if job.state is State.LAUNCHING else "Started."
    if machine is None:
        return "Looking for a GPU droplet."
    if machine.outcome is Outcome.SENT:
        return f"Creating a droplet: {place(machine)}."
    return f"The droplet is booting: {place(machine)}."


def silence(now: float, heard: float, given_up_at: float) -> str:
    """Said when a droplet has been silent for long. A bot that has restarted waits anew."""
    when = f"at {clock_time(given_up_at)}" if given_up_at > now else "soon"
    return (
        f":warning: The droplet has been silent for {seconds(now - heard)}. Unless it speaks"
        f" again, the job ends {when} and the droplet is destroyed."
    )


def load(figures: Mapping[str, Any]) -> str:
    """How busy a machine is, in percent, as it last said."""
    names = {"gpu": "GPU", "gpu_memory": "GPU memory", "disk": "disk"}
    known = {name: figures.get(key) for key, name in names.items()}
    shown = [f"{name} {v:.0f}%" for name, v in known.items() if isinstance(v, int | float)]
    return ", ".join(shown)


# -- before a job is started ----------------------------------------------------------------------


def market(now: Market) -> str:
    """What a job would run on right now, where that costs money; else empty."""
    if now.plan is None:
        return f":warning: {escape(now.problem)}" if now.problem else ""
    price = now.plan.price_per_hour
    return f"A job would get {now.plan.machine} now, {dollars(price)}/h" if price else ""


def stock(now: Market, most: int = 6) -> str:
    """What can be had right now, cheapest first, as a table; empty where nothing costs money."""
    if now.plan is None or not now.plan.price_per_hour:
        return ""
    plans = [now.plan, *now.plan.others]
    shown = [f"{plan.machine:<28} {dollars(plan.price_per_hour)}/h" for plan in plans[:most]]
    more = f"\n… and {len(plans) - most} more" if len(plans) > most else ""
    return "```\n" + "\n".join(shown) + more + "\n```"


def month_bar(spent: float, budget: float) -> str:
    """This month's cost against its budget, as a bar; empty where there is none."""
    if budget <= 0:
        return ""
    full = round(min(spent / budget, 1.0) * BAR)
    return f"{'▰' * full}{'▱' * (BAR - full)} {spent / budget:.0%}"


# -- machines that are not ours -------------------------------------------------------------------


def foreign(machine: Foreign, now: float, asked: Intent | None) -> str:
    """A GPU droplet on the account that is not ours."""
    hours = max(now - machine.created_at, 0.0) / HOUR
    cost = dollars(hours * machine.price_per_hour)
    lines = [
        f"*Not ours:* `{escape(machine.name)}` · {place(machine)}",
        f"{dollars(machine.price_per_hour)}/h · {_age(hours)} old, about {cost} so far",
    ]
    if asked:
        lines.append(_progress(asked))
    return "\n".join(lines)


def _progress(asked: Intent) -> str:
    who = person(asked.actor)
    if asked.error:
        return f":warning: {who} wanted it destroyed. {escape(asked.error)}"
    when = clock_time(asked.created_at)
    return f":hourglass: Being destroyed, as {who} asked at {when}."


def confirm_foreign(machine: Foreign, now: float) -> str:
    """What destroying somebody else's droplet means. Plain text."""
    age = _age(max(now - machine.created_at, 0.0) / HOUR)
    name = machine.name if len(machine.name) <= 60 else machine.name[:59] + "…"
    what = f"{name} ({machine.size} in {machine.region}, {dollars(machine.price_per_hour)}/h,"
    return f"{what} {age} old) was not made by this bot. What is on it is lost for good."


def destroying_foreign(machine: Foreign) -> str:
    """Said when somebody has confirmed that."""
    name = escape(machine.name)
    return f"`{name}` is being destroyed. `/splat destroy` shows when it is gone."


def foreign_note(found: Sequence[Foreign]) -> str:
    """A line where droplets that are not ours are not the subject; empty when there are none."""
    if not found:
        return ""
    names = ", ".join(f"`{escape(machine.name)}`" for machine in found[:3])
    names += " and more" if len(found) > 3 else ""
    rate = dollars(sum(machine.price_per_hour for machine in found))
    return f":warning: Not ours, but on the account: {names}, {rate}/h. See `/splat destroy`."


def _age(hours: float) -> str:
    if hours >= 48:
        return f"{hours / 24:.0f} days"
    return f"{hours:.0f} h" if hours >= 1 else seconds(hours * HOUR)


# -- the table ------------------------------------------------------------------------------------


def period(spending: Spending) -> str:
    """The heading of a table."""
    if spending.period == MONTH:
        return f"Cost of {datetime.fromtimestamp(spending.now, UTC):%B %Y}"
    count = int(spending.period.removesuffix("d"))
    return "Cost of today" if count == 1 else f"Cost of the last {count} days"


def total(spending: Spending) -> str:
    """The sum of a period."""
    count = len(spending.jobs)
    jobs = f"{count} job" if count == 1 else f"{count} jobs"
    return f"*{dollars(spending.total)}* for {jobs}" if count else "Nothing was spent."


def month(spent: float, budget: float, renewed: date) -> str:
    """This calendar month against its budget; without droplets there is none."""
    if budget <= 0:
        return "Jobs run on the bot's own machine: nothing is billed."
    text = f"This month: {dollars(spent)} of {dollars(budget)} · anew on {_day(renewed)} (UTC)"
    return f":warning: {text} · no job starts until then" if spent >= budget else text


def days(spending: Spending) -> str:
    """The days that cost something, newest first, as a table with bars."""
    shown, most = spending.days[:ROWS], max((value for _, value in spending.days), default=0.0)
    lines = [f"{_day(day):<7} {_bar(value / most)} {dollars(value):>9}" for day, value in shown]
    return "```\n" + "\n".join(lines) + "\n```" + _rest(len(spending.days) - ROWS, "day")


def people(spending: Spending) -> str:
    """Who spent what."""
    lines = [
        f"{person(user)} {dollars(value)} · {count} job{'s' if count > 1 else ''}"
        for user, count, value in spending.people[:ROWS]
    ]
    return "*By person*\n" + "\n".join(lines) + _rest(len(spending.people) - ROWS, "person")


def jobs(spending: Spending) -> str:
    """What each job cost, newest first."""
    lines = map(_job, spending.jobs[:ROWS])
    return "*By job*\n" + "\n".join(lines) + _rest(len(spending.jobs) - ROWS, "job")


def living(spending: Spending) -> str:
    """What costs money right now."""
    now = spending.now
    lines = [
        f":hourglass: {place(m)} for `#{m.job}` · {dollars(m.cost(now))} so far ·"
        f" {dollars(m.price_per_hour)}/h"
        for m in spending.living
    ]
    return "*Now*\n" + ("\n".join(lines) or "No droplet exists: nothing is billed.")


def _job(each: JobCost) -> str:
    job = each.job
    what = f"`#{job.id}` {escape(job.dataset)} · {job.pipeline} · {job.state}"
    return f"{dollars(each.dollars)} {what} · {place(each.machine)}"


def _bar(part: float) -> str:
    full = max(round(part * BAR), 1)
    return "▇" * full + " " * (BAR - full)


def _day(day: date) -> str:
    return f"{day.day} {day:%b}"


def _rest(count: int, what: str) -> str:
    plural = {"person": "people"}.get(what, f"{what}s")
    return f"\n… and {count} more {what if count == 1 else plural}" if count > 0 else ""
