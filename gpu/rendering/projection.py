"""Projects Gaussians to the image: EWA splatting with its derivative, for the CPU.

Formulas: Zwicker et al. 2001 and Kerbl et al. 2023; the bounding box shrinks with opacity as in
Radl et al. 2024 (arXiv 2402.00525, B.2). Constants and conventions are gsplat's, so that both
renderers agree. Pinhole cameras, OpenCV axes (x right, y down, z forward), pixels.

With S = diag(scale), R the rotation, W the camera's and J the Jacobian of the projection, the
covariance in the image is U U^T, U = J W R S, and a blur of `eps2d` on its diagonal.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import prange
from numpy.typing import NDArray

from gpu.rendering.jit import Scalar, kernel, parallel_kernel

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

ALPHA_THRESHOLD = np.float32(1.0 / 255.0)  #: what is less opaque is not drawn
EXTENT = np.float32(3.33)  #: standard deviations at which an opaque Gaussian gets that faint
GUARD = np.float32(0.15)  #: the Jacobian goes no further outside than this part of the image
CHUNKS = 16  #: pieces of work for the cores to share


class Camera(NamedTuple):
    """The C cameras of one call."""

    views: Floats  # [C, 4, 4] world to camera
    Ks: Floats  # [C, 3, 3] pixels
    width: int
    height: int
    near: float
    far: float
    eps2d: float  # blur, square pixels


class Parameters(NamedTuple):
    """The N Gaussians of one call, after their activations, or the derivatives by them."""

    means: Floats  # [N, 3]
    quats: Floats  # [N, 4]
    scales: Floats  # [N, 3]
    opacities: Floats  # [N]


class Splats(NamedTuple):
    """The Gaussians as the cameras see them, or the derivatives by them."""

    radii: Ints  # [C, N, 2] half sides of the bounding box in pixels, 0 = not visible
    means2d: Floats  # [C, N, 2] pixels
    depths: Floats  # [C, N]
    conics: Floats  # [C, N, 3] upper triangle of the inverse covariance
    ratios: Floats  # [C, N] compensation of the blur, 1 unless antialiased


class Scratch(NamedTuple):
    """The matrices of one Gaussian in one camera, kept for its derivative."""

    R: Floats  # [3, 3] rotation
    M: Floats  # [3, 3] R S
    V: Floats  # [3, 3] W R S
    J: Floats  # [2, 3]
    U: Floats  # [2, 3] J W R S
    at: Floats  # [3] centre in the camera
    bound: Floats  # [2] 1 where the Jacobian is not clamped


@kernel
def _scratch() -> Scratch:
    f = np.float32
    return Scratch(
        np.empty((3, 3), f),
        np.empty((3, 3), f),
        np.empty((3, 3), f),
        np.zeros((2, 3), f),
        np.empty((2, 3), f),
        np.empty(3, f),
        np.empty(2, f),
    )


@kernel
def _matmul(a: Floats, b: Floats, out: Floats) -> None:
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            total = np.float32(0.0)
            for k in range(b.shape[0]):
                total += a[i, k] * b[k, j]
            out[i, j] = total


@kernel
def _rotate(quat: Floats, R: Floats) -> None:
    """Write the rotation matrix of a quaternion w, x, y, z of any length."""
    w, x, y, z = quat[0], quat[1], quat[2], quat[3]
    two = np.float32(2.0) / (w * w + x * x + y * y + z * z)
    one = np.float32(1.0)
    R[0, 0], R[0, 1], R[0, 2] = (
        one - two * (y * y + z * z),
        two * (x * y - w * z),
        two * (x * z + w * y),
    )
    R[1, 0], R[1, 1], R[1, 2] = (
        two * (x * y + w * z),
        one - two * (x * x + z * z),
        two * (y * z - w * x),
    )
    R[2, 0], R[2, 1], R[2, 2] = (
        two * (x * z - w * y),
        two * (y * z + w * x),
        one - two * (x * x + y * y),
    )


@kernel
def _centre(mean: Floats, view: Floats, at: Floats) -> None:
    for i in range(3):
        at[i] = view[i, 0] * mean[0] + view[i, 1] * mean[1] + view[i, 2] * mean[2] + view[i, 3]


@kernel
def _jacobian(K: Floats, camera: Camera, s: Scratch) -> None:
    """Write J at the centre, clamped to what the camera sees and a guard band around it."""
    for i, size in enumerate((camera.width, camera.height)):
        focal, middle, z = K[i, i], K[i, 2], s.at[2]
        guard = GUARD * size / focal
        slope = s.at[i] / z
        inside = min(max(slope, -middle / focal - guard), (size - middle) / focal + guard)
        s.bound[i] = np.float32(1.0) if slope == inside else np.float32(0.0)
        s.J[i, i] = focal / z
        s.J[i, 2] = -focal * inside / z


@kernel
def _splat(
    quat: Floats, scale: Floats, view: Floats, K: Floats, camera: Camera, s: Scratch
) -> tuple[Scalar, Scalar, Scalar]:
    """Fill the scratch and return the blurred covariance a, b, c in square pixels."""
    _rotate(quat, s.R)
    for i in range(3):
        for j in range(3):
            s.M[i, j] = s.R[i, j] * scale[j]
    _matmul(view, s.M, s.V)
    _jacobian(K, camera, s)
    _matmul(s.J, s.V, s.U)
    a = b = c = np.float32(0.0)
    for j in range(3):
        a += s.U[0, j] * s.U[0, j]
        b += s.U[0, j] * s.U[1, j]
        c += s.U[1, j] * s.U[1, j]
    return a + camera.eps2d, b, c + camera.eps2d


@kernel
def _compensation(a: Scalar, b: Scalar, c: Scalar, eps2d: Scalar) -> Scalar:
    """How much the blur raised the brightness: sqrt(det before / det after)."""
    before = (a - eps2d) * (c - eps2d) - b * b
    return np.sqrt(max(before, np.float32(0.0)) / (a * c - b * b))


@kernel
def _project_one(
    g: int,
    i: int,
    gaussians: Parameters,
    camera: Camera,
    antialiased: bool,
    s: Scratch,
    out: Splats,
) -> None:
    """Write Gaussian g as camera i sees it; radii stay 0 where it does not."""
    view, K = camera.views[i], camera.Ks[i]
    _centre(gaussians.means[g], view, s.at)
    z = s.at[2]
    if not camera.near <= z <= camera.far:
        return
    a, b, c = _splat(gaussians.quats[g], gaussians.scales[g], view, K, camera, s)
    det = a * c - b * b
    if det <= 0:
        return
    ratio = _compensation(a, b, c, camera.eps2d) if antialiased else np.float32(1.0)
    visible = gaussians.opacities[g] * ratio
    if not visible >= ALPHA_THRESHOLD:
        return
    extent = min(EXTENT, np.sqrt(np.float32(2.0) * np.log(visible / ALPHA_THRESHOLD)))
    rx, ry = np.ceil(extent * np.sqrt(a)), np.ceil(extent * np.sqrt(c))
    x, y = K[0, 0] * s.at[0] / z + K[0, 2], K[1, 1] * s.at[1] / z + K[1, 2]
    if x + rx <= 0 or x - rx >= camera.width or y + ry <= 0 or y - ry >= camera.height:
        return
    out.radii[i, g, 0], out.radii[i, g, 1] = rx, ry
    out.means2d[i, g, 0], out.means2d[i, g, 1] = x, y
    out.depths[i, g] = z
    out.conics[i, g, 0], out.conics[i, g, 1], out.conics[i, g, 2] = c / det, -b / det, a / det
    out.ratios[i, g] = ratio


@kernel
def _project_some(
    start: int, stop: int, gaussians: Parameters, camera: Camera, antialiased: bool, out: Splats
) -> None:
    scratch = _scratch()
    for g in range(start, stop):
        for i in range(len(camera.views)):
            _project_one(g, i, gaussians, camera, antialiased, scratch, out)


@parallel_kernel
def project(gaussians: Parameters, camera: Camera, antialiased: bool, out: Splats) -> None:
    """Write every Gaussian as every camera sees it."""
    n = len(gaussians.means)
    for k in prange(CHUNKS):
        _project_some(k * n // CHUNKS, (k + 1) * n // CHUNKS, gaussians, camera, antialiased, out)


@kernel
def _covariance_gradient(
    a: Scalar, b: Scalar, c: Scalar, eps2d: Scalar, v_conic: Floats, v_ratio: Scalar
) -> tuple[Scalar, Scalar, Scalar]:
    """Return the derivatives by a, b and c (b counted once) of conic and compensation."""
    f = np.float32
    det = a * c - b * b
    A, B, C = c / det, -b / det, a / det
    vA, vB, vC = v_conic[0], v_conic[1] * f(0.5), v_conic[2]
    # d(inverse) = -inverse d() inverse
    ga = -(A * A * vA + f(2) * A * B * vB + B * B * vC)
    gb = -f(2) * (A * B * vA + (A * C + B * B) * vB + B * C * vC)
    gc = -(B * B * vA + f(2) * B * C * vB + C * C * vC)
    ratio = _compensation(a, b, c, eps2d)
    if v_ratio != 0 and ratio > f(1e-6):
        half, squared = f(0.5) * v_ratio / (ratio * det), ratio * ratio
        ga += half * ((c - eps2d) - squared * c)
        gb += half * f(2) * b * (squared - f(1))
        gc += half * ((a - eps2d) - squared * a)
    return ga, gb, gc


@kernel
def _quaternion_gradient(quat: Floats, G: Floats, out: Floats) -> None:
    """Add the derivative by the (unnormalised) quaternion, given G, that by the rotation."""
    norm = np.sqrt((quat * quat).sum())
    w, x, y, z = quat[0] / norm, quat[1] / norm, quat[2] / norm, quat[3] / norm
    two = np.float32(2.0)
    dw = two * (z * (G[1, 0] - G[0, 1]) + y * (G[0, 2] - G[2, 0]) + x * (G[2, 1] - G[1, 2]))
    dx = two * (y * (G[0, 1] + G[1, 0]) + z * (G[0, 2] + G[2, 0]) + w * (G[2, 1] - G[1, 2]))
    dx -= two * two * x * (G[1, 1] + G[2, 2])
    dy = two * (x * (G[0, 1] + G[1, 0]) + z * (G[1, 2] + G[2, 1]) + w * (G[0, 2] - G[2, 0]))
    dy -= two * two * y * (G[0, 0] + G[2, 2])
    dz = two * (x * (G[0, 2] + G[2, 0]) + y * (G[1, 2] + G[2, 1]) + w * (G[1, 0] - G[0, 1]))
    dz -= two * two * z * (G[0, 0] + G[1, 1])
    along = w * dw + x * dx + y * dy + z * dz
    out[0] += (dw - w * along) / norm
    out[1] += (dx - x * along) / norm
    out[2] += (dy - y * along) / norm
    out[3] += (dz - z * along) / norm


@kernel
def _centre_gradient(
    K: Floats, s: Scratch, dJ: Floats, v_mean2d: Floats, v_depth: Scalar, out: Floats
) -> None:
    """Write the derivative by the centre in the camera: through J, the pixel and the depth."""
    z = s.at[2]
    out[2] = v_depth
    for i in range(2):
        focal = K[i, i]
        slope = -s.J[i, 2] / focal * z  # clamped
        out[i] = focal / z * v_mean2d[i] - s.bound[i] * focal / (z * z) * dJ[i, 2]
        out[2] -= focal * s.at[i] / (z * z) * v_mean2d[i] + focal / (z * z) * dJ[i, i]
        out[2] += (np.float32(1.0) + s.bound[i]) * focal * slope / (z * z) * dJ[i, 2]


@kernel
def _backward_one(
    g: int,
    i: int,
    gaussians: Parameters,
    camera: Camera,
    s: Scratch,
    ds: Scratch,
    v_out: Splats,
    v: Parameters,
) -> None:
    """Add to v what camera i's derivatives v_out say about Gaussian g; ds mirrors s."""
    view, K = camera.views[i], camera.Ks[i]
    quat, scale = gaussians.quats[g], gaussians.scales[g]
    _centre(gaussians.means[g], view, s.at)
    a, b, c = _splat(quat, scale, view, K, camera, s)
    ga, gb, gc = _covariance_gradient(a, b, c, camera.eps2d, v_out.conics[i, g], v_out.ratios[i, g])
    two = np.float32(2.0)
    for j in range(3):
        ds.U[0, j] = two * ga * s.U[0, j] + gb * s.U[1, j]
        ds.U[1, j] = two * gc * s.U[1, j] + gb * s.U[0, j]
    _matmul(ds.U, s.V.T, ds.J)
    _matmul(s.J.T, ds.U, ds.V)
    _matmul(view[:3, :3].T, ds.V, ds.M)
    for j in range(3):
        for k in range(3):
            v.scales[g, j] += s.R[k, j] * ds.M[k, j]
            ds.R[k, j] = ds.M[k, j] * scale[j]
    _quaternion_gradient(quat, ds.R, v.quats[g])
    _centre_gradient(K, s, ds.J, v_out.means2d[i, g], v_out.depths[i, g], ds.at)
    for j in range(3):
        for k in range(3):
            v.means[g, j] += view[k, j] * ds.at[k]


@kernel
def _backward_some(
    start: int, stop: int, gaussians: Parameters, camera: Camera, v_out: Splats, v: Parameters
) -> None:
    scratch, derivative = _scratch(), _scratch()
    for g in range(start, stop):
        for i in range(len(camera.views)):
            if v_out.radii[i, g, 0] > 0:
                _backward_one(g, i, gaussians, camera, scratch, derivative, v_out, v)


@parallel_kernel
def project_backward(gaussians: Parameters, camera: Camera, v_out: Splats, v: Parameters) -> None:
    """Add to v what the derivatives v_out, of all cameras, say about every Gaussian."""
    n = len(gaussians.means)
    for k in prange(CHUNKS):
        _backward_some(k * n // CHUNKS, (k + 1) * n // CHUNKS, gaussians, camera, v_out, v)
