"""How the geometry's time grows with the photos: 25, 75 and all frames of one video.

`python -m bench geometry_growth`; needs ../shared/datasets, or DATASETS=<folder>. Where PyAV is
missing, FRAMES=<file> is an animated picture of the same frames.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageSequence

from bench.geometry import PHOTOS, solve

COUNTS = (25, 75, 288)


def frames_of_video() -> list[Image.Image]:
    """Decode all frames."""
    if picture := os.environ.get("FRAMES"):
        with Image.open(picture) as animated:
            return [frame.convert("RGB") for frame in ImageSequence.Iterator(animated)]
    import av

    (video,) = (PHOTOS / "great_wall_video" / "video").iterdir()
    with av.open(str(video)) as opened:
        return [frame.to_image() for frame in opened.decode(video=0)]


def write_frames(frames: Sequence[Image.Image], count: int, folder: Path) -> None:
    """Write `count` frames, evenly spread."""
    folder.mkdir(parents=True)
    for number in range(count):
        frame = frames[round(number * (len(frames) - 1) / (count - 1))]
        frame.save(folder / f"frame_{number:04}.jpg", quality=95)


def main() -> None:
    frames = frames_of_video()
    print("| frames | registered | wall s | wall s a frame | CPU s | CPU s a frame |")
    print("|---|---|---|---|---|---|", flush=True)
    for count in COUNTS:
        with tempfile.TemporaryDirectory() as root:
            write_frames(frames, count, Path(root) / "frames")
            found = solve(Path(root) / "frames", Path(root) / "job")
            each = f"{found.seconds:.0f} | {found.seconds / count:.2f}"
            work = f"{found.work:.0f} | {found.work / count:.2f}"
            print(f"| {count} | {len(found.centres)} | {each} | {work} |", flush=True)


if __name__ == "__main__":
    main()
