"""A workspace on a clock that only the test moves, and a bot that notes what it is sent."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, parse_qsl

import httpx
import pytest

from bot.sandbox import state
from bot.sandbox.person import Person
from bot.sandbox.sender import Sender
from bot.sandbox.state import Message, Workspace
from bot.sandbox.web_api import WebApi
from tests.core.conftest import Clock

TOKEN, SECRET = "xoxb-1", "signing-secret"

Answer = Callable[[httpx.Request], httpx.Response]


class Slack:
    """The Web API without HTTP."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.workspace = Workspace(self.clock)
        self.api = WebApi(self.workspace, TOKEN, lambda: "http://sandbox/")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        return self.api.answer(method, TOKEN, params).body

    def post(self, **params: Any) -> dict[str, Any]:
        return self.call("chat.postMessage", **({"channel": state.CHANNEL, "text": "x"} | params))

    def texts(self) -> list[str]:
        return [m.text for m in self.workspace.messages if not m.deleted]

    def last(self) -> Message:
        return self.workspace.messages[-1]


class Bot:
    """Stands where the bot would; answers what the test says."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.answer: Answer = lambda _: httpx.Response(200)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self.answer(request)

    def says(self, body: dict[str, Any] | str, status: int = 200) -> None:
        """Have it answer this from now on."""
        content = {"text": body} if isinstance(body, str) else {"json": body}
        self.answer = lambda _: httpx.Response(status, **content)

    def form(self) -> dict[str, str]:
        """The form of the newest request."""
        return dict(parse_qsl(self.requests[-1].content.decode(), keep_blank_values=True))

    def payload(self) -> dict[str, Any]:
        """The payload of the newest interaction."""
        [payload] = parse_qs(self.requests[-1].content.decode())["payload"]
        parsed: dict[str, Any] = httpx.Response(200, text=payload).json()
        return parsed

    def events(self) -> list[dict[str, Any]]:
        """Every event so far."""
        bodies = (httpx.Response(200, content=r.content) for r in self.requests)
        return [body.json() for body in bodies]


@pytest.fixture
def slack() -> Slack:
    return Slack()


@pytest.fixture
def bot() -> Bot:
    return Bot()


@pytest.fixture
def sender(slack: Slack, bot: Bot) -> Sender:
    http = httpx.Client(transport=httpx.MockTransport(bot))
    return Sender(slack.workspace, "http://bot/slack/events", SECRET, "http://sandbox/", http=http)


@pytest.fixture
def person(slack: Slack, sender: Sender) -> Person:
    return Person(slack.workspace, sender)


def section(text: str = "x") -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def button(**changes: Any) -> dict[str, Any]:
    element = {"type": "button", "text": plain("Go"), "action_id": "go", "value": "7"}
    return {"type": "actions", "block_id": "row", "elements": [element | changes]}


def modal(**changes: Any) -> dict[str, Any]:
    field = {"type": "plain_text_input", "action_id": "n"}
    entry = {"type": "input", "block_id": "n", "label": plain("Number"), "element": field}
    base = {"type": "modal", "title": plain("T"), "submit": plain("Go"), "blocks": [entry]}
    return base | changes


def open_modal(slack: Slack, **changes: Any) -> dict[str, Any]:
    """Have the bot open a dialog; return it."""
    trigger = slack.workspace.new_trigger()
    opened = slack.call("views.open", trigger_id=trigger, view=modal(**changes))
    view: dict[str, Any] = opened["view"]
    return view
