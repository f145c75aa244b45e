"""The nearest names, for people who mistyped one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, names: Iterable[str], count: int = 3) -> list[str]:
    """Return up to `count` of `names` that look like `name`, best first, whatever the case.

    A name is also near when its last part alone matches: people forget the folder.
    """
    by_key: dict[str, str] = {}
    for known in names:
        by_key.setdefault(known.lower(), known)
        by_key.setdefault(known.lower().rsplit("/", 1)[-1], known)
    found = difflib.get_close_matches(name.lower(), by_key, n=2 * count, cutoff=0.5)
    return list(dict.fromkeys(by_key[key] for key in found))[:count]
