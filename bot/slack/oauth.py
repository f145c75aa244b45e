"""Installing the app in a workspace: /slack/install, Slack's own page, and back.

docs.slack.dev/authentication/installing-with-oauth. Bolt's OAuthFlow does the steps; here is what
is ours: who may, for how long a start is good, and what people read.
"""

from __future__ import annotations

import html
import logging
import threading
from collections import OrderedDict

from slack_bolt import BoltResponse
from slack_bolt.error import BoltError
from slack_bolt.oauth.callback_options import CallbackOptions, FailureArgs, SuccessArgs
from slack_bolt.oauth.oauth_flow import OAuthFlow
from slack_bolt.oauth.oauth_settings import OAuthSettings
from slack_bolt.request import BoltRequest
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.oauth import OAuthStateStore
from slack_sdk.oauth.installation_store import Installation

from bot.core.config import Settings
from bot.core.errors import NotAllowed
from bot.core.seals import Seals
from bot.slack import wording
from bot.slack.installations import Installations
from bot.slack.manifest import REDIRECT, SCOPES
from bot.slack.workspaces import web_client

log = logging.getLogger(__name__)

INSTALL = "/slack/install"

#: Seconds in which somebody has to come back from Slack's page, and starts that are remembered.
GOOD_FOR, REMEMBERED = 600, 10_000


class SealedStates(OAuthStateStore):
    """Starts of an installation. Anybody may make one, so that none is kept until it comes back."""

    def __init__(self, seals: Seals) -> None:
        self._seals = seals
        self._used: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()
        self._count = 0

    @property
    def logger(self) -> logging.Logger:
        """The log."""
        return log

    def issue(self, *args: object, **kwargs: object) -> str:
        """Return the seal of a new start."""
        with self._lock:
            self._count += 1
            return self._seals.seal({"n": self._count}, GOOD_FOR)

    def consume(self, state: str) -> bool:
        """Whether a start is ours, is not too old, and comes back for the first time."""
        try:
            self._seals.open(state or "")
        except NotAllowed:
            return False
        with self._lock:
            if state in self._used:
                return False
            self._used[state] = None
            if len(self._used) > REMEMBERED:
                self._used.popitem(last=False)
        return True


class Flow(OAuthFlow):
    """Keeps the tokens of workspaces that may have the bot, and gives any other one back."""

    def store_installation(self, request: BoltRequest, installation: Installation) -> None:
        """Keep an installation. Raises BoltError where it may not be."""
        store = self.settings.installation_store
        assert isinstance(store, Installations)
        if store.allows(installation.team_id) and not installation.is_enterprise_install:
            store.save(installation)
            log.info("the app was installed in %s", installation.team_id)
            return
        log.warning("%s may not have the app", installation.team_id or installation.enterprise_id)
        try:
            self.client.auth_revoke(token=installation.bot_token)
        except (SlackApiError, SlackClientError, OSError):
            log.warning("its token could not be given back")
        raise BoltError(wording.not_your_workspace(installation.team_id or ""))


def make_flow(settings: Settings, installations: Installations, seals: Seals) -> Flow:
    """Return the steps of an installation."""
    return Flow(
        client=web_client(settings),
        settings=OAuthSettings(
            client_id=settings.slack_client_id,
            client_secret=settings.slack_client_secret,
            scopes=sorted(SCOPES),
            redirect_uri=f"{settings.public_url}{REDIRECT}",
            install_path=INSTALL,
            redirect_uri_path=REDIRECT,
            install_page_rendering_enabled=False,
            installation_store=installations,
            state_store=SealedStates(seals),
            state_expiration_seconds=GOOD_FOR,
            callback_options=CallbackOptions(success=_installed, failure=_not_installed),
        ),
    )


def _installed(args: SuccessArgs) -> BoltResponse:
    return _page(200, wording.installed(args.installation.team_name or "your workspace"))


def _not_installed(args: FailureArgs) -> BoltResponse:
    text = str(args.error) if args.reason == "storage_error" else wording.not_installed(args.reason)
    return _page(args.suggested_status_code, text)


def _page(status: int, text: str) -> BoltResponse:
    """Return a page of one sentence. What it says may come from a stranger's address."""
    body = f"<!doctype html><meta charset=utf-8><title>Splatbot</title><p>{html.escape(text)}"
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": "default-src 'none'",
    }
    return BoltResponse(status=status, body=body, headers=headers)  # type: ignore[arg-type]
