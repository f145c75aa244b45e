"""The ground: its height and what it is covered with, as functions of the place (metres, ENU)."""

from __future__ import annotations

import math

from gpu.parcel.jit import kernel
from gpu.parcel.textures import (
    Colour,
    asphalt,
    chance,
    fbm2,
    grass,
    gravel,
    meadow,
    mix,
    noise2,
    ramp,
    scale,
    slabs,
    soil,
    water,
)

#: Half the parcel's size, east and north.
PARCEL_X, PARCEL_Y = 20.0, 15.0
#: The house: centre, half the size of its walls, cosine and sine of its turn.
HOUSE_X, HOUSE_Y, HOUSE_A, HOUSE_B = -4.5, 5.2, 5.6, 4.2
HOUSE_TURN = math.radians(7.0)
_COS, _SIN = math.cos(HOUSE_TURN), math.sin(HOUSE_TURN)
POND_X, POND_Y = -13.2, -8.6
#: Raised vegetable beds: centre, half size.
BEDS = ((9.8, 5.2), (12.9, 5.2), (16.0, 5.2), (9.8, 1.0), (12.9, 1.0), (16.0, 1.0))
BED_A, BED_B = 1.1, 1.7


@kernel
def rectangle(x: float, y: float, cx: float, cy: float, a: float, b: float) -> float:
    """Return the signed distance to a rectangle of half size (a, b); negative inside."""
    dx, dy = abs(x - cx) - a, abs(y - cy) - b
    return min(max(dx, dy), 0.0) + math.hypot(max(dx, 0.0), max(dy, 0.0))


@kernel
def house_frame(x: float, y: float) -> tuple[float, float]:
    """Return a place in the house's own axes."""
    dx, dy = x - HOUSE_X, y - HOUSE_Y
    return dx * _COS + dy * _SIN, dy * _COS - dx * _SIN


@kernel
def pond_distance(x: float, y: float) -> float:
    """Return about how far the pond's irregular edge is; negative in the water."""
    dx, dy = (x - POND_X) / 1.35, y - POND_Y
    return math.hypot(dx, dy) - 2.3 - 1.2 * (noise2(0.45 * x, 0.45 * y, 77) - 0.5)


@kernel
def path_distance(x: float, y: float) -> float:
    """Return the distance to the middle of the garden path, from the gate to the patio."""
    wave = 1.7 * math.sin(0.33 * (y + 3.0)) + 0.4 * math.sin(1.1 * y)
    along = abs(x - 2.2 - wave) * 0.87
    return math.hypot(along, max(0.0, y + 2.5, -15.0 - y))


@kernel
def height(x: float, y: float) -> float:
    """Return the ground's height: gentle waves, level at the house and on the road."""
    hills = 2.6 * (fbm2(0.035 * x, 0.035 * y, 2, 900) - 0.5) + 0.35 * noise2(
        0.16 * x, 0.16 * y, 901
    )
    u, v = house_frame(x, y)
    house = ramp(0.5, 7.0, rectangle(u, v, 0.0, -1.5, HOUSE_A + 0.5, HOUSE_B + 2.0))
    road = ramp(0.0, 6.0, abs(y + 20.5) - 3.0)
    dip = 0.35 * (1.0 - ramp(-0.9, 0.5, pond_distance(x, y)))
    return (hills - 0.1) * house * road - dip


@kernel
def _outside(x: float, y: float, salt: int) -> Colour:
    """What is around the parcel: meadow, a ploughed field, a road with a verge."""
    colour = meadow(x, y, salt)
    edge = 1.6 * fbm2(0.3 * x, 0.3 * y, 4, salt + 61)
    field = ramp(-0.5, 0.6, y - 21.5 - 0.12 * x + edge)
    furrow = 0.82 + 0.18 * math.sin(7.0 * (x - 0.2 * y) + 3.0 * noise2(0.5 * x, 0.5 * y, 8))
    colour = mix(colour, scale(soil(0.6 * x, 0.6 * y, salt + 62), 1.45 * furrow), field)
    crop = ramp(0.0, 1.0, x - 24.0 + edge) * ramp(0.0, 1.0, y + 16.0)
    rows = 0.75 + 0.25 * math.sin(5.5 * (x + 0.15 * y) + 2.0 * noise2(0.4 * x, 0.4 * y, 9))
    wheat = scale((0.34, 0.27, 0.115), rows * (0.35 + 1.3 * fbm2(0.8 * x, 0.8 * y, 5, salt + 63)))
    colour = mix(colour, wheat, crop * (1.0 - field))
    verge = fbm2(1.5 * x, 1.5 * y, 3, salt + 64) - 0.5
    across = abs(y + 20.5)
    road = 1.0 - ramp(2.5, 2.7, across + 0.8 * verge)
    colour = mix(colour, asphalt(x, y, salt + 65), road)
    dash = chance(math.floor(x / 3.0), 0, 5) < 0.9 and (x / 3.0) % 1.0 < 0.5
    paint = 1.0 if dash and across < 0.09 else 0.0
    worn = ramp(0.35, 0.55, fbm2(2 * x, 2 * y, 3, salt + 66))
    return mix(colour, (0.55, 0.55, 0.52), 0.85 * paint * worn)


@kernel
def _beds(x: float, y: float, colour: Colour, salt: int) -> Colour:
    """The vegetable garden: trodden earth and bark chips between the raised beds."""
    edge = rectangle(x, y, 12.9, 3.1, 5.3, 4.6) + 0.8 * (fbm2(1.3 * x, 1.3 * y, 3, salt + 71) - 0.5)
    chips = scale((0.27, 0.19, 0.115), 0.35 + 1.3 * fbm2(4.5 * x, 3.0 * y, 4, salt + 72))
    return mix(colour, chips, 1.0 - ramp(-0.1, 0.15, edge))


@kernel
def _pond(x: float, y: float, colour: Colour, salt: int) -> Colour:
    """The pond with its rim of stones."""
    distance = pond_distance(x, y)
    cell = chance(math.floor(2.6 * x), math.floor(2.6 * y), salt + 81)
    rim = scale(
        (0.38, 0.36, 0.33), 0.35 + 0.6 * cell + 0.7 * fbm2(4 * x, 4 * y, 3, salt + 82) * cell
    )
    colour = mix(colour, rim, 1.0 - ramp(0.35, 0.45, distance + 0.2 * (cell - 0.5)))
    return mix(colour, water(x, y, salt + 83), 1.0 - ramp(-0.06, 0.02, distance))


@kernel
def _house_grounds(x: float, y: float, colour: Colour, salt: int) -> Colour:
    """The patio south of the house and the planted strip around it."""
    u, v = house_frame(x, y)
    wobble = 0.5 * (fbm2(1.4 * x, 1.4 * y, 3, salt + 91) - 0.5)
    strip = rectangle(u, v, 0.0, 0.0, HOUSE_A + 0.75, HOUSE_B + 0.75) + wobble
    planted = ramp(0.5, 0.6, fbm2(1.9 * x, 1.9 * y, 4, salt + 92))
    plants = scale((0.06, 0.12, 0.03), 0.3 + 1.6 * fbm2(5 * x, 5 * y, 3, salt + 93))
    colour = mix(colour, mix(soil(x, y, salt + 94), plants, planted), 1.0 - ramp(-0.1, 0.1, strip))
    patio = rectangle(u, v, 0.6, -HOUSE_B - 2.2, 5.4, 2.2)
    return mix(colour, slabs(u, v, 0.6, salt + 95), 1.0 - ramp(-0.02, 0.05, patio))


@kernel
def cover(x: float, y: float, salt: int) -> Colour:
    """Return the ground's albedo."""
    wobble = fbm2(1.6 * x, 1.6 * y, 4, salt + 51) - 0.5
    inside = 1.0 - ramp(-0.15, 0.15, rectangle(x, y, 0.0, 0.0, PARCEL_X, PARCEL_Y) + 0.6 * wobble)
    drive = 1.0 - ramp(-0.1, 0.12, rectangle(x, y, 10.6, -10.5, 2.3, 7.6) + 0.7 * wobble)
    colour = _outside(x, y, salt)
    if inside > 0.0:
        colour = mix(colour, grass(x, y, salt), inside)
        colour = _beds(x, y, colour, salt)
        colour = _pond(x, y, colour, salt)
        path = 1.0 - ramp(-0.1, 0.12, path_distance(x, y) - 0.75 + 0.6 * wobble)
        colour = mix(colour, gravel(x, y, salt + 52), path)
        colour = _house_grounds(x, y, colour, salt)
    return mix(colour, gravel(x, y, salt + 53), drive)
