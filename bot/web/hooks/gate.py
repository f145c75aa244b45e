"""Lets in only requests that the machine of a job has signed, before anything else is done.

Whoever is not let in learns nothing: not whether a job exists, nor what was wrong.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from typing import Any

from fastapi import HTTPException, Request
from fastapi.routing import APIRoute

from bot.web.admission import ReadRequest, address_of, admitted_by, limit, read_body, too_many
from bot.web.limits import Nonces, TokenBuckets
from gpu.job.events import parse_json
from gpu.job.messages import BODY_LIMIT
from gpu.job.signing import FENCE, NONCE, TIMESTAMP, WINDOW, is_genuine, job_key

#: The form of the headers of gpu.job.signing: a nonce without a colon can not shift what is
#: signed from one field to the next, and one of fixed length takes little room.
NONCE_FORM, FENCE_FORM = r"^[0-9a-f]{32}$", r"^[0-9]{1,12}$"

#: Requests a second of one job, and at once. An agent sends about two a second.
JOB_RATE, JOB_BURST = 20.0, 40.0

#: The same for what comes from one address without a good signature.
STRANGER_RATE, STRANGER_BURST = 5.0, 20.0

#: Seconds in which a body has to be here.
PATIENCE = 10.0


class Gate:
    """Knows the machines of our jobs by their signatures, and how often each may ask.

    `secrets` are more than one while a secret is being changed. `clock` is Unix seconds.
    """

    def __init__(
        self,
        secrets: Sequence[str],
        *,
        clock: Callable[[], float] = time.time,
        patience: float = PATIENCE,
        jobs: TokenBuckets | None = None,
        strangers: TokenBuckets | None = None,
        nonces: Nonces | None = None,
    ) -> None:
        self._secrets = tuple(secrets)
        self._clock = clock
        self._patience = patience
        # An empty memory is false, as an empty list is.
        self._jobs = TokenBuckets(JOB_RATE, JOB_BURST) if jobs is None else jobs
        if strangers is None:
            strangers = TokenBuckets(STRANGER_RATE, STRANGER_BURST)
        self._strangers = strangers
        self._nonces = Nonces() if nonces is None else nonces

    async def admit(self, request: Request) -> bytes:
        """Return the body of a genuine request. Raises HTTPException: 401, 408, 413 or 429.

        What is refused counts against its address, and what is genuine never does: behind a
        proxy all have one address, and a flood from there must not lock the machines out.
        """
        try:
            body = await self._genuine(request)
        except HTTPException:
            limit(self._strangers, address_of(request), self._clock())
            raise
        limit(self._jobs, request.path_params["job"], self._clock())
        self._remember(request)
        return body

    async def _genuine(self, request: Request) -> bytes:
        job, headers = request.path_params["job"], request.headers
        fence, nonce = headers.get(FENCE, ""), headers.get(NONCE, "")
        if not re.fullmatch(FENCE_FORM, fence) or not re.fullmatch(NONCE_FORM, nonce):
            raise _unknown()
        body = await read_body(request, BODY_LIMIT, self._patience)
        keys = [job_key(secret, job, int(fence)) for secret in self._secrets]
        genuine = is_genuine(keys, headers, job, body, now=self._clock())
        if not genuine or self._nonces.has(job, nonce):
            raise _unknown()
        return body

    def _remember(self, request: Request) -> None:
        """Remember a request until its time is out of the window, which may be ahead of ours."""
        job, nonce = request.path_params["job"], request.headers[NONCE]
        until = int(request.headers[TIMESTAMP]) + WINDOW
        if not self._nonces.add(job, nonce, until=until, now=self._clock()):
            raise too_many(WINDOW)


def signed_by(gate: Gate) -> type[APIRoute]:
    """Return the kind of route whose requests have passed a gate before FastAPI reads them."""
    return admitted_by(gate.admit, _SignedRequest)


class _SignedRequest(ReadRequest):
    """A request whose body was read. It is JSON: the signature vouches for it, not a header."""

    def __init__(self, request: Request, body: bytes) -> None:
        super().__init__(request, body)
        others = [pair for pair in request.scope["headers"] if pair[0] != b"content-type"]
        headers = [*others, (b"content-type", b"application/json")]
        self.scope = {**request.scope, "headers": headers}

    async def json(self) -> Any:
        try:
            return parse_json(self.read_body)
        except (ValueError, RecursionError):
            raise HTTPException(422, "The body is no JSON.") from None


def _unknown() -> HTTPException:
    headers = {"WWW-Authenticate": "Splatbot"}
    return HTTPException(401, "The request is not signed by the machine of a job.", headers)
