"""Socket Mode: the bot calls Slack, and Slack's requests come through that connection.

Then nothing outside has to reach the bot for Slack's sake: it may be behind a firewall. The
listeners are the same, and so are their answers. docs.slack.dev/apis/events-api/using-socket-mode
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from threading import Timer

from slack_bolt import App, BoltRequest
from slack_bolt.adapter.socket_mode.builtin import SocketModeHandler
from slack_bolt.adapter.socket_mode.internals import build_headers, send_response
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.socket_mode.builtin import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from bot.core.config import Settings
from bot.slack.answers import error_of
from bot.slack.app import LISTENERS
from bot.slack.hearing import SOON, Answer, hear, may_follow
from bot.slack.wording import NOT_ACTING
from bot.slack.workspaces import web_client

log = logging.getLogger(__name__)

#: Seconds between two tries to connect: the first, doubled every time, and the most. Slack allows
#: about one a minute (tier 1 of docs.slack.dev/apis/web-api/rate-limits).
PAUSE, LONGEST_PAUSE = 2.0, 60.0


class Socket:
    """A connection to Slack, kept up by `keep`, which somebody calls every so often.

    A bot that may not act takes nothing: Slack hands each request to any one of an app's
    connections, so that it has none unless it acts.
    """

    def __init__(
        self,
        app: App,
        settings: Settings,
        *,
        may_act: Callable[[], bool] = lambda: True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._may_act = may_act
        self._clock = clock
        self._handler = _Handler(app, settings, may_act)
        self._complaint = ""
        self._pause, self._not_before = PAUSE, 0.0

    def keep(self) -> None:
        """Connect, or let go, as the bot's place asks for. What goes wrong is tried again."""
        if self._clock() >= self._not_before:
            self._keep()

    def _keep(self) -> None:
        connection = self._handler.client
        try:
            if self._may_act() and not connection.is_connected():
                # As `connect` again: sessions end every few hours, and Slack says so before.
                connection.connect_to_new_endpoint(force=True)
                log.info("connected to Slack (Socket Mode)")
            elif not self._may_act() and connection.is_connected():
                _for_certain(connection.disconnect)
            self._complaint, self._pause = "", PAUSE
        except SlackApiError as refused:
            self._complain(error_of(refused))
        except (SlackClientError, OSError) as lost:
            self._complain(type(lost).__name__)

    def close(self) -> None:
        """Let go, after what is under way."""
        _for_certain(self._handler.client.close)

    def _complain(self, problem: str) -> None:
        if problem != self._complaint:
            log.warning("no connection to Slack (Socket Mode): %s; it is tried again", problem)
        self._complaint = problem
        self._not_before = self._clock() + self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE)


def _for_certain(let_go: Callable[[], None]) -> None:
    """Close a connection, also where Slack does so at the same moment.

    slack_sdk's own thread then takes away what `Connection.disconnect` has just looked for; the
    second time there is nothing to take away.
    """
    try:
        let_go()
    except AttributeError:
        let_go()


def _quiet() -> logging.Logger:
    """Return a log for slack_sdk, which would write at every try what `Socket` says once."""
    quiet = log.getChild("sdk")
    quiet.setLevel(logging.CRITICAL)
    return quiet


class _Handler(SocketModeHandler):
    """Bolt's handler, with as many threads as there are listeners."""

    def __init__(self, app: App, settings: Settings, may_act: Callable[[], bool]) -> None:
        self._may_act = may_act
        super().__init__(
            app,
            settings.slack_app_token,
            web_client=web_client(settings),
            logger=_quiet(),
            auto_reconnect_enabled=False,  # `keep` does it, and knows whether the bot may act
            concurrency=LISTENERS,
        )

    def handle(  # type: ignore[override]
        self, connection: SocketModeClient, req: SocketModeRequest
    ) -> None:
        """Hand a request to the listeners, and their answer to Slack."""
        if self._may_act():
            answer = Answer(lambda response: send_response(connection, req, response, 0.0))
            heard = BoltRequest(mode="socket_mode", body=req.payload, headers=build_headers(req))
            late = Timer(SOON, answer.acknowledge)
            if may_follow(heard):
                late.start()
            hear(self.app, heard, answer)
            late.cancel()
        elif req.type == "slash_commands":
            said = {"response_type": "ephemeral", "text": NOT_ACTING["acting"]}
            connection.send_socket_mode_response(SocketModeResponse(req.envelope_id, said))
        # Anything else is left without an answer: Slack repeats it, or says so itself.
