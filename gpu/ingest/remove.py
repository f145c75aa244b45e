"""Masks without the background, or without people, from a network that the operator has installed.

Any of rembg's ONNX files of U²-Net (Qin et al., 2020) or IS-Net (Qin et al., 2022) is taken, by its
name, and run with onnxruntime alone: rembg itself would bring scipy and scikit-image, and fetch
weights by itself. Weights have licences of their own (operator guide); none comes with us.

<learned>/remove-background/weights/u2net.onnx           what stands out is kept
<learned>/remove-people/weights/u2net_human_seg.onnx     people are hidden

<learned> is where learned geometry is (gpu.geometry.installed). onnxruntime is in the runtime, or
in the folder `code` beside `weights`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops

from gpu.geometry.installed import folder_of
from gpu.ingest.errors import RemoverNotInstalled
from gpu.ingest.pixels import binary
from gpu.job.choices import PEOPLE

#: Mean and deviation of the colours (0 to 1) that a file's network was trained with, by how its
#: name begins (rembg/sessions/u2net.py and dis_general_use.py).
COLOURS: Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "u2net": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "silueta": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "isnet": ((0.5, 0.5, 0.5), (1.0, 1.0, 1.0)),
}
#: Pixels of a side where a network takes any size.
SIDE = 320

Remover = Callable[[Image.Image], Image.Image]


def open_remover(what: str) -> Remover:
    """Return what makes masks of photos: RGB to "L", 255 where the photo counts.

    Raises RemoverNotInstalled when the network, or onnxruntime, is not on this machine.
    """
    home = folder_of(f"remove-{what}")
    weights = sorted(file for file in (home / "weights").glob("*.onnx") if _colours(file))
    if not weights:
        raise RemoverNotInstalled(what, home / "weights", "no network is installed for it")
    sys.path[:0] = [str(home / "code")] * (home / "code").is_dir()
    try:
        runtime = import_module("onnxruntime")
    except ImportError:
        raise RemoverNotInstalled(what, home / "weights", "onnxruntime is not installed") from None
    try:
        session = _session(runtime, weights[0])
    except Exception as damaged:  # onnxruntime has errors of its own for every kind of damage
        why = f"{weights[0].name} can not be read"
        raise RemoverNotInstalled(what, home / "weights", why) from damaged
    return Network(session, _colours(weights[0]), inverted=what == PEOPLE)


def _colours(file: Path) -> Sequence[tuple[float, ...]]:
    return next((c for start, c in COLOURS.items() if file.name.startswith(start)), ())


def _session(runtime: Any, file: Path) -> Any:
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1  # photos are made ready on all cores already
    known = runtime.get_available_providers()
    wanted = [p for p in ("CUDAExecutionProvider", "CPUExecutionProvider") if p in known]
    return runtime.InferenceSession(str(file), sess_options=options, providers=wanted)


class Network:
    """A network that says of each pixel, 0 to 1, whether it is part of what it looks for."""

    def __init__(
        self, session: Any, colours: Sequence[tuple[float, ...]], *, inverted: bool
    ) -> None:
        """`inverted` hides what the network finds; otherwise it is what is kept."""
        self._session = session
        self._colours = [np.array(colour, dtype=np.float32) for colour in colours]
        self._inverted = inverted
        given = session.get_inputs()[0]
        sides = [side if isinstance(side, int) else SIDE for side in given.shape[2:]]
        self._name, self._size = given.name, (sides[1], sides[0])

    def __call__(self, image: Image.Image) -> Image.Image:
        """Return the mask of an RGB photo, of its size."""
        mean, deviation = self._colours
        small = np.asarray(image.resize(self._size, Image.Resampling.LANCZOS), np.float32)
        pixels = (small / max(float(small.max()), 1e-6) - mean) / deviation
        [found, *_] = self._session.run(None, {self._name: pixels.transpose(2, 0, 1)[None]})
        return self._mask(np.asarray(found[0, 0]), image.size)

    def _mask(self, found: NDArray[np.float32], size: tuple[int, int]) -> Image.Image:
        # Not stretched to 0 and 1, as rembg does: where nothing is, noise would become a subject.
        grey = Image.fromarray((found.clip(0, 1) * 255).astype(np.uint8))
        mask = binary(grey.resize(size, Image.Resampling.BILINEAR))
        return ImageChops.invert(mask) if self._inverted else mask
