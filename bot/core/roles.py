"""Who may start jobs, and who may remove machines that are not ours. Anybody may stop a job."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from bot.core.errors import NotAllowed

#: Stands in a list for all people.
EVERYBODY = "everybody"

#: The first letter of Slack's ids: of people, of channels, of user groups.
PEOPLE, CHANNELS, GROUPS = ("U", "W"), ("C", "G", "D"), ("S",)


@dataclass(frozen=True)
class Owner:
    """Who orders: a person by Slack's id, or a program by a name of its own.

    `channel` is where Slack shows the job; empty when nobody there is told.
    """

    name: str
    channel: str = ""
    team: str = ""


def _nobody(group: str) -> Collection[str]:
    return ()


@dataclass(frozen=True)
class Roles:
    """Lists of Slack's ids, or EVERYBODY. An empty list means nobody.

    `members` are the people of a user group, as far as they are known.
    """

    starters: tuple[str, ...] = (EVERYBODY,)
    admins: tuple[str, ...] = (EVERYBODY,)
    members: Callable[[str], Collection[str]] = _nobody

    def check_start(self, user: str, channel: str) -> None:
        """Raise NotAllowed unless this person may start jobs, or everybody may in this channel."""
        if not self._names(self.starters, user, channel):
            raise NotAllowed("You may not start jobs here.", hint=_ask(self.starters))

    def check_admin(self, user: str) -> None:
        """Raise NotAllowed unless this person may remove machines that are not ours."""
        if not self._names(self.admins, user):
            raise NotAllowed("You may not remove what is not ours.", hint=_ask(self.admins))

    def _names(self, listed: tuple[str, ...], user: str, channel: str = "") -> bool:
        groups = (each for each in listed if each.startswith(GROUPS))
        return not {user, channel, EVERYBODY}.isdisjoint(listed) or any(
            user in self.members(group) for group in groups
        )


def _ask(listed: tuple[str, ...]) -> str:
    """Say who may, as Slack shows it; everybody may still stop a job."""
    marks = {"S": "<!subteam^{}>", "C": "<#{}>", "G": "<#{}>", "D": "<#{}>"}
    if not listed:
        return "Nobody may. Anybody may stop a job."
    who = ", ".join(marks.get(each[0], "<@{}>").format(each) for each in listed[:5])
    more = " and others" if len(listed) > 5 else ""
    return f"These may: {who}{more}. Anybody may stop a job."
