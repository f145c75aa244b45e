"""Photos from a video: the sharpest frames where the picture has moved on, upright and in SDR.

FFmpeg decodes (through PyAV). Each frame is looked at once, small and grey; then those chosen
are decoded again, so that memory holds one frame at a time. Times never matter: a video may have
any frame rate, or a changing one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gpu.ingest.hdr import HLG, PQ, to_sdr
from gpu.ingest.motion import WIDTH, Moved, Watch, choose

#: Frames that are looked at, at most; of a longer video every second or third one is.
MOST_LOOKED_AT = 6000
#: Of more frames than this (ten minutes at 30 a second) only those are decoded that the video
#: holds whole, one or two a second: decoding the others would take longer than the splat.
LONG, WHOLE_ONLY = 18_000, 0
#: Pixels of a frame, at most and at least a side: 8K has 33 million.
MOST_PIXELS, LEAST_SIDE = 80_000_000, 64
#: How FFmpeg says that a video does not name its colour matrix; from this size on it is BT.709's.
UNSAID, HD = 2, 720

log = logging.getLogger(__name__)


class BadVideo(Exception):
    """Why nothing can be made of a video."""


def frames_of(
    file: Path, most: int, say: Callable[[float], None] = lambda _: None
) -> Iterator[tuple[float, Image.Image]]:
    """Yield the time (seconds) and the picture of at most `most` frames worth taking.

    Raises BadVideo; a video that is damaged in its middle is used as far as it goes.
    """
    seconds, total = _length(file)
    stride = -(-total // MOST_LOOKED_AT) if total <= LONG else WHOLE_ONLY
    watch, grey, looked = Watch(), Grey(), list[Moved]()
    for frame in _decoded(file, stride):
        looked.append(watch.look(grey(frame)))
        say(0.5 * min(float(frame.time or 0.0) / seconds, 1.0))
    if len(looked) < 2:
        raise BadVideo("it holds no moving picture")
    chosen = set(choose(looked, most))
    for number, frame in enumerate(_decoded(file, stride)):
        if number in chosen:
            yield float(frame.time or 0.0), picture(frame)
            say(0.5 + 0.5 * number / len(looked))


def picture(frame: Any) -> Image.Image:
    """Return a decoded frame as an upright picture of 8 bits."""
    if frame.color_trc in (PQ, HLG):
        pixels = to_sdr(frame.to_ndarray(format="rgb48le"), frame.color_trc)
    else:
        pixels = frame.to_ndarray(format="rgb24", src_colorspace=_matrix(frame))
    quarters = round((frame.rotation or 0) / 90)  # anticlockwise, as numpy turns
    return Image.fromarray(np.ascontiguousarray(np.rot90(pixels, quarters)))


def _matrix(frame: Any) -> Any:
    """Return the colour matrix of a frame: what it says, else what its size suggests."""
    from av.video.reformatter import Colorspace

    said = int(frame.colorspace)
    if said == UNSAID:
        return Colorspace.ITU709 if min(frame.width, frame.height) >= HD else Colorspace.ITU601
    return None


class Grey:
    """Makes small grey pictures of frames; what FFmpeg prepares for it is kept."""

    def __init__(self) -> None:
        from av.video.reformatter import VideoReformatter

        self._reformatter: Any = VideoReformatter()

    def __call__(self, frame: Any) -> NDArray[np.uint8]:
        """Return the luminance [H, WIDTH] of a frame."""
        height = max(2, round(frame.height * WIDTH / frame.width / 2) * 2)
        small = self._reformatter.reformat(
            frame, width=WIDTH, height=height, format="gray", interpolation="AREA"
        )
        grey: NDArray[np.uint8] = small.to_ndarray()
        return grey


def _length(file: Path) -> tuple[float, int]:
    """Return how many seconds and frames a video says, or seems, to have; at least 1."""
    with _opened(file) as container:
        stream = container.streams.video[0]
        seconds = max((container.duration or 0) / 1_000_000, 1.0)
        return seconds, max(stream.frames or int(seconds * float(stream.average_rate or 30)), 1)


def _decoded(file: Path, stride: int) -> Iterator[Any]:
    """Yield every `stride`-th frame of a video's first picture stream, or those stored whole."""
    import av

    with _opened(file) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        if stride == WHOLE_ONLY:
            stream.codec_context.skip_frame = "NONKEY"
        try:
            for number, frame in enumerate(container.decode(stream)):
                if stride == WHOLE_ONLY or number % stride == 0:
                    yield frame
        except av.error.FFmpegError as damaged:
            log.warning("%s ends early: %s", file.name, damaged)


def _opened(file: Path) -> Any:
    """Open a video; raises BadVideo when it holds no picture that we can decode."""
    import av

    try:
        # Only this container: a playlist would have FFmpeg open other files, and addresses.
        container = av.open(str(file), format="mov", metadata_errors="ignore")
    except (av.error.FFmpegError, OSError, ValueError) as damaged:
        raise BadVideo("the file is damaged") from damaged
    if not container.streams.video:
        container.close()
        raise BadVideo("it holds no picture")
    stream = container.streams.video[0]
    pixels = stream.width * stream.height
    if not LEAST_SIDE**2 <= pixels <= MOST_PIXELS:
        container.close()
        raise BadVideo(f"{stream.width}x{stream.height} pixels are too few or too many")
    return container
