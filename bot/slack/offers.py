"""Our message about photos that somebody dropped: what was found, and a job to be started."""

from __future__ import annotations

from bot.core.drops import Drop
from bot.core.jobs import Job
from bot.core.quotes import Quote
from bot.slack import outlooks, received, seen
from bot.slack.parts import SECTION, Post, actions, button, context, cut, said, section
from bot.slack.wording import WARNING, escape
from bot.storage.found import Found
from gpu.job import Pipeline


def fetching(drop: Drop, done: int) -> Post:
    """Said while the files are fetched."""
    return said(received.fetching(done, len(drop.files)))


def offer(drop: Drop, quoted: Quote | None = None, *, may_start: bool = True) -> Post:
    """What was found, what a job of it would take, and the buttons that start one.

    Without photos or videos there are none.
    """
    found = Found.of(drop.found)
    text = received.found(drop.dataset, found)
    blocks = [section(text)]
    advice = seen.advice(found)
    blocks += [context(advice)] if advice else []
    if (found.photos or found.videos) and may_start:
        blocks += [context(outlooks.in_short(quoted))] if quoted else []
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
    text = received.found(drop.dataset, Found.of(drop.found))
    return Post(cut(text, SECTION), [section(text), context(received.taken(job))])


def failed(drop: Drop) -> Post:
    """Why nothing was fetched."""
    return said(f"{WARNING}{escape(drop.error)}")


def _start(drop: Drop, pipeline: Pipeline, words: str) -> dict[str, object]:
    return button(words, f"start_drop_{pipeline}", f"{drop.id}")
