"""Stage `fetch`: bring the photos into the job's folder, bytes as the user gave them.

The user's own files are only ever read: a hard link where the disk allows it, else a copy.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gpu.ingest.archive import unpack
from gpu.ingest.download import download, download_stranger
from gpu.ingest.errors import BadInput, NoPhotos, named
from gpu.ingest.names import is_archive, is_capture, is_video, is_wanted
from gpu.ingest.needs import check_needs
from gpu.job import JobPaths, Source
from gpu.job.captures import REMEDY, kind_unread, left_out, unread
from gpu.job.sizes import human_size
from gpu.stage import Context, Outcome

#: Where the names of captures are that nothing here reads, below `work`.
UNREAD = "unread.json"


@dataclass(frozen=True)
class Fetched:
    """The photos and videos that are there now, and the captures that nothing here reads."""

    files: list[Path]
    unread: list[str] = field(default_factory=list)


def run_fetch(ctx: Context) -> Outcome:
    """Fill `work/photos`. Raises BadInput with the reason when there is nothing to use.

    Before anything is fetched, raises MethodNotInstalled or RemoverNotInstalled for what the job
    asks of a later stage and this machine does not have.
    """
    check_needs(ctx.spec)
    folder = ctx.paths.photos
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    fetched = _fetch(ctx, ctx.spec.source, folder)
    files = fetched.files
    size = sum(file.stat().st_size for file in files)
    videos = sum(is_video(file.name) for file in files)
    keep_unread(ctx.paths, fetched.unread)
    text = f"Fetched {counted(len(files) - videos, videos)} ({human_size(size)})."
    return Outcome(
        f"{text} {left_out(fetched.unread)}".strip(),
        metrics={"photos": len(files) - videos, "videos": videos, "photo_bytes": size},
    )


def counted(photos: int, videos: int) -> str:
    """Return '12 photos', '1 video' or both."""
    some_photos = f"{photos} photo{'' if photos == 1 else 's'}"
    some_videos = f"{videos} video{'' if videos == 1 else 's'}"
    if not videos:
        return some_photos
    return f"{some_photos} and {some_videos}" if photos else some_videos


def _fetch(ctx: Context, source: Source, folder: Path) -> Fetched:
    if source.path is None:
        return _downloaded(ctx, folder)
    path = Path(source.path)
    if path.is_dir():
        return _from_folder(path, folder)
    if path.is_file() and path.suffix.lower() == ".zip":
        return _from_archives([path], folder)
    if path.is_file() and is_video(path.name):
        return Fetched([_link(path, folder / path.name)])
    kind = "neither a folder nor a .zip nor a video"
    what = f"{path.name} is {kind}" if path.exists() else f"{path} is not there"
    raise NoPhotos(f"{what}.", hint="Name a folder of photos, a .zip of them or a video.")


def _from_folder(given: Path, folder: Path) -> Fetched:
    """Take a folder's photos, and what belongs to them; without any, those of its .zip files."""
    files = sorted(f for f in given.rglob("*") if f.is_file())
    names = {f: f.relative_to(given).as_posix() for f in files}
    lost = unread(names.values())
    if any(is_capture(name) for name in names.values()):
        taken = {f: _link(f, folder / name) for f, name in names.items() if is_wanted(name)}
        return Fetched([target for f, target in taken.items() if is_capture(names[f])], lost)
    archives = [f for f in files if is_archive(names[f])]
    if archives:
        found = _from_archives(archives, folder)
        return Fetched(found.files, found.unread + lost)
    raise no_photos(given.name, lost)


def _from_archives(archives: list[Path], folder: Path) -> Fetched:
    photos: list[Path] = []
    lost: list[str] = []
    for archive in archives:
        into = folder / archive.stem if len(archives) > 1 else folder
        into.mkdir(exist_ok=True)
        unpacked = unpack(archive, into)
        photos += unpacked.files
        lost += unpacked.unread
    if not photos:
        raise no_photos(named([a.name for a in archives], 3), lost)
    return Fetched(photos, lost)


def _downloaded(ctx: Context, folder: Path) -> Fetched:
    downloads, source = ctx.paths.work / "downloads", ctx.spec.source
    shutil.rmtree(downloads, ignore_errors=True)
    if source.address is not None:
        download_stranger(source.address, downloads, ctx.progress)
    else:
        download(source.urls, downloads, ctx.progress)
    try:
        found = _from_folder(downloads, folder)
        return Fetched(found.files, [*found.unread, *(source.unread or ())])
    except NoPhotos as none:
        raise NoPhotos(f"{ctx.spec.dataset} holds no photos.", hint=none.hint) from None
    finally:
        shutil.rmtree(downloads, ignore_errors=True)


def _link(photo: Path, target: Path) -> Path:
    """Give a photo a second name in the job's folder; copy it where links can not reach."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(photo.resolve(), target)
    except OSError:
        shutil.copyfile(photo, target)
    return target


def no_photos(place: str, lost: Sequence[str]) -> BadInput:
    """Say that there are no photos, and what to do with the files that nothing here reads."""
    kinds = sorted({kind_unread(name) for name in lost})
    hint = " ".join(f"It holds {kind}s: export them as {REMEDY[kind]}." for kind in kinds)
    return NoPhotos(f"{place} holds no photos.", hint=hint or "Put JPEG or PNG photos there.")


def keep_unread(paths: JobPaths, names: Sequence[str]) -> None:
    """Keep the names of captures that nothing here reads, for the picture of all photos."""
    (paths.work / UNREAD).write_text(json.dumps(names), encoding="utf-8")


def kept_unread(paths: JobPaths) -> list[str]:
    """Return what `keep_unread` has kept."""
    file = paths.work / UNREAD
    return list(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else []
