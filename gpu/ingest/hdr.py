"""HDR video (PQ and HLG, BT.2020) as the SDR picture that everybody's screen shows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: As FFmpeg numbers transfers (ITU-T H.273).
PQ, HLG = 16, 18
#: What SDR calls white, and where the highlights of HDR end (cd/m²; ITU-R BT.2408: 203 and 1000).
WHITE, PEAK = 203.0, 1000.0
#: Linear BT.2020 to linear BT.709 (ITU-R BT.2087).
TO_BT709 = np.array(
    [
        [1.660491, -0.587641, -0.072850],
        [-0.124550, 1.132900, -0.008349],
        [-0.018151, -0.100579, 1.118730],
    ]
)
#: Light below this part of white stays as it is; above it is compressed.
KNEE = 0.75

Array = NDArray[np.float32]


def to_sdr(pixels: NDArray[np.uint16], transfer: int) -> NDArray[np.uint8]:
    """Return R'G'B' of BT.2020 [H, W, 3], 16 bits, full range, as sRGB of 8 bits."""
    codes = np.arange(65536) / 65535
    table = (_pq if transfer == PQ else _hlg)(codes).astype(np.float32)
    light = table[pixels]  # in units of SDR's white
    light = light * (_compressed(light.max(axis=-1, keepdims=True)))
    in_gamut = (light @ TO_BT709.T.astype(np.float32)).clip(0, 1)
    codes8 = np.round(255 * _srgb(np.arange(4096) / 4095)).astype(np.uint8)
    return codes8[np.round(in_gamut * 4095).astype(np.uint16)]


def _pq(code: NDArray[np.float64]) -> NDArray[np.float64]:
    """SMPTE ST 2084, in units of SDR's white."""
    m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875
    power = code ** (1 / m2)
    linear = (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1)
    return np.asarray(linear * 10_000 / WHITE)


def _hlg(code: NDArray[np.float64]) -> NDArray[np.float64]:
    """ARIB STD-B67 with BT.2100's system gamma on a screen of PEAK, in units of SDR's white.

    The gamma is applied to each colour, not to the luminance: a table then does it all.
    """
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(code <= 0.5, code**2 / 3, (np.exp((code - c) / a) + b) / 12)
    return np.asarray(scene**1.2 * PEAK / WHITE)


def _compressed(brightest: Array) -> Array:
    """Return the factor that brings the brightest colour of a pixel below white.

    Reinhard's curve above the knee, scaled so that PEAK becomes white.
    """
    most, room = (PEAK / WHITE - KNEE) / (1 - KNEE), 1 - KNEE
    over = np.maximum(brightest - KNEE, 0) / room
    curved = over * (1 + over / most**2) / (1 + over)
    wanted = np.where(brightest > KNEE, KNEE + room * np.minimum(curved, 1), brightest)
    factor: Array = (wanted / np.maximum(brightest, 1e-6)).astype(np.float32)
    return factor


def _srgb(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    curve = 1.055 * linear ** (1 / 2.4) - 0.055
    return np.asarray(np.where(linear <= 0.0031308, 12.92 * linear, curve))
