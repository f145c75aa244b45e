"""What a program may ask for: a job, where it stands, its end, and its model."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Header, HTTPException, Path, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.security import HTTPBearer

from bot.core.desk import Desk
from bot.core.errors import (
    BudgetSpent,
    NotAllowed,
    SplatError,
    StorageError,
    UnknownJob,
)
from bot.core.jobs import Job, State
from bot.core.orders import Order, invalid
from bot.core.roles import Owner
from bot.storage.base import Storage
from bot.storage.names import result_key
from bot.web.admission import admitted_by, sentence
from bot.web.api.gate import KeyGate
from bot.web.api.models import JobStatus, Problem
from gpu.job import InvalidValue
from gpu.job.choices import JOB_ID
from gpu.job.paths import CAMERAS, MANIFEST, METRICS, PLY, SOG, SPLAT, SPZ, THUMBNAIL

Result = TypeVar("Result")

#: Seconds for which the address of a model is good.
MODEL_SECONDS = 600

#: Seconds after which to ask again when the bot could not do what it should.
AGAIN = 5


class Model(StrEnum):
    """What there is to download."""

    SPLAT = "splat"
    PLY = "ply"
    SOG = "sog"
    SPZ = "spz"
    MANIFEST = "manifest"
    METRICS = "metrics"
    THUMBNAIL = "thumbnail"
    CAMERAS = "cameras"


FILES = {
    Model.SPLAT: SPLAT, Model.PLY: PLY, Model.SOG: SOG, Model.SPZ: SPZ, Model.MANIFEST: MANIFEST,
    Model.METRICS: METRICS, Model.THUMBNAIL: THUMBNAIL, Model.CAMERAS: CAMERAS,
}  # fmt: skip

JobId = Annotated[str, Path(pattern=f"^{JOB_ID.pattern}$")]
IdempotencyKey = Annotated[
    str | None,
    Header(
        pattern=r"^[!-~]{1,200}$",
        description="the same key again is the same order, and answered with the same job",
    ),
]


def _owner(request: Request) -> Owner:
    """Say who asks: the gate has found out."""
    owner: Owner = request.state.owner
    return owner


Caller = Annotated[Owner, Depends(_owner)]


def api_router(desk: Desk, storage: Storage, gate: KeyGate) -> APIRouter:
    """Return the routes under `/api/jobs`."""
    router = APIRouter(
        prefix="/api/jobs", tags=["jobs"], route_class=admitted_by(gate.admit, say=_words),
        responses=_PROBLEMS, dependencies=[Depends(HTTPBearer(auto_error=False))],
    )  # fmt: skip

    @router.post("", status_code=202)
    def order(
        caller: Caller, order: Order, response: Response, idempotency_key: IdempotencyKey = None
    ) -> JobStatus:
        """Order a job. It is queued, if the order may be and can be; see `Location`."""
        asked = order.request(caller, f"api:{caller.name}:{idempotency_key or _once()}")
        job = _answered(lambda: desk.start(asked))
        if not desk.is_of(job, asked):
            raise HTTPException(422, "The Idempotency-Key was another order's.")
        response.headers["Location"] = f"/api/jobs/{job.id}"
        return _status(desk, job)

    @router.get("")
    def jobs(caller: Caller) -> list[JobStatus]:
        """The newest jobs, of whomever they are, the newest first."""
        return _answered(lambda: [_status(desk, job) for job in desk.ledger.jobs(limit=50)])

    @router.get("/{job}")
    def status(caller: Caller, job: JobId) -> JobStatus:
        """Where a job stands."""
        return _answered(lambda: _status(desk, desk.ledger.job(job)))

    @router.delete("/{job}", status_code=202)
    def cancel(caller: Caller, job: JobId) -> JobStatus:
        """Stop a job. One that is over is answered as it is."""
        return _answered(lambda: _status(desk, desk.cancel(job, caller.name)))

    @router.get("/{job}/{model}", status_code=307, response_class=RedirectResponse)
    def download(caller: Caller, job: JobId, model: Model) -> RedirectResponse:
        """A job's model, or what belongs to it: the address is good for ten minutes."""
        found = _answered(lambda: desk.ledger.job(job))
        if found.state is not State.SUCCEEDED:
            raise HTTPException(409, f"The job {found.state.told}: there is no {model} of it.")
        return RedirectResponse(_address(storage, result_key(job, FILES[model])))

    return router


def _words(wrong: RequestValidationError) -> str:
    """Say what is wrong with an order in Slack's words, and with anything else where it is."""
    first = wrong.errors()[0]
    where, *field = first["loc"]
    if where != "body" or first["type"] == "json_invalid":
        return sentence(wrong)
    return str(invalid({**first, "loc": field}))


def _address(storage: Storage, key: str) -> str:
    try:
        return storage.sign_get(key, MODEL_SECONDS)
    except StorageError:  # the bot's own disk: it serves results itself
        return storage.url(key)


def _status(desk: Desk, job: Job) -> JobStatus:
    position, cost = desk.ledger.queue_position(job.id), desk.ledger.machines.spent(job=job.id)
    return JobStatus.of(job, position=position, cost=cost)


def _answered(do: Callable[[], Result]) -> Result:
    """Return what the front desk answers; a refusal becomes the status that means it."""
    try:
        return do()
    except SplatError as wrong:
        raise _refusal(wrong) from None
    except sqlite3.Error:
        raise _again("The ledger is busy.") from None


def _refusal(wrong: SplatError) -> HTTPException:
    if isinstance(wrong, StorageError):
        return _again(str(wrong))
    kinds: list[tuple[type[SplatError], int]] = [
        (NotAllowed, 403), (UnknownJob, 404), (BudgetSpent, 409), (InvalidValue, 422),
    ]  # fmt: skip
    status = next((status for kind, status in kinds if isinstance(wrong, kind)), 422)
    return HTTPException(status, str(wrong).encode("utf-8", "backslashreplace").decode())


def _again(why: str) -> HTTPException:
    return HTTPException(503, why, {"Retry-After": str(AGAIN)})


def _once() -> str:
    return secrets.token_hex(16)


_RETRY = {"Retry-After": {"description": "seconds to wait", "schema": {"type": "integer"}}}

_PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: {"model": Problem, "description": "The connection was closed before its body was whole"},
    401: {
        "model": Problem,
        "description": "No token, or none of ours",
        "headers": {"WWW-Authenticate": {"schema": {"type": "string"}}},
    },
    403: {"model": Problem, "description": "Whoever has the token may not start jobs"},
    404: {"model": Problem, "description": "There is no such job"},
    408: {"model": Problem, "description": "The body did not come in time"},
    409: {"model": Problem, "description": "Not as things stand: no model yet, no budget left"},
    413: {"model": Problem, "description": "The body is larger than 16 KiB"},
    422: {"model": Problem, "description": "Not what this document describes; nothing was started"},
    429: {"model": Problem, "description": "Too many requests", "headers": _RETRY},
    503: {"model": Problem, "description": "Not now; ask again", "headers": _RETRY},
}
