"""The page on which people upload many photos, and what it asks.

    GET  /upload/#<seal>             the page; what stands after # is sent to no server
    GET  /api/uploads                what the seal is for, and what is there
    POST /api/uploads/files          {"name", "size"} -> where it stands: which pieces are missing
    POST /api/uploads/pieces         {"name", "number"} -> {"url"}: where to PUT a piece
    PUT  /api/uploads/pieces/<n>     a piece, where the store is a folder of the bot's
    POST /api/uploads/finished       {"name", "size"}: the file is complete
    POST /api/uploads/done           offer a job in Slack

Every request carries the seal: `Authorization: Bearer <seal>`. It is one person's, for one
dataset, and for a while.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Header, HTTPException, Request
from pydantic import BaseModel, Field

from bot.core.drops import DATASETS
from bot.core.errors import NotAllowed, SplatError, StorageError
from bot.core.ledger import Ledger
from bot.core.seals import Seals
from bot.storage.base import Storage
from bot.storage.names import is_archive, is_capture, safe_name
from bot.storage.pieces import PIECE
from bot.storage.s3_pieces import S3Pieces

log = logging.getLogger(__name__)

STATIC = Path(__file__).parent / "upload" / "static"

#: Seconds for which a link is good.
LIFETIME = 2 * 24 * 3600.0

#: Bytes of one file, and files of one dataset.
MOST_BYTES, MOST_FILES = 20_000_000_000, 5_000

#: The page loads nothing from elsewhere; it sends to the bucket, whose address varies.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:;"
    " connect-src 'self' https: http://127.0.0.1:*; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)


class File(BaseModel):
    """A file that somebody wants to send."""

    name: Annotated[str, Field(max_length=400)]
    size: Annotated[int, Field(ge=1, le=MOST_BYTES)]


class Piece(BaseModel):
    """A piece of a file."""

    name: Annotated[str, Field(max_length=400)]
    number: Annotated[int, Field(ge=1, le=10_000)]


@dataclass(frozen=True)
class Invitation:
    """What a seal says: whose it is, and for which dataset."""

    seal: str
    says: Mapping[str, Any]

    @property
    def dataset(self) -> str:
        """The folder of the dataset."""
        return f"{DATASETS}/{self.says['name']}"

    def key(self, name: str) -> str:
        """The key of a file; raises HTTPException when nothing could be made of it."""
        safe = safe_name(name)
        if not (is_capture(safe) or is_archive(safe)):
            raise HTTPException(415, "Only photos, videos and .zip files can be used.")
        return f"{self.dataset}/{safe}"


class Uploads:
    """Invites people to upload, and takes what they send."""

    def __init__(self, storage: Storage, ledger: Ledger, seals: Seals, public_url: str) -> None:
        self._storage = storage
        self._ledger = ledger
        self._seals = seals
        self._public_url = public_url.rstrip("/")
        self._is_open = False

    def invite(self, name: str, team: str, channel: str, user: str) -> str:
        """Return the link of one person for one dataset."""
        says = {"name": name, "team": team, "channel": channel, "user": user}
        return f"{self._public_url}/upload/#{self._seals.seal(says, LIFETIME)}"

    def router(self) -> APIRouter:
        """Return the routes of the page."""
        router = APIRouter(prefix="/api/uploads", include_in_schema=False)
        # A default and no annotation: FastAPI can not read one that names a variable of here.
        invited = Depends(self._invitation)

        @router.get("")
        def session(who: Invitation = invited) -> dict[str, Any]:
            self._open()
            return {"dataset": who.dataset, "expires": who.says["exp"], "piece": PIECE,
                    "files": self._names(who), "most": MOST_FILES}  # fmt: skip

        @router.post("/files")
        def begin(file: File, who: Invitation = invited) -> dict[str, Any]:
            return self._begin(who, file)

        @router.post("/pieces")
        def where(piece: Piece, who: Invitation = invited) -> dict[str, str]:
            key = who.key(piece.name)
            pieces = self._storage.pieces
            return {"url": pieces.address(key, pieces.begin(key), piece.number)}

        @router.put("/pieces/{number}")
        async def write(
            number: int, name: str, request: Request, who: Invitation = invited
        ) -> dict[str, bool]:
            return await self._write(who, Piece(name=name, number=number), request)

        @router.post("/finished")
        def finished(file: File, who: Invitation = invited) -> dict[str, bool]:
            return self._finish(who, file)

        @router.post("/done")
        def done(who: Invitation = invited) -> dict[str, Any]:
            return self._done(who)

        return router

    def _invitation(self, authorization: Annotated[str, Header()] = "") -> Invitation:
        seal = authorization.removeprefix("Bearer ")
        try:
            return Invitation(seal, self._seals.open(seal))
        except NotAllowed as wrong:
            raise HTTPException(403, f"{wrong} Type /splat upload in Slack.") from None

    def _open(self) -> None:
        """Let our page write to the bucket, once; without that right the operator does it."""
        pieces = self._storage.pieces
        if self._is_open or not isinstance(pieces, S3Pieces):
            return
        parts = urlsplit(self._public_url)
        try:
            pieces.let_in(f"{parts.scheme}://{parts.netloc}")
            self._is_open = True
        except StorageError as refused:
            log.warning("browsers may not be let into the bucket: %s", refused)

    def _names(self, who: Invitation) -> list[str]:
        prefix = f"{who.dataset}/"
        return [key.removeprefix(prefix) for key in self._storage.keys(prefix)]

    def _begin(self, who: Invitation, file: File) -> dict[str, Any]:
        key = who.key(file.name)
        known = self._storage.size(key)
        if known == file.size:
            return {"done": True, "there": []}
        if known is not None:
            raise HTTPException(409, "Another file of that name is there already. Rename yours.")
        there = self._storage.pieces.there(key, self._storage.pieces.begin(key))
        whole = [n for n, size in there.items() if size == _bytes_of(n, file.size)]
        return {"done": False, "there": sorted(whole)}

    async def _write(self, who: Invitation, piece: Piece, request: Request) -> dict[str, bool]:
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > PIECE:
                raise HTTPException(413, "This piece is too large.")
        key, pieces = who.key(piece.name), self._storage.pieces
        pieces.write(key, pieces.begin(key), piece.number, bytes(body))
        return {"done": True}

    def _finish(self, who: Invitation, file: File) -> dict[str, bool]:
        key, pieces = who.key(file.name), self._storage.pieces
        if self._storage.size(key) == file.size:
            return {"done": True}  # said twice
        upload = pieces.begin(key)
        there = pieces.there(key, upload)
        if sum(there.values()) != file.size or len(there) != _count(file.size):
            raise HTTPException(409, "Pieces are missing. Send the file again.")
        if self._storage.size(key) is not None or not pieces.finish(key, upload):
            raise HTTPException(409, "Another file of that name is there already. Rename yours.")
        return {"done": True}

    def _done(self, who: Invitation) -> dict[str, Any]:
        names, says = self._names(who), who.says
        archives = [name for name in names if is_archive(name)]
        only = len(archives) == 1 and not any(map(is_capture, names))
        try:
            self._ledger.drops.add(
                key=f"upload:{who.seal[-24:]}:{len(names)}", team=says["team"],
                channel=says["channel"], user=says["user"],
                dataset=f"{who.dataset}/{archives[0]}" if only else who.dataset,
            )  # fmt: skip
        except SplatError as wrong:
            raise HTTPException(503, str(wrong)) from None
        return {"done": True, "dataset": who.dataset, "files": len(names)}


def _count(size: int) -> int:
    return -(-size // PIECE)


def _bytes_of(number: int, size: int) -> int:
    return min(PIECE, size - (number - 1) * PIECE)
