"""What the Web API answers with: errors, faults that were asked for, messages and views.

Shapes: the example answers of docs.slack.dev/reference/methods, and the payloads of
slackapi/bolt-python's tests/scenario_tests (a2f21ae), which were taken from Slack.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox import state
from bot.sandbox.blocks_check import problems, view_problems
from bot.sandbox.state import File, Message

Params = Mapping[str, Any]
Body = dict[str, Any]

#: Characters of a message's text when it is posted, and when it is edited.
POSTED_TEXT, EDITED_TEXT = 40_000, 4_000


class Refused(Exception):
    """An answer with `"ok": false`."""

    def __init__(self, error: str, details: Sequence[str] = ()) -> None:
        super().__init__(error)
        self.body: Body = {"ok": False, "error": error}
        if details:
            self.body["errors"] = [d.removeprefix("[ERROR] ") for d in details]
            self.body["response_metadata"] = {"messages": list(details)}


@dataclass
class Fault:
    """Has the next `times` calls of a method fail.

    `lost`: the call is carried out, and only its answer is lost, as when a connection breaks.
    `delay`: seconds before the answer, for clients with a time-out.
    """

    status: int
    times: int
    retry_after: int = 1
    lost: bool = False
    delay: float = 0.0

    def reply(self) -> Reply:
        """Return the answer of one failing call."""
        if self.status == 429:
            limited = {"ok": False, "error": "ratelimited"}
            return Reply(429, limited, {"Retry-After": str(self.retry_after)}, self.delay)
        return Reply(self.status, {"ok": False, "error": "internal_error"}, delay=self.delay)


@dataclass
class Reply:
    """An HTTP answer, `delay` seconds late."""

    status: int
    body: Body
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0


def parsed(value: Any) -> Any:
    """Forms carry lists and objects as JSON texts."""
    try:
        return json.loads(value) if isinstance(value, str) and value else value
    except ValueError:
        raise Refused("invalid_arguments") from None


def whole(params: Params, name: str, otherwise: int) -> int:
    """Return a whole number among the arguments."""
    given = params.get(name)
    try:
        return int(given) if given not in {None, ""} else otherwise
    except (TypeError, ValueError):
        raise Refused("invalid_arguments") from None


def content(params: Params, *, most: int = POSTED_TEXT) -> Body:
    """Return the checked text and blocks of a message; raises Refused as Slack does."""
    try:
        blocks = parsed(params.get("blocks")) or []
    except Refused:
        raise Refused("invalid_blocks_format") from None
    text = params.get("text") or ""
    if not text and not blocks:
        raise Refused("no_text")
    if len(text) > most:
        raise Refused("msg_too_long")
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        raise Refused("invalid_blocks_format")
    if wrong := problems(blocks):
        raise Refused("invalid_blocks", wrong)
    return {"text": text, "blocks": named(blocks)}


def metadata(params: Params) -> Body | None:
    """Return a message's checked metadata."""
    given: Body | None = parsed(params.get("metadata")) or None
    if given is not None and given.keys() != {"event_type", "event_payload"}:
        raise Refused("invalid_metadata_format")
    return given


def view(params: Params, *, view_id: str) -> Body:
    """Return a checked modal or App Home with all that Slack adds to it."""
    given: Body = parsed(params.get("view")) or {}
    if wrong := view_problems(given):
        raise Refused("invalid_arguments", wrong)
    return {
        "id": view_id,
        "team_id": state.TEAM,
        "private_metadata": "",
        "callback_id": "",
        "external_id": "",
        "state": {"values": {}},
        "hash": f"{secrets.randbelow(10**10)}.{secrets.token_hex(4)}",
        "title": None,
        "close": None,
        "submit": None,
        "clear_on_close": False,
        "notify_on_close": False,
        "previous_view_id": None,
        "root_view_id": view_id,
        "app_id": state.APP,
        "app_installed_team_id": state.TEAM,
        "bot_id": state.BOT_ID,
        **given,
        "blocks": named(given["blocks"]),
    }


def named(blocks: Sequence[Body]) -> list[Body]:
    """Give blocks and what can be pressed in them the identifiers that Slack makes up."""
    return [{"block_id": secrets.token_urlsafe(4), **_with_actions(block)} for block in blocks]


def _with_actions(block: Body) -> Body:
    if block["type"] != "actions":
        return block
    elements = [{"action_id": secrets.token_urlsafe(4), **e} for e in block["elements"]]
    return {**block, "elements": elements}


def described(file: File, base_url: str) -> Body:
    """Return a file as Slack describes it in messages and events."""
    address = f"{base_url}files-pri/{file.id}"
    return {
        "id": file.id,
        "name": file.name,
        "title": file.title or file.name,
        "mimetype": file.kind,
        "filetype": file.name.rpartition(".")[2].lower(),
        "mode": "hosted",
        "is_external": False,
        "size": len(file.content),
        "user": file.user,
        "url_private": address,
        "url_private_download": address,
    }


def shown(message: Message, *, with_metadata: bool = False) -> Body:
    """Return a message in the form in which Slack gives it."""
    body: Body = {
        "type": "message",
        "ts": message.ts,
        "user": message.user,
        "team": state.TEAM,
        "text": message.text,
        "blocks": message.blocks,
    }
    if message.user == state.BOT:
        body |= {"bot_id": state.BOT_ID, "app_id": state.APP}
    if message.thread_ts:
        body["thread_ts"] = message.thread_ts
    if message.edited:
        body["edited"] = {"user": state.BOT_ID, "ts": message.ts}
    if message.files:
        body["files"] = [{"id": file} for file in message.files]
    if message.reactions:
        body["reactions"] = [
            {"name": name, "users": [state.BOT], "count": 1} for name in message.reactions
        ]
    if message.metadata and with_metadata:
        body["metadata"] = message.metadata
    return body
