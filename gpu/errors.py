"""What can go wrong with the machine rather than with the photos.

SplatError (gpu.job)
├── DiskFull         nothing more can be written
└── OutOfMemory      the photos or the scene do not fit into memory
"""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

from gpu.job import SplatError

#: Below this many free bytes a program that failed for no other reason failed for this one.
NEARLY_NOTHING = 1 << 20


class DiskFull(SplatError):
    """The disk that holds the job's folder has no room left."""

    lasting = True

    def __init__(self) -> None:
        super().__init__(
            "The disk is full, so the job could not be finished.",
            hint="Free some space (or use fewer photos with `--max-views`), then start it again.",
        )


class OutOfMemory(SplatError):
    """The machine's memory does not suffice."""

    lasting = True

    def __init__(self) -> None:
        super().__init__(
            "The machine ran out of memory.",
            hint="Use fewer photos (`--max-views`) or smaller ones (`--image-size`).",
        )


def is_disk_full(error: BaseException) -> bool:
    """Say whether an error, or one that caused it, means that a disk or a quota is full."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def no_room_left(folder: Path) -> bool:
    """Say whether the disk of `folder` is full; native libraries hide the reason they fail for."""
    return shutil.disk_usage(folder).free < NEARLY_NOTHING
