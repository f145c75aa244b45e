"""Which photos there are, remembered: a bucket takes longer to list than Slack waits."""

from __future__ import annotations

import threading
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

    def require(self, name: str) -> None:
        """Raise UnknownDataset with near names, after a second look: photos may have just come."""
        if name in _names(self.datasets()):
            return
        names = _names(self.refresh())
        if name not in names:
            raise UnknownDataset(name, nearest(name, names))


def _names(datasets: Sequence[Dataset]) -> list[str]:
    return [dataset.name for dataset in datasets]
