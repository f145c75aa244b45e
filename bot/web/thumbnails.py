"""Small pictures of datasets, for those who choose one: made when they are asked for.

Slack fetches them like anybody else, so that their addresses are sealed: a dataset's name alone
shows nobody its photos.
"""

from __future__ import annotations

import io
import logging
from functools import lru_cache
from importlib.util import find_spec

from fastapi import APIRouter, HTTPException, Response

from bot.core.errors import NotAllowed
from bot.core.seals import Seals
from bot.storage.base import Storage

log = logging.getLogger(__name__)

#: Pixels of a side. Slack shows it with 88, on fine screens with twice as many.
SIDE = 176

#: Pixels of a photo that is opened at most, and pictures that are remembered.
MOST_PIXELS, REMEMBERED = 100_000_000, 64

#: Seconds for which an address is good.
LIFETIME = 24 * 3600.0


class Thumbnails:
    """One picture a dataset: its first photo."""

    def __init__(self, storage: Storage, seals: Seals, public_url: str) -> None:
        self._storage = storage
        self._seals = seals
        self._public_url = public_url.rstrip("/")
        self._made = lru_cache(REMEMBERED)(self._make)

    def url(self, dataset: str) -> str:
        """Where a dataset's picture is; empty without Pillow, and for an archive."""
        if dataset.lower().endswith(".zip") or find_spec("PIL") is None:
            return ""
        return f"{self._public_url}/thumbnails/{self._seals.seal({'of': dataset}, LIFETIME)}.jpg"

    def router(self) -> APIRouter:
        """Return the route that serves them."""
        router = APIRouter()

        @router.get("/thumbnails/{seal}.jpg", include_in_schema=False)
        def read(seal: str) -> Response:
            try:
                picture = self._made(self._seals.open(seal)["of"])
            except NotAllowed:
                raise HTTPException(404) from None
            except Exception as wrong:  # noqa: BLE001 - a nicety: whatever is wrong with a photo
                log.warning("no picture of a dataset: %s", type(wrong).__name__)
                raise HTTPException(404) from None
            headers = {"Cache-Control": "private, max-age=3600"}
            return Response(picture, media_type="image/jpeg", headers=headers)

        return router

    def _make(self, dataset: str) -> bytes:
        """Return a square JPEG; raises what reading and decoding raise."""
        from PIL import Image, ImageOps

        with Image.open(io.BytesIO(self._storage.get(self._storage.photos(dataset)[0]))) as photo:
            if photo.width * photo.height > MOST_PIXELS:
                raise ValueError(dataset)
            photo.draft("RGB", (2 * SIDE, 2 * SIDE))
            square = ImageOps.fit(ImageOps.exif_transpose(photo).convert("RGB"), (SIDE, SIDE))
        made = io.BytesIO()
        square.save(made, format="JPEG", quality=85)
        return made.getvalue()
