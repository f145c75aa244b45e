"""Says in an open dialog what its choice would take: of several changes, what the newest would.

Each change is answered in a thread of its own, and the answer to an earlier one may be ready later.
Slack's own guard, the `hash` of a view (docs.slack.dev/reference/methods/views.update), lets the
first answer pass and refuses the others, also the newest one. So changes are told apart by the
times that Slack gives them, and the answers to one dialog are sent one after the other.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from threading import Lock

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.core.desk import Desk
from bot.core.errors import SplatError
from bot.core.jobs import Request
from bot.slack import dialog, outlooks, wording
from bot.slack.answers import error_of
from bot.slack.dialog import View
from bot.storage.base import Dataset

log = logging.getLogger(__name__)

#: The address of one photo of a dataset, small; empty when there is none.
PhotoUrl = Callable[[str], str]

#: Dialogs of which the newest change is remembered: more than people have open.
MOST = 1_000

#: What Slack says of a dialog that was closed or sent meanwhile.
CLOSED = "not_found"


@dataclass
class Changes:
    """The newest change of one dialog, by the Unix time that Slack gives it, and whose turn it is
    to answer."""

    newest: float
    turn: Lock = field(default_factory=Lock)


class OpenDialogs:
    """The start dialogs that people have open."""

    def __init__(self, desk: Desk, photo_url: PhotoUrl = lambda name: "") -> None:
        """`photo_url` is where Slack can fetch one of a dataset's photos."""
        self._desk = desk
        self._photo_url = photo_url
        self._lock = Lock()
        self._changes: OrderedDict[str, Changes] = OrderedDict()

    def show(
        self, client: WebClient, view_id: str, request: Request, *, wrong: str = "", at: float = 0.0
    ) -> None:
        """Say in a dialog what a request would take, below what is `wrong` with the fields.

        `at` is when the fields were so; by default when the dialog was opened.
        """
        changes = self._changed(view_id, at)
        dataset, text = self._outlook(request)
        picture = self._photo_url(request.dataset)
        update = partial(
            dialog.start_dialog, request.channel, dataset=dataset, pipeline=request.pipeline,
            outlook=f"{wrong}\n{text}".strip(),
        )  # fmt: skip
        with changes.turn:
            if at >= changes.newest:
                _update(client, view_id, update, picture)

    def _changed(self, view_id: str, at: float) -> Changes:
        """Note a change; return what is known of its dialog's."""
        with self._lock:
            changes = self._changes.setdefault(view_id, Changes(at))
            changes.newest = max(changes.newest, at)
            self._changes.move_to_end(view_id)
            if len(self._changes) > MOST:
                self._changes.popitem(last=False)
            return changes

    def _outlook(self, request: Request) -> tuple[Dataset, str]:
        try:
            quoted = self._desk.quote(request, looking=True)
        except SplatError as wrong:
            return Dataset(request.dataset, 0, 0), wording.error(wrong)
        return quoted.dataset, outlooks.outlook(quoted)


def _update(client: WebClient, view_id: str, update: Callable[..., View], picture: str) -> None:
    """Show a dialog anew, without its picture where Slack can not fetch that."""
    with _unless_closed():
        try:
            client.views_update(view_id=view_id, view=update(picture=picture))
        except SlackApiError as refused:
            if not picture or refused.response.status_code != 200 or error_of(refused) == CLOSED:
                raise
            log.warning("a dialog goes without its picture: %s", error_of(refused))
            client.views_update(view_id=view_id, view=update())


@contextmanager
def _unless_closed() -> Iterator[None]:
    try:
        yield
    except SlackApiError as refused:
        if error_of(refused) != CLOSED:
            raise
        log.debug("a dialog was closed before it said what it would take")
