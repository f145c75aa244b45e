"""Which file names are photos, and which are safe to write to."""

from __future__ import annotations

from pathlib import PurePosixPath

#: What Pillow decodes without further packages.
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".bmp"})
#: Photos all the same, but nothing here reads them: said by name so that people know what to do.
UNREADABLE = {
    ".heic": "an iPhone's HEIC",
    ".heif": "HEIF",
    ".dng": "raw",
    ".cr2": "raw",
    ".nef": "raw",
    ".arw": "raw",
    ".mp4": "video",
    ".mov": "video",
}


def is_photo(name: str) -> bool:
    """Say whether a name is a photo's; hidden files and a Mac's resource forks are not."""
    path = PurePosixPath(name)
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in path.parts)
    return path.suffix.lower() in SUFFIXES and not hidden


def safe_name(name: str) -> PurePosixPath | None:
    """Return a name from elsewhere as a relative path, or None when it leads outside."""
    path = PurePosixPath(name)
    outside = path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name
    drive = len(name) > 1 and name[1] == ":"
    return None if outside or drive or not path.parts else path
