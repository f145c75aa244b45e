"""Links to our viewer, in messages and in the box where they are written."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from slack_bolt import App
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.core.desk import Desk
from bot.core.errors import UnknownJob
from bot.core.jobs import Job
from bot.slack import links
from bot.slack.answers import error_of

log = logging.getLogger(__name__)

#: Jobs among which the one of a link is looked for.
LOOK_BACK = 500


def register(
    app: App, desk: Desk, public_url: str = "", thumbnail_url: Callable[[Job], str] = lambda job: ""
) -> None:
    """Listen to links being shared, and to a splat being opened inside Slack."""

    @app.event("link_shared")
    def shared(event: dict[str, Any], client: WebClient) -> None:
        jobs = desk.ledger.jobs(limit=LOOK_BACK)
        found = {
            link["url"]: links.job_of(link["url"], public_url, jobs) for link in event["links"]
        }
        ours = {url: job for url, job in found.items() if job is not None}
        if ours:
            _unfurl(client, event, {url: (job, thumbnail_url(job)) for url, job in ours.items()})

    @app.event("entity_details_requested")
    def opened(event: dict[str, Any], client: WebClient) -> None:
        try:
            job = desk.ledger.job(event["external_ref"]["id"])
        except UnknownJob:
            return  # Slack then says itself that there is nothing
        url = event.get("entity_url") or job.viewer_url
        shown = links.entity(job, url, thumbnail_url(job), opened=True)
        client.entity_presentDetails(trigger_id=event["trigger_id"], metadata=shown)


def _unfurl(
    client: WebClient, event: Mapping[str, Any], found: Mapping[str, tuple[Job, str]]
) -> None:
    """Show splats as Work Objects; as ordinary cards where this app has none."""
    where = {name: event[name] for name in ("unfurl_id", "source") if name in event}
    if len(where) < 2:
        where = {"channel": event["channel"], "ts": event["message_ts"]}
    try:
        entities = [links.entity(job, url, picture) for url, (job, picture) in found.items()]
        client.chat_unfurl(metadata={"entities": entities}, **where)
    except SlackApiError as refused:
        if refused.response.status_code != 200:
            raise
        log.info("no Work Objects (%s): links get ordinary cards", error_of(refused))
        cards = {url: links.blocks_of(job, picture) for url, (job, picture) in found.items()}
        client.chat_unfurl(unfurls=cards, **where)
