"""Posts what the outbox holds: a job's status message, the lines of its thread, its one end.

One pass (`drain`) never sleeps: what may not be sent yet stays in the outbox for a later pass.
With the refresher and the picture uploader it is the only writer of lasting messages.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

from slack_sdk.errors import SlackApiError, SlackClientError

from bot.core.jobs import Job
from bot.core.ledger import Ledger
from bot.core.rows import Notice
from bot.slack import answers, blocks
from bot.slack.blocks import Post
from bot.slack.refresher import Refresher
from bot.slack.standing import standing_of
from bot.slack.workspaces import Workspaces

log = logging.getLogger(__name__)

#: Seconds between two posts into a channel: Slack allows about one a second.
POST_SPACING = 1.0

#: Stages that get no line in the thread where they have a picture: that says it.
QUIET = frozenset({"preprocess", "descend", "compress"})

#: Tries back off from 2 to this many seconds, and end when the notice is this many seconds old.
LONGEST_PAUSE, LIFETIME = 120.0, 24 * 3600.0

#: While Slack is away, its oldest notice is tried for the whole conversation, so that all come in
#: order afterwards: at most this many seconds apart, and this often (8 minutes). Then it may be
#: that notice alone that Slack can not take, and the others wait for it no more.
LONGEST_HOLD, PATIENT = 30.0, 20

#: Messages of a channel or thread that are searched for one that may have arrived, and the
#: seconds by which our clock and Slack's may differ.
LOOK_BACK, CLOCKS_DIFFER = 200, 60.0


class Drainer:
    """Sends notices, each once."""

    def __init__(
        self,
        ledger: Ledger,
        workspaces: Workspaces,
        refresher: Refresher,
        *,
        thumbnail_url: Callable[[Job], str],
        clock: Callable[[], float],
    ) -> None:
        self._ledger = ledger
        self._workspaces = workspaces
        self._refresher = refresher
        self._thumbnail_url = thumbnail_url
        self._clock = clock
        self._next_post: dict[str, float] = {}
        # Notices that may have been sent already: all of jobs that an earlier process knew, which
        # may have ended between sending and noting, or whose ledger may be lost; and those whose
        # answer never came.
        self._started = clock()
        self._doubtful: set[int] = set()

    def drain(self) -> None:
        """Send what is due. A notice waits for the earlier ones of its job."""
        stuck: set[str] = set()
        for notice in self._ledger.pending(self._clock()):
            if notice.job_id not in stuck and not self._deliver(notice):
                stuck.add(notice.job_id)
        self._refresher.refresh()

    def _deliver(self, notice: Notice) -> bool:
        """Send one notice; return whether the next one of its job may follow."""
        job = self._ledger.job(notice.job_id)
        channel, thread = self._place(notice, job)
        if not channel:
            self._ledger.give_up(notice.id, "nobody in Slack is told of this job")
            return True
        if self._clock() < self._next_post.get(channel, 0.0):
            return False
        self._next_post[channel] = self._clock() + POST_SPACING
        try:
            self._send(notice, job, channel, thread)
        except SlackApiError as refused:
            return self._refused(notice, job, channel, refused)
        except (SlackClientError, OSError) as lost:
            return self._in_doubt(notice, channel, type(lost).__name__)
        except Exception as wrong:  # one notice must not keep all others from being sent
            log.exception("job %s: its %s can not be shown", job.id, notice.kind)
            self._ledger.give_up(notice.id, type(wrong).__name__)
        return True

    def _place(self, notice: Notice, job: Job) -> tuple[str, str | None]:
        """Return channel and thread: where the status message is, for all that follows it."""
        where = self._ledger.status_message(job.id)
        return where if where and notice.kind != "status" else (job.channel, None)

    def _send(self, notice: Notice, job: Job, channel: str, thread: str | None) -> None:
        if notice.kind == "stage" and (thread is None or _is_shown(notice)):
            self._ledger.give_up(notice.id, "no line in the thread")
            return
        if notice.kind == "again":
            self._edit_final(notice, job)
            return
        doubtful = job.created_at <= self._started or notice.id in self._doubtful
        there = self._already_there(notice, job, channel, thread) if doubtful else None
        channel, ts = there or self._post(notice, job, channel, thread, self._render(notice, job))
        link = self._permalink(job, channel, ts) if notice.kind == "status" else ""
        failed = self._ledger.repeated_by(job.id) if notice.kind == "status" else None
        if failed:
            self._ledger.tell_again(failed, job.id, link)
        self._ledger.sent(notice.id, channel=channel, ts=ts)
        if notice.kind == "status":
            self._ledger.set_status_message(job.id, channel, ts, link)

    def _render(self, notice: Notice, job: Job) -> Post:
        if notice.kind == "status":
            return self._refresher.render(job)
        if notice.kind == "stage":
            return blocks.stage_done(notice.payload)
        # After a refusal, without the picture: Slack may not be able to fetch it.
        picture = self._thumbnail_url(job) if notice.tries == 0 else ""
        standing = standing_of(self._ledger, job, self._clock)
        return blocks.final(job, standing, thumbnail_url=picture)

    def _post(
        self, notice: Notice, job: Job, channel: str, thread: str | None, post: Post
    ) -> tuple[str, str]:
        """Post and return where the message is: for a person that is another channel id."""
        answer = self._workspaces.client(job.team).chat_postMessage(
            channel=channel,
            text=post.text,
            blocks=post.blocks,
            metadata={"event_type": "splat_message", "event_payload": {"key": notice.dedupe_key}},
            thread_ts=thread,
            unfurl_links=False,
        )
        return str(answer["channel"]), str(answer["ts"])

    def _edit_final(self, notice: Notice, job: Job) -> None:
        """Have the reply that told a job's end say what came of it, in place of its button."""
        where = self._ledger.final_message(job.id)
        if where is None:
            self._ledger.give_up(notice.id, "its end was told nowhere")
            return
        post, (channel, ts) = self._render(notice, job), where
        client = self._workspaces.client(job.team)
        client.chat_update(channel=channel, ts=ts, text=post.text, blocks=post.blocks)
        self._ledger.sent(notice.id, channel=channel, ts=ts)

    def _permalink(self, job: Job, channel: str, ts: str) -> str:
        """Return the address of a message; empty where Slack does not say it."""
        try:
            client = self._workspaces.client(job.team)
            return str(client.chat_getPermalink(channel=channel, message_ts=ts)["permalink"])
        except (SlackClientError, OSError) as lost:
            log.info("job %s: its message has no address: %s", job.id, type(lost).__name__)
            return ""

    # -- what may have arrived ----------------------------------------------------------------

    def _already_there(
        self, notice: Notice, job: Job, channel: str, thread: str | None
    ) -> tuple[str, str] | None:
        """Look for a message that arrived though that was not noted: posts have no key."""
        oldest = f"{job.created_at - CLOCKS_DIFFER:.6f}"
        client = self._workspaces.client(job.team)
        look = (
            partial(client.conversations_replies, ts=thread)
            if thread
            else (client.conversations_history)
        )
        try:
            found = look(channel=channel, oldest=oldest, limit=LOOK_BACK, include_all_metadata=True)
        except SlackApiError as refused:
            if answers.error_of(refused) in answers.UNREADABLE | answers.GONE:
                return None  # twice is better than never
            raise
        for message in found["messages"]:
            payload = message.get("metadata", {}).get("event_payload", {})
            if payload.get("key") == notice.dedupe_key:
                return channel, str(message["ts"])
        return None

    # -- what did not go well -----------------------------------------------------------------

    def _refused(self, notice: Notice, job: Job, channel: str, refused: SlackApiError) -> bool:
        error = answers.error_of(refused)
        if answers.is_too_early(refused):
            return self._hold(notice, channel, answers.retry_after(refused), error)
        if answers.is_doubtful(refused):
            return self._in_doubt(notice, channel, error)
        if error in answers.LOCKED_OUT:
            return self._hold(notice, channel, 0.0, error)
        if notice.kind == "again":  # the button stays, and whoever presses it is told
            self._ledger.give_up(notice.id, error)
            return True
        if error in answers.GONE:
            self._ledger.forget_status_message(job.id)
            return False
        if error == "invalid_blocks" and notice.kind == "final" and notice.tries == 0:
            return self._later(notice, 0.0, error)
        if error == "invalid_blocks" and notice.kind == "status" and self._refresher.with_plan:
            self._refresher.do_without_plan()
            return self._later(notice, 0.0, error)
        if error in answers.CLOSED and notice.kind != "stage":
            return self._send_directly(notice, job)
        log.warning("job %s: its %s can not be shown: %s", job.id, notice.kind, error)
        self._ledger.give_up(notice.id, error)
        return True

    def _send_directly(self, notice: Notice, job: Job) -> bool:
        """Tell the person in a direct message, when the channel is closed to us.

        What follows a status message goes where that message is.
        """
        try:
            self._send(notice, job, job.user, None)
        except (SlackClientError, OSError) as lost:
            log.warning("job %s: nor in a direct message: %s", job.id, type(lost).__name__)
            self._ledger.give_up(notice.id, type(lost).__name__)
        return True

    def _in_doubt(self, notice: Notice, channel: str, error: str) -> bool:
        self._doubtful.add(notice.id)
        return self._hold(notice, channel, 0.0, error)

    def _hold(self, notice: Notice, channel: str, wait: float, error: str) -> bool:
        """Try a notice later, and none of its conversation before it."""
        if notice.tries >= PATIENT:
            self._next_post[channel] = max(self._next_post[channel], self._clock() + wait)
            return self._later(notice, wait, error)
        pause = max(wait, min(_back_off(notice), LONGEST_HOLD))
        self._next_post[channel] = self._clock() + pause
        self._ledger.postpone(notice.id, self._clock() + pause, error)
        return False

    def _later(self, notice: Notice, wait: float, error: str) -> bool:
        if self._clock() - notice.created_at > LIFETIME:
            log.warning("job %s: its %s is given up: %s", notice.job_id, notice.kind, error)
            self._ledger.give_up(notice.id, error)
            return True
        pause = max(wait, min(_back_off(notice), LONGEST_PAUSE))
        self._ledger.postpone(notice.id, self._clock() + pause, error)
        return False


def _back_off(notice: Notice) -> float:
    return float(2.0 ** (notice.tries + 1))


def _is_shown(notice: Notice) -> bool:
    """Whether a stage that is done is told by its picture."""
    return notice.payload["stage"] in QUIET and bool(notice.payload.get("pictures"))
