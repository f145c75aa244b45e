"""Where the splats of jobs are, in the ledger: it is known by the bot's address at that time."""

from __future__ import annotations

from bot.core.database import LedgerFile
from bot.core.viewer import VIEWER, viewer_url


class Links:
    """The addresses of all splats and of their manifests."""

    def __init__(self, file: LedgerFile) -> None:
        self._file = file

    def move_to(self, public_url: str) -> None:
        """Have all links lead to where the bot is now, wherever it was when it made them.

        A manifest that the bot serves itself moves along; one in a bucket stays where it is.
        """
        here = public_url.rstrip("/")
        made = self._file.connection().execute(
            "SELECT id, viewer_url, manifest_url FROM jobs WHERE viewer_url != ''"
        )
        before = [(row, row["viewer_url"].partition(VIEWER)[0]) for row in made]
        moved = [(row, there) for row, there in before if there != here]
        if not moved:
            return
        with self._file.writing() as db:
            for row, there in moved:
                manifest = row["manifest_url"]
                if manifest.startswith(f"{there}/files/"):
                    manifest = here + manifest.removeprefix(there)
                db.execute(
                    "UPDATE jobs SET viewer_url = ?, manifest_url = ? WHERE id = ?",
                    (viewer_url(here, manifest), manifest, row["id"]),
                )
