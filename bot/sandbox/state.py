"""What a workspace holds: a channel, a person, a bot, messages, files, views. No network."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

TEAM, CHANNEL, PERSON, BOT = "T0SANDBOX", "C0SPLATS", "U0YOU", "U0SPLATBOT"
APP, BOT_ID = "A0SPLATBOT", "B0SPLATBOT"
NAMES = {PERSON: "you", BOT: "splat"}

#: Seconds for which a trigger opens a dialog, and a response_url takes answers (and how many).
TRIGGER_SECONDS, RESPONSE_SECONDS, RESPONSE_USES = 3.0, 1800.0, 5


@dataclass
class Message:
    """A message of the channel. `visible_to` is set on an ephemeral one."""

    ts: str
    channel: str
    user: str
    text: str
    blocks: list[dict[str, Any]] = field(default_factory=list)
    thread_ts: str | None = None
    metadata: dict[str, Any] | None = None
    files: list[str] = field(default_factory=list)
    visible_to: str | None = None
    edited: bool = False
    deleted: bool = False


@dataclass
class File:
    """An uploaded file; it can be seen once `content` is there and it is shared."""

    id: str
    name: str
    title: str = ""
    content: bytes = b""
    shared: bool = False


@dataclass
class ResponseUrl:
    """Where a bot may answer one command: five times within half an hour."""

    channel: str
    user: str
    expires: float
    uses: int = RESPONSE_USES


class Workspace:
    """All state, behind one lock. `version` grows with everything that a person could see."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.lock = threading.RLock()
        self.version = 0
        self.messages: list[Message] = []
        self.files: dict[str, File] = {}
        self.home: dict[str, Any] | None = None
        self.modal: dict[str, Any] | None = None
        self.modal_errors: dict[str, str] = {}
        self._triggers: dict[str, float] = {}
        self._responses: dict[str, ResponseUrl] = {}
        self._last_ts = 0

    def touch(self) -> None:
        """Note that something visible has changed."""
        with self.lock:
            self.version += 1

    def post(self, **fields: Any) -> Message:
        """Add a message with the next time stamp."""
        with self.lock:
            message = Message(ts=self._next_ts(), **fields)
            self.messages.append(message)
            self.touch()
            return message

    def find(self, channel: str, ts: str) -> Message | None:
        """Return a message that is neither deleted nor ephemeral."""
        alive = (m for m in self.messages if not m.deleted and not m.visible_to)
        return next((m for m in alive if (m.channel, m.ts) == (channel, ts)), None)

    def thread(self, channel: str, ts: str) -> list[Message]:
        """Return a message and its replies, oldest first."""
        alive = (m for m in self.messages if not m.deleted and not m.visible_to)
        return [m for m in alive if m.channel == channel and ts in (m.ts, m.thread_ts)]

    def new_trigger(self) -> str:
        """Return a trigger id, good for three seconds and one dialog."""
        trigger = f"{secrets.randbelow(10**10)}.{secrets.token_hex(8)}"
        self._triggers[trigger] = self.clock() + TRIGGER_SECONDS
        return trigger

    def use_trigger(self, trigger: str) -> str | None:
        """Spend a trigger; return Slack's error when it can not be spent."""
        expires = self._triggers.pop(trigger, None)
        if expires is None:
            return "invalid_trigger"
        return "expired_trigger_id" if self.clock() > expires else None

    def new_response_url(self, channel: str, user: str) -> str:
        """Return the key of a fresh response_url."""
        key = secrets.token_hex(12)
        self._responses[key] = ResponseUrl(channel, user, self.clock() + RESPONSE_SECONDS)
        return key

    def use_response_url(self, key: str) -> ResponseUrl | None:
        """Spend one use of a response_url; None when it is used up, too old or unknown."""
        response = self._responses.get(key)
        if response is None or response.uses == 0 or self.clock() > response.expires:
            return None
        response.uses -= 1
        return response

    def snapshot(self) -> dict[str, Any]:
        """Return what the page shows, as JSON."""
        with self.lock:
            messages = [asdict(m) for m in self.messages if not m.deleted]
            for message in messages:
                message["files"] = [self._shown(file) for file in message["files"]]
            return {
                "version": self.version,
                "names": NAMES,
                "bot": BOT,
                "person": PERSON,
                "messages": messages,
                "home": self.home,
                "modal": self.modal,
                "modal_errors": self.modal_errors,
            }

    def _shown(self, file_id: str) -> dict[str, str]:
        file = self.files[file_id]
        return {"id": file.id, "title": file.title or file.name, "url": f"files/{file.id}"}

    def _next_ts(self) -> str:
        """Return a time stamp above every earlier one: Slack's are unique in a channel."""
        self._last_ts = max(int(self.clock() * 1e6), self._last_ts + 1)
        return f"{self._last_ts // 10**6}.{self._last_ts % 10**6:06d}"
