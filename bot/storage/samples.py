"""Photos to be looked at, wherever they are: in a storage, or in a .zip in it or on the disk.

Only the bytes that are wanted are read, several files at a time, and no longer than allowed.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import TypeVar

from bot.storage.base import Storage
from bot.storage.heads import HEAD
from bot.storage.names import is_photo
from gpu.job.captures import is_hidden

T = TypeVar("T")

#: Reads at the same time.
TOGETHER = 8
#: What Python's zipfile raises for a file that is no whole .zip, or one that it can not read.
DAMAGED = (zipfile.BadZipFile, RuntimeError, NotImplementedError, ValueError, EOFError)


@dataclass(frozen=True)
class Sample:
    """One photo; `read` returns its first bytes, as many as are asked for."""

    name: str
    read: Callable[[int], bytes]


def in_storage(storage: Storage, dataset: str) -> list[Sample]:
    """Return a folder's photos."""
    return [
        Sample(PurePosixPath(key).name, partial(storage.part, key, 0))
        for key in storage.photos(dataset)
    ]


def in_archive(archive: zipfile.ZipFile) -> list[Sample]:
    """Return the photos in an open .zip."""
    return [Sample(m.filename, partial(_member, archive, m)) for m in members(archive) if _is(m)]


def members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Return an archive's files without those that a Mac adds."""
    return [m for m in archive.infolist() if not is_hidden(PurePosixPath(m.filename))]


def _is(member: zipfile.ZipInfo) -> bool:
    return is_photo(PurePosixPath(member.filename).name)


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, count: int) -> bytes:
    with archive.open(member) as content:
        return content.read(count)


class Ranged(io.RawIOBase):
    """An object of a storage as a file that can be read anywhere; each read is one request."""

    def __init__(self, storage: Storage, key: str, size: int) -> None:
        self._storage, self._key, self._size = storage, key, size
        self._at = 0

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def seekable(self) -> bool:
        """Say that it can be read anywhere."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go on elsewhere."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(base + offset, 0)
        return self._at

    def tell(self) -> int:
        """Return where it is read next."""
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill a buffer as far as the object goes."""
        count = min(len(buffer), self._size - self._at)
        part = self._storage.part(self._key, self._at, count) if count > 0 else b""
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)


def open_archive(storage: Storage, key: str) -> zipfile.ZipFile:
    """Open a .zip in a storage; its directory, and then its members, are read by ranges.

    Raises KeyError, StorageError, and DAMAGED when it is none.
    """
    size = storage.size(key)
    if size is None:
        raise KeyError(key)
    return zipfile.ZipFile(io.BufferedReader(Ranged(storage, key, size), HEAD))


def in_time(jobs: Sequence[Callable[[], T]], seconds: float, together: int) -> list[T | None]:
    """Do what can be done in some seconds; None for what was not, or failed in any way."""
    pool = ThreadPoolExecutor(together, thread_name_prefix="looks")
    try:
        futures = [pool.submit(job) for job in jobs]
        done, _ = wait(futures, max(seconds, 0.0))
        return [f.result() if f in done and not f.exception() else None for f in futures]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
