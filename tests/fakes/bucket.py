"""A bucket in memory, as consistent as S3: what was put is seen by whoever looks next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from bot.core.errors import StorageError


class Bucket:
    """The part of `Storage` that the ledger needs. `silent` makes every call fail."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.silent = False

    def put(self, key: str, data: bytes, content_type: str, *, private: bool = False) -> None:
        assert private
        self.call(lambda: self.objects.update({key: data}))

    def get(self, key: str) -> bytes:
        return self.call(lambda: self.objects[key])

    def keys(self, prefix: str) -> Sequence[str]:
        return self.call(lambda: sorted(key for key in self.objects if key.startswith(prefix)))

    def delete(self, key: str) -> None:
        self.call(lambda: self.objects.pop(key, None))

    def call(self, effect: Callable[[], Any]) -> Any:
        if self.silent:
            raise StorageError("The bucket did not answer.", hint="Try again.")
        return effect()
