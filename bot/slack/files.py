"""Fetches what people dropped into Slack: from Slack's own file server alone, onto the disk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from bot.core.drops import DroppedFile
from bot.core.errors import SplatError
from bot.storage.names import is_archive, is_capture
from gpu.job.sizes import human_size

#: Where Slack keeps files, and the only server besides a sandbox's own that gets our token.
FILE_SERVER = "files.slack.com"

#: Files and bytes of one drop at most: Slack takes files of a gigabyte. Larger sets are uploaded.
MOST_FILES, MOST_BYTES = 200, 2_000_000_000

TIMEOUT = httpx.Timeout(30, connect=10)


class NotFetched(SplatError):
    """A file of a message can not be fetched, however often it is tried."""


def usable(message: Mapping[str, Any]) -> tuple[list[DroppedFile], list[str]]:
    """Return a message's photos, archives and videos, and the names of all other files.

    A file that is deleted, hidden by the plan's limit or kept elsewhere has no address at Slack.
    """
    files, others = [], []
    for each in message.get("files", ()):
        name, url = str(each.get("name") or ""), each.get("url_private_download") or ""
        if url and not each.get("is_external") and is_usable(name):
            files.append(DroppedFile(name, url, int(each.get("size") or 0)))
        else:
            others.append(name or "a file that is gone")
    return files, others


def is_usable(name: str) -> bool:
    """Whether something can be made of a file of this name."""
    return is_capture(name) or is_archive(name)


def check_bounds(files: Sequence[DroppedFile]) -> None:
    """Raise NotFetched when a drop is too large."""
    size = sum(file.size for file in files)
    if len(files) > MOST_FILES or size > MOST_BYTES:
        raise NotFetched(
            f"These are {len(files)} files with {human_size(size)}, more than Slack is good for.",
            hint="`/splat upload NAME` gives you a page for large sets.",
        )


class SlackFiles:
    """Fetches files with a workspace's token, which no other server than Slack's gets to see."""

    def __init__(self, api_url: str, *, transport: httpx.BaseTransport | None = None) -> None:
        api = urlsplit(api_url)
        is_slack = api.hostname is None or api.hostname.split(".")[-2:] == ["slack", "com"]
        # A sandbox keeps its files itself.
        self._server = ("https", FILE_SERVER) if is_slack else (api.scheme, api.netloc)
        self._transport = transport

    def fetch(self, file: DroppedFile, target: Path, token: str | None) -> None:
        """Write a file to the disk, piece by piece.

        Raises NotFetched when it can not be had, and httpx.HTTPError when it may be later.
        """
        with self._answer(file, token) as answer, target.open("wb") as disk:
            left = file.size
            for piece in answer.iter_bytes():
                left -= len(piece)
                if left < 0:
                    raise NotFetched(f"`{file.name}` is larger than Slack said.", hint=_AGAIN)
                disk.write(piece)
        if left:
            raise httpx.RemoteProtocolError("the file ended early")

    @contextmanager
    def _answer(self, file: DroppedFile, token: str | None) -> Iterator[httpx.Response]:
        url = urlsplit(file.url)
        if (url.scheme, url.netloc) != self._server:
            raise NotFetched(f"`{file.name}` is not on Slack's file server.", hint=_AGAIN)
        header = {"Authorization": f"Bearer {token}"}
        with (
            # Redirects are not followed: they lead to a page to log in at.
            httpx.Client(timeout=TIMEOUT, trust_env=False, transport=self._transport) as client,
            client.stream("GET", file.url, headers=header) as answer,
        ):
            if answer.status_code >= 500 or answer.status_code == 429:
                answer.raise_for_status()
            kind = answer.headers.get("content-type", "")
            if answer.status_code != 200 or kind.startswith("text/html"):
                raise NotFetched(f"Slack does not give me `{file.name}`.", hint=_SCOPE)
            yield answer


_AGAIN = "Send it again; if it stays so, `/splat upload NAME` gives you a page for it."
_SCOPE = (
    "Is it still there? If so, whoever runs the bot has to give the app the scope `files:read`."
)
