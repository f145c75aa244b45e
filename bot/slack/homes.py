"""Publishes App Homes: when they are opened, and when a job joins the queue, starts or ends."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from bot.core.desk import Desk
from bot.core.jobs import Job
from bot.slack import answers
from bot.slack.home import NEWEST, RUNNING, Home, gather, view
from bot.slack.workspaces import Workspaces

log = logging.getLogger(__name__)

#: Seconds for which a Home that was opened is kept up to date, and how many at most: Slack takes
#: about 100 a minute (tier 4 of docs.slack.dev/apis/web-api/rate-limits).
LOOKED_AT, MOST = 3600.0, 20

#: What a Home shows that is worth a new one: jobs and their states.
Shown = tuple[tuple[str, str], ...]


class Homes:
    """The Homes that people have opened lately. One pass (`refresh`) never sleeps."""

    def __init__(
        self,
        desk: Desk,
        workspaces: Workspaces,
        thumbnail_url: Callable[[Job], str] = lambda job: "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._desk = desk
        self._workspaces = workspaces
        self._thumbnail_url = thumbnail_url
        self._clock = clock
        self._people: OrderedDict[tuple[str, str], tuple[float, Shown]] = OrderedDict()

    def open(self, team: str, user: str) -> None:
        """Publish the Home of somebody who has opened it."""
        self._people.pop((team, user), None)
        self._people[team, user] = self._clock(), self._shown()
        self._publish(team, user)
        while len(self._people) > MOST:
            self._people.popitem(last=False)

    def refresh(self) -> None:
        """Publish anew what has changed; what Slack does not take is left as it is."""
        now, shown = self._clock(), self._shown()
        for (team, user), (opened, last) in list(self._people.items()):
            if now - opened > LOOKED_AT:
                self._people.pop((team, user), None)
            elif last != shown:
                self._try(team, user)
                self._people[team, user] = opened, shown

    def _try(self, team: str, user: str) -> None:
        try:
            self._publish(team, user)
        except SlackApiError as refused:
            log.info("an App Home is not up to date: %s", answers.error_of(refused))
        except (SlackClientError, OSError) as lost:
            log.info("an App Home is not up to date: %s", type(lost).__name__)

    def _publish(self, team: str, user: str) -> None:
        home = gather(self._desk, self._thumbnail_url, team, user)
        publish(self._workspaces.client(team), user, home)

    def _shown(self) -> Shown:
        ledger = self._desk.ledger
        jobs = [*ledger.lineup(RUNNING + NEWEST), *ledger.jobs(limit=NEWEST)]
        return tuple((job.id, job.state.value) for job in jobs)


def publish(client: WebClient, user: str, home: Home) -> None:
    """Publish a person's Home; without pictures where Slack can not fetch one, or so it seems."""
    try:
        client.views_publish(user_id=user, view=view(home))
    except SlackApiError as refused:
        if not home.pictures or refused.response.status_code != 200:
            raise
        client.views_publish(user_id=user, view=view(replace(home, pictures={})))
