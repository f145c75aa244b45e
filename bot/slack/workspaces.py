"""Which token speaks to which workspace: one for all, or one of each that has installed the app."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from slack_sdk import WebClient
from slack_sdk.errors import SlackClientError, SlackTokenRotationError
from slack_sdk.oauth.token_rotation import TokenRotator

from bot.core.config import Settings
from bot.core.tenants import Tenants
from bot.slack.answers import error_of

if TYPE_CHECKING:
    from bot.slack.installations import Installations

log = logging.getLogger(__name__)

#: Seconds for one call of the Web API.
TIMEOUT = 10

#: Minutes before its end at which a token is changed. It is good for twelve hours.
BEFORE_END = 180


class NotInstalled(SlackClientError):
    """A workspace has not installed the app, or not any more: nothing can be said there now."""


class Workspaces(Protocol):
    """The workspaces in which the bot is."""

    def client(self, team: str) -> WebClient:
        """Return a client that speaks to a workspace. Raises NotInstalled. Calls nobody."""
        ...

    def clients(self) -> Sequence[WebClient]:
        """Return a client for every workspace."""
        ...

    def forget(self, team: str) -> None:
        """Forget a workspace that has removed the app."""
        ...

    def rotate(self) -> None:
        """Change tokens that end soon. Takes seconds: somebody calls it every so often."""
        ...


def open_workspaces(settings: Settings, tenants: Tenants) -> Workspaces:
    """Return the workspaces that the settings ask for."""
    if not settings.slack_client_id:
        return OneWorkspace(settings)
    return ManyWorkspaces(settings, open_installations(settings, tenants))


def open_installations(settings: Settings, tenants: Tenants) -> Installations:
    """Return the store of the workspaces' tokens."""
    # Imported here: a bot of one workspace encrypts nothing.
    from bot.slack.installations import Installations

    return Installations(tenants, settings.slack_client_secret, settings.workspaces)


def web_client(settings: Settings, token: str | None = None) -> WebClient:
    """Return a Web API client. It retries nothing: the outbox does, without sleeping."""
    return WebClient(
        token=token, base_url=settings.slack_api_url, timeout=TIMEOUT, retry_handlers=[]
    )


class OneWorkspace:
    """The workspace whose token is in the settings."""

    def __init__(self, settings: Settings) -> None:
        self._client = web_client(settings, settings.slack_bot_token)

    def client(self, team: str) -> WebClient:
        """Return the one client."""
        return self._client

    def clients(self) -> Sequence[WebClient]:
        """Return the one client."""
        return [self._client]

    def forget(self, team: str) -> None:
        """Do nothing: the token in the settings is the operator's to change."""

    def rotate(self) -> None:
        """Do nothing: that token has no end."""


class ManyWorkspaces:
    """Every workspace that has installed the app, with tokens that are changed before they end."""

    def __init__(self, settings: Settings, installations: Installations) -> None:
        self._settings = settings
        self._installations = installations
        self._rotator = TokenRotator(
            client_id=settings.slack_client_id,
            client_secret=settings.slack_client_secret,
            client=web_client(settings),
        )

    def client(self, team: str) -> WebClient:
        """Return a client with the workspace's token of now."""
        bot = self._installations.find_bot(enterprise_id=None, team_id=team)
        if bot is None:
            raise NotInstalled(f"the app is not installed in {team}")
        return web_client(self._settings, bot.bot_token)

    def clients(self) -> Sequence[WebClient]:
        """Return a client for every workspace."""
        return [web_client(self._settings, b.bot_token) for b in self._installations.bots()]

    def forget(self, team: str) -> None:
        """Forget a workspace's token."""
        self._installations.delete_all(enterprise_id=None, team_id=team)

    def rotate(self) -> None:
        """Change what ends soon. A refusal is logged without what was sent, and tried again."""
        for bot in self._installations.bots():
            try:
                changed = self._rotator.perform_bot_token_rotation(
                    bot=bot, minutes_before_expiration=BEFORE_END
                )
            except SlackTokenRotationError as refused:
                error = error_of(refused.api_error)
                log.warning("the token of %s could not be changed: %s", bot.team_id, error)
            except (SlackClientError, OSError) as lost:
                kind = type(lost).__name__
                log.warning("the token of %s could not be changed: %s", bot.team_id, kind)
            else:
                if changed is not None:
                    self._installations.save_bot(changed)
