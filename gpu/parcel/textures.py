"""Procedural textures, anchored to world or object coordinates and never repeating.

All lengths are metres; colours are linear RGB albedos. A `salt` separates textures that must
not resemble each other.
"""

from __future__ import annotations

import math

from gpu.parcel.jit import kernel

Colour = tuple[float, float, float]


@kernel
def chance(i: int, j: int, salt: int) -> float:
    """Return a number in [0, 1) that depends only on the cell (i, j) and the salt."""
    h = (i * 668265263 + j * 374761393 + salt * 1274126177) & 0xFFFFFFFF
    h = ((h ^ (h >> 15)) * 739982445) & 0xFFFFFFFF
    h = ((h ^ (h >> 12)) * 695872825) & 0xFFFFFFFF
    return (h ^ (h >> 15)) / 4294967296.0


@kernel
def ramp(low: float, high: float, x: float) -> float:
    """Return 0 below `low`, 1 above `high` and a smooth step between."""
    t = min(1.0, max(0.0, (x - low) / (high - low)))
    return t * t * (3.0 - 2.0 * t)


@kernel
def mix(a: Colour, b: Colour, t: float) -> Colour:
    """Return the colour `t` of the way from a to b."""
    return a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t


@kernel
def scale(a: Colour, s: float) -> Colour:
    """Return a colour made lighter or darker."""
    return a[0] * s, a[1] * s, a[2] * s


@kernel
def noise2(x: float, y: float, salt: int) -> float:
    """Return value noise in [0, 1) with a lattice of one unit."""
    i, j = math.floor(x), math.floor(y)
    u, v = x - i, y - j
    i, j = int(i), int(j)
    u, v = u * u * (3.0 - 2.0 * u), v * v * (3.0 - 2.0 * v)
    low = chance(i, j, salt) * (1.0 - u) + chance(i + 1, j, salt) * u
    high = chance(i, j + 1, salt) * (1.0 - u) + chance(i + 1, j + 1, salt) * u
    return low + (high - low) * v


@kernel
def fbm2(x: float, y: float, octaves: int, salt: int) -> float:
    """Return fractal noise in [0, 1): octaves of half the size and half the strength."""
    total, weight = 0.0, 0.5
    for octave in range(octaves):
        total += weight * (noise2(x, y, salt + octave) - 0.5)
        # Turned by an irrational angle, so that the lattices never line up.
        x, y = 1.607 * x - 1.191 * y + 5.3, 1.191 * x + 1.607 * y + 1.7
        weight *= 0.5
    return 0.5 + total


@kernel
def noise3(x: float, y: float, z: float, salt: int) -> float:
    """Return value noise in [0, 1) of a point in space."""
    k = math.floor(z)
    w = z - k
    w = w * w * (3.0 - 2.0 * w)
    below, above = noise2(x, y, salt + 7919 * int(k)), noise2(x, y, salt + 7919 * (int(k) + 1))
    return below + (above - below) * w


@kernel
def fbm3(x: float, y: float, z: float, octaves: int, salt: int) -> float:
    """Return fractal noise in [0, 1) of a point in space."""
    total, weight = 0.0, 0.5
    for octave in range(octaves):
        total += weight * (noise3(x, y, z, salt + 31 * octave) - 0.5)
        x, y, z = 1.6 * x - 1.2 * y + 5.3, 1.2 * x + 1.6 * y + 1.7, 2.0 * z + 0.37
        weight *= 0.5
    return 0.5 + total


@kernel
def courses(u: float, v: float, width: float, height: float, joint: float, salt: int) -> Colour:
    """Lay bricks in courses, each shifted by half a brick.

    Returns (shade of this brick in [0, 1), 1 on the joint else 0, place within the course 0..1).
    """
    row = math.floor(v / height)
    across = u / width + 0.5 * (row % 2)
    column = math.floor(across)
    s, t = (across - column) * width, v - row * height
    edge = min(s, width - s, t, height - t)
    on_joint = 1.0 - ramp(0.5 * joint, 1.5 * joint, edge)
    return chance(int(column), int(row), salt), on_joint, t / height


@kernel
def grass(x: float, y: float, salt: int) -> Colour:
    """A mown lawn: dry and lush patches, tufts, clover and a few daisies."""
    patch = ramp(0.36, 0.66, fbm2(0.23 * x, 0.23 * y, 4, salt))
    tuft = fbm2(2.6 * x, 2.6 * y, 4, salt + 11)
    stripe = 0.05 * math.sin(2.2 * (x + 0.12 * y)) + 0.05 * (noise2(0.4 * x, 0.4 * y, salt) - 0.5)
    colour = mix((0.075, 0.155, 0.035), (0.185, 0.205, 0.062), patch)
    clover = ramp(0.6, 0.68, fbm2(0.7 * x, 0.7 * y, 3, salt + 23))
    colour = scale(mix(colour, (0.04, 0.105, 0.03), 0.8 * clover), 0.4 + 1.2 * tuft + stripe)
    worn = ramp(0.67, 0.76, fbm2(0.5 * x, 0.5 * y, 4, salt + 37))
    colour = mix(colour, (0.24, 0.19, 0.115), 0.7 * worn)
    daisy = chance(math.floor(14.0 * x), math.floor(14.0 * y), salt + 41)
    return mix(colour, (0.7, 0.7, 0.62), 0.6 if daisy > 0.996 - 0.02 * clover else 0.0)


@kernel
def meadow(x: float, y: float, salt: int) -> Colour:
    """Long grass outside the fence: taller clumps and flowers."""
    patch = ramp(0.3, 0.7, fbm2(0.11 * x, 0.11 * y, 5, salt))
    clump = fbm2(1.1 * x, 1.1 * y, 5, salt + 11)
    colour = mix((0.07, 0.115, 0.03), (0.21, 0.195, 0.075), patch)
    colour = scale(colour, 0.25 + 1.5 * clump)
    weeds = ramp(0.62, 0.7, fbm2(0.45 * x, 0.45 * y, 4, salt + 23))
    return mix(colour, (0.035, 0.075, 0.022), 0.75 * weeds)


@kernel
def gravel(x: float, y: float, salt: int) -> Colour:
    """Light crushed stone with wheel marks and single stones."""
    stone = chance(math.floor(11.0 * x + noise2(5 * x, 5 * y, salt)), math.floor(11.0 * y), salt)
    drift = fbm2(0.9 * x, 0.9 * y, 4, salt + 5)
    colour = mix((0.30, 0.265, 0.215), (0.50, 0.465, 0.40), ramp(0.3, 0.7, drift))
    return scale(colour, 0.72 + 0.38 * stone + 0.35 * (fbm2(4 * x, 4 * y, 2, salt + 9) - 0.5))


@kernel
def soil(x: float, y: float, salt: int) -> Colour:
    """Dug earth."""
    clod = fbm2(2.2 * x, 2.2 * y, 4, salt)
    return scale((0.155, 0.098, 0.06), 0.35 + 1.3 * clod)


@kernel
def asphalt(x: float, y: float, salt: int) -> Colour:
    """An old road: patches, cracks and grit."""
    patch = ramp(0.55, 0.58, fbm2(0.3 * x, 0.5 * y, 3, salt))
    crack = abs(fbm2(0.8 * x, 0.8 * y, 4, salt + 5) - 0.5)
    grit = fbm2(3.0 * x, 3.0 * y, 4, salt + 9)
    shade = (0.7 + 0.6 * grit) * (1.0 - 0.25 * patch) * (0.55 + 0.45 * ramp(0.0, 0.012, crack))
    return scale((0.16, 0.16, 0.165), shade)


@kernel
def slabs(x: float, y: float, size: float, salt: int) -> Colour:
    """Square stone slabs: each with its own tone, weathered, with mossy joints."""
    tone, joint, _ = courses(x, y, size, size, 0.022, salt)
    other = chance(int(tone * 65536.0), 3, salt)
    colour = mix((0.34, 0.29, 0.235), (0.47, 0.43, 0.375), tone)
    colour = mix(colour, (0.40, 0.27, 0.2), 0.45 if other > 0.72 else 0.0)
    colour = scale(colour, 0.55 + 0.9 * fbm2(1.7 * x, 1.7 * y, 5, salt + 3))
    return mix(colour, (0.085, 0.085, 0.05), 0.8 * joint)


@kernel
def water(x: float, y: float, salt: int) -> Colour:
    """A pond: dark water with duckweed and lily pads."""
    depth = fbm2(0.5 * x, 0.5 * y, 4, salt)
    colour = mix((0.018, 0.04, 0.042), (0.07, 0.1, 0.085), depth)
    weed = ramp(0.55, 0.62, fbm2(0.9 * x, 0.9 * y, 5, salt + 3))
    colour = mix(colour, (0.09, 0.15, 0.03), 0.7 * weed)
    i, j = math.floor(1.8 * x), math.floor(1.8 * y)
    a, b = 1.8 * x - i - 0.5, 1.8 * y - j - 0.5
    size = 0.22 + 0.2 * chance(int(i), int(j), salt + 7)
    pad = chance(int(i), int(j), salt + 8) > 0.55 and a * a + b * b < size * size
    return mix(colour, (0.07, 0.19, 0.05), 0.85 if pad else 0.0)
