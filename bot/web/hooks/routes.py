"""The three things that a job's machine asks for: its work, its uploads, and to be heard."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, HTTPException, Path

from bot.core.assignments import assignment
from bot.core.config import DropletSettings
from bot.core.errors import SplatError, StorageError
from bot.core.jobs import Job
from bot.core.ledger import Ledger
from bot.core.limits import DEADLINE
from bot.storage.base import Storage
from bot.storage.names import result_key
from bot.web.hooks.commits import GroupCommit, Overloaded
from bot.web.hooks.gate import FENCE_FORM, NONCE_FORM, Gate, signed_by
from bot.web.hooks.models import (
    JOB_FORM,
    Nothing,
    Problem,
    ReportBody,
    Uploads,
    UploadsBody,
)
from bot.web.hooks.reports import Delivery, Reports, awaited
from gpu.job.messages import EVENTS, LOG, Answer, Assignment, may_upload
from gpu.job.signing import FENCE, NONCE, SIGNATURE, TIMESTAMP

#: Seconds for which an address to write to is good.
UPLOAD_SECONDS = 3600

#: Seconds after which a machine should ask again when the bot could not do what it should.
AGAIN = 5

#: What may still be written once a job is over.
FAREWELLS = (LOG, EVENTS)


@dataclass(frozen=True)
class Caller:
    """Who has signed a request: the machine of one attempt of a job."""

    job: str
    fence: int


async def _caller(
    job: Annotated[str, Path(pattern=JOB_FORM)],
    fence: Annotated[str, Header(alias=FENCE, pattern=FENCE_FORM)],
    timestamp: Annotated[str, Header(alias=TIMESTAMP, description="Unix time in seconds")],
    nonce: Annotated[str, Header(alias=NONCE, pattern=NONCE_FORM)],
    signature: Annotated[str, Header(alias=SIGNATURE, description="see gpu.job.signing")],
) -> Caller:
    """Say who asks. The gate has checked all of it; here it is named for OpenAPI."""
    return Caller(job, int(fence))


Signed = Annotated[Caller, Depends(_caller)]


def hooks_router(
    ledger: Ledger,
    storage: Storage,
    gate: Gate,
    *,
    wake: Callable[[], object],
    droplets: DropletSettings | None = None,
) -> APIRouter:
    """Return the routes under `/hooks/jobs/<job>`. `wake` has the dispatcher look at once."""
    router = APIRouter(
        prefix="/hooks/jobs/{job}", tags=["machines"], route_class=signed_by(gate),
        responses=_PROBLEMS,
    )  # fmt: skip
    commits = GroupCommit(Reports(ledger, wake).take)

    @router.post("/spec")
    def spec(caller: Signed, nothing: Nothing) -> Assignment:
        """What the machine has to do, with addresses that were signed just now."""
        job = _awaited(ledger, caller)
        if job.is_over:
            raise HTTPException(410, _NOBODY)
        self_destruct = _self_destruct(job, droplets)
        try:
            return assignment(job, storage, seconds=DEADLINE, self_destruct=self_destruct)
        except SplatError as wrong:
            raise _refusal(wrong) from None

    @router.post("/uploads")
    def uploads(caller: Signed, asked: UploadsBody) -> Uploads:
        """Addresses to write files to, good for an hour."""
        _check_names(_awaited(ledger, caller), asked.names)
        keys = {name: result_key(caller.job, name) for name in asked.names}
        try:
            return Uploads(urls={n: storage.sign_put(k, UPLOAD_SECONDS) for n, k in keys.items()})
        except SplatError as wrong:
            raise _refusal(wrong) from None

    @router.post("/report")
    async def report(caller: Signed, said: ReportBody) -> Answer:
        """Events and a heartbeat. The answer is given once they are on the disk."""
        try:
            answer = await commits.submit(_delivery(caller, said))
        except (sqlite3.Error, Overloaded):
            raise _again("The ledger is busy.") from None
        if answer is None:
            raise HTTPException(410, _NOBODY)
        return answer

    return router


def _delivery(caller: Caller, said: ReportBody) -> Delivery:
    events = tuple(event.event() for event in said.events)
    if any((event.job, event.attempt) != (caller.job, caller.fence) for event in events):
        raise HTTPException(422, "An event is of another job or attempt than the one that signed.")
    return Delivery(caller.job, caller.fence, events, said.figures, said.leaving)


def _awaited(ledger: Ledger, caller: Caller) -> Job:
    try:
        job = awaited(ledger, caller.job, caller.fence)
    except sqlite3.Error:
        raise _again("The ledger is busy.") from None
    if job is None:
        raise HTTPException(410, _NOBODY)
    return job


def _check_names(job: Job, names: list[str]) -> None:
    if wrong := [name for name in names if not may_upload(name)]:
        raise HTTPException(422, f"A machine may not write {_list(wrong)}.")
    if job.is_over and (late := [name for name in names if name not in FAREWELLS]):
        raise HTTPException(409, f"The job is over: nobody waits for {_list(late)}.")


def _list(names: list[str]) -> str:
    return ", ".join(names).encode("ascii", "backslashreplace").decode()


def _self_destruct(job: Job, droplets: DropletSettings | None) -> Mapping[str, str] | None:
    """Return the token that the operator may have opted in to, for the job's own droplet.

    A droplet whose number the bot is still looking for is asked to come again.
    """
    if droplets is None or not droplets.self_destruct_token:
        return None
    droplet = (job.handle or {}).get("droplet_id")
    if not droplet:
        raise _again("The droplet's number is not known yet.")
    url = f"{droplets.api_url}/v2/droplets/{droplet}"
    return {"url": url, "token": droplets.self_destruct_token}


def _refusal(wrong: SplatError) -> HTTPException:
    return _again(str(wrong)) if isinstance(wrong, StorageError) else HTTPException(409, str(wrong))


def _again(why: str) -> HTTPException:
    return HTTPException(503, why, {"Retry-After": str(AGAIN)})


_NOBODY = "Nobody waits for this attempt of the job: the machine has nothing more to do."

_RETRY = {"Retry-After": {"description": "seconds to wait", "schema": {"type": "integer"}}}

_PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: {"model": Problem, "description": "The connection was closed before its body was whole"},
    401: {
        "model": Problem,
        "description": "Not signed with the job's key within five minutes, or said before",
        "headers": {"WWW-Authenticate": {"schema": {"type": "string"}}},
    },
    408: {"model": Problem, "description": "The body did not come in time"},
    409: {"model": Problem, "description": "The job does not allow it: its photos or it are gone"},
    410: {"model": Problem, "description": "Nobody waits for this attempt of the job any more"},
    413: {"model": Problem, "description": "The body is larger than 64 KiB"},
    422: {"model": Problem, "description": "Not what this document describes; nothing was written"},
    429: {"model": Problem, "description": "Too many requests", "headers": _RETRY},
    503: {"model": Problem, "description": "Not now; ask again", "headers": _RETRY},
}
