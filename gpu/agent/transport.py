"""HTTP with the standard library: a connection that is kept, and limits to everything.

A time-out of a socket starts again with every byte. So that a server which sends one byte now and
then can not hold us for ever, a timer cuts a connection whose answer is not whole in time.
"""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import Message
from typing import BinaryIO
from urllib.parse import SplitResult, urlsplit

#: Bytes of an answer at most. An assignment names every photo with a presigned URL.
ANSWER_LIMIT = 32 << 20

#: What is sent: bytes, or a file whose length is in the headers.
Body = bytes | BinaryIO


class Unreachable(Exception):
    """No whole answer came. Says why, and never to which address: that may be a secret."""


class Dropped(Unreachable):
    """The server had closed a connection that was kept; on a new one it may well answer."""


@dataclass(frozen=True)
class Limits:
    """Seconds for one step of a connection, and for a whole request with its answer."""

    step: float = 10.0
    total: float = 30.0


@dataclass(frozen=True)
class Response:
    """A whole answer, whatever its status."""

    status: int
    headers: Message
    body: bytes

    @property
    def is_good(self) -> bool:
        return 200 <= self.status < 300


class Transport:
    """Requests to one server, one after the other, on one connection as long as that lives."""

    def __init__(self, server: str, limits: Limits = Limits()) -> None:
        self._connection = _connection(urlsplit(server), limits.step)
        self._limits = limits

    def request(
        self, method: str, target: str, body: Body = b"", headers: Mapping[str, str] | None = None
    ) -> Response:
        """Send one request. Raises Unreachable, and Dropped when it is worth the same again."""
        kept = self._connection.sock is not None
        try:
            with self._limited():
                self._connection.request(method, target, body or None, dict(headers or {}))
                return self._response()
        except ConnectionError as wrong:
            self.close()
            raise (Dropped if kept else Unreachable)(_reason(wrong)) from None
        except (OSError, http.client.HTTPException, ValueError) as wrong:
            self.close()
            raise Unreachable(_reason(wrong)) from None

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        self._connection.close()

    def _response(self) -> Response:
        answer = self._connection.getresponse()
        body = answer.read(ANSWER_LIMIT + 1)
        if len(body) > ANSWER_LIMIT:
            raise ValueError("too long an answer")
        if answer.length:  # less came than was announced
            raise http.client.IncompleteRead(b"")
        return Response(answer.status, answer.headers, body)

    @contextmanager
    def _limited(self) -> Iterator[None]:
        timer = threading.Timer(self._limits.total, self._cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _cut(self) -> None:
        with suppress(OSError, AttributeError):  # it may be closed, or not be open yet
            self._connection.sock.shutdown(socket.SHUT_RDWR)


def request_once(
    method: str,
    url: str,
    body: Body = b"",
    headers: Mapping[str, str] | None = None,
    limits: Limits = Limits(),
) -> Response:
    """Send one request to an address on a connection of its own. Raises Unreachable."""
    try:
        transport, target = Transport(url, limits), target_of(url)
    except ValueError:
        raise Unreachable("the address is none") from None
    try:
        return transport.request(method, target, body, headers)
    finally:
        transport.close()


def target_of(url: str) -> str:
    """Return what of an address is said to its server: the path and the query."""
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _connection(parts: SplitResult, seconds: float) -> http.client.HTTPConnection:
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("neither http nor https")
    if parts.scheme == "https":
        return http.client.HTTPSConnection(parts.hostname, parts.port, timeout=seconds)
    return http.client.HTTPConnection(parts.hostname, parts.port, timeout=seconds)


def _reason(wrong: Exception) -> str:
    return type(wrong).__name__
