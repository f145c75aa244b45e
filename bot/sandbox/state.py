"""What a workspace holds: a channel, a person, a bot, messages, files, views. No network."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from mimetypes import guess_type
from typing import Any

from bot.slack.manifest import SHORTCUT, SHORTCUT_NAME

TEAM, CHANNEL, PERSON, BOT = "T0SANDBOX", "C0SPLATS", "U0YOU", "U0SPLATBOT"
APP, BOT_ID, SLACK = "A0SPLATBOT", "B0SPLATBOT", "USLACKBOT"
NAMES = {PERSON: "you", BOT: "splat", SLACK: "slackbot"}

#: The conversation between the person and the bot.
DIRECT = "D0YOU"
CHANNELS = {CHANNEL: "splats", DIRECT: "directmessage"}

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
    reactions: list[str] = field(default_factory=list)
    visible_to: str | None = None
    unfurls: list[dict[str, Any]] = field(default_factory=list)
    edited: bool = False
    deleted: bool = False


@dataclass
class File:
    """An uploaded file; it can be seen once `content` is there and it is shared.

    `user` is whose it is: a person's files are read by the bot with its token.
    """

    id: str
    name: str
    title: str = ""
    content: bytes = b""
    shared: bool = False
    user: str = BOT

    @property
    def kind(self) -> str:
        """The media type that its name speaks of."""
        return guess_type(self.name)[0] or "application/octet-stream"

    @property
    def is_picture(self) -> bool:
        """Whether a browser shows it."""
        return self.kind.startswith("image/") and "svg" not in self.kind


@dataclass
class ResponseUrl:
    """Where a bot may answer one command or action: five times within half an hour.

    `origin` is the message whose element was pressed; a command has none.
    """

    channel: str
    user: str
    expires: float
    origin: Message | None = None
    uses: int = RESPONSE_USES


#: The first message that the page offers to a newcomer.
SUGGESTION = "/splat demo/parcel aerial"


class Workspace:
    """All state, behind one lock. `version` grows with everything that a person could see.

    `file_seconds` is the time for which an upload is at work after Slack has said that it is
    complete: only then its message is there. `closed` has the channels that take no messages, with
    Slack's error (is_archived, not_in_channel). `entities` says whether the app has Work Objects;
    `opened` is the one at the side.
    """

    def __init__(
        self, clock: Callable[[], float] = time.time, *, file_seconds: float = 0.0
    ) -> None:
        self.clock = clock
        self.file_seconds = file_seconds
        self.lock = threading.RLock()
        self.suggestion = SUGGESTION
        self.version = 0
        self.messages: list[Message] = []
        self.files: dict[str, File] = {}
        self.home: dict[str, Any] | None = None
        self.modal: dict[str, Any] | None = None
        self.modal_errors: dict[str, str] = {}
        self.closed: dict[str, str] = {}
        self.entities = True
        self.opened: dict[str, Any] | None = None
        self._later: list[tuple[float, Callable[[], object]]] = []
        self._triggers: dict[str, float] = {}
        self._spent: set[str] = set()
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

    def keep(self, name: str, content: bytes) -> File:
        """Keep a file of the person's, to be shared with a message."""
        with self.lock:
            file = File(f"F{secrets.token_hex(5).upper()}", name, content=content, user=PERSON)
            self.files[file.id] = file
            return file

    def restore(self, messages: Sequence[Message], files: Sequence[File]) -> None:
        """Have messages that were here before, and their files; those to come are newer."""
        with self.lock:
            self.messages = [*messages]
            self.files |= {file.id: file for file in files}
            self._last_ts = max((_micro(message.ts) for message in messages), default=0)
            self.touch()

    def later(self, seconds: float, act: Callable[[], object]) -> None:
        """Have something happen a while later; `settle` does it."""
        self._later.append((self.clock() + seconds, act))

    def settle(self) -> None:
        """Do what is due by now."""
        with self.lock:
            due = [act for when, act in self._later if when <= self.clock()]
            self._later = [(when, act) for when, act in self._later if act not in due]
            for act in due:
                act()

    def show_modal(self, view: dict[str, Any] | None, errors: dict[str, str] | None = None) -> None:
        """Open, replace or (None) close the dialog."""
        with self.lock:
            self.modal, self.modal_errors = view, errors or {}
            self.touch()

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
        expires = self._triggers.get(trigger)
        if expires is None:
            return "invalid_trigger_id"
        if trigger in self._spent:
            return "exchanged_trigger_id"
        self._spent.add(trigger)
        return "expired_trigger_id" if self.clock() > expires else None

    def new_response_url(self, channel: str, user: str, origin: Message | None = None) -> str:
        """Return the key of a fresh response_url."""
        key = secrets.token_hex(12)
        expires = self.clock() + RESPONSE_SECONDS
        self._responses[key] = ResponseUrl(channel, user, expires, origin)
        return key

    def use_response_url(self, key: str) -> ResponseUrl | str:
        """Spend one use of a response_url; return Slack's error when there is none to spend."""
        response = self._responses.get(key)
        if response is None or self.clock() > response.expires:
            return "expired_url"
        if response.uses == 0:
            return "used_url"
        response.uses -= 1
        return response

    def snapshot(self) -> dict[str, Any]:
        """Return what the page shows, as JSON."""
        with self.lock:
            self.settle()
            messages = [asdict(m) for m in self.messages if not m.deleted]
            for message in messages:
                message["files"] = [self._shown(file) for file in message["files"]]
            return {
                "version": self.version,
                "suggestion": self.suggestion,
                "shortcuts": [{"callback_id": SHORTCUT, "name": SHORTCUT_NAME}],
                "names": NAMES,
                "bot": BOT,
                "person": PERSON,
                "channel": CHANNEL,
                "direct": DIRECT,
                "messages": messages,
                "home": self.home,
                "modal": self.modal,
                "modal_errors": self.modal_errors,
            }

    def _shown(self, file_id: str) -> dict[str, Any]:
        file = self.files[file_id]
        return {
            "id": file.id,
            "title": file.title or file.name,
            "url": f"files/{file.id}",
            "is_picture": file.is_picture,
        }

    def _next_ts(self) -> str:
        """Return a time stamp above every earlier one: Slack's are unique in a channel."""
        self._last_ts = max(int(self.clock() * 1e6), self._last_ts + 1)
        return f"{self._last_ts // 10**6}.{self._last_ts % 10**6:06d}"


def _micro(ts: str) -> int:
    """Return a time stamp as the number of microseconds that it is."""
    seconds, _, rest = ts.partition(".")
    return int(seconds) * 10**6 + int(rest)
