"""A look at a .zip that a person named by its address: is it there, and how large is it?"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx

from bot.core.errors import SplatError
from gpu.job.public_client import public_client

#: Seconds for a connection and for the beginning of an answer, and for which a person waits.
TIMEOUT, PATIENCE = httpx.Timeout(5.0), 1.5

#: Looks at the same time; slow servers hold up nobody but each other.
TOGETHER = 4

#: Answers after which the same question may be answered well: too early, too often, too slow.
PASSING = {408, 425, 429}


class NotThere(SplatError):
    """There is no such file, or it is not for everybody."""

    lasting = True


class Strangers:
    """Asks strangers' servers, of which none gets to know anything of ours."""

    def __init__(self, client: Callable[[], httpx.Client] = lambda: public_client(TIMEOUT)) -> None:
        self._client = client
        self._threads = ThreadPoolExecutor(TOGETHER, thread_name_prefix="strangers")

    def look(self, address: str) -> int | None:
        """Return the bytes of a file; None when its server does not say, or not now.

        Raises NotThere, and NotPublic when the address, or where it leads, is not public.
        """
        try:
            with self._client() as client, client.stream("GET", address) as answer:
                status, size = answer.status_code, answer.headers.get("Content-Length", "")
        except (httpx.HTTPError, httpx.InvalidURL):
            return None  # whoever fetches it tries more than once, and says what is wrong
        if 400 <= status < 500 and status not in PASSING:
            raise NotThere(
                f"{urlsplit(address).hostname} answers {status} to that address.",
                hint="Check it in a browser where you are not signed in.",
            )
        return int(size) if size.isdecimal() and status < 400 else None

    def glance(self, address: str) -> int | None:
        """Do the same for a person who waits: None as well when it takes too long."""
        looking: Future[int | None] = self._threads.submit(self.look, address)
        try:
            return looking.result(PATIENCE)
        except TimeoutError:
            return None
