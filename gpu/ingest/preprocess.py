"""Stage `preprocess`: upright RGB photos of a size that geometry and training can use."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath
from re import sub

from gpu.errors import is_disk_full
from gpu.ingest import prepare
from gpu.ingest.contact_sheet import draw_contact_sheet
from gpu.ingest.errors import PhotosAlike, TooFewPhotos, because, named
from gpu.ingest.fetch import counted, kept_unread
from gpu.ingest.judge import SPARE, cover, judge
from gpu.ingest.masks import masks_of
from gpu.ingest.names import is_capture, is_mask, is_video
from gpu.ingest.photos import Photos
from gpu.ingest.prepare import File, Made, Making, Unusable
from gpu.ingest.remove import open_remover
from gpu.job import MIN_PHOTOS, JobPaths
from gpu.job.captures import left_out
from gpu.stage import Context, Outcome

#: Photos keep at least this long side, where they have it: what training on a GPU uses.
WORKING_SIZE = 1600
#: Frames that are taken of all videos together, unless the job says how many views it wants.
MOST_FRAMES = 300
#: Characters of an image's file name: those that every program takes, and not too many.
ODD, MOST_STEM = r"[^A-Za-z0-9.+-]+", 100

logger = logging.getLogger(__name__)


def run_preprocess(ctx: Context) -> Outcome:
    """Fill `work/images` and `work/masks`, and write `work/photos.json`.

    Raises TooFewPhotos, PhotosAlike, or RemoverNotInstalled before anything is computed. Photos
    that can not be used are left out by name.
    """
    for folder in (ctx.paths.images, ctx.paths.masks):
        shutil.rmtree(folder, ignore_errors=True)
    ctx.paths.images.mkdir(parents=True)
    remover = open_remover(ctx.spec.remove) if ctx.spec.remove else None
    making = Making(ctx.paths, max(WORKING_SIZE, ctx.spec.image_size or 0), remover)
    files, stray = _files(ctx.paths)
    made, dropped = _make_all(ctx, making, files)
    good, poor = judge(made)
    kept, spare = cover(good, ctx.spec.max_views)
    photos = Photos(tuple(m.photo for m in kept), dropped | poor | spare)
    pictures = _picture(ctx.paths, photos, made, stray)
    _check_enough(len(made), photos)
    _remove_others(ctx.paths, made, photos)
    photos.save(ctx.paths)
    text = f"{_message(photos)} {_masks(photos, stray)}".strip()
    return Outcome(text, metrics=_metrics(photos), pictures=pictures)


def _files(paths: JobPaths) -> tuple[list[File], list[str]]:
    """Return the photos and videos, each with its mask and the stem of its images' names.

    And the names of masks that belong to none of them.
    """
    found = (f.relative_to(paths.photos).as_posix() for f in paths.photos.rglob("*") if f.is_file())
    names = sorted(found)
    captures = [name for name in names if is_capture(name)]
    given = [name for name in names if is_mask(name)]
    masks, stems = masks_of(captures, given), _stems(captures)
    files = [File(name, stems[name], masks.get(name)) for name in captures]
    return files, sorted(set(given) - set(masks.values()))


def _stems(names: Sequence[str]) -> dict[str, str]:
    """Give every file a flat stem; keep its own where no other file has the same."""
    taken: set[str] = set()
    result = {}
    for name in names:
        plain = sub(ODD, "_", PurePosixPath(name).with_suffix("").as_posix())[-MOST_STEM:]
        stem, number = plain, 1
        while stem.lower() in taken:
            stem, number = f"{plain}-{number}", number + 1
        taken.add(stem.lower())
        result[name] = stem
    return result


def _make_all(ctx: Context, making: Making, files: list[File]) -> tuple[list[Made], dict[str, str]]:
    """Make all photos, several at a time (Pillow works outside the interpreter lock)."""
    made, dropped = list[Made](), dict[str, str]()
    photos = [file for file in files if not is_video(file.name)]
    videos = [file for file in files if is_video(file.name)]
    pool = ThreadPoolExecutor(os.cpu_count())
    jobs = [pool.submit(prepare.photo, making, file) for file in photos]
    try:
        for number, (file, job) in enumerate(zip(photos, jobs, strict=True), start=1):
            try:
                made += job.result()
            except Unusable as reason:
                dropped[file.name] = str(reason)
            ctx.progress(number / len(files), f"Prepared {number} of {len(photos)} photos")
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # who stops a job does not wait for it
    most = max((ctx.spec.max_views or MOST_FRAMES) // max(len(videos), 1), MIN_PHOTOS)
    for number, file in enumerate(videos, start=len(photos)):

        def say(part: float, number: int = number, name: str = file.name) -> None:
            ctx.progress((number + part) / len(files), f"Watching {name}")

        try:
            made += prepare.video(making, file, most, say)
        except Unusable as reason:
            dropped[file.name] = str(reason)
    return made, dropped


def _check_enough(made: int, photos: Photos) -> None:
    same = sum(reason.startswith("the same") for reason in photos.dropped.values())
    if len(photos.photos) == 1 and 1 + same >= MIN_PHOTOS:
        raise PhotosAlike(1 + same)
    if len(photos.photos) < MIN_PHOTOS:
        raise TooFewPhotos(len(photos.photos), photos.dropped)


def _remove_others(paths: JobPaths, made: Sequence[Made], photos: Photos) -> None:
    """Remove the images of photos that are not used."""
    used = {photo.image for photo in photos.photos}
    for image in {m.photo.image for m in made} - used:
        (paths.images / image).unlink(missing_ok=True)
        (paths.masks / f"{image}.png").unlink(missing_ok=True)


def _picture(
    paths: JobPaths, photos: Photos, made: Sequence[Made], stray: Sequence[str]
) -> tuple[str, ...]:
    images = {m.photo.name: paths.images / m.photo.image for m in made}
    note = f"{_astray(stray)} {left_out(kept_unread(paths))}".strip()
    try:
        return (draw_contact_sheet(paths, photos, images, note),)
    except (OSError, ValueError) as failed:  # a preview never fails a job
        if is_disk_full(failed):
            raise
        logger.warning("no contact sheet: %s", failed)
        return ()


def _message(photos: Photos) -> str:
    poor = {name: reason for name, reason in photos.dropped.items() if reason != SPARE}
    used, spare = len(photos.photos), len(photos.dropped) - len(poor)
    usable = f"{used + spare} of {photos.given} {_what(photos)} are usable{because(poor)}."
    return f"{usable} Used are {used}, which show what all show." if spare else usable


def _what(photos: Photos) -> str:
    """Say what the pictures are: photos, or what was taken of videos or of 360 degree photos."""
    videos = {p.sequence for p in photos.photos if p.sequence}
    rounds = {p.rig.frame for p in photos.photos if p.rig}
    if photos.photos and all(p.sequence for p in photos.photos):
        return f"frames of {counted(0, len(videos))}"
    if photos.photos and all(p.rig for p in photos.photos):
        return f"views of {len(rounds)} 360° photo{'' if len(rounds) == 1 else 's'}"
    return "photos"


def _masks(photos: Photos, stray: Sequence[str]) -> str:
    """Say how many photos are masked, and which masks belong to none."""
    masked = sum(photo.masked for photo in photos.photos)
    said = [f"Masks hide a part of {masked}."] if masked else []
    return " ".join(filter(None, [*said, _astray(stray)]))


def _astray(masks: Sequence[str]) -> str:
    return f"No photo has the name of {named(masks, 3)}." if masks else ""


def _metrics(photos: Photos) -> dict[str, int | str]:
    return {
        "photos_usable": len(photos.photos),
        "photos_dropped": len(photos.dropped),
        "photos_with_gps": sum(p.gps is not None for p in photos.photos),
        "photos_masked": sum(p.masked for p in photos.photos),
        "cameras": len({p.camera for p in photos.photos}),
    }
