"""Where a splat is looked at."""

from __future__ import annotations

from urllib.parse import quote

from bot.core.jobs import Job
from bot.storage.base import Storage
from bot.storage.names import RESULTS
from gpu.job.paths import MANIFEST

#: What stands between the bot's own address and a scene's.
VIEWER = "/viewer/?manifest="


def viewer_url(public_url: str, manifest: str) -> str:
    """Return the address of the bot's viewer with a scene, by its manifest's address."""
    return f"{public_url.rstrip('/')}{VIEWER}{quote(manifest, safe='')}"


def preview_url(job: Job, storage: Storage, public_url: str) -> str:
    """Return where a scene can be seen that is not finished; empty where there is none."""
    if not job.metrics.get("preview"):
        return ""
    return viewer_url(public_url, storage.url(f"{RESULTS}/{job.id}/{MANIFEST}"))
