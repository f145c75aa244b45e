"""Whether photos can be listed, results written, and browsers may read them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import httpx

from bot.core.config import Settings
from bot.core.errors import StorageError
from bot.core.rounds import Finding
from bot.storage.base import Storage
from bot.storage.names import PRIVATE

PROBE = f"{PRIVATE}/doctor/probe.txt"
CONTENT = b"Written by `splatbot doctor`. Safe to delete.\n"

_RIGHTS = (
    "Check SPACES_BUCKET, SPACES_REGION, SPACES_KEY and SPACES_SECRET; the key needs the right to"
    " read, write and delete."
)


def findings(storage: Storage, settings: Settings, http: httpx.Client) -> Iterator[Finding]:
    """List, write, read and delete, and read as a browser would."""
    where = f"The bucket {settings.spaces.bucket}" if settings.spaces else f"{settings.store}"
    acts: dict[str, Callable[[], object]] = {
        "listed": storage.datasets,
        "written": lambda: storage.put(PROBE, CONTENT, "text/plain", private=True),
        "read": lambda: _read(storage),
    }
    if settings.spaces:
        origin = _origin(settings.public_url)
        acts["read by browsers"] = lambda: _read_elsewhere(storage, origin, http)
    acts["deleted from"] = lambda: storage.delete(PROBE)
    for what, act in acts.items():
        try:
            act()
        except (StorageError, KeyError, OSError, httpx.HTTPError) as wrong:
            yield Finding(False, f"{where} can not be {what}: {_reason(wrong)}", _remedy(wrong))
            if what != "read by browsers":
                return
    yield Finding(True, f"{where} can be {', '.join(acts)}.")


class _ClosedToBrowsers(StorageError):
    """The bucket's CORS rules do not let the viewer's page read it."""


def _read(storage: Storage) -> None:
    if storage.get(PROBE) != CONTENT:
        raise StorageError("what was read is not what was written.")


def _read_elsewhere(storage: Storage, origin: str, http: httpx.Client) -> None:
    """Read by a presigned address, as the viewer's page does: from another origin."""
    answer = http.get(storage.sign_get(PROBE, 60), headers={"Origin": origin})
    answer.raise_for_status()
    if answer.headers.get("access-control-allow-origin") not in {"*", origin}:
        raise _ClosedToBrowsers(
            f"its CORS rules do not name {origin}.",
            hint=f"Allow GET from {origin} in the bucket's CORS rules (the operator's guide).",
        )


def _reason(wrong: Exception) -> str:
    """Say what is wrong, without an address: it may be a presigned one."""
    return wrong.user_message if isinstance(wrong, StorageError) else f"{type(wrong).__name__}."


def _remedy(wrong: Exception) -> str:
    if isinstance(wrong, _ClosedToBrowsers):
        return wrong.hint
    return (
        "Check SPLATBOT_DATA: its disk, and its rights." if isinstance(wrong, OSError) else _RIGHTS
    )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
