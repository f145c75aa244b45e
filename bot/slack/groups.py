"""Who is in the user groups that the settings name, asked every so often."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from bot.core.roles import GROUPS
from bot.slack.answers import error_of

log = logging.getLogger(__name__)


class UserGroups:
    """The people of each group as of the last look. A group that was never read has nobody."""

    def __init__(self, client: WebClient, named: Sequence[str]) -> None:
        self._client = client
        self._named = [each for each in named if each.startswith(GROUPS)]
        self._people: dict[str, frozenset[str]] = {}

    def look(self) -> None:
        """Ask Slack anew. While it does not answer, the last answer counts."""
        for group in self._named:
            try:
                answer = self._client.usergroups_users_list(usergroup=group)
                self._people[group] = frozenset(answer["users"])
            except SlackApiError as refused:
                log.warning("the user group %s can not be read: %s", group, error_of(refused))
            except (SlackClientError, OSError) as lost:
                log.warning("the user group %s can not be read: %s", group, type(lost).__name__)

    def members(self, group: str) -> Collection[str]:
        """Return the people of a group."""
        return self._people.get(group, frozenset())
