"""Brings the ledger back from the bucket, when a bot begins on a disk that does not have it."""

from __future__ import annotations

import gzip
import logging
import os
import sqlite3
import zlib
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from bot.core.errors import UnreadableLedger
from bot.core.schema import MIGRATIONS
from bot.core.snapshots import FOLDER, Snapshot, newest_first
from bot.storage.base import Storage

log = logging.getLogger(__name__)


def restore(storage: Storage, ledger: Path, generation: str) -> Snapshot | None:
    """Have the newest ledger at `ledger`, for the bot of a generation; return what was restored.

    A ledger that is there stays, unless a later bot has worked on a copy of it since: then a copy
    of it is kept beside. Raises StorageError when the bucket does not answer, and UnreadableLedger
    when it has snapshots but none that can be read: no bot begins with an empty ledger by mistake.
    Also when the disk does not take the ledger.
    """
    try:
        return _restore(storage, ledger, generation)
    except OSError as wrong:
        raise UnreadableLedger(
            f"The ledger can not be kept in {ledger.parent}: {wrong.strerror}.",
            hint="Set SPLATBOT_DATA to a folder with room that the bot may write to.",
        ) from None


def _restore(storage: Storage, ledger: Path, generation: str) -> Snapshot | None:
    ledger.parent.mkdir(parents=True, exist_ok=True)
    known = newest_first(storage)
    if ledger.exists():
        known = [each for each in known if each.generation > _last_user(ledger)]
    restored = None
    if known:
        part = _beside(ledger, ".part")
        restored = _fetch(storage, known, part)
        (_update if ledger.exists() else _create)(ledger, part)
        log.info("the ledger was restored from %s", restored.key)
    _note_user(ledger, generation)
    return restored


def _fetch(storage: Storage, snapshots: Sequence[Snapshot], part: Path) -> Snapshot:
    """Write the newest snapshot that is whole to a file."""
    for snapshot in snapshots:
        try:
            data = gzip.decompress(storage.get(snapshot.key))
        except (KeyError, EOFError, gzip.BadGzipFile, zlib.error):
            log.warning("the snapshot %s is damaged; the one before is tried", snapshot.key)
            continue
        _write(part, data)
        if _is_whole(part, snapshot):
            return snapshot
        log.warning("the snapshot %s is no whole ledger; the one before is tried", snapshot.key)
    part.unlink(missing_ok=True)
    raise UnreadableLedger(
        f"The bucket has {len(snapshots)} snapshots of the ledger, and none can be read.",
        hint=f"Repair one under {FOLDER}, or move all elsewhere to begin with an empty ledger.",
    )


def _is_whole(part: Path, snapshot: Snapshot) -> bool:
    """Whether a file is a ledger without damage; raises UnreadableLedger for one of a later bot."""
    try:
        with closing(sqlite3.connect(part)) as database:
            (found,) = database.execute("PRAGMA integrity_check").fetchone()
            (version,) = database.execute("PRAGMA user_version").fetchone()
    except sqlite3.DatabaseError:
        return False
    if version > len(MIGRATIONS):
        part.unlink()
        raise UnreadableLedger(
            f"The ledger in {snapshot.key} was written by a later version of the bot.",
            hint="Deploy that version, or a later one.",
        )
    return bool(found == "ok" and version > 0)


def _create(ledger: Path, part: Path) -> None:
    """Put a ledger where none is. A log of one that was there is no part of it: it goes aside."""
    for suffix in ("-wal", "-shm"):
        left = _beside(ledger, suffix)
        if left.exists():
            left.replace(_beside(ledger, f".lost{suffix}"))
    part.replace(ledger)


def _update(ledger: Path, part: Path) -> None:
    """Give an outdated ledger the content of a newer one, after a copy of it was put beside.

    Through SQLite, not by renaming: this process may still have connections to the file, and the
    last one that closes would delete the newer ledger's log.
    """
    with closing(sqlite3.connect(ledger)) as old, closing(sqlite3.connect(part)) as new:
        with closing(sqlite3.connect(_beside(ledger, f".{_last_user(ledger)}"))) as aside:
            old.backup(aside)
        new.backup(old)
    part.unlink()


def _last_user(ledger: Path) -> str:
    """Return the generation that used a ledger last; `none`, above all numbers, if none did.

    Such a ledger is of before there were generations, or an operator has put it there: it stays.
    """
    try:
        return _beside(ledger, ".generation").read_text("utf-8")
    except FileNotFoundError:
        return "none"


def _note_user(ledger: Path, generation: str) -> None:
    part = _beside(ledger, ".generation.part")
    _write(part, generation.encode())
    part.replace(_beside(ledger, ".generation"))


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _beside(ledger: Path, suffix: str) -> Path:
    return ledger.with_name(ledger.name + suffix)
