"""Where photos and splats are kept: a folder of this machine, or Spaces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bot.storage.names import is_capture, is_video
from bot.storage.pieces import Pieces
from gpu.job import Source, Target
from gpu.job.captures import unread


@dataclass(frozen=True)
class Dataset:
    """Photos and videos under one name, as a user would type it. `bytes` is their size together.

    `unread` names the captures beside them that nothing here reads.
    """

    name: str
    photos: int
    bytes: int
    videos: int = 0
    unread: tuple[str, ...] = ()

    @classmethod
    def of(cls, name: str, sizes: Mapping[str, int]) -> Dataset:
        """Count a folder's photos and videos; `sizes` has the bytes of its captures by name."""
        read = {capture: size for capture, size in sizes.items() if is_capture(capture)}
        videos = sum(map(is_video, read))
        lost = tuple(unread(sizes))
        return cls(name, len(read) - videos, sum(read.values()), videos, lost)

    @property
    def is_folder(self) -> bool:
        """Whether we know what is in it; an archive nobody has opened."""
        return self.photos + self.videos > 0


class Storage(Protocol):
    """A flat store of objects under `/`-separated keys.

    Photos are read only: nothing here changes or deletes what a user uploaded. Results of job J
    live under `splats/J/`.
    """

    def datasets(self, prefix: str = "") -> Sequence[Dataset]:
        """List the datasets whose name starts with `prefix`, by name."""
        ...

    @property
    def pieces(self) -> Pieces:
        """What takes files from browsers, in pieces."""
        ...

    def photos(self, dataset: str) -> Sequence[str]:
        """List the keys of a dataset's photos, with subfolders, sorted; none of an archive."""
        ...

    def unread(self, dataset: str) -> Sequence[str]:
        """List the captures under a name that nothing here reads, with subfolders, sorted."""
        ...

    def key_of(self, address: str) -> str | None:
        """Return the key of an object or folder that an address names in this very store.

        None for an address that leads anywhere else.
        """
        ...

    def source(self, dataset: str) -> Source:
        """Say where the pipeline reads a dataset from. Raises UnknownDataset with near names."""
        ...

    def target(self, job_id: str, *, photos: bool = False) -> Target:
        """Say where the pipeline writes a job's results to, its photos only when they are to be
        published."""
        ...

    def reveal(self, job_id: str) -> None:
        """Let everybody who has the link read a job's results. Safe to repeat."""
        ...

    def put(self, key: str, data: bytes, content_type: str, *, private: bool = False) -> None:
        """Write one object; `private` keeps it from everybody but the bot."""
        ...

    def get(self, key: str) -> bytes:
        """Read one object; raises KeyError when it is not there."""
        ...

    def part(self, key: str, start: int, count: int) -> bytes:
        """Read `count` bytes of an object from `start` on, fewer at its end; raises KeyError."""
        ...

    def add(self, key: str, file: Path) -> bool:
        """Keep a user's file, private, where no other is; whole or not at all.

        False, and nothing is changed, when there is one under that key already.
        """
        ...

    def size(self, key: str) -> int | None:
        """Return an object's bytes; None when it is not there."""
        ...

    def keys(self, prefix: str) -> Sequence[str]:
        """List the keys that start with `prefix`, sorted."""
        ...

    def url(self, key: str) -> str:
        """The address at which a browser reads the object."""
        ...

    def sign_get(self, key: str, seconds: int) -> str:
        """An address at which whoever has it reads one object for a while.

        Raises StorageError when the storage is not one that other machines reach.
        """
        ...

    def sign_put(self, key: str, seconds: int) -> str:
        """An address at which whoever has it writes one object for a while. Raises StorageError."""
        ...

    def delete(self, key: str) -> None:
        """Remove one object of our own making, under `PRIVATE`; it may be gone already."""
        ...
