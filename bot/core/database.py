"""One SQLite file, a connection per thread, and transactions that wait instead of failing."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from bot.core.schema import migrate

#: Seconds that a writer waits for another one. Our transactions take milliseconds.
BUSY_SECONDS = 20.0


def insert(db: Database, table: str, row: Mapping[str, Any]) -> None:
    """Add a row, inside a transaction.

    Whoever else writes waits meanwhile: sqlite-utils' `insert` asks which columns and keys
    the table has, in a savepoint of its own, and a job is entered half a millisecond later.
    """
    columns, marks = ", ".join(f'"{name}"' for name in row), ", ".join("?" * len(row))
    sql = f"INSERT INTO {table} ({columns}) VALUES ({marks})"  # noqa: S608 - names are ours
    db.execute(sql, tuple(row.values()))


def update_job(db: Database, job_id: str, **changes: Any) -> None:
    """Change a job and raise its version, so that whoever shows it shows it anew.

    Inside a transaction. The names of `changes` are columns of ours.
    """
    columns = "".join(f"{name} = ?, " for name in changes)
    db.execute(
        f"UPDATE jobs SET {columns}version = version + 1 WHERE id = ?",  # noqa: S608
        (*changes.values(), job_id),
    )


class LedgerFile:
    """Opens the ledger's file; every thread gets a connection of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._turn = threading.Lock()
        self._disk = Disk(path.with_name(f"{path.name}-wal"))
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
            raw.execute("PRAGMA synchronous = NORMAL")  # `writing` waits for the disk itself
            self._local.database = Database(raw)
        database: Database = self._local.database
        return database

    @contextmanager
    def writing(self) -> Iterator[Database]:
        """A write transaction that takes the lock first.

        `BEGIN IMMEDIATE`: a deferred transaction that starts by reading dies at once with
        "database is locked" when another writer was faster, whatever the timeout says. Our own
        threads take turns before: SQLite would have them sleep, longer every time, and look again.

        What was written is on the disk when this returns. Raises sqlite3.OperationalError when it
        may not be.
        """
        with self._turn, self._transaction() as database:
            yield database
        self._disk.wait()

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


class Disk:
    """Waits until commits are on the disk; those who wait at the same time share one wait.

    With `synchronous = FULL` SQLite syncs its log at each commit while the other writers wait for
    their turn: of ten jobs ordered at once, the last one waits for the disk ten times. With NORMAL
    it leaves that out (sqlite.org/pragma.html#pragma_synchronous), and it is done here, for all
    that are waiting, while others write. The log only grows until it is copied, which syncs it:
    whatever is on the disk has all before it there too.
    """

    def __init__(self, log: Path) -> None:
        self._log = log
        self._turn = threading.Lock()
        self._commits = self._synced = 0
        self._counting = threading.Lock()

    def wait(self) -> None:
        """Return when all that this thread has committed is on the disk."""
        with self._counting:
            self._commits += 1
            mine = self._commits
        with self._turn:
            if self._synced >= mine:  # by the one before, who began after our commit
                return
            until = self._commits
            self._sync()
            self._synced = until

    def _sync(self) -> None:
        try:
            log = os.open(self._log, os.O_RDONLY)
        except FileNotFoundError:  # a connection that was the last one has copied and removed it
            return
        try:
            os.fdatasync(log)
        except OSError as lost:
            raise sqlite3.OperationalError("disk I/O error") from lost
        finally:
            os.close(log)
