"""The only writer of messages: renders what the ledger says and sends the newest version.

One pass (`drain`) never sleeps: what may not be sent yet stays in the outbox for a later pass.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from bot.core.jobs import Job
from bot.core.ledger import Ledger
from bot.core.rows import Notice
from bot.slack import blocks
from bot.slack.blocks import Post
from bot.slack.standing import standing_of

log = logging.getLogger(__name__)

#: Seconds between two posts into a channel: Slack allows about one a second.
POST_SPACING = 1.0

#: Seconds between two edits of one status message, in a job's first minute and later: Slack
#: allows 50 a minute in all, and nobody reads faster. A new state or stage is shown at once.
EARLY_SPACING, LATE_SPACING, EARLY = 3.0, 10.0, 60.0

#: A notice is given up after this many tries, which back off from 2 to 120 seconds.
TRIES = 12

#: What no repetition mends; the person is told in a direct message instead where it matters.
HOPELESS = frozenset({
    "account_inactive", "cant_update_message", "channel_not_found", "invalid_auth",
    "invalid_blocks", "is_archived", "message_not_found", "msg_too_long", "no_text",
    "not_in_channel", "token_revoked",
})  # fmt: skip

Pictures = Callable[[str, str], bytes | None]


class Drainer:
    """Sends notices and keeps status messages up to date."""

    def __init__(
        self,
        ledger: Ledger,
        client: WebClient,
        *,
        pictures: Pictures,
        thumbnail_url: Callable[[Job], str],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._ledger = ledger
        self._client = client
        self._pictures = pictures
        self._thumbnail_url = thumbnail_url
        self._clock = clock
        self._next_post: dict[str, float] = {}
        self._next_edit: dict[str, float] = {}
        self._held_until: dict[str, float] = {}
        self._shown: dict[str, tuple[str, str | None]] = {}

    def drain(self) -> None:
        """Send what is due. A notice waits for the earlier ones of its job."""
        stuck: set[str] = set()
        for notice in self._ledger.pending(self._clock()):
            if notice.job_id not in stuck and not self._deliver(notice):
                stuck.add(notice.job_id)
        # A running job's message also changes with time alone: what is left, how long it is silent.
        jobs = {job.id: job for job in [*self._ledger.unrendered(), *self._ledger.active()]}
        for job in jobs.values():
            self._refresh(job)

    # -- notices ------------------------------------------------------------------------------

    def _deliver(self, notice: Notice) -> bool:
        """Send one notice; return whether the next one of its job may follow."""
        job = self._ledger.job(notice.job_id)
        if self._clock() < self._next_post.get(job.channel, 0.0):
            return False
        self._next_post[job.channel] = self._clock() + POST_SPACING
        try:
            self._send(notice, job)
        except SlackApiError as refused:
            return self._refused(notice, job, refused)
        except (SlackClientError, OSError) as lost:
            return self._later(notice, 0.0, type(lost).__name__)
        return True

    def _send(self, notice: Notice, job: Job) -> None:
        if notice.kind == "pictures":
            self._upload(notice, job)
            self._ledger.sent(notice.id)
            return
        sent = self._already_there(notice, job) if notice.tries else None
        ts = sent or self._post(notice, job, self._render(notice, job))
        self._ledger.sent(notice.id, channel=job.channel, ts=ts)
        if notice.kind == "status":
            self._ledger.set_status_message(job.id, job.channel, ts)

    def _render(self, notice: Notice, job: Job) -> Post:
        if notice.kind == "status":
            return blocks.status(job, standing_of(self._ledger, job, self._clock))
        if notice.kind == "stage":
            return blocks.stage_done(notice.payload)
        # After a refusal, without the picture: Slack may not be able to fetch it.
        return blocks.final(job, self._thumbnail_url(job) if notice.tries == 0 else "")

    def _post(self, notice: Notice, job: Job, post: Post) -> str:
        metadata = {"event_type": "splat_message", "event_payload": {"key": notice.dedupe_key}}
        answer = self._client.chat_postMessage(
            channel=job.channel,
            text=post.text,
            blocks=post.blocks,
            metadata=metadata,
            thread_ts=None if notice.kind == "status" else self._thread(job),
            unfurl_links=False,
        )
        return str(answer["ts"])

    def _upload(self, notice: Notice, job: Job) -> None:
        """Put pictures into the thread. One that can not be read is a nicety less, no failure."""
        read = ((name, self._pictures(job.id, name)) for name in notice.payload["pictures"])
        uploads = [{"filename": name.rsplit("/", 1)[-1], "file": data, "title": _title(name)}
                   for name, data in read if data]  # fmt: skip
        if uploads:
            self._client.files_upload_v2(
                file_uploads=uploads, channel=job.channel, thread_ts=self._thread(job)
            )

    def _thread(self, job: Job) -> str | None:
        message = self._ledger.status_message(job.id)
        return message[1] if message else None

    def _already_there(self, notice: Notice, job: Job) -> str | None:
        """Look whether an earlier try arrived although its answer was lost. Slack has no key."""
        thread = self._thread(job)
        found = (
            self._client.conversations_replies(
                channel=job.channel, ts=thread, include_all_metadata=True
            )
            if thread
            else self._client.conversations_history(
                channel=job.channel, limit=50, include_all_metadata=True
            )
        )
        for message in found["messages"]:
            payload = message.get("metadata", {}).get("event_payload", {})
            if payload.get("key") == notice.dedupe_key:
                return str(message["ts"])
        return None

    def _refused(self, notice: Notice, job: Job, refused: SlackApiError) -> bool:
        error = _error(refused)
        if refused.response.status_code == 429:
            return self._later(notice, _retry_after(refused), error)
        if error not in HOPELESS or (error == "invalid_blocks" and notice.tries == 0):
            return self._later(notice, 0.0, error)
        log.warning("job %s: %s can not be shown: %s", job.id, notice.kind, error)
        if notice.kind == "final":
            self._tell_directly(job)
        self._ledger.give_up(notice.id, error)
        return True

    def _tell_directly(self, job: Job) -> None:
        """Bring the end of a job to the person when the channel is closed to us."""
        post = blocks.final(job)
        try:
            self._client.chat_postMessage(channel=job.user, text=post.text, blocks=post.blocks)
        except SlackClientError as lost:
            log.warning("job %s: nor in a direct message: %s", job.id, type(lost).__name__)

    def _later(self, notice: Notice, wait: float, error: str) -> bool:
        if notice.tries + 1 >= TRIES or (notice.kind == "pictures" and not wait):
            self._ledger.give_up(notice.id, error)
            return True
        pause = max(wait, min(2.0 ** (notice.tries + 1), 120.0))
        self._ledger.postpone(notice.id, self._clock() + pause, error)
        return False

    # -- the status message -------------------------------------------------------------------

    def _refresh(self, job: Job) -> None:
        """Bring a job's status message to its newest version, when it is time to."""
        where = self._ledger.status_message(job.id)
        if where is None or not self._is_time(job):
            return
        post = blocks.status(job, standing_of(self._ledger, job, self._clock))
        digest = hashlib.sha256(json.dumps(post.blocks).encode()).hexdigest()
        version, shown = self._ledger.rendered(job.id)
        if digest == shown:
            if job.version != version:
                self._ledger.set_rendered(job.id, job.version, digest)
            return
        try:
            self._client.chat_update(
                channel=where[0], ts=where[1], text=post.text, blocks=post.blocks
            )
        except SlackApiError as refused:
            self._not_updated(job, refused)
        except (SlackClientError, OSError):
            self._hold(job, EARLY_SPACING)
        else:
            self._ledger.set_rendered(job.id, job.version, digest)
            self._shown[job.id] = _step(job)
            young = self._clock() - (job.started_at or self._clock()) < EARLY
            spacing = EARLY_SPACING if young else LATE_SPACING
            self._next_edit[job.id] = self._clock() + spacing

    def _is_time(self, job: Job) -> bool:
        """Whether an edit is due: spaced out, but at once for a new state or stage."""
        now = self._clock()
        if now < self._held_until.get(job.id, 0.0):
            return False
        return self._shown.get(job.id) != _step(job) or now >= self._next_edit.get(job.id, 0.0)

    def _not_updated(self, job: Job, refused: SlackApiError) -> None:
        error = _error(refused)
        if error == "message_not_found":
            self._ledger.forget_status_message(job.id)
            return
        if error in HOPELESS:
            self._ledger.set_rendered(job.id, job.version, "")
        self._hold(job, _retry_after(refused))

    def _hold(self, job: Job, seconds: float) -> None:
        self._held_until[job.id] = self._clock() + seconds


def _step(job: Job) -> tuple[str, str | None]:
    return job.state.value, job.stage.value if job.stage else None


def _title(name: str) -> str:
    return name.rsplit("/", 1)[-1].rsplit(".", 1)[0].replace("_", " ").capitalize()


def _error(refused: SlackApiError) -> str:
    data: Any = refused.response.data
    return (
        str(data.get("error", "")) if isinstance(data, dict) else f"{refused.response.status_code}"
    )


def _retry_after(refused: SlackApiError) -> float:
    try:
        return float(refused.response.headers.get("Retry-After", EARLY_SPACING))
    except ValueError:
        return EARLY_SPACING
