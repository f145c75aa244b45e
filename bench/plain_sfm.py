"""`python -m bench.plain_sfm PHOTOS WORK`: pycolmap with its defaults, exhaustive and incremental.

What the geometry stage is measured against. Prints one JSON object: seconds of the wall and of all
processors (`work`), by component the mean reprojection error (pixels) and the camera centres by
name, and what it takes to straighten the largest component's photos besides, which the stage does.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pycolmap


def reconstruct(photos: Path, work: Path) -> dict[str, object]:
    """Place the photos of a folder; `work` is for COLMAP's own files."""
    pycolmap.logging.minloglevel = pycolmap.logging.ERROR.value
    pycolmap.set_random_seed(0)
    work.mkdir(parents=True, exist_ok=True)
    database = work / "database.db"
    begin, used = time.monotonic(), time.process_time()
    pycolmap.extract_features(database, photos)
    pycolmap.match_exhaustive(database)
    models = pycolmap.incremental_mapping(database, photos, work / "models")
    seconds, spent = time.monotonic() - begin, time.process_time() - used
    return {
        "seconds": seconds,
        "work": spent,
        "straightening": _straighten(models, photos, work) if models else 0.0,
        "components": sorted(
            (_component(model) for model in models.values()),
            key=lambda component: -len(component["centres"]),
        ),
    }


def _straighten(models: Mapping[int, pycolmap.Reconstruction], photos: Path, work: Path) -> float:
    """Write the photos of the largest model as a pinhole camera sees them; return the seconds."""
    begin = time.monotonic()
    largest = max(models, key=lambda number: models[number].num_reg_images())
    pycolmap.undistort_images(work / "straight", work / "models" / str(largest), photos)
    return time.monotonic() - begin


def _component(model: pycolmap.Reconstruction) -> dict[str, Any]:
    images = [model.image(number) for number in model.reg_image_ids()]
    return {
        "error": model.compute_mean_reprojection_error(),
        "centres": {image.name: image.projection_center().tolist() for image in images},
    }


if __name__ == "__main__":
    print(json.dumps(reconstruct(Path(sys.argv[1]), Path(sys.argv[2]))))
