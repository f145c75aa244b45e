"""Keeps every job's one status message up to date: the newest version only, and not too often."""

from __future__ import annotations

import hashlib
import json
import logging
from collections import deque
from collections.abc import Callable

from slack_sdk.errors import SlackApiError, SlackClientError

from bot.core.jobs import Job
from bot.core.ledger import Ledger
from bot.core.rush import RUSH
from bot.slack import answers, blocks
from bot.slack.blocks import Post
from bot.slack.standing import standing_of
from bot.slack.workspaces import Workspaces

log = logging.getLogger(__name__)

#: Seconds between two edits of one status message, in a job's first minute and later: nobody
#: reads faster. A new state or stage is shown at once. A message that needed no edit is looked at
#: again after EARLY_SPACING: with many jobs in the queue each look takes time from those who wait
#: for an answer.
EARLY_SPACING, LATE_SPACING, EARLY = 3.0, 12.0, 60.0

#: Edits of all messages together within MINUTE seconds: Slack allows 50 and more (tier 3 of
#: docs.slack.dev/apis/web-api/rate-limits). Some of them are kept for new states and stages.
MINUTE, MOST_EDITS, MOST_ROUTINE = 60.0, 45, 30


class Refresher:
    """Edits status messages. One pass (`refresh`) never sleeps."""

    def __init__(
        self,
        ledger: Ledger,
        workspaces: Workspaces,
        *,
        thumbnail_url: Callable[[Job], str],
        clock: Callable[[], float],
        with_plan: bool = False,
        preview_url: Callable[[Job], str] = lambda job: "",
    ) -> None:
        self.with_plan = with_plan
        self._preview_url = preview_url
        self._ledger = ledger
        self._workspaces = workspaces
        self._thumbnail_url = thumbnail_url
        self._clock = clock
        self._not_before: dict[str, float] = {}
        self._held_until: dict[str, float] = {}
        self._shown: dict[str, tuple[str, str | None]] = {}
        self._without_picture: set[str] = set()
        self._edits: deque[float] = deque()

    def refresh(self) -> None:
        """Look at every job that changed, or runs: what is left changes with time alone."""
        jobs = {job.id: job for job in [*self._ledger.unrendered(), *self._ledger.active()]}
        for job in jobs.values():
            RUSH.give_way()
            try:
                self._refresh(job)
            except Exception:  # one job's message must not keep the others from being shown
                log.exception("job %s: its status message can not be written", job.id)
                self._held_until[job.id] = self._clock() + LATE_SPACING

    def render(self, job: Job) -> Post:
        """Return the status message as it should look now."""
        picture = "" if job.id in self._without_picture else self._thumbnail_url(job)
        standing = standing_of(self._ledger, job, self._clock)
        return blocks.status(
            job,
            standing,
            thumbnail_url=picture,
            preview_url=self._preview_url(job),
            with_plan=self.with_plan,
        )

    def do_without_plan(self) -> None:
        """Show stages as text from now on: this Slack takes no plan blocks."""
        log.warning("Slack takes no plan blocks: the stages are shown as text")
        self.with_plan = False

    def _refresh(self, job: Job) -> None:
        where = self._ledger.status_message(job.id)
        if where is None or not self._is_time(job):
            return
        post = self.render(job)
        digest = hashlib.sha256(json.dumps(post.blocks).encode()).hexdigest()
        version, shown = self._ledger.rendered(job.id)
        if digest == shown:
            self._shown[job.id] = _step(job)
            self._not_before[job.id] = self._clock() + EARLY_SPACING
        elif not self._edit(job, where, post):
            return
        if digest != shown or job.version != version:
            self._ledger.set_rendered(job.id, job.version, digest)

    def _edit(self, job: Job, where: tuple[str, str], post: Post) -> bool:
        channel, ts = where
        self._edits.append(self._clock())
        try:
            client = self._workspaces.client(job.team)
            client.chat_update(channel=channel, ts=ts, text=post.text, blocks=post.blocks)
        except SlackApiError as refused:
            self._refused(job, refused)
            return False
        except (SlackClientError, OSError):
            self._held_until[job.id] = self._clock() + answers.PAUSE
            return False
        self._shown[job.id] = _step(job)
        young = self._clock() - (job.started_at or self._clock()) < EARLY
        self._not_before[job.id] = self._clock() + (EARLY_SPACING if young else LATE_SPACING)
        return True

    def _is_time(self, job: Job) -> bool:
        """Whether an edit is due: spaced out, but at once for a new state or stage."""
        now = self._clock()
        if now < self._held_until.get(job.id, 0.0):
            return False
        is_news = self._shown.get(job.id) != _step(job)
        return self._may_edit(now, MOST_EDITS if is_news else MOST_ROUTINE) and (
            is_news or now >= self._not_before.get(job.id, 0.0)
        )

    def _may_edit(self, now: float, most: int) -> bool:
        """Whether Slack's limit leaves room for one more edit of any message."""
        while self._edits and self._edits[0] <= now - MINUTE:
            self._edits.popleft()
        return len(self._edits) < most

    def _refused(self, job: Job, refused: SlackApiError) -> None:
        error = answers.error_of(refused)
        self._held_until[job.id] = self._clock() + answers.retry_after(refused)
        if answers.is_too_early(refused) or answers.is_doubtful(refused):
            return
        if error in answers.GONE:
            self._ledger.forget_status_message(job.id)
        elif error == "invalid_blocks" and self.with_plan:
            self.do_without_plan()
        elif error == "invalid_blocks" and job.id not in self._without_picture:
            self._without_picture.add(job.id)  # Slack may not be able to fetch the thumbnail
        else:  # no repetition mends this; the job's next version may look different
            log.warning("job %s: its status message can not be edited: %s", job.id, error)
            self._held_until[job.id] = self._clock() + LATE_SPACING
            self._ledger.set_rendered(job.id, job.version, "")


def _step(job: Job) -> tuple[str, str | None]:
    return job.state.value, job.stage.value if job.stage else None
