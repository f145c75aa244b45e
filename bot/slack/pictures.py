"""Puts pictures into the jobs' threads, in a queue of its own: a slow upload holds up no word."""

from __future__ import annotations

import logging
from collections.abc import Callable

from slack_sdk.errors import SlackApiError

from bot.core.ledger import Ledger
from bot.core.rows import Notice
from bot.slack import answers, job_wording
from bot.slack.workspaces import Workspaces

log = logging.getLogger(__name__)

#: Reads a picture of a job by its name; None when it is not there.
Read = Callable[[str, str], bytes | None]

#: A picture is given up after this many tries: it is a nicety.
TRIES = 5


class PictureUploader:
    """Uploads pictures. Whatever fails here fails nothing else."""

    def __init__(
        self, ledger: Ledger, workspaces: Workspaces, *, read: Read, clock: Callable[[], float]
    ) -> None:
        self._ledger = ledger
        self._workspaces = workspaces
        self._read = read
        self._clock = clock

    def upload(self) -> None:
        """Upload the pictures that are due."""
        for notice in self._ledger.pending(self._clock(), pictures=True):
            try:
                self._deliver(notice)
            except SlackApiError as refused:
                self._refused(notice, refused)
            except Exception as wrong:  # noqa: BLE001 - logged; there is no picture, and that is all
                log.warning("job %s: no picture: %s", notice.job_id, type(wrong).__name__)
                self._ledger.give_up(notice.id, type(wrong).__name__)

    def _deliver(self, notice: Notice) -> None:
        where = self._ledger.status_message(notice.job_id)
        if where is None:
            self._later(notice, answers.PAUSE, "no thread yet")
            return
        figures = notice.payload["metrics"]
        read = ((name, self._read(notice.job_id, name)) for name in notice.payload["pictures"])
        uploads = [
            {
                "filename": name.rsplit("/", 1)[-1],
                "file": data,
                "title": job_wording.picture_title(name, figures),
            }
            for name, data in read
            if data
        ]
        if uploads:
            channel, thread = where
            client = self._workspaces.client(self._ledger.job(notice.job_id).team)
            client.files_upload_v2(file_uploads=uploads, channel=channel, thread_ts=thread)
        self._ledger.sent(notice.id)

    def _refused(self, notice: Notice, refused: SlackApiError) -> None:
        error = answers.error_of(refused)
        if answers.is_too_early(refused):
            self._later(notice, answers.retry_after(refused), error)
            return
        log.warning("job %s: no picture: %s", notice.job_id, error)
        self._ledger.give_up(notice.id, error)

    def _later(self, notice: Notice, wait: float, error: str) -> None:
        if notice.tries + 1 >= TRIES:
            self._ledger.give_up(notice.id, error)
        else:
            self._ledger.postpone(notice.id, self._clock() + wait, error)
