"""Lets in only requests with a token that an operator has given to somebody."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable, Mapping

from fastapi import HTTPException, Request

from bot.core.roles import Owner
from bot.web.admission import address_of, limit, read_body
from bot.web.limits import TokenBuckets

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
            limit(self._strangers, address_of(request), self._clock())
            headers = {"WWW-Authenticate": "Bearer"}
            raise HTTPException(401, "The token is not one of ours.", headers)
        limit(self._owners, owner.name, self._clock())
        request.state.owner = owner
        return await read_body(request, BODY_LIMIT, PATIENCE)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
