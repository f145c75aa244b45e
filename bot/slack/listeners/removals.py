"""A workspace removes the app: its token is good for nothing, and forgotten."""

from __future__ import annotations

import logging
from typing import Any

from slack_bolt import App

from bot.slack.workspaces import Workspaces

log = logging.getLogger(__name__)


def register(app: App, workspaces: Workspaces) -> None:
    """Listen to what Slack says after the app was removed, or its token revoked."""

    @app.event("app_uninstalled")
    def uninstalled(body: dict[str, Any]) -> None:
        _forget(body)

    @app.event("tokens_revoked")
    def revoked(body: dict[str, Any], event: dict[str, Any]) -> None:
        if event["tokens"].get("bot"):
            _forget(body)

    def _forget(body: dict[str, Any]) -> None:
        log.info("the app was removed from %s", body["team_id"])
        workspaces.forget(body["team_id"])
