"""Which photos there are, remembered: a bucket takes longer to list than Slack waits."""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Iterator, Sequence

from bot.core.errors import NothingReadable, UnknownDataset
from bot.core.near import nearest
from bot.storage.base import Dataset, Storage
from gpu.job.captures import left_out
from gpu.job.public import check_address, is_address


class Catalogue:
    """The storage's datasets as of the last look. `refresh` is called every so often."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._lock = threading.Lock()
        self._known: Sequence[Dataset] | None = None

    def refresh(self) -> Sequence[Dataset]:
        """Look again; this may take a second or two."""
        with self._lock:
            self._known = self._storage.datasets()
            return self._known

    def datasets(self, prefix: str = "") -> Sequence[Dataset]:
        """List the datasets whose name starts with `prefix`, as of the last look."""
        known = self.refresh() if self._known is None else self._known
        return [dataset for dataset in known if dataset.name.startswith(prefix)]

    def require(self, name: str) -> str:
        """Return a dataset's name as the storage has it, or the address of a stranger's .zip.

        An address of the storage itself is as good as the name. Raises UnknownDataset with near
        names, after a second look, since photos may have just come; NothingReadable where there is
        something else; InvalidValue for an address that may not be.
        """
        if is_address(name):
            key = self._storage.key_of(name)
            if key is None:
                return check_address(name)
            name = key.strip("/")
        place = name.strip("/")
        known = _same(place, self.datasets()) or _same(place, self.refresh())
        if known is None:
            if lost := left_out(self._storage.unread(place)):
                raise NothingReadable(place, lost)
            raise UnknownDataset(name, nearest(name, [dataset.name for dataset in self.datasets()]))
        return known

    def find(self, name: str) -> Dataset:
        """Return what `require` has named, with all that is in its subfolders.

        Of a stranger's .zip nothing is known here.
        """
        parts = [d for d in self.datasets() if d.name == name or d.name.startswith(f"{name}/")]
        whole = [d for d in parts if d.is_folder] or parts
        photos, videos = sum(d.photos for d in whole), sum(d.videos for d in whole)
        lost = tuple(file for d in whole for file in d.unread)
        return Dataset(name, photos, sum(d.bytes for d in whole), videos, lost)


def _same(name: str, datasets: Sequence[Dataset]) -> str | None:
    """Return the dataset of that name, else the only one that differs in no more than its look.

    A phone writes the first letter large, and a Mac keeps an umlaut as two letters.
    """
    names = dict.fromkeys(known for dataset in datasets for known in _names(dataset))
    alike = [known for known in names if _look(known) == _look(name)]
    if name in names:
        return name
    return alike[0] if len(alike) == 1 else None


def _names(dataset: Dataset) -> Iterator[str]:
    """Yield a dataset's own name, and those of the folders above it, as a camera's card has them.

    Not that of the folder at the top, such as `datasets`: that is a shelf of many people's photos.
    """
    yield dataset.name
    folders = dataset.name.split("/")[:-1] if dataset.is_folder else []
    yield from ("/".join(folders[:depth]) for depth in range(2, len(folders) + 1))


def _look(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()
