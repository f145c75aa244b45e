"""Which file names are photos, videos and cameras, for whoever hands them on and whoever reads
them, and what is said of those that nothing here reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

#: What Pillow decodes, by itself and (HEIC) with libheif.
PHOTOS = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".bmp", ".heic", ".heif"})
RAW = "raw file"
#: Captures all the same, but nothing here reads them: what they are called, and the remedy.
UNREADABLE: Mapping[str, str] = {
    **dict.fromkeys((".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".rw2", ".orf"), RAW),
    **dict.fromkeys((".insp", ".insv"), "Insta360 file"),
    **dict.fromkeys((".avi", ".mkv", ".webm"), "AVI, MKV or WebM video"),
}
REMEDY: Mapping[str, str] = {
    RAW: "JPEG",
    "Insta360 file": "JPEG or MP4",
    "AVI, MKV or WebM video": "MP4",
}
VIDEOS = frozenset({".mp4", ".mov", ".m4v"})
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


def is_cameras(name: str) -> bool:
    """Say whether a name is that of a file in which another program left its cameras."""
    path = PurePosixPath(name)
    of_one = path.suffix == ".json" and path.parent.name in CAMERA_FOLDERS
    return (path.name in CAMERAS or of_one) and not is_hidden(path)


def is_hidden(path: PurePosixPath) -> bool:
    """Say whether a file is hidden, or one of a Mac's resource forks."""
    return any(part.startswith(".") or part == "__MACOSX" for part in path.parts)


def kind_unread(name: str) -> str:
    """Return what a capture that nothing here reads is called; empty for every other name."""
    return "" if is_hidden(PurePosixPath(name)) else UNREADABLE.get(_suffix(name), "")


def unread(names: Iterable[str]) -> list[str]:
    """Return the captures that are lost because nothing here reads them, sorted.

    A raw file beside the JPEG that the camera made of it is not: its photo is read.
    """
    every = list(names)
    readable = {_stem(name) for name in every if _suffix(name) in PHOTOS | VIDEOS}
    lost = (name for name in every if kind_unread(name) and _stem(name) not in readable)
    return sorted(lost)


def left_out(names: Iterable[str]) -> str:
    """Say in a sentence what of the captures nothing here reads, and the remedy; empty for none."""
    kinds = Counter(filter(None, map(kind_unread, names)))
    return " ".join(_left_out(kind, count) for kind, count in kinds.items())


def _left_out(kind: str, count: int) -> str:
    what, these = (f"1 {kind} was", "it") if count == 1 else (f"{count:,} {kind}s were", "them")
    return f"{what} left out: export {these} as {REMEDY[kind]}."


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _stem(name: str) -> str:
    return PurePosixPath(name).with_suffix("").as_posix().lower()
