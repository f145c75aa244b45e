"""Files that arrive in pieces: a browser sends each by itself, and goes on where it stopped.

Pieces are numbered from 1, as in S3, and all but the last have PIECE bytes. A file appears in the
store whole, and only where no other is.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from bot.storage.names import PRIVATE

#: Bytes of a piece: S3 takes no smaller ones, and 10,000 of them, so that 80 GB fit.
PIECE = 8 << 20

#: Seconds for which an address takes a piece.
LIFETIME = 3600


class Pieces(Protocol):
    """What a storage does for uploads."""

    def begin(self, key: str) -> str:
        """Return the number of the upload to a key: the unfinished one, else a new one."""
        ...

    def there(self, key: str, upload: str) -> Mapping[int, int]:
        """Return the bytes of every piece that has arrived."""
        ...

    def address(self, key: str, upload: str, number: int) -> str:
        """Where a browser puts a piece; empty when it is the bot itself."""
        ...

    def write(self, key: str, upload: str, number: int, data: bytes) -> None:
        """Keep a piece that came to the bot itself."""
        ...

    def finish(self, key: str, upload: str) -> bool:
        """Make the file of its pieces; False when another is there by now."""
        ...


class LocalPieces:
    """Pieces as files under the bot's own part of the store."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def begin(self, key: str) -> str:
        """Return the folder's name; it follows from the key."""
        upload = hashlib.sha256(key.encode()).hexdigest()[:32]
        self._folder(upload).mkdir(parents=True, exist_ok=True)
        return upload

    def there(self, key: str, upload: str) -> Mapping[int, int]:
        """Return the bytes of every piece that has arrived."""
        files = self._folder(upload).glob("[0-9]*")
        return {int(file.name): file.stat().st_size for file in files}

    def address(self, key: str, upload: str, number: int) -> str:
        """Return nothing: the bot takes pieces itself."""
        return ""

    def write(self, key: str, upload: str, number: int, data: bytes) -> None:
        """Keep a piece, whole or not at all."""
        folder = self._folder(upload)
        descriptor, temporary = tempfile.mkstemp(dir=folder, prefix=".")
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        Path(temporary).replace(folder / str(number))

    def finish(self, key: str, upload: str) -> bool:
        """Join the pieces. The file takes nobody's place."""
        folder, target = self._folder(upload), self._root / key
        whole = folder / ".whole"
        with whole.open("wb") as joined:
            for number in sorted(self.there(key, upload)):
                with (folder / str(number)).open("rb") as piece:
                    shutil.copyfileobj(piece, joined)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(whole, target)
        except FileExistsError:
            return False
        shutil.rmtree(folder)
        return True

    def _folder(self, upload: str) -> Path:
        # Below the hidden part of the store, in which nobody looks for photos.
        return self._root / PRIVATE / "uploads" / Path(upload).name
