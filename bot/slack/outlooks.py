"""What people read about a job before it is started: the photos, what happens, time and money."""

from __future__ import annotations

from bot.core.jobs import CAMERAS, EARLIER
from bot.core.quotes import Quote
from bot.slack import bills, seen, takeover
from bot.slack.job_wording import licence_note
from bot.slack.wording import (
    escape,
    photo_count,
    photos_and_videos,
    seconds,
    span,
)
from bot.storage.found import Found
from gpu.job import Pipeline
from gpu.job.sizes import human_size

#: Options that change how long a job takes, and no estimate.
NOT_COUNTED = ("max_views", "image_size", "geometry", "lens")


def quote(quoted: Quote) -> str:
    """What a job would mean: photos, machine, time, money."""
    title = f"*{escape(quoted.dataset.name)}* · {quoted.pipeline}"
    return f"{title}: {outlook(quoted)}\nNothing was started."


def outlook(quoted: Quote) -> str:
    """What a job would take, one thing a line; first what people decide by, also on a phone."""
    found = quoted.dataset
    size = human_size(found.bytes) if found.bytes else "whose size its server did not say just now"
    lines = [
        f"{_counts(quoted)}, {size}",
        f"*Time:* {_duration(quoted)}",
        f"*Cost:* {_price(quoted)}",
        f"*Machine:* {_machine(quoted)}",
    ]
    if quoted.ahead:
        lines.append(f"*Before it:* {quoted.ahead} other job{'s' if quoted.ahead > 1 else ''}")
    lines += [*_photos(quoted), f"*What happens:* {_way(quoted)}"]
    if note := licence_note(quoted.options):
        lines.append(f"*Licence:* {note}")
    return "\n".join(lines)


def _counts(quoted: Quote) -> str:
    """How many photos and videos there are, in a .zip too where somebody has looked into it."""
    inside, known = quoted.found, photo_count(quoted.dataset)
    counts = photos_and_videos(inside.photos, inside.videos) if inside else ""
    return f"{counts} in {known}" if counts and not quoted.dataset.is_folder else known


def _photos(quoted: Quote) -> list[str]:
    """What is known of the photos before anybody computes anything."""
    if quoted.found is None:
        return seen.lines(Found(0, 0, unread=quoted.dataset.unread))
    advice = seen.advice(quoted.found)
    return [*seen.lines(quoted.found), *([advice] if advice else [])]


def _way(quoted: Quote) -> str:
    """What a job does, from the photos to the link."""
    earlier, cameras = quoted.options.get(EARLIER), quoted.options.get(CAMERAS)
    if quoted.goes_on:
        more = f"{quoted.options['more']:,} steps"
        anew = "all of it anew where it has left nothing"
        return f"the training of `#{earlier}` goes on for {more} ({anew}), and you get a link."
    descends = quoted.pipeline is Pipeline.AERIAL
    ground = ", made sharp from close to the ground" if descends else ""
    left = f" What `#{earlier}` has computed, if anything, is not computed again."
    again = left if earlier else ""
    found = "cameras are found (if that fails, it ends early and says what to shoot)"
    if cameras:
        found = f"the cameras of `#{cameras}` are taken over ({takeover.ELSE})"
    return (
        f"poor photos are left out, {found}, the splat is trained{' anew' if cameras else ''}"
        f"{ground}, and you get a link.{again}"
    )


def in_short(quoted: Quote) -> str:
    """What a job would take, in one line."""
    said = (("Machine", _machine), ("Time", _duration), ("Cost", _price))
    return " · ".join(f"{what}: {say(quoted)}" for what, say in said)


def _machine(quoted: Quote) -> str:
    if quoted.plan is None:
        return escape(quoted.problem) or "not known yet, ask again in a minute"
    price = quoted.plan.price_per_hour
    return f"{quoted.plan.machine}, {bills.dollars(price)}/h" if price else quoted.plan.machine


def _duration(quoted: Quote) -> str:
    estimate = quoted.estimate
    if estimate is None:
        return "not known yet, since there was no job like it"
    if quoted.goes_on:
        most = seconds(estimate.high)
        return f"at most about {most} by earlier jobs, if all of it has to be done anew"
    scaled = "scaled from earlier jobs that trained otherwise"
    by = "as earlier jobs took" if estimate.alike else scaled
    took = span(estimate.low, estimate.high)
    other = "the least if the cameras are taken over"
    if CAMERAS not in quoted.options:
        other = "other photos may take longer"
    return f"{took}, {by}; {other}{_not_counted(quoted)}"


def _not_counted(quoted: Quote) -> str:
    """Say what the time does not know of: earlier jobs do not tell what it changes."""
    names = [f"`--{name.replace('_', '-')}`" for name in NOT_COUNTED if name in quoted.options]
    return f", and what {' and '.join(names)} changes is not counted" if names else ""


def _price(quoted: Quote) -> str:
    if quoted.budget_left is None:
        return bills.FREE
    left = f"{bills.dollars(quoted.budget_left)} of this month's budget are left"
    if quoted.cost is None:
        return f"not known yet; {left}"
    low, high = map(bills.dollars, quoted.cost)
    if quoted.goes_on:
        return f"at most about {high}; {left}"
    return f"about {low if low == high else f'{low} to {high}'}; {left}"
