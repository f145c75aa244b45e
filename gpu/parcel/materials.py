"""What solids are made of: albedo at a point given in the solid's own axes."""

from __future__ import annotations

import math
from enum import IntEnum

from gpu.parcel.jit import kernel
from gpu.parcel.textures import Colour, chance, courses, fbm2, fbm3, mix, ramp, scale
from gpu.parcel.trace import LEAVES, Vector


class Material(IntEnum):
    """The surfaces that `albedo` knows."""

    PLASTER = 0
    TILES = 1
    BRICK = 2
    PLANKS = 3
    FELT = 4
    LEAVES = LEAVES
    BARK = 6
    PAINT = 7
    GLASS = 8
    RUBBER = 9
    SOLAR = 10
    FABRIC = 11
    STONE = 12
    EARTH = 13


_PLASTER, _TILES, _BRICK, _PLANKS = (
    int(m) for m in (Material.PLASTER, Material.TILES, Material.BRICK, Material.PLANKS)
)
_FELT, _BARK, _PAINT = (int(m) for m in (Material.FELT, Material.BARK, Material.PAINT))
_GLASS, _RUBBER, _SOLAR, _FABRIC, _EARTH = (
    int(m)
    for m in (Material.GLASS, Material.RUBBER, Material.SOLAR, Material.FABRIC, Material.EARTH)
)


@kernel
def _plaster(u: float, v: float, salt: int) -> Colour:
    """Weathered render on a brick plinth; u along the wall, v above its foot."""
    stain = fbm2(0.7 * u, 0.35 * v, 5, salt)
    rough = fbm2(4.0 * u, 4.0 * v, 4, salt + 5)
    colour = mix((0.52, 0.43, 0.30), (0.70, 0.62, 0.47), ramp(0.3, 0.7, stain))
    colour = scale(colour, 0.72 + 0.5 * rough)
    return _brick(u, v, salt) if v < 0.75 else colour


@kernel
def _window(u: float, v: float, width: float, high: float, salt: int) -> tuple[float, Colour]:
    """Return (1 where a window or its shutters are, else 0; colour); (u, v) from its middle."""
    if abs(v) > high or abs(u) > 1.55 * width:
        return 0.0, (0.0, 0.0, 0.0)
    if abs(u) > width + 0.03:
        slat = 0.75 + 0.25 * math.sin(60.0 * v)
        green = scale((0.06, 0.15, 0.13), slat * (0.6 + 0.8 * fbm2(5 * u, 3 * v, 3, salt)))
        return 1.0, green
    frame = min(width - abs(u), high - abs(v), abs(u) + 0.02)
    if frame < 0.07 or abs(v - 0.3 * high) < 0.04:
        return 1.0, scale((0.72, 0.72, 0.7), 0.8 + 0.4 * fbm2(4 * u, 4 * v, 3, salt))
    curtain = ramp(0.5, 0.56, fbm2(2.5 * u, 0.9 * v, 4, salt + 9))
    return 1.0, mix((0.03, 0.045, 0.06), (0.32, 0.3, 0.28), 0.7 * curtain)


@kernel
def _door(u: float, v: float, salt: int) -> Colour:
    """A wooden front door with a small window; u from its middle, v above its foot."""
    if abs(u) > 0.5 or v > 2.05:
        return 0.7, 0.69, 0.66
    if 1.35 < v < 1.8 and abs(u) < 0.25:
        return 0.05, 0.07, 0.09
    return scale((0.22, 0.075, 0.045), 0.6 + 0.8 * fbm2(9.0 * u, 1.2 * v, 4, salt))


@kernel
def _wall(u: float, v: float, face: int, salt: int) -> Colour:
    """A house wall with its openings; faces 0 south, 1 north, 2 east, 3 west."""
    salt = salt + 100 * face
    if face == 0 and abs(u - 0.4) < 0.6 and v < 2.15:
        return _door(u - 0.4, v, salt)
    if face == 0 and abs(u - 3.1) < 1.25 and v < 2.25:
        inside, colour = _window(u - 3.1, v - 1.1, 1.25, 1.12, salt + 3)
        return colour
    step = 3.1 if face < 2 else 2.8
    column = math.floor(u / step + 0.5)
    low = 1.55 if v < 2.9 else 4.15
    reach = 3.0 if face > 1 else 4.6
    if v > 2.9:
        reach = 1.0 if face > 1 else 0.0
    if abs(u) < reach and not (face == 0 and column >= 0):
        inside, colour = _window(u - column * step, v - low, 0.55, 0.65, salt + 7 * int(column))
        if inside > 0.0:
            return colour
    return _plaster(u, v, salt)


@kernel
def _tiles(u: float, v: float, salt: int) -> Colour:
    """Clay roof tiles; v from the eaves to the ridge."""
    tone, joint, place = courses(u, v, 0.28, 0.36, 0.02, salt)
    colour = mix((0.24, 0.072, 0.042), (0.46, 0.175, 0.10), tone)
    old = ramp(0.5, 0.7, fbm2(0.55 * u, 0.55 * v, 4, salt + 5))
    colour = mix(colour, (0.17, 0.115, 0.085), 0.55 * old)
    moss = ramp(0.6, 0.72, fbm2(1.1 * u, 1.1 * v, 4, salt + 9))
    colour = mix(colour, (0.13, 0.14, 0.05), 0.7 * moss)
    shade = (0.62 + 0.5 * place) * (1.0 - 0.45 * joint)
    return scale(colour, shade * (0.75 + 0.5 * fbm2(3.0 * u, 3.0 * v, 3, salt + 13)))


@kernel
def _brick(u: float, v: float, salt: int) -> Colour:
    tone, joint, _ = courses(u, v, 0.26, 0.13, 0.015, salt)
    colour = mix((0.21, 0.072, 0.048), (0.43, 0.185, 0.12), tone)
    colour = scale(colour, 0.65 + 0.7 * fbm2(2.4 * u, 2.4 * v, 4, salt + 3))
    return mix(colour, (0.42, 0.39, 0.34), 0.75 * joint)


@kernel
def _planks(u: float, v: float, salt: int, tone: float) -> Colour:
    """Weathered boards of 14 cm that run along v."""
    board = math.floor(u / 0.14)
    own = chance(int(board), math.floor(v / 3.1), salt)
    gap = 1.0 - ramp(0.004, 0.016, min(u / 0.14 - board, board + 1.0 - u / 0.14) * 0.14)
    grain = fbm2(9.0 * u, 1.1 * v, 4, salt + int(own * 4096.0))
    colour = mix((0.29, 0.185, 0.105), (0.36, 0.325, 0.28), ramp(0.2, 0.9, tone + 0.4 * own))
    return scale(colour, (0.5 + 0.55 * own) * (0.5 + 1.0 * grain) * (1.0 - 0.65 * gap))


@kernel
def _leaves(p: Vector, tone: float, salt: int) -> Colour:
    """Foliage by its place in the world; `tone` is the plant's own hue."""
    spray = fbm3(3.1 * p[0], 3.1 * p[1], 3.1 * p[2], 4, salt)
    light = fbm3(0.7 * p[0], 0.7 * p[1], 0.7 * p[2], 2, salt + 500)
    colour = mix((0.04, 0.095, 0.03), (0.155, 0.195, 0.05), ramp(0.0, 1.0, tone))
    colour = mix(colour, (0.2, 0.19, 0.055), 0.6 * ramp(0.5, 0.75, light))
    return scale(colour, max(0.1, 4.2 * (spray - 0.5) + 0.95))


@kernel
def _solar(u: float, v: float, salt: int) -> Colour:
    """A solar panel: dark cells, silver frame, dust."""
    line = min(abs(u * 4.0 - round(u * 4.0)), abs(v * 4.0 - round(v * 4.0))) / 4.0
    tone = chance(math.floor(u * 4.0), math.floor(v * 4.0), salt)
    colour = mix((0.012, 0.02, 0.05), (0.03, 0.045, 0.1), tone)
    colour = mix(colour, (0.2, 0.2, 0.19), 0.4 * ramp(0.45, 0.75, fbm2(2 * u, 2 * v, 4, salt)))
    return mix(colour, (0.35, 0.36, 0.38), 1.0 - ramp(0.005, 0.02, line))


@kernel
def _fabric(p: Vector, salt: int) -> Colour:
    """A parasol: eight sectors, red and cream, a little faded."""
    sector = math.floor((math.atan2(p[1], p[0]) + math.pi) / math.pi * 4.0)
    colour = (0.56, 0.07, 0.05) if int(sector) % 2 == 0 else (0.68, 0.62, 0.5)
    return scale(colour, 0.65 + 0.7 * fbm2(2.0 * p[0], 2.0 * p[1], 4, salt + int(sector)))


@kernel
def _plain(material: int, tone: float, q: Vector, salt: int) -> Colour:
    """Surfaces of one colour with dirt and grain."""
    if material == _FELT:
        return scale((0.13, 0.135, 0.13), 0.35 + 1.3 * fbm2(1.6 * q[0], 1.6 * q[1], 5, salt))
    if material == _EARTH:
        return scale((0.12, 0.075, 0.045), 0.35 + 1.3 * fbm2(2.6 * q[0], 2.6 * q[1], 4, salt))
    grit = fbm3(3.0 * q[0], 3.0 * q[1], 3.0 * q[2], 3, salt)
    if material == _BARK:
        return scale((0.16, 0.115, 0.08), 0.3 + 1.4 * grit)
    if material == _PAINT:
        return scale(mix((0.5, 0.5, 0.5), (0.05, 0.13, 0.33), tone), 0.75 + 0.5 * grit)
    if material == _GLASS:
        return mix((0.02, 0.03, 0.04), (0.22, 0.28, 0.33), ramp(0.4, 0.75, grit))
    if material == _RUBBER:
        return scale((0.035, 0.035, 0.04), 0.4 + 1.2 * grit)
    return scale((0.36, 0.34, 0.31), 0.45 + 1.1 * grit)


@kernel
def albedo(
    material: int, tone: float, rise: float, q: Vector, n: Vector, world: Vector, salt: int
) -> Colour:
    """Return the albedo of a solid at q with normal n (own axes) that is at `world`.

    `rise` is half its height (metres).
    """
    if material == LEAVES:
        return _leaves(world, tone, salt)
    salt = salt + int(tone * 9973.0)
    u = q[0] if abs(n[1]) > abs(n[0]) or abs(n[2]) > 0.9 else q[1]
    v = q[1] if abs(n[2]) > 0.9 else q[2] + rise
    if material == _PLASTER:
        side, far = (n[0] > 0.0, 2) if abs(n[0]) > 0.5 else (n[1] < 0.0, 0)
        return _wall(u, v, far if side else far + 1, salt)
    if material == _TILES:
        return _tiles(q[0], q[1] + 50.0, salt)
    if material == _BRICK:
        return _brick(u, v, salt)
    if material == _PLANKS:
        return _planks(u, v, salt, tone)
    if material == _SOLAR:
        return _solar(q[0], q[1], salt)
    if material == _FABRIC:
        return _fabric(q, salt)
    return _plain(material, tone, q, salt)
