"""Which file names are photos, videos, masks and cameras, and which are safe to write to."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

#: What Pillow decodes, by itself and (HEIC) with libheif.
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".bmp", ".heic", ".heif"})
VIDEOS = frozenset({".mp4", ".mov", ".m4v"})
#: Photos all the same, but nothing here reads them: said by name so that people know what to do.
UNREADABLE = {
    **dict.fromkeys((".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".rw2", ".orf"), "raw"),
    **dict.fromkeys((".insp", ".insv", ".lrv"), "Insta360's own"),
    **dict.fromkeys((".avi", ".mkv", ".webm"), "other video"),
}
#: What COLMAP, nerfstudio (and ARKit apps that write its form) and OpenDroneMap call their cameras.
CAMERAS = frozenset(
    {
        *(
            f"{part}.{kind}"
            for part in ("cameras", "images", "points3D")
            for kind in ("bin", "txt")
        ),
        "transforms.json",
        "transforms_train.json",
        "reconstruction.json",
    }
)
#: Where Polycam leaves one file for each photo.
CAMERA_FOLDERS = frozenset({"cameras", "corrected_cameras"})
#: Folders beside `images` that hold something else: depth, and smaller copies of the photos.
BESIDE = re.compile(r"depths?|depth_images|confidence|images_\d+|masks?")
MASKS = frozenset({"mask", "masks"})
#: Bytes of one part of a path, on every disk.
MOST_NAME = 200


def is_photo(name: str) -> bool:
    """Say whether a name is a photo's; hidden files and a Mac's resource forks are not."""
    path = PurePosixPath(name)
    beside = any(BESIDE.fullmatch(part.lower()) for part in path.parts[:-1])
    return path.suffix.lower() in SUFFIXES and not beside and not _hidden(path)


def is_video(name: str) -> bool:
    """Say whether a name is a video's that we can take photos from."""
    path = PurePosixPath(name)
    return path.suffix.lower() in VIDEOS and not _hidden(path)


def is_mask(name: str) -> bool:
    """Say whether a name is that of a mask: a picture in a folder `masks`."""
    path = PurePosixPath(name)
    inside = any(part.lower() in MASKS for part in path.parts[:-1])
    return inside and path.suffix.lower() in SUFFIXES and not _hidden(path)


def is_cameras(name: str) -> bool:
    """Say whether a name is that of a file in which another program left its cameras."""
    path = PurePosixPath(name)
    of_one = path.suffix == ".json" and path.parent.name in CAMERA_FOLDERS
    return (path.name in CAMERAS or of_one) and not _hidden(path)


def is_archive(name: str) -> bool:
    """Say whether a name is that of a .zip."""
    path = PurePosixPath(name)
    return path.suffix.lower() == ".zip" and not _hidden(path)


def is_capture(name: str) -> bool:
    """Say whether a name is a photo's or a video's: what a splat can be made of."""
    return is_photo(name) or is_video(name)


def is_wanted(name: str) -> bool:
    """Say whether we would read the file of this name."""
    return is_capture(name) or is_mask(name) or is_cameras(name)


def _hidden(path: PurePosixPath) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in path.parts)


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
