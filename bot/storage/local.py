"""Storage in a folder of this machine."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from bot.core.errors import StorageError, UnknownDataset
from bot.core.near import nearest
from bot.storage.base import Dataset
from bot.storage.names import RESULTS, check_private, is_archive, is_capture, is_photo, is_set
from bot.storage.pieces import LocalPieces, Pieces
from gpu.job import InvalidValue, Source, Target
from gpu.job.captures import kind_unread, unread

_NEEDS_BUCKET = "Droplets need a bucket: set SPACES_BUCKET, SPACES_KEY and SPACES_SECRET."


class LocalStorage:
    """Objects are files under `root`; a browser reads them through the bot at `/files/<key>`."""

    def __init__(self, root: Path, public_url: str) -> None:
        self.root = root.absolute()
        self._public_url = public_url.rstrip("/")
        self.root.mkdir(parents=True, exist_ok=True)

    @property
    def pieces(self) -> Pieces:
        """What takes files from browsers, in pieces."""
        return LocalPieces(self.root)

    def path(self, key: str) -> Path:
        """Return the file of a key. Raises InvalidValue when the key leads outside."""
        parts = PurePosixPath(key).parts
        if not parts or key.startswith("/") or ".." in parts or "\0" in key:
            raise InvalidValue("key", key, "a relative path without '..'")
        return self.root / key

    def datasets(self, prefix: str = "") -> Sequence[Dataset]:
        """List folders that directly hold photos or videos, and .zip files."""
        found = (self._dataset(folder, names) for folder, names in self._folders())
        return sorted(
            (d for group in found for d in group if d.name.startswith(prefix)), key=lambda d: d.name
        )

    def photos(self, dataset: str) -> Sequence[str]:
        """List the keys of a dataset's photos, with subfolders, sorted; none of an archive."""
        every = self._folders(self.path(dataset))
        folders = [(folder, names) for folder, names in every if is_set(folder.as_posix())]
        files = sorted(f / name for f, names in folders for name in filter(is_photo, names))
        return [file.relative_to(self.root).as_posix() for file in files]

    def unread(self, dataset: str) -> Sequence[str]:
        """List the captures under a name that nothing here reads, with subfolders, sorted."""
        try:
            top = self.path(dataset)
        except InvalidValue:
            return []
        files = (Path(folder, name) for folder, names in self._folders(top) for name in names)
        return unread(file.relative_to(top).as_posix() for file in files)

    def key_of(self, address: str) -> str | None:
        """Return None: no address leads to a dataset on this machine's disk."""
        return None

    def source(self, dataset: str) -> Source:
        """Return the folder or .zip of a dataset. Raises UnknownDataset with near names."""
        names = [known.name for known in self.datasets()]
        if not any(name == dataset or name.startswith(f"{dataset}/") for name in names):
            raise UnknownDataset(dataset, nearest(dataset, names))
        return Source(path=str(self.path(dataset)))

    def target(self, job_id: str, *, photos: bool = False) -> Target:
        """Return the folder of a job's results, whatever they are."""
        return Target(path=str(self.path(f"{RESULTS}/{job_id}")))

    def reveal(self, job_id: str) -> None:
        """Do nothing: the bot serves every result anyway."""

    def put(self, key: str, data: bytes, content_type: str, *, private: bool = False) -> None:
        """Write one object; a reader sees the old one or the new one, never half of it."""
        target = self.path(key)
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=".")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            Path(temporary).replace(target)
        finally:
            Path(temporary).unlink(missing_ok=True)  # left when the disk was full

    def add(self, key: str, file: Path) -> bool:
        """Keep a user's file, where no other is. False when there is one already."""
        target = self.path(key)
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".") as folder:
            copy = Path(shutil.copyfile(file, Path(folder) / "file"))
            try:
                os.link(copy, target)  # unlike a rename it never takes another's place
            except FileExistsError:
                return False
        return True

    def size(self, key: str) -> int | None:
        """Return an object's bytes; None when it is not there."""
        path = self.path(key)
        return path.stat().st_size if path.is_file() else None

    def get(self, key: str) -> bytes:
        """Read one object; raises KeyError when it is not there."""
        try:
            return self.path(key).read_bytes()
        except (FileNotFoundError, IsADirectoryError):
            raise KeyError(key) from None

    def part(self, key: str, start: int, count: int) -> bytes:
        """Read some bytes of one object; raises KeyError when it is not there."""
        try:
            with self.path(key).open("rb") as file:
                file.seek(start)
                return file.read(count)
        except (FileNotFoundError, IsADirectoryError):
            raise KeyError(key) from None

    def keys(self, prefix: str) -> Sequence[str]:
        """List the keys that start with `prefix`, sorted."""
        files = (path for path in self.root.rglob("*") if path.is_file())
        keys = (path.relative_to(self.root).as_posix() for path in files)
        return sorted(key for key in keys if key.startswith(prefix))

    def url(self, key: str) -> str:
        """Return the address at which the bot serves an object."""
        return f"{self._public_url}/files/{quote(key)}"

    def sign_get(self, key: str, seconds: int) -> str:
        """Raise StorageError: no other machine reads this one's disk."""
        raise StorageError("Photos and results are on the bot's own disk.", hint=_NEEDS_BUCKET)

    def sign_put(self, key: str, seconds: int) -> str:
        """Raise StorageError, as sign_get."""
        return self.sign_get(key, seconds)

    def delete(self, key: str) -> None:
        """Remove one object of ours. What a user uploaded is never removed: InvalidValue."""
        check_private(key)
        self.path(key).unlink(missing_ok=True)

    def _folders(self, top: Path | None = None) -> Iterator[tuple[Path, list[str]]]:
        """Walk the store, into linked folders too: photos may stay where they are."""
        for folder, subfolders, names in os.walk(top or self.root, followlinks=True):
            hidden = [s for s in subfolders if s.startswith((".", "__MACOSX"))]
            results = [RESULTS] if Path(folder) == self.root else []
            loops = [s for s in subfolders if _leads_back(Path(folder, s))]
            subfolders[:] = sorted(set(subfolders) - {*hidden, *results, *loops})
            yield Path(folder), names

    def _dataset(self, folder: Path, names: Sequence[str]) -> Iterator[Dataset]:
        key = folder.relative_to(self.root)
        captures = (name for name in names if is_capture(name) or kind_unread(name))
        found = Dataset.of(key.as_posix(), _sizes(folder, captures))
        if found.is_folder and folder != self.root and is_set(found.name):
            yield found
        for name, size in _sizes(folder, filter(is_archive, names)).items():
            yield Dataset((key / name).as_posix(), 0, size)


def _sizes(folder: Path, names: Iterable[str]) -> dict[str, int]:
    """Return the bytes of every file that is there: one may vanish, or be a link to nowhere."""
    sizes = {}
    for name in names:
        with contextlib.suppress(FileNotFoundError):
            sizes[name] = (folder / name).stat().st_size
    return sizes


def _leads_back(folder: Path) -> bool:
    """Whether a linked folder holds itself, so that a walk into it would not end."""
    return folder.is_symlink() and folder.parent.resolve().is_relative_to(folder.resolve())
