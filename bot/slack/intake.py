"""Fetches dropped photos into the storage, looks at them, and offers a job. Starts none.

It works on one drop at a time, in a thread of its own, and may be stopped anywhere: what is in
the storage already is not fetched again.
"""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import httpx
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from bot.core.drops import Drop, DroppedFile
from bot.core.errors import SplatError, StorageError
from bot.core.jobs import Request
from bot.core.ledger import Ledger
from bot.core.quotes import Quote
from bot.slack import answers, offers, received, wording
from bot.slack.files import NotFetched, SlackFiles, check_bounds
from bot.slack.parts import Post
from bot.slack.workspaces import Workspaces
from bot.storage.base import Dataset, Storage
from bot.storage.found import Found
from bot.storage.looks import look_at, look_into_archive
from bot.storage.names import file_names, is_archive
from bot.storage.samples import DAMAGED
from gpu.job import Pipeline

log = logging.getLogger(__name__)

#: Tries of a drop, and the seconds between the first two; each pause is twice the last one.
TRIES, PAUSE = 6, 5.0

#: Seconds between two edits that say how far the fetching is.
SPACING = 3.0


class Intake:
    """Works on drops."""

    def __init__(
        self,
        ledger: Ledger,
        workspaces: Workspaces,
        storage: Storage,
        files: SlackFiles,
        *,
        folder: Path,
        refresh: Callable[[], object],
        quote: Callable[[Request], Quote],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`folder` is where files are while they are fetched; `refresh` looks at the datasets;
        `quote` says what a job would mean."""
        self._ledger = ledger
        self._workspaces = workspaces
        self._storage = storage
        self._files = files
        self._folder = folder
        self._refresh = refresh
        self._quote = quote
        self._clock = clock

    def work(self) -> None:
        """Do what is due."""
        for drop in self._ledger.drops.due():
            try:
                self._offer(drop)
            except (StorageError, httpx.HTTPError, SlackClientError, OSError) as lost:
                self._again(drop, lost)
            except SplatError as wrong:
                self._give_up(drop, str(wrong))
            except Exception:  # one drop must not keep the others from being worked on
                log.exception("drop %d can not be worked on", drop.id)
                self._give_up(drop, wording.UNEXPECTED.removeprefix(wording.WARNING))

    def _offer(self, drop: Drop) -> None:
        check_bounds(drop.files)
        if drop.place is None:
            drop = self._first_word(drop)
        found = self._fetch(drop) if drop.files else self._look(drop.dataset)
        drop = replace(drop, found=asdict(found))
        self._refresh()
        self._show(drop, offers.offer(drop, self._quoted(drop)))
        self._ledger.drops.offered(drop.id, drop.found)

    def _quoted(self, drop: Drop) -> Quote | None:
        """Say what a job of the drop would mean; None where nothing can be said, or made of it."""
        request = Request(drop.team, drop.channel, drop.user, drop.dataset, Pipeline.SPLAT, key="")
        try:
            return self._quote(request)
        except SplatError as unknown:
            log.info("drop %d has no quote: %s", drop.id, unknown)
            return None

    # -- fetching -----------------------------------------------------------------------------

    def _fetch(self, drop: Drop) -> Found:
        """Bring every file into the storage; return what is in the dataset then."""
        self._folder.mkdir(parents=True, exist_ok=True)
        shown = self._clock()
        archive = None
        names = file_names([file.name for file in drop.files])
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            for done, (file, name) in enumerate(zip(drop.files, names, strict=True)):
                if self._clock() - shown >= SPACING:
                    self._show(drop, offers.fetching(drop, done))
                    shown = self._clock()
                archive = self._fetch_one(drop, file, name, Path(folder) / "file") or archive
        return archive or self._look(drop.dataset)

    def _fetch_one(self, drop: Drop, file: DroppedFile, name: str, local: Path) -> Found | None:
        """Bring one file into the storage; return what is in it when it is the dataset itself."""
        is_dataset = is_archive(drop.dataset)
        key = drop.dataset if is_dataset else f"{drop.dataset}/{name}"
        if not is_dataset and self._storage.size(key) == file.size:
            return None
        self._files.fetch(file, local, self._client(drop).token)
        try:
            found = look_into_archive(local) if is_dataset else None
        except DAMAGED:
            text = f"`{file.name}` is damaged, or locked with a password."
            raise NotFetched(text, hint="Make the .zip again from the plain folder.") from None
        if not self._storage.add(key, local) and self._storage.size(key) != file.size:
            raise NotFetched(f"Another file is kept as `{key}` already.", hint="Rename yours.")
        return found

    def _look(self, dataset: str) -> Found:
        known = {each.name: each for each in self._storage.datasets(dataset)}
        return look_at(self._storage, known.get(dataset, Dataset(dataset, 0, 0)))

    # -- saying -------------------------------------------------------------------------------

    def _first_word(self, drop: Drop) -> Drop:
        """Say that we are at work: beside what was dropped, or to the person where we may not."""
        post = offers.fetching(drop, 0)
        try:
            place = self._post(drop, drop.channel, drop.thread, post)
        except SlackApiError as refused:
            if answers.error_of(refused) not in answers.CLOSED | answers.GONE:
                raise
            place = self._post(drop, drop.user, "", post)
        self._ledger.drops.shown(drop.id, *place)
        return replace(drop, place=place)

    def _post(self, drop: Drop, channel: str, thread: str, post: Post) -> tuple[str, str]:
        answer = self._client(drop).chat_postMessage(
            channel=channel, text=post.text, blocks=post.blocks, thread_ts=thread or None
        )
        return str(answer["channel"]), str(answer["ts"])

    def _show(self, drop: Drop, post: Post) -> None:
        assert drop.place is not None
        channel, ts = drop.place
        self._client(drop).chat_update(channel=channel, ts=ts, text=post.text, blocks=post.blocks)

    def _client(self, drop: Drop) -> WebClient:
        return self._workspaces.client(drop.team)

    # -- what did not go well -----------------------------------------------------------------

    def _again(self, drop: Drop, lost: Exception) -> None:
        pause = PAUSE * 2**drop.tries
        if isinstance(lost, SlackApiError):
            pause = max(pause, answers.retry_after(lost))
        if drop.tries + 1 < TRIES:
            log.info("drop %d is tried again: %s", drop.id, type(lost).__name__)
            self._ledger.drops.later(drop.id, pause)
        else:
            self._give_up(drop, received.not_fetched(lost))

    def _give_up(self, drop: Drop, error: str) -> None:
        self._ledger.drops.given_up(drop.id, error)
        drop = self._ledger.drops.get(drop.id)
        try:
            if drop.place is None:
                drop = self._first_word(drop)
            self._show(drop, offers.failed(drop))
        except (SlackClientError, OSError) as lost:
            log.warning("drop %d: nobody was told: %s", drop.id, type(lost).__name__)
