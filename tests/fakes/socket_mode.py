"""Slack's end of Socket Mode: it opens connections, hands requests to any one, and hears answers.

Envelopes are those of docs.slack.dev/apis/events-api/using-socket-mode.
"""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from bot.sandbox.answers import Params
from tests.fakes.slack import FakeSlack
from tests.waiting import PATIENCE

APP_TOKEN = "xapp-1-test"

Payload = dict[str, Any]


class FakeSocketMode:
    """The server. `answers` are what the bot said to each envelope, by its id."""

    def __init__(self, slack: FakeSlack) -> None:
        self.connections: list[ServerConnection] = []
        self.opened = 0
        self.answers: dict[str, Payload] = {}
        self._numbers = itertools.count(1)
        self._changed = threading.Condition()
        self.url = ""
        # The call has the app's own token, not the bot's.
        self._answer = slack.api.answer
        slack.api.answer = self.answer  # type: ignore[method-assign]

    def answer(self, method: str, token: str | None, params: Params) -> Any:
        if method != "apps.connections.open":
            return self._answer(method, token, params)
        from bot.sandbox.answers import Reply

        if token != APP_TOKEN:
            return Reply(200, {"ok": False, "error": "not_allowed_token_type"})
        return Reply(200, {"ok": True, "url": self.url})

    def serve(self, connection: ServerConnection) -> None:
        """Talk with one connection of the bot."""
        connection.send(json.dumps({"type": "hello", "num_connections": 1}))
        with self._changed:
            self.connections.append(connection)
            self.opened += 1
            self._changed.notify_all()
        with suppress(ConnectionClosed):
            for message in connection:
                said = json.loads(message)
                with self._changed:
                    self.answers[said["envelope_id"]] = said.get("payload", {})
                    self._changed.notify_all()
        with self._changed:
            self.connections.remove(connection)
            self._changed.notify_all()

    def send(self, kind: str, payload: Payload, **more: Any) -> str:
        """Send a request through the newest connection; return its id."""
        number = f"envelope-{next(self._numbers)}"
        envelope = {"envelope_id": number, "type": kind, "payload": payload, **more}
        self.connections[-1].send(json.dumps({"accepts_response_payload": True} | envelope))
        return number

    def ask(self, kind: str, payload: Payload, **more: Any) -> Payload:
        """Send a request and await its answer."""
        number = self.send(kind, payload, **more)
        self.wait(lambda: number in self.answers)
        return self.answers[number]

    def wait(self, holds: Any) -> None:
        with self._changed:
            assert self._changed.wait_for(holds, PATIENCE), "nothing happened"


@contextmanager
def socket_mode(slack: FakeSlack) -> Iterator[FakeSocketMode]:
    """Serve while the block runs."""
    fake = FakeSocketMode(slack)
    with serve(fake.serve, "127.0.0.1", 0) as server:
        fake.url = f"ws://127.0.0.1:{server.socket.getsockname()[1]}/link/?ticket=1"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield fake
        server.shutdown()
        thread.join(PATIENCE)
