"""One bot for one folder: two would tell each other's news and end each other's jobs."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path

from bot.core.errors import SplatError

#: Held by whoever works on a folder; says what that is, and where.
LOCK = "bot.lock"


@contextmanager
def kept(data: Path, who: str, *, together: bool = False) -> Iterator[None]:
    """Keep other bots off a folder, and off the ledger in it.

    `who` is what works there now: "demo is running already, at http://…". Bots that are `together`
    let each other in, since they settle through their bucket which of them acts: a new version
    starts beside the old one. Raises SplatError where there is one that does not go with this one,
    and where there can be no such folder.
    """
    with _open(data) as lock:
        try:
            # It ends with the process at last.
            fcntl.flock(lock, (fcntl.LOCK_SH if together else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise SplatError(
                f"A {lock.read().decode() or 'bot is running already'}, with its files in {data}.",
                hint="End it, or set SPLATBOT_DATA to another folder for this one.",
            ) from None
        with suppress(OSError):  # a full disk: it is held all the same
            lock.truncate(0)
            lock.write(who.encode())
        yield


def _open(data: Path) -> FileIO:
    try:
        data.mkdir(parents=True, exist_ok=True)
        return (data / LOCK).open("ab+", buffering=0)
    except OSError as wrong:
        raise SplatError(
            f"The bot's files can not be kept in {data}: {wrong.strerror}.",
            hint="Make room there, or set SPLATBOT_DATA to a folder that it may write to.",
        ) from wrong
