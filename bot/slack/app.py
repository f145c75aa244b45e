"""The Bolt app: listeners around the desk."""

from __future__ import annotations

from slack_bolt import App
from slack_sdk import WebClient

from bot.core.config import Settings
from bot.core.desk import Desk
from bot.slack.listeners import actions, commands, events, views

#: Seconds for one call of the Web API.
TIMEOUT = 10


def make_client(settings: Settings) -> WebClient:
    """Return a Web API client. It retries nothing: the outbox does, without sleeping."""
    return WebClient(
        token=settings.slack_bot_token,
        base_url=settings.slack_api_url,
        timeout=TIMEOUT,
        retry_handlers=[],
    )


def create_app(settings: Settings, desk: Desk) -> App:
    """Build the Bolt app. Its listeners write an intent and return: Bolt has five threads."""
    app = App(
        client=make_client(settings),
        signing_secret=settings.slack_signing_secret,
        token_verification_enabled=False,
    )
    for room in (commands, actions, views, events):
        room.register(app, desk)
    return app
