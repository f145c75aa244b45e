"""How the geometry's time grows with the photos: 25, 75 and all frames of one video.

`python -m bench geometry_growth`; needs ../shared/datasets, or DATASETS=<folder>.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import av

from bench.geometry import PHOTOS, solve

COUNTS = (25, 75, 288)


def write_frames(video: Path, count: int, folder: Path) -> None:
    """Write `count` frames, evenly spread over the video."""
    folder.mkdir(parents=True)
    with av.open(str(video)) as opened:
        frames = list(opened.decode(video=0))
    for number in range(count):
        frame = frames[round(number * (len(frames) - 1) / (count - 1))]
        frame.to_image().save(folder / f"frame_{number:04}.jpg", quality=95)


def main() -> None:
    (video,) = (PHOTOS / "great_wall_video" / "video").iterdir()
    print("| frames | registered | seconds | seconds a frame |\n|---|---|---|---|")
    for count in COUNTS:
        with tempfile.TemporaryDirectory() as root:
            write_frames(video, count, Path(root) / "frames")
            found = solve(Path(root) / "frames", Path(root) / "job")
            each = found.seconds / count
            print(
                f"| {count} | {len(found.centres)} | {found.seconds:.0f} | {each:.2f} |", flush=True
            )


if __name__ == "__main__":
    main()
