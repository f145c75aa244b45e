"""Our message about photos that somebody dropped: what was found, and a job to be started."""

from __future__ import annotations

from bot.core.drops import Drop
from bot.core.jobs import Job
from bot.core.quotes import Quote
from bot.slack import bills, received
from bot.slack.parts import SECTION, Post, actions, button, context, cut, said, section
from bot.slack.wording import WARNING, escape
from gpu.job import Pipeline

#: Photos below which we say that more are better.
FEW = 20


def fetching(drop: Drop, done: int) -> Post:
    """Said while the files are fetched."""
    return said(received.fetching(done, len(drop.files)))


def offer(drop: Drop, quoted: Quote | None = None, *, may_start: bool = True) -> Post:
    """What was found, what a job of it would take, and the buttons that start one.

    Without photos or videos there are none.
    """
    text = received.found(drop.dataset, drop.found)
    blocks = [section(text)]
    advice = received.advice(drop.found, FEW)
    blocks += [context(advice)] if advice else []
    if (drop.found.get("photos") or drop.found.get("videos")) and may_start:
        blocks += [context(bills.in_short(quoted))] if quoted else []
        blocks.append(
            actions(
                _start(drop, Pipeline.SPLAT, "Make a splat") | {"style": "primary"},
                _start(drop, Pipeline.AERIAL, "It was a drone flight"),
                button("More options", "open_drop", str(drop.id)),
            )
        )
    return Post(cut(text, SECTION), blocks)


def started(drop: Drop, job: Job) -> Post:
    """The offer once it was taken: no live buttons."""
    text = received.found(drop.dataset, drop.found)
    return Post(cut(text, SECTION), [section(text), context(received.taken(job))])


def failed(drop: Drop) -> Post:
    """Why nothing was fetched."""
    return said(f"{WARNING}{escape(drop.error)}")


def _start(drop: Drop, pipeline: Pipeline, words: str) -> dict[str, object]:
    return button(words, f"start_drop_{pipeline}", f"{drop.id}")
