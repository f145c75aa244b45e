"""Serves the local store to browsers: splats and their manifests, not the photos of others."""

from __future__ import annotations

import mimetypes

from fastapi import APIRouter, HTTPException, Response
from fastapi.responses import FileResponse

from bot.storage.local import LocalStorage
from bot.storage.names import RESULTS
from gpu.job import InvalidValue

#: Results never change under their name; only the manifest is looked at again.
_CACHE = {".json": "no-cache"}


def files_router(storage: LocalStorage) -> APIRouter:
    """Return the route `/files/<key>`, with ranges (Starlette) and for every origin to read."""
    router = APIRouter()

    @router.api_route("/files/{key:path}", methods=["GET", "HEAD"], include_in_schema=False)
    def read(key: str) -> Response:
        try:
            path = storage.path(key)
        except InvalidValue:
            raise HTTPException(404) from None
        inside = path.resolve().is_relative_to((storage.root / RESULTS).resolve())
        if not inside or not path.is_file():
            raise HTTPException(404)
        headers = {
            "Access-Control-Allow-Origin": "*",
            "Cache-Control": _CACHE.get(path.suffix, "public, max-age=31536000, immutable"),
            "X-Content-Type-Options": "nosniff",
        }
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        return FileResponse(path, media_type=kind, headers=headers)

    return router
