"""The only writer of lasting messages: posts, edits and pictures, all from what the ledger says."""

from __future__ import annotations

import time
from collections.abc import Callable

from bot.core.jobs import Job
from bot.core.ledger import Ledger
from bot.slack.drainer import Drainer
from bot.slack.pictures import PictureUploader, Read
from bot.slack.refresher import Refresher
from bot.slack.workspaces import Workspaces


class SlackOutbox:
    """Two passes that somebody calls every so often, each in a thread of its own."""

    def __init__(
        self,
        ledger: Ledger,
        workspaces: Workspaces,
        *,
        read_picture: Read,
        thumbnail_url: Callable[[Job], str],
        clock: Callable[[], float] = time.time,
        with_plan: bool = False,
        preview_url: Callable[[Job], str] = lambda job: "",
    ) -> None:
        refresher = Refresher(
            ledger,
            workspaces,
            thumbnail_url=thumbnail_url,
            clock=clock,
            with_plan=with_plan,
            preview_url=preview_url,
        )
        self._drainer = Drainer(
            ledger, workspaces, refresher, thumbnail_url=thumbnail_url, clock=clock
        )
        self._uploader = PictureUploader(ledger, workspaces, read=read_picture, clock=clock)

    def drain(self) -> None:
        """Post and edit what is due. Never sleeps."""
        self._drainer.drain()

    def upload(self) -> None:
        """Upload the pictures that are due."""
        self._uploader.upload()
