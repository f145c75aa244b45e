"""Which photos there are, remembered: a bucket takes longer to list than Slack waits."""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Sequence

from bot.core.errors import UnknownDataset
from bot.core.near import nearest
from bot.storage.base import Dataset, Storage


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
        """Return a dataset's name as the storage has it.

        Raises UnknownDataset with near names, after a second look: photos may have just come.
        """
        known = _same(name, self.datasets()) or _same(name, self.refresh())
        if known is None:
            raise UnknownDataset(name, nearest(name, [dataset.name for dataset in self.datasets()]))
        return known


def _same(name: str, datasets: Sequence[Dataset]) -> str | None:
    """Return the dataset of that name, else the only one that differs in no more than its look.

    A phone writes the first letter large, and a Mac keeps an umlaut as two letters.
    """
    names = [dataset.name for dataset in datasets]
    alike = [known for known in names if _look(known) == _look(name)]
    if name in names:
        return name
    return alike[0] if len(alike) == 1 else None


def _look(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()
