"""Unpacking a .zip that a stranger made.

Refused as a whole, before anything is written: paths that lead outside, links, passwords, and
more than the limits allow by the archive's own figures. Those figures may lie, so what really
comes out is counted as well. A .zip inside it is held to what its parents have left.
"""

from __future__ import annotations

import shutil
import stat
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path

from gpu.errors import DiskFull
from gpu.ingest.errors import BadArchive, named
from gpu.ingest.names import is_archive, is_capture, is_wanted, safe_name
from gpu.job.captures import unread
from gpu.job.sizes import human_size

CHUNK = 1 << 20
#: What Python's zipfile raises for a file that is no whole .zip, or one that it can not unpack.
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError)


@dataclass(frozen=True)
class Limits:
    """What an archive may hold. Photos are compressed already: a high ratio is no photo."""

    files: int = 20_000
    #: Videos are larger than photos; both are counted in `bytes`.
    file_bytes: int = 8 << 30
    bytes: int = 100 << 30
    #: Looked at only above `small_bytes`, since a plain drawing may compress well.
    ratio: int = 100
    small_bytes: int = 64 << 20
    #: How deep a .zip may be inside others.
    nested: int = 3


@dataclass
class _Left:
    """What the limits leave for an archive and for all that is inside it.

    `unread` gathers the names of captures that nothing here reads.
    """

    files: int
    bytes: int
    unread: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Unpacked:
    """The photos and videos of an archive, sorted, and the captures that nothing here reads."""

    files: list[Path]
    unread: list[str]


def unpack(archive: Path, folder: Path, limits: Limits | None = None) -> Unpacked:
    """Unpack what we would read of `archive` into `folder`.

    Raises BadArchive, which says what is wrong with it; DiskFull when it would not fit.
    """
    limits = limits or Limits()
    left = _Left(limits.files, limits.bytes)
    files = _unpack(archive, folder, limits, left, 0)
    captures = sorted(f for f in files if is_capture(f.relative_to(folder).as_posix()))
    return Unpacked(captures, left.unread)


def _unpack(archive: Path, folder: Path, limits: Limits, left: _Left, depth: int) -> list[Path]:
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [m for m in opened.infolist() if not m.is_dir()]
            _check(archive.name, members, limits, left, depth)
            left.unread += unread(map(_name, members))
            wanted = [m for m in members if is_wanted(_name(m)) or is_archive(_name(m))]
            size = sum(m.file_size for m in wanted)
            if size > shutil.disk_usage(folder).free:
                raise DiskFull
            left.files, left.bytes = left.files - len(wanted), left.bytes - size
            files: list[Path] = []
            for member in wanted:
                target = _target(folder, member)
                _write(archive.name, opened, member, target)
                files += (
                    _inside(target, limits, left, depth) if is_archive(target.name) else [target]
                )
            return files
    except DAMAGED as damaged:
        raise BadArchive(
            f"{archive.name} is damaged: {damaged}.", hint="Make the .zip again and upload it."
        ) from damaged


def _inside(archive: Path, limits: Limits, left: _Left, depth: int) -> list[Path]:
    """Unpack an archive that was inside another, into a folder of its name."""
    folder = _free(archive.with_suffix(""))
    folder.mkdir()
    files = _unpack(archive, folder, limits, left, depth + 1)
    archive.unlink()
    return files


def _name(member: zipfile.ZipInfo) -> str:
    """Return a member's name with the slashes of everywhere but Windows."""
    return member.filename.replace("\\", "/")


def _check(
    name: str, members: list[zipfile.ZipInfo], limits: Limits, left: _Left, depth: int
) -> None:
    """Refuse the archive by what its directory says."""
    outside = [m.filename for m in members if safe_name(m.filename) is None or _is_link(m)]
    if outside:
        raise BadArchive(
            f"{name} holds paths that lead outside of it: {named(outside, 3)}.",
            hint="Make the .zip from a plain folder of photos.",
        )
    if any(m.flag_bits & 0x1 for m in members):
        raise BadArchive(f"{name} is locked.", hint="Make the .zip without a password.")
    if depth > limits.nested:
        raise BadArchive(
            f"{name} is inside more than {limits.nested} others.",
            hint="Put the photos into one .zip.",
        )
    size, packed = sum(m.file_size for m in members), sum(m.compress_size for m in members)
    dense = size > limits.small_bytes and size > limits.ratio * max(packed, 1)
    large = size > left.bytes or any(m.file_size > limits.file_bytes for m in members)
    if dense or large or len(members) > left.files:
        raise _too_much(name, len(members), size)


def _too_much(name: str, files: int, size: int) -> BadArchive:
    return BadArchive(
        f"{name} would unpack to {human_size(size)} in {files} files, which is no set of photos.",
        hint="Put only the photos into the .zip; they hardly compress.",
    )


def _is_link(member: zipfile.ZipInfo) -> bool:
    return stat.S_ISLNK(member.external_attr >> 16)


def _write(name: str, opened: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    """Write one member; never more bytes than its directory entry promised."""
    left = member.file_size
    with opened.open(member) as source, target.open("xb") as out:
        while chunk := source.read(CHUNK):
            left -= len(chunk)
            if left < 0:
                raise _too_much(name, 1, member.file_size - left)
            out.write(chunk)


def _target(folder: Path, member: zipfile.ZipInfo) -> Path:
    """Return where to write a member: nothing that is there already is written over."""
    safe = safe_name(member.filename)
    assert safe is not None
    parent = folder
    for part in safe.parent.parts:
        parent /= part
        parent = _free(parent) if parent.is_file() else parent  # a file and a folder of one name
        parent.mkdir(exist_ok=True)
    return _free(parent / safe.name)


def _free(path: Path) -> Path:
    """Return the path, or one like it that nothing has yet."""
    free, number = path, 1
    while free.exists():
        number += 1
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return free
