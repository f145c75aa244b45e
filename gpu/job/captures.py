"""Which file names are videos and cameras, for whoever hands them on and whoever reads them."""

from __future__ import annotations

from pathlib import PurePosixPath

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
