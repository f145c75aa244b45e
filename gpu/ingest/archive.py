"""Unpacking a .zip that a stranger made.

Refused as a whole, before anything is written: paths that lead outside, links, passwords, and
more than the limits allow by the archive's own figures. Those figures may lie, so what really
comes out is counted as well.
"""

from __future__ import annotations

import shutil
import stat
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from gpu.errors import DiskFull
from gpu.ingest.errors import BadArchive, named
from gpu.ingest.names import is_photo, safe_name

CHUNK = 1 << 20


@dataclass(frozen=True)
class Limits:
    """What an archive may hold. Photos are compressed already: a high ratio is no photo."""

    files: int = 20_000
    file_bytes: int = 1 << 30
    bytes: int = 100 << 30
    #: Looked at only above `small_bytes`, since a plain drawing may compress well.
    ratio: int = 100
    small_bytes: int = 64 << 20


def unpack(archive: Path, folder: Path, limits: Limits | None = None) -> list[Path]:
    """Unpack the photos of `archive` into the empty `folder`; return them, sorted.

    Raises BadArchive, which says what is wrong with it; DiskFull when it would not fit.
    """
    limits = limits or Limits()
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [m for m in opened.infolist() if not m.is_dir()]
            _check(archive.name, members, limits)
            photos = [m for m in members if is_photo(m.filename)]
            if sum(m.file_size for m in photos) > shutil.disk_usage(folder).free:
                raise DiskFull
            return sorted(_extract(archive.name, opened, m, folder) for m in photos)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as damaged:
        raise BadArchive(
            f"{archive.name} is damaged: {damaged}.", hint="Make the .zip again and upload it."
        ) from damaged


def _check(name: str, members: list[zipfile.ZipInfo], limits: Limits) -> None:
    """Refuse the archive by what its directory says."""
    outside = [m.filename for m in members if safe_name(m.filename) is None or _is_link(m)]
    if outside:
        raise BadArchive(
            f"{name} holds paths that lead outside of it: {named(outside, 3)}.",
            hint="Make the .zip from a plain folder of photos.",
        )
    if any(m.flag_bits & 0x1 for m in members):
        raise BadArchive(f"{name} is locked.", hint="Make the .zip without a password.")
    size, packed = sum(m.file_size for m in members), sum(m.compress_size for m in members)
    dense = size > limits.small_bytes and size > limits.ratio * max(packed, 1)
    large = size > limits.bytes or any(m.file_size > limits.file_bytes for m in members)
    if dense or large or len(members) > limits.files:
        raise _too_much(name, len(members), size)


def _too_much(name: str, files: int, size: int) -> BadArchive:
    return BadArchive(
        f"{name} would unpack to {size / 1e6:,.0f} MB in {files} files, which is no set of photos.",
        hint="Put only the photos into the .zip; they hardly compress.",
    )


def _is_link(member: zipfile.ZipInfo) -> bool:
    return stat.S_ISLNK(member.external_attr >> 16)


def _extract(name: str, opened: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> Path:
    """Write one member; never more bytes than its directory entry promised."""
    target = folder / str(PurePosixPath(member.filename))
    target.parent.mkdir(parents=True, exist_ok=True)
    left = member.file_size
    with opened.open(member) as source, target.open("wb") as out:
        while chunk := source.read(CHUNK):
            left -= len(chunk)
            if left < 0:
                raise _too_much(name, 1, member.file_size - left)
            out.write(chunk)
    return target
