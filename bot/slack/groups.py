"""Who is in the user groups that the settings name, asked every so often."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from bot.core.roles import GROUPS
from bot.slack.answers import error_of
from bot.slack.workspaces import Workspaces

log = logging.getLogger(__name__)


class UserGroups:
    """The people of each group as of the last look. A group that was never read has nobody."""

    def __init__(self, workspaces: Workspaces, named: Sequence[str]) -> None:
        self._workspaces = workspaces
        self._named = [each for each in named if each.startswith(GROUPS)]
        self._people: dict[str, frozenset[str]] = {}

    def look(self) -> None:
        """Ask Slack anew. While it does not answer, the last answer counts."""
        clients = self._workspaces.clients() if self._named else []
        for group in self._named:
            problems = [self._read(client, group) for client in clients]
            if all(problems):  # a group is known in one workspace alone
                log.warning("the user group %s can not be read: %s", group, ", ".join(problems))

    def _read(self, client: WebClient, group: str) -> str:
        """Ask one workspace; return why it did not say who is in a group, or nothing."""
        try:
            answer = client.usergroups_users_list(usergroup=group)
        except SlackApiError as refused:
            return error_of(refused)
        except (SlackClientError, OSError) as lost:
            return type(lost).__name__
        self._people[group] = frozenset(answer["users"])
        return ""

    def members(self, group: str) -> Collection[str]:
        """Return the people of a group."""
        return self._people.get(group, frozenset())
