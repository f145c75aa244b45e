"""Which file names are photos, videos, masks and cameras, and which are safe to write to."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from gpu.job.captures import PHOTOS, VIDEOS, is_cameras, is_hidden

#: Folders beside `images` that hold something else: depth, and smaller copies of the photos.
BESIDE = re.compile(r"depths?|depth_images|confidence|images_\d+|masks?")
MASKS = frozenset({"mask", "masks"})
#: Bytes of one part of a path, on every disk.
MOST_NAME = 200


def is_photo(name: str) -> bool:
    """Say whether a name is a photo's; hidden files and a Mac's resource forks are not."""
    path = PurePosixPath(name)
    beside = any(BESIDE.fullmatch(part.lower()) for part in path.parts[:-1])
    return path.suffix.lower() in PHOTOS and not beside and not is_hidden(path)


def is_video(name: str) -> bool:
    """Say whether a name is a video's that we can take photos from."""
    path = PurePosixPath(name)
    return path.suffix.lower() in VIDEOS and not is_hidden(path)


def is_mask(name: str) -> bool:
    """Say whether a name is that of a mask: a picture in a folder `masks`."""
    path = PurePosixPath(name)
    inside = any(part.lower() in MASKS for part in path.parts[:-1])
    return inside and path.suffix.lower() in PHOTOS and not is_hidden(path)


def is_archive(name: str) -> bool:
    """Say whether a name is that of a .zip."""
    path = PurePosixPath(name)
    return path.suffix.lower() == ".zip" and not is_hidden(path)


def is_capture(name: str) -> bool:
    """Say whether a name is a photo's or a video's: what a splat can be made of."""
    return is_photo(name) or is_video(name)


def is_wanted(name: str) -> bool:
    """Say whether we would read the file of this name."""
    return is_capture(name) or is_mask(name) or is_cameras(name)


def safe_name(name: str) -> PurePosixPath | None:
    """Return a name from elsewhere as a relative path, or None when it leads outside.

    Windows' backslashes divide folders, and parts too long for a disk are shortened.
    """
    path = PurePosixPath(name.replace("\\", "/"))
    outside = path.is_absolute() or ".." in path.parts or "\0" in name
    drive = len(name) > 1 and name[1] == ":"
    return None if outside or drive or not path.parts else PurePosixPath(*map(_short, path.parts))


def _short(part: str) -> str:
    """Return a part of a path in MOST_NAME bytes, its suffix kept."""
    if len(part.encode("utf-8", "replace")) <= MOST_NAME:
        return part
    suffix = PurePosixPath(part).suffix[:12]
    stem = part.encode("utf-8", "replace")[: MOST_NAME - 48].decode("utf-8", "ignore")
    return f"{stem}{suffix}"
