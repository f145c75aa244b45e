"""The cameras that an earlier job has left (gpu.ingest.earlier), taken where they fit.

Everything that does not fit is done anew: nothing here fails a job.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from dataclasses import asdict

from gpu.geometry.record import Geometry
from gpu.ingest.photos import Photo
from gpu.job import JobPaths
from gpu.job.paths import FOUND

log = logging.getLogger(__name__)


def take_earlier(
    paths: JobPaths, photos: tuple[Photo, ...], digest: str, *, goes_on: bool = False
) -> bool:
    """Make the earlier job's geometry this one's, if it is whole and of these very photos.

    `digest` is theirs (digest_of). Records of earlier versions have none: of such a one the cameras
    are taken only by who `goes_on` with that job, if the photos have the same names.
    """
    left = JobPaths(paths.earlier)
    if not all((left.root / name).is_file() for name in FOUND):
        return False
    try:
        record = Geometry.load(left)
    except (ValueError, TypeError) as damaged:
        log.warning("the earlier job's geometry can not be read: %s", damaged)
        return False
    is_known = record.digest == digest if record.digest else goes_on
    if not is_known or not _is_of(record, photos):
        return False
    shutil.rmtree(paths.geometry, ignore_errors=True)
    paths.geometry.mkdir(parents=True)
    for name in FOUND:
        shutil.copyfile(left.root / name, paths.root / name)
    return True


def _is_of(record: Geometry, photos: tuple[Photo, ...]) -> bool:
    """Whether a record is of photos of these names, and of no others."""
    names = {photo.image: photo.name for photo in photos}
    pairs = zip(record.images, record.registered, strict=False)
    placed = [names.get(image) == name for image, name in pairs]
    return all(placed) and len(placed) + len(record.left_out) == len(photos)


def digest_of(paths: JobPaths, photos: tuple[Photo, ...]) -> str:
    """Return what tells apart all that cameras are found from: the files as they were given.

    Another photo under the same name counts, and so do masks and other programs' cameras.
    """
    digest = hashlib.sha256(json.dumps([asdict(photo) for photo in photos]).encode())
    for file in sorted(file for file in paths.photos.rglob("*") if file.is_file()):
        digest.update(file.relative_to(paths.photos).as_posix().encode())
        with file.open("rb") as content:
            digest.update(hashlib.file_digest(content, "sha256").digest())
    return digest.hexdigest()
