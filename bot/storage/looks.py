"""What can be said of photos before a job: how many, where from, how sharp. A guess, and quick.

Of some hundred photos only the first bytes are read, and of a few all. It stops when its time is
up, and says of how many it speaks. It needs Pillow; a bot without it counts, and says no more.
"""

from __future__ import annotations

import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path, PurePosixPath
from statistics import median

from bot.core.errors import SplatError
from bot.storage.base import Dataset, Storage
from bot.storage.flight import doubt_of, flight_of
from bot.storage.found import Found
from bot.storage.heads import HEAD, Head, read_head
from bot.storage.names import is_archive, is_video
from bot.storage.samples import (
    DAMAGED,
    TOGETHER,
    Sample,
    in_archive,
    in_storage,
    in_time,
    members,
    open_archive,
)
from bot.storage.sharpness import blurred, sharpness_of
from gpu.job.captures import unread

#: Photos of which the first bytes are read, in runs of so many that follow each other.
HEADS, RUN = 120, 4
#: Photos that are read as a whole, bytes of all of these together and of one, and how many of them
#: are in memory at the same time.
WHOLE, FEWEST, WHOLE_BYTES, MOST_BYTES, AT_ONCE = 24, 4, 64_000_000, 30_000_000, 2
#: Seconds for a look, and looks that are remembered.
PATIENCE, REMEMBERED = 5.0, 64
#: Decoded by nothing that a bot host has.
HEIC = (".heic", ".heif")

Clock = Callable[[], float]


class Looks:
    """Looks at a storage's datasets, and remembers what it found while they stay the same."""

    def __init__(self, storage: Storage) -> None:
        self._made = lru_cache(REMEMBERED)(partial(look_at, storage))

    def __call__(self, dataset: Dataset) -> Found | None:
        """Return what is in a dataset; None where nothing can be said, which fails nobody."""
        try:
            return self._made(dataset)
        except (SplatError, KeyError, OSError, *DAMAGED):
            return None


def look_at(storage: Storage, dataset: Dataset, clock: Clock = time.monotonic) -> Found:
    """Look at a dataset's photos in the storage, a .zip's too.

    Raises StorageError, KeyError, and DAMAGED for a .zip that is none.
    """
    until = clock() + PATIENCE
    if is_archive(dataset.name):
        with open_archive(storage, dataset.name) as archive:
            return _look_into(archive, dataset.bytes, until, clock)
    samples = in_storage(storage, dataset.name)
    there = Found(len(samples), dataset.bytes, dataset.videos, dataset.unread)
    return _look(there, samples, until, clock, TOGETHER)


def look_into_archive(file: Path, clock: Clock = time.monotonic) -> Found:
    """Look at the photos in a .zip on the disk; raises DAMAGED when it is none."""
    with zipfile.ZipFile(file) as archive:
        return _look_into(archive, file.stat().st_size, clock() + PATIENCE, clock)


def _look_into(archive: zipfile.ZipFile, size: int, until: float, clock: Clock) -> Found:
    """Look into a .zip, of which one member is read at a time."""
    names = [member.filename for member in members(archive)]
    videos, samples = sum(is_video(PurePosixPath(n).name) for n in names), in_archive(archive)
    there = Found(len(samples), size, videos, tuple(unread(names)))
    return _look(there, samples, until, clock, 1)


def _look(
    there: Found, samples: Sequence[Sample], until: float, clock: Clock, together: int
) -> Found:
    if find_spec("PIL") is None:
        return there
    runs = runs_of(len(samples))
    wanted = [i for run in runs for i in run]
    reads = [partial(_head, samples[i]) for i in wanted]
    read = dict(zip(wanted, in_time(reads, until - clock(), together), strict=True))
    known = [[head for i in run if (head := read[i]) is not None] for run in runs]
    heads = [head for run in known for head in run]
    doubt = doubt_of(heads)
    found = replace(
        there,
        looked_at=len(heads),
        gps=sum(head.place is not None for head in heads),
        doubt=doubt,
        flight=None if doubt else flight_of(known, len(samples)),
        every=_every(known),
    )
    return _opened(found, samples, until, clock, together)


def _head(sample: Sample) -> Head | None:
    return read_head(sample.read(HEAD))


def _opened(
    found: Found, samples: Sequence[Sample], until: float, clock: Clock, together: int
) -> Found:
    """Read a few photos as a whole, and say how sharp they are."""
    some = [sample for sample in samples if not sample.name.lower().endswith(HEIC)]
    usual = max(found.bytes // max(len(samples) + found.videos, 1), 1)
    count = min(max(WHOLE_BYTES // usual, FEWEST), WHOLE, len(some))
    chosen = [some[i * len(some) // count] for i in range(count)]
    tried = in_time([partial(_sharp, s) for s in chosen], until - clock(), min(together, AT_ONCE))
    got = {s.name: each.sharpness for s, each in zip(chosen, tried, strict=True) if each}
    return replace(
        found,
        opened=len(got),
        blurred=blurred({name: sharp for name, sharp in got.items() if sharp is not None}),
        unreadable=tuple(name for name, sharp in got.items() if sharp is None),
    )


@dataclass(frozen=True)
class _Opened:
    """A photo that was opened; `sharpness` is None when it can not be read."""

    sharpness: float | None


def _sharp(sample: Sample) -> _Opened | None:
    raw = sample.read(MOST_BYTES)
    return _Opened(sharpness_of(raw)) if len(raw) < MOST_BYTES else None


def runs_of(count: int) -> list[range]:
    """Return runs of photos that follow each other, evenly spread; all of a small set."""
    if count <= HEADS:
        return [range(count)]
    runs = HEADS // RUN
    starts = (round(i * (count - RUN) / (runs - 1)) for i in range(runs))
    return [range(start, start + RUN) for start in starts]


def _every(runs: Sequence[Sequence[Head]]) -> float | None:
    """Return the usual seconds between photos; None where they do not say, or not in order."""
    times = [[head.taken for head in run if head.taken is not None] for run in runs]
    gaps = [b - a for run in times for a, b in pairwise(run)]
    return median(gaps) if len(gaps) > 1 and median(gaps) > 0 else None
