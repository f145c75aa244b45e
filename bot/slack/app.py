"""The Bolt app: listeners around the desk."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from slack_bolt import App, BoltResponse
from slack_bolt.authorization import AuthorizeResult

from bot.core.config import Settings
from bot.core.desk import Desk
from bot.core.jobs import Job
from bot.slack import wording
from bot.slack.deliveries import Deliveries
from bot.slack.homes import Homes
from bot.slack.listeners import actions, commands, drops, events, links, removals, views
from bot.slack.open_dialogs import OpenDialogs
from bot.slack.workspaces import NotInstalled, Workspaces, web_client

log = logging.getLogger(__name__)

#: Threads for listeners. Bolt's five are all taken when five people open a slow App Home, and
#: then nobody's command is acknowledged.
LISTENERS = 32


def create_app(
    settings: Settings,
    desk: Desk,
    workspaces: Workspaces,
    *,
    thumbnail_url: Callable[[Job], str] = lambda job: "",
    photo_url: Callable[[str], str] = lambda name: "",
    homes: Homes | None = None,
) -> App:
    """Build the Bolt app. Its listeners write an intent and return.

    `thumbnail_url` is where Slack finds the picture of a job's splat, `photo_url` one of a
    dataset's photos; empty when there is none. `homes` are kept up to date by somebody else.
    """
    # Bolt finds the token in the environment too, and warns that it does not use that one.
    logging.getLogger("slack_bolt.App").addFilter(_is_news)
    app = App(
        client=web_client(settings),
        signing_secret=settings.slack_signing_secret,
        # By default the first command waits for `auth.test`, however long Slack takes for it.
        authorize=partial(_authorized, workspaces),  # type: ignore[arg-type]  # None: not ours
        process_before_response=True,  # listeners run in the thread of their request: hearing.py
    )
    deliveries = Deliveries()
    app.use(deliveries)
    for room in (commands, actions):
        room.register(app, desk)
    dialogs = OpenDialogs(desk, photo_url)
    for room in (views, drops):
        room.register(app, desk, dialogs)
    events.register(app, desk, homes or Homes(desk, workspaces, thumbnail_url))
    links.register(app, desk, settings.public_url, thumbnail_url)
    if settings.slack_client_id:
        removals.register(app, workspaces)
    app.error(partial(_unexpected, deliveries))
    return app


def _authorized(
    workspaces: Workspaces, enterprise_id: str | None, team_id: str | None
) -> AuthorizeResult | None:
    """Return the workspace's token, without a call: it is known, and changed in time."""
    try:
        token = workspaces.client(team_id or "").token
    except NotInstalled:
        return None
    return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token=token)


def _is_news(record: logging.LogRecord) -> bool:
    return "`token`" not in record.getMessage()


def _unexpected(
    deliveries: Deliveries, error: Exception, body: dict[str, Any]
) -> BoltResponse | None:
    """Log what no listener expected, and say so where the person waits for an answer."""
    deliveries.forget(body)
    log.error("a listener failed", exc_info=error)
    if "command" not in body:
        return None
    said = {"response_type": "ephemeral", "text": wording.UNEXPECTED}
    headers: dict[str, str | Sequence[str]] = {"Content-Type": "application/json"}
    return BoltResponse(status=200, headers=headers, body=json.dumps(said))
