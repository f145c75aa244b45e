"""How far found cameras are from the true ones."""

from collections.abc import Mapping

import numpy as np
import pycolmap

from gpu.geometry.world import centres_of


def error(model: pycolmap.Reconstruction, true: Mapping[str, np.ndarray]) -> float:
    """The centres' root mean square distance from the truth after the best similarity.

    In the units of the truth.
    """
    found = centres_of(model)
    assert true.keys() <= found.keys()
    fit = fitted(found, true)
    assert fit is not None
    return fit[1]


def fitted(
    found: Mapping[str, np.ndarray], true: Mapping[str, np.ndarray]
) -> tuple[pycolmap.Sim3d, float] | None:
    """The similarity that brings found centres best to the true ones, and their distance then.

    Of those that are in both; None for fewer than three, or when none fits. The distance is the
    root mean square, in the units of the truth.
    """
    names = sorted(true.keys() & found.keys())
    ours, theirs = (np.array([c[name] for name in names]) for c in (found, true))
    fit = pycolmap.estimate_sim3d(ours, theirs) if len(names) >= 3 else None
    if fit is None:
        return None
    off = np.array([fit * centre for centre in ours]) - theirs
    return fit, float(np.sqrt((off**2).sum(axis=1).mean()))
