"""Where a splat is looked at."""

from __future__ import annotations

from urllib.parse import quote

from bot.core.database import LedgerFile
from bot.core.jobs import Job
from bot.storage.base import Storage
from bot.storage.names import RESULTS
from gpu.job.paths import MANIFEST

#: What stands between the bot's own address and a scene's.
_VIEWER = "/viewer/?manifest="


def viewer_url(public_url: str, manifest: str) -> str:
    """Return the address of the bot's viewer with a scene, by its manifest's address."""
    return f"{public_url.rstrip('/')}{_VIEWER}{quote(manifest, safe='')}"


def preview_url(job: Job, storage: Storage, public_url: str) -> str:
    """Return where a scene can be seen that is not finished; empty where there is none."""
    if not job.metrics.get("preview"):
        return ""
    return viewer_url(public_url, storage.url(f"{RESULTS}/{job.id}/{MANIFEST}"))


def move_links(ledger: LedgerFile, public_url: str) -> None:
    """Have the links of all splats lead to where the bot is now, wherever it was when it made them.

    A manifest that the bot serves itself moves along; one in a bucket stays where it is.
    """
    here = public_url.rstrip("/")
    made = ledger.connection().execute(
        "SELECT id, viewer_url, manifest_url FROM jobs WHERE viewer_url != ''"
    )
    before = [(row, row["viewer_url"].partition(_VIEWER)[0]) for row in made]
    moved = [(row, there) for row, there in before if there != here]
    if not moved:
        return
    with ledger.writing() as db:
        for row, there in moved:
            manifest = row["manifest_url"]
            if manifest.startswith(f"{there}/files/"):
                manifest = here + manifest.removeprefix(there)
            db.execute(
                "UPDATE jobs SET viewer_url = ?, manifest_url = ? WHERE id = ?",
                (viewer_url(here, manifest), manifest, row["id"]),
            )
