"""How far found cameras are from the true ones."""

import numpy as np
import pycolmap

from gpu.geometry.world import centres_of


def error(model: pycolmap.Reconstruction, true: dict[str, np.ndarray]) -> float:
    """The centres' root mean square distance from the truth after the best similarity.

    In the units of the truth.
    """
    found = centres_of(model)
    ours, theirs = (np.array([c[name] for name in sorted(true)]) for c in (found, true))
    fit = pycolmap.estimate_sim3d(ours, theirs)
    assert fit is not None
    off = np.array([fit * centre for centre in ours]) - theirs
    return float(np.sqrt((off**2).sum(axis=1).mean()))
