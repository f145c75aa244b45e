"""The sandbox as the tests' Slack: a real server on loopback, and a person who uses it.

The bot's requests go over HTTP; what the person does goes straight to the sandbox's objects.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI

from bot.sandbox import state
from bot.sandbox.app import create_app
from bot.sandbox.person import Person
from bot.sandbox.sender import Sender
from bot.sandbox.state import Message, Workspace
from bot.sandbox.web_api import Fault, WebApi
from tests.ports import HOST, held_port
from tests.waiting import PATIENCE, await_that

TOKEN, SECRET = "xoxb-test", "signing-secret"


class PromptServer(uvicorn.Server):
    """uvicorn's, but it ends at once: of itself it looks ten times a second whether it should."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end = asyncio.Event()

    @property
    def serves(self) -> bool:
        return self._loop is not None

    def end(self) -> None:
        assert self._loop
        self._loop.call_soon_threadsafe(self._end.set)

    async def main_loop(self) -> None:
        await self.on_tick(0)
        self._loop = asyncio.get_running_loop()
        await self._end.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await asyncio.sleep(0.001)
        await self._wait_tasks_to_complete()
        await self.lifespan.shutdown()


@contextmanager
def serving(app: FastAPI, port: int) -> Iterator[str]:
    """Serve an app on loopback, on a held port, while the block runs; yield its address."""
    config = uvicorn.Config(app, host=HOST, port=port, log_level="critical")
    server = PromptServer(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    await_that(lambda: server.serves or not thread.is_alive(), "the server's start")
    assert server.serves, "the server did not start: its own words are among the warnings"
    yield f"http://{HOST}:{port}"
    server.end()
    thread.join(PATIENCE)


class FakeSlack:
    """One workspace. `bot_url` may be set once the bot has an address."""

    def __init__(self, port: int, bot_url: str) -> None:
        self.url = f"http://127.0.0.1:{port}/"
        self.workspace = Workspace()
        self.app = create_app(
            bot_url=bot_url,
            base_url=self.url,
            token=TOKEN,
            secret=SECRET,
            workspace=self.workspace,
        )
        self.api: WebApi = self.app.state.api
        self.sender = Sender(self.workspace, f"{bot_url}/slack/events", SECRET, self.url)
        self.person = Person(self.workspace, self.sender)

    def fail(
        self,
        method: str,
        *,
        status: int = 429,
        times: int = 1,
        retry_after: int = 30,
        lost: bool = False,
    ) -> None:
        """Have the next calls of a method fail; `lost`: they are done, but their answer is lost."""
        self.api.faults[method] = Fault(status, times, retry_after, lost)

    def calls(self, method: str) -> list[dict[str, Any]]:
        """The parameters of every answered call of a method."""
        return [dict(params) for name, params in self.api.calls if name == method]

    def channel(self) -> list[Message]:
        """The messages of the channel itself that are not ephemeral, as they look now."""
        everything = (m for m in self.workspace.messages if not m.deleted)
        return [m for m in everything if not m.thread_ts and not m.visible_to]

    def thread(self, message: Message) -> list[Message]:
        return self.workspace.thread(state.CHANNEL, message.ts)[1:]

    def whispers(self) -> list[Message]:
        """What only the person sees."""
        return [m for m in self.workspace.messages if m.visible_to and not m.deleted]


@contextmanager
def fake_slack(bot_url: str) -> Iterator[FakeSlack]:
    """Serve a workspace while the block runs."""
    with held_port() as port:
        slack = FakeSlack(port, bot_url)
        with serving(slack.app, port):
            yield slack


def text_of(message: Message) -> str:
    """Everything that a person reads in a message."""
    return message.text + "\n" + "\n".join(texts(message.blocks))


def texts(value: Any) -> Iterator[str]:
    """Every text of blocks or of a view."""
    yield from _texts(value)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("text"), str):
            yield value["text"]
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def buttons(message: Message) -> dict[str, dict[str, Any]]:
    """The buttons of a message by their words."""
    rows = (b["elements"] for b in message.blocks if b["type"] == "actions")
    return {e["text"]["text"]: e for row in rows for e in row}
