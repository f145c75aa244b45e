"""The pieces of Block Kit that our messages and views are made of, within Slack's limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Block = dict[str, Any]

#: Slack's limits: characters of a section, of a header, of an option's label and value, and of
#: the text of a dialog that asks back.
SECTION, HEADER, LABEL, VALUE, CONFIRM = 3000, 150, 75, 150, 300


@dataclass(frozen=True)
class Post:
    """A message: blocks, and the text that notifications and screen readers use."""

    text: str
    blocks: list[Block]


def said(text: str) -> Post:
    """A message of one text."""
    return Post(cut(text, SECTION), [section(text)])


def plain(text: str) -> Block:
    """A text without markup."""
    return {"type": "plain_text", "text": text}


def option(text: str, value: str) -> Block:
    """An option of a select."""
    return {"text": plain(cut(text, LABEL)), "value": value}


def header(text: str) -> Block:
    """A heading."""
    return {"type": "header", "text": plain(cut(text, HEADER))}


def divider() -> Block:
    """A line."""
    return {"type": "divider"}


def section(text: str) -> Block:
    """A paragraph with markup."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": cut(text, SECTION)}}


def context(text: str) -> Block:
    """A line in small print."""
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": cut(text, SECTION)}]}


def plan(title: str, tasks: Sequence[tuple[str, str, str]]) -> Block:
    """Stages of a work, each with its id, its title and its status.

    Slack's words for the status: pending, in_progress, complete, error. The tasks carry no type,
    as in docs.slack.dev/reference/block-kit/blocks/plan-block; slack_sdk's model gives them one.
    """
    shown = [
        {"task_id": task_id, "title": cut(text, HEADER), "status": status}
        for task_id, text, status in tasks
    ]
    return {"type": "plan", "title": cut(title, HEADER), "tasks": shown}


def actions(*elements: Block) -> Block:
    """A row of buttons."""
    return {"type": "actions", "elements": list(elements)}


def image(url: str, alt: str) -> Block:
    """A picture."""
    return {"type": "image", "image_url": url, "alt_text": cut(alt, HEADER)}


def button(text: str, action: str, value: str, *, style: str = "") -> Block:
    """A button; `value` comes back when it is pressed."""
    made = {"type": "button", "text": plain(text), "action_id": action, "value": value}
    return made | ({"style": style} if style else {})


def confirm(
    title: str, text: str, yes: str, *, no: str = "Keep it", style: str = "danger"
) -> Block:
    """A dialog that asks back before a button acts."""
    return {
        "title": plain(title),
        "text": plain(cut(text, CONFIRM)),
        "confirm": plain(yes),
        "deny": plain(no),
        "style": style,
    }


def entry(block_id: str, label: str, element: Block, *, hint: str = "") -> Block:
    """A field of a dialog."""
    block = {"type": "input", "block_id": block_id, "label": plain(label), "element": element}
    return block | ({"hint": plain(hint)} if hint else {})


def cut(text: str, limit: int) -> str:
    """Shorten a text to what Slack takes."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
