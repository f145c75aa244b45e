"""Lets in only requests with a token that an operator has given to somebody."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import math
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect

from bot.core.roles import Owner
from bot.web.hooks.limits import TokenBuckets

#: Bytes of a body, and seconds in which it has to be here.
BODY_LIMIT, PATIENCE = 16 * 1024, 10.0

#: Requests a second of one owner, and at once; and of an address without a good token.
OWNER_RATE, OWNER_BURST = 5.0, 20.0
STRANGER_RATE, STRANGER_BURST = 1.0, 10.0


class Keys:
    """Whose a token is. Only digests are kept, and all of them are compared each time."""

    def __init__(self, owners: Mapping[str, Owner]) -> None:
        """`owners` by token."""
        self._owners = [(_digest(token), owner) for token, owner in owners.items()]

    def owner(self, token: str) -> Owner | None:
        """Return whose a token is, in a time that says nothing of how near a wrong one is."""
        found, given = None, _digest(token)
        for digest, owner in self._owners:
            if hmac.compare_digest(digest, given):
                found = owner
        return found


class KeyGate:
    """Says who asks, and how often they may. `clock` is in seconds, and never set back."""

    def __init__(
        self,
        keys: Keys,
        *,
        clock: Callable[[], float] = time.monotonic,
        owners: TokenBuckets | None = None,
        strangers: TokenBuckets | None = None,
    ) -> None:
        self._keys = keys
        self._clock = clock
        # An empty memory is false, as an empty list is.
        self._owners = TokenBuckets(OWNER_RATE, OWNER_BURST) if owners is None else owners
        if strangers is None:
            strangers = TokenBuckets(STRANGER_RATE, STRANGER_BURST)
        self._strangers = strangers

    async def admit(self, request: Request) -> bytes:
        """Note who asks in the request's state, and return its body.

        Raises HTTPException: 400, 401, 408, 413 or 429.
        """
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        owner = self._keys.owner(token.strip()) if scheme.lower() == "bearer" else None
        if owner is None:
            self._limit(self._strangers, request.client.host if request.client else "")
            headers = {"WWW-Authenticate": "Bearer"}
            raise HTTPException(401, "The token is not one of ours.", headers)
        self._limit(self._owners, owner.name)
        request.state.owner = owner
        return await _body(request)

    def _limit(self, buckets: TokenBuckets, who: str) -> None:
        seconds = buckets.take(who, self._clock())
        if seconds:
            again = {"Retry-After": str(math.ceil(seconds))}
            raise HTTPException(429, "Too many requests.", again)


def admitted_by(gate: KeyGate) -> type[APIRoute]:
    """Return the kind of route whose requests have passed a gate before FastAPI reads them."""

    class AdmittedRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def admitted(request: Request) -> Response:
                body = await gate.admit(request)
                try:
                    return await handle(_ReadRequest(request, body))
                except RequestValidationError as wrong:
                    # FastAPI's own answer repeats the input, which it can not always write.
                    raise HTTPException(422, _sentence(wrong)) from None

            return admitted

    return AdmittedRoute


class _ReadRequest(Request):
    """A request whose body was read."""

    def __init__(self, request: Request, body: bytes) -> None:
        super().__init__(request.scope)
        self._read = body

    async def body(self) -> bytes:
        return self._read


async def _body(request: Request) -> bytes:
    """Read a body of BODY_LIMIT at most, as long as it comes in time."""
    body = bytearray()
    try:
        async with asyncio.timeout(PATIENCE):
            async for part in request.stream():
                body += part
                if len(body) > BODY_LIMIT:
                    raise HTTPException(413, f"The body is larger than {BODY_LIMIT} bytes.")
    except TimeoutError:
        raise HTTPException(408, "The body did not come in time.") from None
    except ClientDisconnect:
        raise HTTPException(400, "The body is not whole.") from None
    return bytes(body)


def _sentence(wrong: RequestValidationError) -> str:
    """Name the field that is wrong, and how."""
    first = wrong.errors()[0]
    place = ".".join(map(str, first["loc"]))
    return f"{place}: {first['msg']}"[:300].encode("ascii", "backslashreplace").decode()


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
