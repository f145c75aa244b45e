"""Views of one 360 degree photo are placed as one: their centres are one point."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pycolmap
import pytest
from PIL import Image

from gpu.geometry.features import Effort, new_database
from gpu.geometry.ladder import Model, Rung, Solver
from gpu.geometry.pairs import all_pairs
from gpu.geometry.posed import from_poses
from gpu.geometry.rigs import apart
from gpu.ingest import panorama
from gpu.ingest.photos import Photo, Rig

#: A room of 8 x 6 x 4 metres about (0, 0, 0), y down; and where the camera stood in it.
SIDE, HALF = 800, np.array([4.0, 2.0, 3.0])
PLACES = np.array([[-1.5, 0.3, -0.5], [-0.4, 0.1, -0.8], [0.3, 0.4, 0.5]])


@cache
def wallpaper(seed: int) -> np.ndarray:
    """A picture with detail of every size."""
    make = np.random.default_rng(seed)
    noise = [
        make.integers(0, 256, (cells, cells, 3), dtype=np.uint8) for cells in (10, 30, 90, 270)
    ]
    size = SIDE, SIDE
    layers = [Image.fromarray(n).resize(size, Image.Resampling.BICUBIC) for n in noise]
    return np.mean([np.asarray(layer) for layer in layers], axis=0).astype(np.uint8)


def room(place: np.ndarray, width: int = 768) -> Image.Image:
    """A panorama of the room, each of whose walls has a picture of its own."""
    lon = ((np.arange(width) + 0.5) / width - 0.5) * 2 * np.pi
    lat = ((np.arange(width // 2) + 0.5) / (width // 2) - 0.5) * np.pi
    level = np.cos(lat)[:, None]
    rays = np.stack(
        [level * np.sin(lon), np.broadcast_to(np.sin(lat)[:, None], (len(lat), width)),
         level * np.cos(lon)], axis=-1,
    )  # fmt: skip
    distances = (np.sign(rays) * HALF - place) / rays
    axis = distances.argmin(axis=-1)
    hit = place + rays * distances.min(axis=-1)[..., None]
    pixels = np.zeros((*axis.shape, 3), np.uint8)
    for wall in range(6):
        of, sign = wall % 3, 1 if wall < 3 else -1
        here = (axis == of) & (np.sign(rays[..., of]) == sign)
        others = [other for other in range(3) if other != of]
        at = ((hit[here][:, others] / HALF[others] + 1) / 2 * (SIDE - 1)).astype(int)
        painted = wallpaper(wall)
        pixels[here] = painted[at[:, 1], at[:, 0]]
    return Image.fromarray(pixels)


def write_views(images: Path) -> list[Photo]:
    """Cut a panorama at each place into its views."""
    images.mkdir()
    photos = []
    for number, place in enumerate(PLACES):
        for direction, view, rotation, focal in panorama.views(room(place), 256):
            image = f"{number}-{direction.replace(' ', '')}.jpg"
            view.save(images / image, quality=95)
            rig = Rig(f"{number}.jpg", rotation)
            photos.append(Photo(image, image, *view.size, "360", focal, rig=rig))
    return photos


@pytest.fixture(scope="module")
def placed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Solver, Model]:
    """The room's views, placed with fewer features than usual: their number is squared in time."""
    folder = tmp_path_factory.mktemp("rigs")
    photos = write_views(folder / "images")
    solver = Solver(folder / "database.db", folder / "images", photos, seed=0)
    model = solver.solve(Rung("", Effort(700, 0.0067)), 1, lambda *_: None)
    assert model is not None
    return solver, model


def centres(model: pycolmap.Reconstruction) -> list[np.ndarray]:
    """The centres [views, 3] of each panorama, brought to the room's metres."""
    found = [
        np.array([i.projection_center() for i in model.images.values() if i.name[0] == str(n)])
        for n in range(len(PLACES))
    ]
    fit = pycolmap.estimate_sim3d(np.array([views.mean(axis=0) for views in found]), PLACES)
    assert fit is not None
    return [np.array([fit * centre for centre in views]) for views in found]


def check(model: pycolmap.Reconstruction) -> None:
    """All views are there, those of one panorama in one point, which is the true one."""
    assert model.num_reg_images() == 8 * len(PLACES)
    for place, views in zip(PLACES, centres(model), strict=True):
        assert np.linalg.norm(views - views[0], axis=1).max() < 1e-6
        assert views[0] == pytest.approx(place, abs=0.005)


def test_views_of_one_panorama_have_one_centre_which_is_the_true_one(
    placed: tuple[Solver, Model],
) -> None:
    check(placed[1].reconstruction)


def test_the_lenses_of_computed_views_stay_exact(placed: tuple[Solver, Model]) -> None:
    solver, model = placed
    for camera in model.reconstruction.cameras.values():
        assert list(camera.params) == [solver.photos[0].focal, camera.width / 2, camera.height / 2]


def test_the_pose_of_one_view_places_its_panorama(placed: tuple[Solver, Model]) -> None:
    solver, model = placed
    images = list(model.reconstruction.images.values())
    poses = {i.name: i.cam_from_world() for i in images if i.name.endswith("-90-35.jpg")}
    assert len(poses) == len(PLACES)
    check(from_poses(solver.file.parent, solver.images, poses, seed=0))


def test_views_of_one_panorama_are_not_compared(placed: tuple[Solver, Model]) -> None:
    photos = placed[0].photos
    other = replace(photos[0], rig=None)
    across = [pair for pair in all_pairs(10) if max(pair) > 7]
    assert apart([*photos[:9], other], all_pairs(10)) == across


def test_photos_of_no_rig_stay_frames_of_their_own(tmp_path: Path) -> None:
    view = Photo("", "", 90, 90, "360", 45.0)
    turns = (1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0)
    views = [
        replace(view, image=f"{moment}-{turn[0]}.jpg", rig=Rig(moment, turn))
        for moment in ("a", "b")
        for turn in turns
    ]
    single = [replace(view, image=f"{i}.jpg", camera="door") for i in range(3)]
    file = tmp_path / "database.db"
    new_database(file, [*views, *single])
    with pycolmap.Database.open(file) as database:
        sizes = sorted(len(list(frame.data_ids)) for frame in database.read_all_frames())
        rigs = sorted(rig.num_sensors() for rig in database.read_all_rigs())
    assert sizes == [1, 1, 1, 2, 2]
    assert rigs == [1, 2]
