"""Slack's tokens of several workspaces: in the ledger, encrypted with a key that is not in it.

The ledger's copies in the bucket carry them, so that a bot that has lost its disk still speaks to
every workspace; but only together with the app's client secret, from which the key is derived.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken
from slack_sdk.oauth.installation_store import Bot, InstallationStore

from bot.core.tenants import Tenants

log = logging.getLogger(__name__)

#: What is kept of an installation. Bolt has more fields; those of people's own tokens are not ours.
FIELDS = (
    "app_id", "enterprise_id", "team_id", "team_name", "bot_token", "bot_id", "bot_user_id",
    "bot_scopes", "bot_refresh_token", "bot_token_expires_at", "installed_at",
)  # fmt: skip


class Installations(InstallationStore):
    """slack_sdk's store of installations, one of the bot a workspace.

    `allowed` are the workspaces that may have the bot: nobody else's token is kept, or found.
    """

    def __init__(self, tenants: Tenants, client_secret: str, allowed: Sequence[str]) -> None:
        self._tenants = tenants
        self._box = Fernet(_key(client_secret))
        self._allowed = frozenset(allowed)

    @property
    def logger(self) -> logging.Logger:
        """The log."""
        return log

    def allows(self, team_id: str | None) -> bool:
        """Whether a workspace may have the bot."""
        return team_id in self._allowed

    def save(self, installation: object) -> None:
        """Keep what the bot needs of an installation."""
        self.save_bot(installation.to_bot())  # type: ignore[attr-defined]

    def save_bot(self, bot: Bot) -> None:
        """Keep a bot's tokens, instead of those before."""
        if not self.allows(bot.team_id):
            raise ValueError("a workspace that may not have the bot")
        kept = {name: getattr(bot, name) for name in FIELDS}
        sealed = self._box.encrypt(json.dumps(kept).encode()).decode()
        self._tenants.put(str(bot.team_id), sealed)

    def find_bot(
        self,
        *,
        enterprise_id: str | None,
        team_id: str | None,
        is_enterprise_install: bool | None = False,
    ) -> Bot | None:
        """Return a workspace's bot; None when it has none, may have none, or nobody can read it."""
        sealed = self._tenants.get(team_id) if team_id and self.allows(team_id) else None
        if sealed is None:
            return None
        try:
            kept = json.loads(self._box.decrypt(sealed.encode()))
        except InvalidToken:
            log.warning("the tokens of %s are of another SLACK_CLIENT_SECRET", team_id)
            return None
        return Bot(**kept)

    def bots(self) -> list[Bot]:
        """Return every workspace's bot."""
        found = (self.find_bot(enterprise_id=None, team_id=t) for t in self._tenants.teams())
        return [bot for bot in found if bot]

    def delete_bot(self, *, enterprise_id: str | None, team_id: str | None) -> None:
        """Forget a workspace, which has removed the bot."""
        if team_id:
            self._tenants.remove(team_id)

    def delete_installation(
        self, *, enterprise_id: str | None, team_id: str | None, user_id: str | None = None
    ) -> None:
        """Do nothing: of people there is nothing here."""


def _key(client_secret: str) -> bytes:
    digest = hmac.new(client_secret.encode(), b"splatbot installations", hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest)
