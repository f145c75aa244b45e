"""What the gates of machines and orders share: bounds of a body, how often, how to refuse."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect

from bot.web.limits import TokenBuckets

#: Returns the body of a request that may come in. Raises HTTPException for the others.
Admit = Callable[[Request], Awaitable[bytes]]

#: Characters of an answer that says what is wrong with a body.
SENTENCE = 300


class ReadRequest(Request):
    """A request whose body was read."""

    def __init__(self, request: Request, body: bytes) -> None:
        super().__init__(request.scope)
        self.read_body = body

    async def body(self) -> bytes:
        return self.read_body


def sentence(wrong: RequestValidationError) -> str:
    """Name the field that is wrong, and how."""
    first = wrong.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']}"


def admitted_by(
    admit: Admit,
    read: type[ReadRequest] = ReadRequest,
    say: Callable[[RequestValidationError], str] = sentence,
) -> type[APIRoute]:
    """Return the kind of route whose requests have passed a gate before FastAPI reads them.

    `say` what is wrong with one that FastAPI can not read.
    """

    class AdmittedRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def admitted(request: Request) -> Response:
                body = await admit(request)
                try:
                    return await handle(read(request, body))
                except RequestValidationError as wrong:
                    # FastAPI's own answer repeats the input, which it can not always write.
                    raise HTTPException(422, _writable(say(wrong))) from None

            return admitted

    return AdmittedRoute


async def read_body(request: Request, limit: int, patience: float) -> bytes:
    """Read a body of `limit` bytes at most that comes within `patience` seconds.

    Raises HTTPException: 400 when it breaks off, 408 when it is late, 413 when it is too large.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(patience):
            async for part in request.stream():
                body += part
                if len(body) > limit:
                    raise HTTPException(413, f"The body is larger than {limit} bytes.")
    except TimeoutError:
        raise HTTPException(408, "The body did not come in time.") from None
    except ClientDisconnect:
        raise HTTPException(400, "The body is not whole.") from None
    return bytes(body)


def limit(buckets: TokenBuckets, who: str, now: float) -> None:
    """Count a request. Raises HTTPException 429 when it is one too many."""
    seconds = buckets.take(who, now)
    if seconds:
        raise too_many(seconds)


def too_many(seconds: float) -> HTTPException:
    """Return the refusal of what may be asked again after some seconds."""
    return HTTPException(429, "Too many requests.", {"Retry-After": str(math.ceil(seconds))})


def address_of(request: Request) -> str:
    """Return where a request came from."""
    return request.client.host if request.client else ""


def _writable(text: str) -> str:
    return text[:SENTENCE].encode("ascii", "backslashreplace").decode()
