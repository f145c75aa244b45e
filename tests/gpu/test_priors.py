"""A flight that its photos leave free to bend is held straight by GPS, as far as that is good."""

from dataclasses import replace
from functools import cache

import numpy as np
import pycolmap
import pytest

from gpu.geometry.mapping import PRECISE, adjust
from gpu.geometry.priors import hold_to_gps
from gpu.geometry.world import World, to_world
from gpu.ingest.exif import Gps
from gpu.ingest.photos import Photo
from tests.gpu.truth import error

#: A lens of this focal length (pixels) and distortion, 60 m above a plain, in two lines of 920 m.
FOCAL, DISTORTION, SIZE, HEIGHT = 700.0, -0.03, (1024, 768), 60.0
LINES, ALONG = 2, 24
HOME: Gps = (52.5, 13.4, 40.0)
#: Metres in one degree of longitude and of latitude there, on the ellipsoid.
EAST, NORTH = 111_554.5 * np.cos(np.radians(52.5)), 111_276.8


def is_inside(pixel: np.ndarray) -> bool:
    return bool((pixel > 0).all() and (pixel < SIZE).all())


@cache
def flight(seed: int = 0) -> tuple[pycolmap.Reconstruction, dict[str, np.ndarray]]:
    """The flight as its photos alone place it, seen to half a pixel; its true centres, metres."""
    make = np.random.default_rng(seed)
    model = pycolmap.Reconstruction()
    lens = [FOCAL, SIZE[0] / 2, SIZE[1] / 2, DISTORTION]
    camera = pycolmap.Camera(
        model="SIMPLE_RADIAL", width=SIZE[0], height=SIZE[1], params=lens, camera_id=1
    )
    model.add_camera_with_trivial_rig(camera)
    ground = make.uniform([-40, -40, -0.5], [1000, 100, 0.5], (500, 3))
    seen: dict[int, list[tuple[int, int]]] = {}
    true = {}
    for i in range(LINES * ALONG):
        line, step = divmod(i, ALONG)
        centre = np.array([40.0 * step, 60.0 * line, HEIGHT]) + make.normal(0, 1, 3)
        sign = 1.0 if line % 2 else -1.0
        turn = np.array([[sign, 0, 0], [0, -sign, 0], [0, 0, -1.0]])
        pose = pycolmap.Rigid3d(pycolmap.Rotation3d(turn), -turn @ centre)
        pixels = [camera.img_from_cam(pose * point) for point in ground]
        inside = [
            n for n, p in enumerate(pixels) if p is not None and (p > 0).all() and (p < SIZE).all()
        ]
        keypoints = np.array([pixels[n] for n in inside]) + make.normal(0, 0.5, (len(inside), 2))
        image = pycolmap.Image(name=f"{i:02}", keypoints=keypoints, camera_id=1, image_id=i + 1)
        model.add_image_with_trivial_frame(image, pose)
        true[image.name] = centre
        for at, number in enumerate(inside):
            seen.setdefault(number, []).append((i + 1, at))
    for number, where in seen.items():
        if len(where) > 2:
            track = pycolmap.Track([pycolmap.TrackElement(*element) for element in where])
            model.add_point3D(ground[number], track, np.zeros(3, np.uint8))
    model.camera(1).params = [1.03 * FOCAL, *lens[1:3], 0.0]  # what EXIF says
    adjust(model, PRECISE)
    return model, true


def photos_of(
    true: dict[str, np.ndarray], noise: float, stated: float | None, seed: int = 1
) -> list[Photo]:
    """Photos whose GPS is so far off (metres, standard deviation), and says that it is `stated`."""
    make, sigma = np.random.default_rng(seed), None if stated is None else (stated,) * 3
    photos = []
    for name, centre in true.items():
        east, north, up = centre + make.normal(0, noise, 3)
        gps = HOME[0] + north / NORTH, HOME[1] + east / EAST, HOME[2] + up
        photos.append(Photo(name, name, *SIZE, "c", gps=gps, gps_sigma=sigma))
    return photos


def held(
    flown: pycolmap.Reconstruction, photos: list[Photo]
) -> tuple[pycolmap.Reconstruction | None, World]:
    """What comes of the flight with these photos' GPS."""
    model = pycolmap.Reconstruction(flown)
    gps = {photo.image: photo.gps for photo in photos if photo.gps}
    world = to_world(model, gps, aerial=True, seed=0)
    return hold_to_gps(model, photos, world), world


@pytest.mark.parametrize(
    ("noise", "stated", "most"),
    [(0.03, 0.03, 0.5), (0.5, None, 0.95), (1.5, 1.5, 1.0), (0.03, 8.0, 1.001)],
)
def test_gps_straightens_flights_as_far_as_it_is_good(
    noise: float, stated: float | None, most: float
) -> None:
    """What is left of the error without GPS, on average of four flights."""
    left = []
    for seed in range(4):
        flown, true = flight(seed)
        bound, world = held(flown, photos_of(true, noise, stated, seed=100 + seed))
        assert world.metric
        assert bound is not None
        left.append(error(bound, true) / error(flown, true))
    assert np.mean(left) < most


def test_a_wild_place_does_not_bend_the_flight() -> None:
    flown, true = flight()
    photos = photos_of(true, 0.1, 0.1)
    wild = photos[7]
    assert wild.gps is not None
    photos[7] = replace(wild, gps=(wild.gps[0], wild.gps[1] + 0.002, wild.gps[2] - 30))
    bound, _ = held(flown, photos)
    assert bound is not None
    assert error(bound, true) < 0.8 * error(flown, true)


def test_gps_that_lies_about_how_good_it_is_is_not_used() -> None:
    flown, true = flight()
    bound, world = held(flown, photos_of(true, 2.0, 0.01))
    assert world.metric
    assert bound is None


def test_gps_that_is_not_believed_holds_nothing() -> None:
    flown, true = flight()
    bound, world = held(flown, photos_of(true, 300.0, None))
    assert not world.metric
    assert bound is None
