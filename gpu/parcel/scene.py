"""What stands on the parcel: 40 x 30 m around the origin, metres east, north, up."""

from __future__ import annotations

import math

import numpy as np

from gpu.parcel.ground import (
    BED_A,
    BED_B,
    BEDS,
    HOUSE_A,
    HOUSE_B,
    HOUSE_TURN,
    HOUSE_X,
    HOUSE_Y,
    PARCEL_X,
    PARCEL_Y,
    height,
)
from gpu.parcel.materials import Material
from gpu.parcel.solids import Builder, turn
from gpu.parcel.trace import Solids

WALLS, PITCH = 3.3, math.radians(37.0)
#: Trees: east, north, height, radius of the crown, tone.
TREES = (
    (-15.6, 9.8, 8.2, 3.3, 0.25),
    (-16.4, -1.2, 6.4, 2.6, 0.55),
    (-5.6, -10.6, 5.0, 2.1, 0.85),
    (5.6, -11.2, 4.4, 1.8, 0.7),
    (-10.3, -2.9, 3.6, 1.4, 1.0),
    (17.0, -6.5, 7.2, 2.7, 0.4),
    (5.6, 11.8, 5.6, 2.1, 0.15),
    (-27.0, 3.5, 8.5, 3.5, 0.45),
    (-29.0, -10.0, 6.5, 2.8, 0.2),
    (28.5, -11.5, 7.5, 3.0, 0.6),
    (25.5, -27.5, 6.5, 2.7, 0.35),
    (-12.0, -28.5, 7.5, 3.2, 0.65),
    (6.0, -30.5, 6.0, 2.5, 0.3),
    (-23.0, 23.5, 7.0, 3.0, 0.5),
)


def parcel(seed: int) -> Solids:
    """Return all solids; the seed shapes the plants and the boards, not the plan."""
    random = np.random.default_rng([seed, 1])
    builder = Builder()
    _house(builder)
    _shed(builder)
    _garden(builder, random)
    _car(builder, 10.9, -8.2, math.radians(84.0))
    _patio(builder)
    _fence(builder, random)
    _hedge(builder, random)
    for x, y, high, radius, tone in TREES:
        _tree(builder, random, (x, y), high, radius, tone)
    return builder.build()


def _local(x: float, y: float, yaw: float, u: float, v: float) -> tuple[float, float]:
    c, s = math.cos(yaw), math.sin(yaw)
    return x + u * c - v * s, y + u * s + v * c


def _gabled(
    b: Builder,
    place: tuple[float, float, float],
    half: tuple[float, float, float],
    yaw: float,
    pitch: float,
    cladding: tuple[Material, Material],
    overhang: float,
) -> float:
    """Build walls with a gabled top and two roof slabs; return the height of the ridge.

    `half` is half the length, half the depth, and the height of the eaves.
    """
    (x, y, z), (a, d, eaves), (walls, cover) = place, half, cladding
    foot, ridge = z - 0.5, z + eaves + d * math.tan(pitch)
    middle, rise = (foot + ridge) / 2, (ridge - foot) / 2
    axes = turn(yaw)
    b.box((x, y, middle), (a, d, rise), walls, axes=axes, slope=math.tan(pitch))
    slant = (d + overhang) / math.cos(pitch) / 2
    for side in (-1.0, 1.0):
        across = side * (d + overhang) / 2
        u, v = _local(x, y, yaw, 0.0, across)
        top = ridge - abs(across) * math.tan(pitch) + 0.1
        lean = turn(yaw if side < 0 else yaw + math.pi, pitch)
        b.box(
            (u, v, top), (a + overhang, slant + 0.06, 0.11), cover, axes=lean, tone=0.3 + side / 9
        )
    return ridge


def _house(b: Builder) -> None:
    z = height(HOUSE_X, HOUSE_Y)
    with b.group():
        place, half = (HOUSE_X, HOUSE_Y, z), (HOUSE_A, HOUSE_B, WALLS)
        cladding = (Material.PLASTER, Material.TILES)
        ridge = _gabled(b, place, half, HOUSE_TURN, PITCH, cladding, 0.5)
        x, y = _local(HOUSE_X, HOUSE_Y, HOUSE_TURN, -3.2, 0.7)
        b.box((x, y, ridge), (0.42, 0.34, 1.0), Material.BRICK, axes=turn(HOUSE_TURN))
        b.box((x, y, ridge + 1.03), (0.5, 0.42, 0.06), Material.STONE, axes=turn(HOUSE_TURN))
        b.box((x, y, ridge + 1.15), (0.2, 0.15, 0.12), Material.RUBBER, axes=turn(HOUSE_TURN))
        for u, v in ((-3.6, -2.3), (4.1, -2.3)):
            _on_roof(b, ridge, u, v, (0.47, 0.68, 0.14), Material.STONE)
            _on_roof(b, ridge, u, v, (0.38, 0.58, 0.18), Material.GLASS)
        for column in range(4):
            for row in range(2):
                u, v = -1.6 + 1.06 * column, -1.35 - 1.36 * row
                _on_roof(b, ridge, u, v, (0.5, 0.82, 0.16), Material.SOLAR, column + 4 * row)


def _on_roof(
    b: Builder,
    ridge: float,
    u: float,
    v: float,
    half: tuple[float, float, float],
    material: Material,
    number: int = 0,
) -> None:
    """Lay a box upon the south side of the roof; (u, v) along and across the house."""
    x, y = _local(HOUSE_X, HOUSE_Y, HOUSE_TURN, u, v)
    z = ridge + v * math.tan(PITCH) + 0.16
    b.box((x, y, z), half, material, axes=turn(HOUSE_TURN, PITCH), tone=0.1 + 0.07 * number)


def _shed(b: Builder) -> None:
    x, y, yaw = 15.2, 11.6, math.radians(-4.0)
    with b.group():
        place, half = (x, y, height(x, y)), (2.4, 1.6, 2.1)
        _gabled(b, place, half, yaw, math.radians(24.0), (Material.PLANKS, Material.FELT), 0.25)
        u, v = _local(x, y, yaw, -3.3, -0.9)
        for k, (up, side) in enumerate(((0.2, 0.0), (0.2, 0.45), (0.55, 0.2))):
            b.ellipsoid(
                (u + side, v, height(u, v) + up), (0.22, 0.8, 0.22), Material.BARK, tone=k / 9
            )


def _garden(b: Builder, random: np.random.Generator) -> None:
    """Raised beds with boards around them and rows of vegetables."""
    for x, y in BEDS:
        z = height(x, y)
        with b.group():
            b.box((x, y, z), (BED_A, BED_B, 0.32), Material.EARTH, tone=float(random.random()))
            for side in (-1.0, 1.0):
                across = (x + side * BED_A, y, z)
                b.box(across, (0.05, BED_B + 0.05, 0.38), Material.PLANKS, tone=0.2, axes=turn(0.0))
                b.box((x, y + side * BED_B, z), (BED_A, 0.05, 0.38), Material.PLANKS, tone=0.3)
            tone = float(random.random())
            for u in (-0.7, 0.0, 0.7):
                for v in np.arange(-1.35, 1.4, 0.55):
                    if random.random() > 0.16:
                        _bush(b, random, (x + u, y + v, z + 0.36), 0.25, tone, dense=True)


def _bush(
    b: Builder,
    random: np.random.Generator,
    place: tuple[float, float, float],
    radius: float,
    tone: float,
    *,
    dense: bool = False,
) -> None:
    x, y, z = np.array(place) + random.normal(0.0, 0.15 * radius, 3)
    a, d, h = radius * random.uniform(0.75, 1.25, 3)
    own = float(np.clip(tone + random.normal(0.0, 0.12), 0.01, 1.0))
    b.ellipsoid((x, y, z), (a, d, h), Material.LEAVES, tone=-own if dense else own)


def _car(b: Builder, x: float, y: float, yaw: float) -> None:
    z, axes = height(x, y), turn(yaw)
    with b.group():
        b.box((x, y, z + 0.62), (2.1, 0.86, 0.3), Material.PAINT, axes=axes, tone=0.9)
        u, v = _local(x, y, yaw, -0.25, 0.0)
        b.box((u, v, z + 1.13), (1.15, 0.74, 0.24), Material.GLASS, axes=axes)
        b.box((u, v, z + 1.38), (0.98, 0.7, 0.04), Material.PAINT, axes=axes, tone=0.9)
        u, v = _local(x, y, yaw, 1.5, 0.0)
        b.box((u, v, z + 0.93), (0.5, 0.8, 0.03), Material.PAINT, axes=axes, tone=0.9)
        for along in (-1.35, 1.35):
            for across in (-0.84, 0.84):
                u, v = _local(x, y, yaw, along, across)
                b.ellipsoid((u, v, z + 0.32), (0.2, 0.33, 0.33), Material.RUBBER)


def _patio(b: Builder) -> None:
    """A table with benches, and a parasol."""
    x, y = _local(HOUSE_X, HOUSE_Y, HOUSE_TURN, 3.6, -6.6)
    z, axes = height(x, y), turn(HOUSE_TURN + 0.3)
    with b.group():
        b.box((x, y, z + 0.72), (0.95, 0.45, 0.04), Material.PLANKS, axes=axes, tone=0.1)
        b.box((x, y, z + 0.35), (0.6, 0.06, 0.35), Material.PLANKS, axes=axes, tone=0.1)
        for side in (-0.85, 0.85):
            u, v = _local(x, y, HOUSE_TURN + 0.3, 0.0, side)
            b.box((u, v, z + 0.4), (0.9, 0.18, 0.06), Material.PLANKS, axes=axes, tone=0.2)
    x, y = _local(HOUSE_X, HOUSE_Y, HOUSE_TURN, -2.6, -6.4)
    with b.group():
        b.ellipsoid((x, y, z + 2.1), (1.45, 1.45, 0.4), Material.FABRIC)
        b.ellipsoid((x, y, z + 1.0), (0.05, 0.05, 1.4), Material.STONE)


def _fence(b: Builder, random: np.random.Generator) -> None:
    """Boards and posts around the parcel, open at the drive and at the garden gate."""
    step = 2.5
    for side, length, axis in (
        (-PARCEL_Y, PARCEL_X, 0),
        (PARCEL_Y, PARCEL_X, 0),
        (-PARCEL_X, PARCEL_Y, 1),
        (PARCEL_X, PARCEL_Y, 1),
    ):
        with b.group():
            for along in np.arange(-length + step / 2, length, step):
                x, y = (along, side) if axis == 0 else (side, along)
                if not (side == -PARCEL_Y and axis == 0 and _is_gate(float(x))):
                    _panel(b, random, float(x), float(y), step, axis)


def _is_gate(x: float) -> bool:
    return abs(x - 10.6) < 2.6 or abs(x - 1.25) < 1.0


def _panel(
    b: Builder, random: np.random.Generator, x: float, y: float, step: float, axis: int
) -> None:
    axes, z = turn(axis * math.pi / 2), height(x, y)
    tone = float(random.uniform(0.3, 1.0))
    half = (step / 2 - 0.06, 0.035, 0.62)
    b.box((x, y, z + 0.62), half, Material.PLANKS, axes=axes, tone=tone)
    u, v = _local(x, y, axis * math.pi / 2, step / 2, 0.0)
    b.box((u, v, z + 0.6), (0.07, 0.07, 0.8), Material.PLANKS, axes=axes, tone=0.9)


def _hedge(b: Builder, random: np.random.Generator) -> None:
    """A clipped hedge in the north, bushes at the house and beside the drive."""
    for start in np.arange(-11.0, 3.5, 3.0):
        with b.group():
            for along in np.arange(start, start + 3.0, 0.42):
                for across, up in ((-0.3, 0.5), (0.3, 0.5), (0.0, 1.05)):
                    x, y = float(along), 13.7 + across
                    _bush(b, random, (x, y, height(x, y) + up), 0.55, 0.3)
    for x, y, radius, tone in (
        (7.4, -4.0, 0.8, 0.9),
        (13.8, -13.2, 0.9, 0.2),
        (-18.2, 4.3, 1.0, 0.7),
        (-9.3, -12.6, 0.8, 0.5),
        (-17.6, -6.3, 0.7, 0.95),
        (3.2, 8.6, 0.8, 0.6),
    ):
        with b.group():
            for _ in range(9):
                u, v = np.array([x, y]) + random.normal(0.0, 0.45 * radius, 2)
                place = (float(u), float(v), height(x, y) + 0.5 * radius)
                _bush(b, random, place, 0.6 * radius, tone)


def _tree(
    b: Builder,
    random: np.random.Generator,
    place: tuple[float, float],
    high: float,
    radius: float,
    tone: float,
) -> None:
    """A trunk and a crown: a shell of leafy blobs around a core."""
    x, y = place
    z = height(x, y)
    rise = min(0.42 * high, 1.15 * radius)
    middle = z + high - rise
    with b.group():
        b.ellipsoid(
            (x, y, z + 0.4 * high), (0.09 * radius, 0.09 * radius, 0.5 * high), Material.BARK
        )
        core = (0.72 * radius, 0.72 * radius, 0.72 * rise)
        b.ellipsoid((x, y, middle), core, Material.LEAVES, tone=-0.3 * tone - 0.01)
        count = int(30 * radius)
        for k in range(count):
            up = 1.0 - 1.65 * (k + 0.5) / count
            around = k * 2.399963 + random.normal(0.0, 0.25)
            flat = math.sqrt(1.0 - up * up)
            out = random.uniform(0.68, 0.94)
            u = x + out * radius * flat * math.cos(around)
            v = y + out * radius * flat * math.sin(around)
            place_of_blob = (u, v, middle + out * rise * up)
            _bush(b, random, place_of_blob, random.uniform(0.4, 0.75), tone)
