"""A scene of a million Gaussians for the viewers: the demo's parcel as a drone's rays find it.

Every Gaussian is where a ray of the demo's flight ends, with the colour there. Sizes, shapes,
opacities and noise are drawn at random, for a trained scene is not regular: what compresses well
only because it is regular would flatter every format. Deterministic.
"""

from __future__ import annotations

import math
from pathlib import Path

import numba
import numpy as np
import torch
from numpy.typing import NDArray

from gpu.export.splat import importance
from gpu.gaussians import SH_C0, Gaussians
from gpu.parcel.camera import Shot, flight, focal_pixels
from gpu.parcel.jit import kernel, parallel_kernel
from gpu.parcel.light import GroundMap, ground_radiance, shade
from gpu.parcel.render import World, bake
from gpu.parcel.trace import (
    Floats,
    HeightMap,
    Solids,
    Vector,
    ground_distance,
    in_world,
    nearest,
    normal,
    towards,
)

GAUSSIANS = 1_000_000
SHOTS, SEED = 60, 7
SIZE = (960, 720)
#: Metres of a ray's footprint beside the mean distance of Gaussians: about one covers the next.
COVER = 1.1


@kernel
def _tangents(n: Vector, turn: float) -> tuple[Vector, Vector]:
    """Return two unit vectors that are normal to n and to each other, turned around it."""
    s = 1.0 if n[2] >= 0 else -1.0
    a = -1.0 / (s + n[2])
    b = n[0] * n[1] * a
    x = (1.0 + s * n[0] * n[0] * a, s * b, -s * n[0])
    y = (b, s + n[1] * n[1] * a, -n[1])
    c, d = math.cos(turn), math.sin(turn)
    return (
        (c * x[0] + d * y[0], c * x[1] + d * y[1], c * x[2] + d * y[2]),
        (c * y[0] - d * x[0], c * y[1] - d * x[1], c * y[2] - d * x[2]),
    )


@parallel_kernel
def _strike(
    solids: Solids,
    shadows: HeightMap,
    heights: HeightMap,
    ground: GroundMap,
    rotation: Floats,
    o: Vector,
    rays: Floats,
    salt: int,
    found: Floats,
) -> None:
    """Fill found [R, 13] for rays [R, 3]: place 3, colour 3, two tangents, distance (0 = sky)."""
    for k in numba.prange(len(rays)):
        u, v = rays[k, 0], rays[k, 1]
        size = math.sqrt(u * u + v * v + 1.0)
        x = (rotation[0, 0] * u + rotation[1, 0] * v + rotation[2, 0]) / size
        y = (rotation[0, 1] * u + rotation[1, 1] * v + rotation[2, 1]) / size
        z = (rotation[0, 2] * u + rotation[1, 2] * v + rotation[2, 2]) / size
        d = (x, y, z)
        few = np.empty(len(solids.kind), np.int64)
        count = towards(solids, o, 0.0, d, 0.001, few)
        far = ground_distance(heights, o, d)
        far, i = nearest(solids, few, count, o, d, far)
        if math.isinf(far) or far > 90.0:
            found[k, 12] = 0.0
            continue
        p = (o[0] + far * x, o[1] + far * y, o[2] + far * z)
        n = (0.0, 0.0, 1.0)
        if i < 0:
            colour = ground_radiance(ground, p[0], p[1])
        else:
            colour = shade(solids, shadows, i, p, salt)
            own, _ = normal(solids, i, p)
            n = in_world(solids, i, own)
        a, b = _tangents(n, rays[k, 2])
        for axis in range(3):
            found[k, axis] = p[axis]
            found[k, 3 + axis] = colour[axis]
            found[k, 6 + axis] = a[axis]
            found[k, 9 + axis] = b[axis]
        found[k, 12] = far


def _hits(world: World, shot: Shot, count: int, random: np.random.Generator) -> Floats:
    focal = focal_pixels(SIZE)
    half = np.array(SIZE) / 2 / focal
    rays = np.empty((count, 3))
    rays[:, :2] = random.uniform(-half, half, (count, 2))
    rays[:, 2] = random.uniform(0, math.pi, count)
    found = np.zeros((count, 13))
    o = (float(shot.centre[0]), float(shot.centre[1]), float(shot.centre[2]))
    # Far from the parcel the finely baked ground goes on as at its edge: few rays end there.
    _strike(
        world.solids, world.shadows, world.heights, world.fine, shot.rotation, o, rays,
        world.salt, found,
    )  # fmt: skip
    inside = (np.abs(found[:, 0]) < 30) & (np.abs(found[:, 1]) < 25) & (found[:, 12] > 0)
    return found[inside]


def make(count: int = GAUSSIANS) -> Gaussians:
    """Return the scene: `count` Gaussians of degree 0, world frame, metres."""
    random = np.random.default_rng(SEED)
    world = bake(SEED, 0.03)
    shots = flight(SHOTS, SEED)
    found = np.concatenate([_hits(world, s, 2 * count // SHOTS, random) for s in shots])
    found = found[random.permutation(len(found))[:count]]
    footprint = COVER * math.sqrt(60 * 50 / count)
    return _dressed(found, footprint, random)


def _dressed(found: Floats, footprint: float, random: np.random.Generator) -> Gaussians:
    """Give every hit a size, a shape and an opacity like those that training leaves."""
    n = len(found)
    sizes = footprint * np.exp(random.normal(-0.2, 0.55, (n, 1)) + random.normal(0, 0.3, (n, 3)))
    sizes[:, 2] *= 0.2
    faint = random.random(n) < 0.3
    opacity = np.where(faint, random.uniform(0.03, 0.6, n), random.beta(6, 1, n)).clip(0.02, 0.995)
    film = 1.0 - np.exp(-found[:, 3:6])
    colour = np.where(film < 0.0031308, 12.92 * film, 1.055 * film ** (1 / 2.4) - 0.055)
    colour += random.normal(0, 0.02, (n, 3))
    sink = random.normal(0, 0.15 * footprint, (n, 3))
    return Gaussians(
        means=_tensor(found[:, :3] + sink),
        quats=_quaternions(found[:, 6:9], found[:, 9:12], random),
        log_scales=_tensor(np.log(sizes)),
        logit_opacities=_tensor(np.log(opacity / (1 - opacity))),
        sh0=_tensor((colour - 0.5) / SH_C0)[:, None],
        shN=torch.zeros(n, 0, 3),
    )


def _quaternions(a: Floats, b: Floats, random: np.random.Generator) -> torch.Tensor:
    """Return w x y z of the frames with the axes a, b and a x b, a little shaken."""
    c = np.cross(a, b)
    m = np.stack([a, b, c], axis=2)
    w = np.sqrt(np.maximum(0, 1 + m[:, 0, 0] + m[:, 1, 1] + m[:, 2, 2])) / 2
    x = np.sqrt(np.maximum(0, 1 + m[:, 0, 0] - m[:, 1, 1] - m[:, 2, 2])) / 2
    y = np.sqrt(np.maximum(0, 1 - m[:, 0, 0] + m[:, 1, 1] - m[:, 2, 2])) / 2
    z = np.sqrt(np.maximum(0, 1 - m[:, 0, 0] - m[:, 1, 1] + m[:, 2, 2])) / 2
    x = np.copysign(x, m[:, 2, 1] - m[:, 1, 2])
    y = np.copysign(y, m[:, 0, 2] - m[:, 2, 0])
    z = np.copysign(z, m[:, 1, 0] - m[:, 0, 1])
    q = np.stack([w, x, y, z], axis=1) + random.normal(0, 0.08, (len(a), 4))
    return _tensor(q / np.linalg.norm(q, axis=1, keepdims=True))


def _tensor(values: NDArray[np.float64]) -> torch.Tensor:
    return torch.from_numpy(values.astype(np.float32))


def write(folder: Path, count: int = GAUSSIANS) -> Gaussians:
    """Make the scene, most important Gaussians first; return it."""
    from gpu.export.ply import write_ply

    scene = make(count)
    scene = scene.select(importance(scene).argsort(descending=True, stable=True))
    write_ply(scene, folder / "scene.ply")
    return scene
