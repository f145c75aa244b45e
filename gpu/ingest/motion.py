"""How much the picture moves from frame to frame, and which frames to take therefore."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: Width of the grey frames that are looked at; tiles of half as many pixels show the movement.
WIDTH, TILE = 512, 64
#: The picture moves by this part of its width from one frame taken to the next: nine tenths of
#: what one shows are in the next one, and each point is in ten or more.
STEP = 0.06
#: A frame is compared with one before it, until it has moved this far (pixels) from that: whole
#: pixels would lose a slow movement, and add up a hand's shaking, from frame to frame.
REACH = 6.0
#: The sharpest frame is taken of those within this part of a step.
CHOICE = 0.35
LEAST = 24

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Moved:
    """One frame: how far the picture has moved since the first (pixels), and its sharpness."""

    path: float
    sharpness: float


class Watch:
    """Looks at grey frames [H, WIDTH], one after the other."""

    def __init__(self) -> None:
        self._reference: NDArray[np.complex64] | None = None
        self._start = self._path = 0.0
        self._window = np.outer(np.hanning(TILE), np.hanning(TILE)).astype(np.float32)

    def look(self, grey: NDArray[np.uint8]) -> Moved:
        """Return how far the picture has moved, the median over its tiles, and its sharpness."""
        frame = grey.astype(np.float32)
        spectra = np.fft.rfft2(_tiles(_halved(frame)) * self._window).astype(np.complex64)
        if self._reference is None or self._reference.shape != spectra.shape:
            self._reference = spectra
        moved = float(np.median(np.linalg.norm(_shifts(self._reference, spectra), axis=1)))
        self._path = max(self._path, self._start + moved)
        if moved >= REACH:
            self._reference, self._start = spectra, self._path
        return Moved(self._path, sharpness(frame))


def sharpness(grey: Array) -> float:
    """The variance of the Laplacian (Pech-Pacheco et al., ICPR 2000) of a grey picture."""
    inner = grey[1:-1, 1:-1]
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    return float((around - 4 * inner).var())


def _halved(frame: Array) -> Array:
    even = frame[: frame.shape[0] // 2 * 2, : frame.shape[1] // 2 * 2]
    quarters = even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]
    return np.asarray(quarters / 4)


def _tiles(frame: Array) -> Array:
    """Cut a frame into tiles [T, TILE, TILE] without their means; a low frame is repeated."""
    if frame.shape[0] < TILE:
        frame = np.pad(frame, ((0, TILE - frame.shape[0]), (0, 0)), mode="symmetric")
    rows, columns = frame.shape[0] // TILE, frame.shape[1] // TILE
    top = (frame.shape[0] - rows * TILE) // 2
    cut = frame[top : top + rows * TILE, : columns * TILE]
    tiles = cut.reshape(rows, TILE, columns, TILE).swapaxes(1, 2).reshape(-1, TILE, TILE)
    return np.asarray(tiles - tiles.mean(axis=(1, 2), keepdims=True))


def _shifts(before: NDArray[np.complex64], now: NDArray[np.complex64]) -> Array:
    """Phase correlation (Kuglin and Hines, 1975): the whole pixels [T, 2] that tiles moved by."""
    cross = now * before.conj()
    peaks = np.fft.irfft2(cross / np.maximum(np.abs(cross), 1e-6), s=(TILE, TILE))
    at = peaks.reshape(len(peaks), -1).argmax(axis=1)
    shifts = np.stack(np.divmod(at, TILE), axis=1)
    return np.asarray((shifts + TILE // 2) % TILE - TILE // 2, dtype=np.float32)


def choose(frames: Sequence[Moved], most: int) -> list[int]:
    """Return the indices of the frames to take: sharp ones, `STEP` of movement apart.

    At most `most`; LEAST where the picture hardly moves (or all there are).
    """
    path = np.array([frame.path for frame in frames]) / (STEP * WIDTH / 2)
    count = int(min(max(path[-1], LEAST - 1), most - 1, len(frames) - 1)) + 1
    if path[-1] < 1:  # nothing moves: by time, and the photos will be found to be alike
        path = np.arange(len(frames), dtype=np.float64)
    spacing = path[-1] / max(count - 1, 1)
    sharp = np.array([frame.sharpness for frame in frames])
    chosen: list[int] = []
    for wanted in np.arange(count) * spacing:
        near = np.flatnonzero(np.abs(path - wanted) <= CHOICE * spacing)
        near = near if len(near) else np.array([np.abs(path - wanted).argmin()])
        best = int(near[sharp[near].argmax()])
        if not chosen or best > chosen[-1]:
            chosen.append(best)
    return chosen
