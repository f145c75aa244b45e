"""The job's folder on this machine: private, and of one attempt alone."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from gpu.agent.config import Config
from gpu.job import JobPaths

OWNER = "attempt"


def enter(config: Config) -> JobPaths:
    """Return the job's folder, which is made if need be.

    What another attempt left there is removed: a machine may start from a copy of one that had a
    job before. Raises OSError.
    """
    ours, marker = f"{config.job} {config.fence}", config.folder / OWNER
    found = marker.read_text(encoding="utf-8") if marker.exists() else None
    if found == ours:
        return JobPaths(config.folder)  # nothing is written: the disk may be full by now
    if found is not None:
        shutil.rmtree(config.folder)
    config.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write(marker, ours)
    return JobPaths(config.folder)


def write(file: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    partial = file.with_name(f".{file.name}.partial")
    with open(partial, "w", encoding="utf-8", opener=_private) as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    partial.replace(file)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
