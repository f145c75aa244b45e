"""Whether Slack would take these blocks. Says no in the places in which Slack does.

The limits are those of slack_sdk's models (which follow docs.slack.dev/reference/block-kit), and
the rules between blocks that the models do not know.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block

MESSAGE_BLOCKS, VIEW_BLOCKS = 50, 100
KNOWN = frozenset({
    "actions", "context", "divider", "file", "header", "image", "input", "markdown",
    "rich_text", "section", "table", "video",
})  # fmt: skip


def problems(blocks: object, *, limit: int = MESSAGE_BLOCKS) -> list[str]:
    """Return what is wrong in the form of Slack's `response_metadata.messages`."""
    if not isinstance(blocks, list) or not all(isinstance(b, dict) for b in blocks):
        return ["[ERROR] blocks must be a list of objects [json-pointer:/blocks]"]
    found = []
    if len(blocks) > limit:
        found.append(f"[ERROR] no more than {limit} items allowed [json-pointer:/blocks]")
    for number, block in enumerate(blocks):
        where = f"[json-pointer:/blocks/{number}]"
        found += [f"[ERROR] {wrong} {where}" for wrong in _of_block(block)]
    repeated = _repeated(block.get("block_id") for block in blocks)
    found += [f"[ERROR] duplicate block_id: {name} [json-pointer:/blocks]" for name in repeated]
    return found


def _of_block(block: Mapping[str, Any]) -> Iterator[str]:
    if block.get("type") not in KNOWN:
        yield f"unsupported type: {block.get('type')}"
        return
    try:
        parsed = Block.parse(dict(block))
        if parsed is not None:
            parsed.to_dict()
    except (SlackObjectFormationError, TypeError, ValueError) as wrong:
        yield str(wrong)
    yield from _empty_texts(block)
    names = [element.get("action_id") for element in _interactive(block)]
    yield from (f"duplicate action_id: {name}" for name in _repeated(names))


def _empty_texts(value: object) -> Iterator[str]:
    """Slack refuses empty text objects; the models do not."""
    if isinstance(value, Mapping):
        if value.get("type") in {"mrkdwn", "plain_text"} and not value.get("text"):
            yield "must be more than 0 characters"
        for inner in value.values():
            yield from _empty_texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _empty_texts(inner)


def _interactive(block: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    single = [block[name] for name in ("accessory", "element") if isinstance(block.get(name), dict)]
    return [e for e in [*block.get("elements", []), *single] if isinstance(e, dict)]


def _repeated(names: Sequence[Any] | Iterator[Any]) -> list[str]:
    return [name for name, count in Counter(n for n in names if n).items() if count > 1]
