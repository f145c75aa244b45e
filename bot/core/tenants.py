"""What each workspace has given the bot, sealed: the ledger keeps it and can not read it."""

from __future__ import annotations

from collections.abc import Callable

from bot.core.database import LedgerFile


class Tenants:
    """One sealed text for each workspace. Whoever has the key is not in the ledger."""

    def __init__(self, file: LedgerFile, clock: Callable[[], float]) -> None:
        self._file = file
        self._clock = clock

    def put(self, team: str, sealed: str) -> None:
        """Keep a workspace's text instead of the one before."""
        with self._file.writing() as db:
            sql = "INSERT OR REPLACE INTO tenants (team, sealed, changed_at) VALUES (?, ?, ?)"
            db.execute(sql, (team, sealed, self._clock()))

    def get(self, team: str) -> str | None:
        """Return a workspace's text; None when there is none."""
        sql = "SELECT sealed FROM tenants WHERE team = ?"
        row = self._file.connection().execute(sql, (team,)).fetchone()
        return str(row["sealed"]) if row else None

    def remove(self, team: str) -> None:
        """Forget a workspace."""
        with self._file.writing() as db:
            db.execute("DELETE FROM tenants WHERE team = ?", (team,))

    def teams(self) -> list[str]:
        """Return the workspaces of which there is something, by name."""
        rows = self._file.connection().execute("SELECT team FROM tenants ORDER BY team")
        return [str(row["team"]) for row in rows]
