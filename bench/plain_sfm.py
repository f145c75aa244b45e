"""`python -m bench.plain_sfm PHOTOS WORK`: pycolmap with its defaults, exhaustive and incremental.

What the geometry stage is measured against. Prints one JSON object: seconds, and by component the
number of photos, the mean reprojection error (pixels) and the camera centres by name.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pycolmap


def reconstruct(photos: Path, work: Path) -> dict[str, object]:
    """Place the photos of a folder; `work` is for COLMAP's own files."""
    pycolmap.logging.minloglevel = pycolmap.logging.ERROR.value
    pycolmap.set_random_seed(0)
    work.mkdir(parents=True, exist_ok=True)
    database = work / "database.db"
    begin = time.monotonic()
    pycolmap.extract_features(database, photos)
    pycolmap.match_exhaustive(database)
    models = pycolmap.incremental_mapping(database, photos, work / "models")
    return {
        "seconds": time.monotonic() - begin,
        "components": sorted(
            (_component(model) for model in models.values()),
            key=lambda component: -len(component["centres"]),
        ),
    }


def _component(model: pycolmap.Reconstruction) -> dict[str, dict[str, list[float]]]:
    images = [model.image(number) for number in model.reg_image_ids()]
    return {
        "error": model.compute_mean_reprojection_error(),
        "centres": {image.name: image.projection_center().tolist() for image in images},
    }


if __name__ == "__main__":
    print(json.dumps(reconstruct(Path(sys.argv[1]), Path(sys.argv[2]))))
