"""Videos for tests, made frame by frame."""

from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image, ImageFilter

#: A frame shows 320 pixels of it.
SCENE = (1000, 180)


def scene(seed: int = 1) -> Image.Image:
    """A long picture with much to see in it."""
    coarse = np.random.default_rng(seed).integers(0, 256, (36, 200, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize(SCENE, Image.Resampling.BICUBIC)


def panned(steps: Iterable[float], blurred: Callable[[int], bool] = lambda _: False) -> list[Any]:
    """Frames [180, 320, 3] of a camera that moves to the right by `steps` pixels a frame."""
    whole, at, frames = scene(), 0.0, []
    for number, step in enumerate(steps):
        at += step
        frame = whole.crop((round(at), 0, round(at) + 320, 180))
        if blurred(number):
            frame = frame.filter(ImageFilter.GaussianBlur(4))
        frames.append(np.asarray(frame))
    return frames


def video(
    file: Path,
    frames: Iterable[Any],
    *,
    times: Iterable[float] | None = None,
    turned: float = 0.0,
    whole: int = 250,
    transfer: int | None = None,
) -> Path:
    """Write a video; `times` in seconds, else 30 a second; `turned` anticlockwise when shown.

    Every frame number that `whole` divides is stored whole. With a `transfer` the frames are of
    16 bits and the video is HDR, BT.2020 in 10 bits.
    """
    frames = list(frames)
    seconds = list(times) if times is not None else [i / 30 for i in range(len(frames))]
    with av.open(str(file), "w") as container:
        stream = _stream(container, whole, transfer)
        stream.height, stream.width = frames[0].shape[:2]
        stream.codec_context.time_base = Fraction(1, 1000)
        if turned:
            stream.set_display_rotation(turned)
        kind = "rgb48le" if transfer else "rgb24"
        for pixels, time in zip(frames, seconds, strict=True):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format=kind)
            frame.pts, frame.time_base = round(1000 * time), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return file


def _stream(container: Any, whole: int, transfer: int | None) -> Any:
    options = {"crf": "10", "preset": "ultrafast", "g": str(whole), "sc_threshold": "0"}
    if not transfer:
        stream = container.add_stream("libx264", rate=30, options=options)
        stream.pix_fmt = "yuv420p"
        return stream
    stream = container.add_stream("libx265", rate=30, options={"x265-params": "log-level=none"})
    stream.pix_fmt, context = "yuv420p10le", stream.codec_context
    context.color_trc, context.color_primaries, context.colorspace = transfer, 9, 9
    return stream
