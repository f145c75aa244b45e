"""The cameras that an earlier job has left (gpu.ingest.earlier), taken where they fit.

Everything that does not fit is done anew: nothing here fails a job.
"""

from __future__ import annotations

import logging
import shutil

from gpu.geometry.record import Geometry
from gpu.ingest.photos import Photo
from gpu.job import JobPaths
from gpu.job.paths import MODEL, RECORD

log = logging.getLogger(__name__)


def take_earlier(paths: JobPaths, photos: tuple[Photo, ...]) -> bool:
    """Make the earlier job's geometry this one's, if it is whole and of the same photos."""
    if not all((paths.earlier / name).is_file() for name in (*MODEL, RECORD)):
        return False
    shutil.rmtree(paths.geometry, ignore_errors=True)
    paths.geometry.mkdir(parents=True)
    for name in (*MODEL, RECORD):
        shutil.copyfile(paths.earlier / name, paths.root / name)
    try:
        record = Geometry.load(paths)
    except (ValueError, TypeError) as damaged:
        log.warning("the earlier job's geometry can not be read: %s", damaged)
        return False
    names = {photo.image: photo.name for photo in photos}
    pairs = zip(record.images, record.registered, strict=False)
    placed = [names.get(image) == name for image, name in pairs]
    return all(placed) and len(placed) + len(record.left_out) == len(photos)
