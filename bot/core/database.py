"""One SQLite file, a connection per thread, and transactions that wait instead of failing."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlite_utils import Database

from bot.core.schema import migrate

#: Seconds that a writer waits for another one. Our transactions take milliseconds.
BUSY_SECONDS = 20.0


class LedgerFile:
    """Opens the ledger's file; every thread gets a connection of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._turn = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        database = self.connection()
        database.execute("PRAGMA journal_mode = WAL")
        migrate(database)

    def connection(self) -> Database:
        """Return this thread's connection, in autocommit mode."""
        if not hasattr(self._local, "database"):
            raw = sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None)
            raw.row_factory = sqlite3.Row
            raw.execute("PRAGMA foreign_keys = ON")
            raw.execute("PRAGMA synchronous = FULL")
            self._local.database = Database(raw)
        database: Database = self._local.database
        return database

    @contextmanager
    def writing(self) -> Iterator[Database]:
        """A write transaction that takes the lock first.

        `BEGIN IMMEDIATE`: a deferred transaction that starts by reading dies at once with
        "database is locked" when another writer was faster, whatever the timeout says. Our own
        threads take turns before: SQLite would have them sleep, longer every time, and look again.
        """
        with self._turn, self._transaction() as database:
            yield database

    @contextmanager
    def _transaction(self) -> Iterator[Database]:
        database = self.connection()
        database.execute("BEGIN IMMEDIATE")
        try:
            yield database
            database.execute("COMMIT")
        except BaseException:
            if database.conn.in_transaction:  # a full disk makes SQLite roll back by itself
                database.execute("ROLLBACK")
            raise
