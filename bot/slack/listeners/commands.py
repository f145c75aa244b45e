"""`/splat …`."""

from __future__ import annotations

from typing import Any

from slack_bolt import Ack, App
from slack_sdk import WebClient

from bot.core import commands, grammar
from bot.core.desk import Desk
from bot.core.errors import SplatError
from bot.slack import dialog, wording
from bot.slack.listeners.ask import Asker, answer
from bot.slack.parts import said


def register(app: App, desk: Desk) -> None:
    """Listen to the slash command."""

    @app.command("/splat")
    def splat(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
        try:
            command = grammar.parse(body.get("text", ""))
            if isinstance(command, commands.OpenDialog):
                ack()
                view = dialog.start_dialog(body["channel_id"])
                client.views_open(trigger_id=body["trigger_id"], view=view)
                return
            post = answer(desk, command, _asker(body))
        except SplatError as wrong:
            post = said(wording.error(wrong))
        ack(response_type="ephemeral", text=post.text, blocks=post.blocks)


def _asker(body: dict[str, Any]) -> Asker:
    # Slack may deliver a command twice; its trigger is the same then.
    key = f"command:{body['trigger_id']}"
    return Asker(body["team_id"], body["channel_id"], body["user_id"], key)
