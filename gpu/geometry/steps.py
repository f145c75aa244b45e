"""How far the photographer stepped: the angle at which two photos see the same points."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pycolmap

from gpu.geometry.mapping import SHORT_STEPS, USUAL_STEPS, Mapper

#: Pairs that are looked at, and pairs that must be wide enough for the usual start.
LOOKED_AT, WIDE_PAIRS = 80, 3


def mapper_for(database: Path) -> Mapper:
    """Choose how the first pair is found: a wide one where there is any, else a narrow one.

    Without a wide pair the usual start tries every pair before it gives up, which takes longer
    than all the rest.
    """
    with pycolmap.Database.open(database) as opened:
        cameras = {camera.camera_id: camera for camera in opened.read_all_cameras()}
        images = {image.image_id: image for image in opened.read_all_images()}
        strong = _strong(*opened.read_two_view_geometries())
        wide = 0
        for one, other, geometry in strong:
            points = [opened.read_keypoints(number)[:, :2] for number in (one, other)]
            of = [cameras[images[number].camera_id] for number in (one, other)]
            pycolmap.estimate_two_view_geometry_pose(of[0], points[0], of[1], points[1], geometry)
            wide += np.degrees(geometry.tri_angle) >= USUAL_STEPS.angle
            if wide >= WIDE_PAIRS:
                return USUAL_STEPS
    return SHORT_STEPS


def _strong(
    pairs: list[int], geometries: list[pycolmap.TwoViewGeometry]
) -> list[tuple[int, int, pycolmap.TwoViewGeometry]]:
    """Return pairs that the usual start accepts, from few matches (wide) to many (narrow)."""
    found = [
        (*pycolmap.pair_id_to_image_pair(pair), geometry)
        for pair, geometry in zip(pairs, geometries, strict=True)
        if len(geometry.inlier_matches) >= USUAL_STEPS.start
    ]
    found.sort(key=lambda entry: len(entry[2].inlier_matches))
    return found[:: max(1, len(found) // LOOKED_AT)]
