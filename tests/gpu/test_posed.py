"""Models from rough poses (merged parts, learned methods), against a flight with known truth."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pycolmap
import pytest
from PIL import Image

from gpu.geometry.errors import MethodNotInstalled
from gpu.geometry.features import find_features, match, new_database
from gpu.geometry.ladder import LEARNED_RUNG, USUAL, rungs_for
from gpu.geometry.learned import PREDICTORS, predict, to_rigid
from gpu.geometry.pairs import all_pairs
from gpu.geometry.posed import from_poses, merged_poses
from gpu.geometry.stage import run_geometry
from gpu.geometry.world import centres_of
from gpu.ingest.photos import Photo
from gpu.job.choices import LEARNED
from tests.gpu.flight import FOCAL, SIZE, Shot, photograph
from tests.gpu.photos_on_disk import context

COUNT = 6


@pytest.fixture(scope="module")
def matched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Shot]]:
    """A flight with its features matched, and the truth."""
    folder = tmp_path_factory.mktemp("posed")
    truth = photograph(folder / "images", COUNT)
    photos = [Photo(n, n, *SIZE, "c", FOCAL) for n in (f"shot_{i:02}.jpg" for i in range(COUNT))]
    new_database(folder / "database.db", photos)
    silent = lambda *_: None  # noqa: E731
    find_features(folder / "database.db", folder / "images", photos, USUAL, silent)
    match(folder / "database.db", photos, all_pairs(COUNT), USUAL, 0, silent)
    return folder, truth


def rough(shot: Shot, seed: int) -> pycolmap.Rigid3d:
    """The pose of a shot, a metre and three degrees off."""
    random = np.random.default_rng(seed)
    axis = random.normal(size=3)
    turn = np.radians(3.0) / 2 * axis / np.linalg.norm(axis)
    rotation = pycolmap.Rotation3d(shot.rotation.T) * pycolmap.Rotation3d(np.append(turn, 1.0))
    centre = shot.centre + random.normal(0, 0.6, 3)
    return pycolmap.Rigid3d(rotation, -(rotation.matrix() @ centre))


def errors(model: pycolmap.Reconstruction, truth: list[Shot]) -> np.ndarray:
    """Distances (metres) of the centres from the truth after the best similarity."""
    centres = centres_of(model)
    found = np.array([centres[f"shot_{i:02}.jpg"] for i in range(len(centres))])
    true = np.array([shot.centre for shot in truth[: len(centres)]])
    fit = pycolmap.estimate_sim3d(found, true)
    assert fit is not None
    return np.linalg.norm(np.array([fit * centre for centre in found]) - true, axis=1)


def test_predicted_poses_become_exact(
    matched: tuple[Path, list[Shot]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A method that is a metre and three degrees off, in matrices that are not quite rotations."""
    folder, truth = matched
    asked = []

    def predictor(weights: Path, photos: Sequence[Path]) -> list[np.ndarray]:
        print("Loading.")  # as networks do: it must not be among what the stage listens to
        asked.append((weights, [photo.name for photo in photos]))
        poses = [rough(shot, i).inverse().matrix() for i, shot in enumerate(truth)]
        return [np.vstack([pose * 1.004, [0, 0, 0, 1]]) for pose in poses]

    monkeypatch.setenv("SPLATBOT_LEARNED", str(tmp_path))
    monkeypatch.setattr("sys.path", list(sys.path))
    names = [f"shot_{i:02}.jpg" for i in range(COUNT)]
    poses = predict("map-anything-apache", folder / "images", names, predictor)
    assert capsys.readouterr().out == ""
    assert asked == [(tmp_path / "map-anything-apache" / "weights", names)]
    model = from_poses(folder, folder / "images", poses, seed=0)
    assert model.num_reg_images() == COUNT
    assert model.num_points3D() > 500
    assert errors(model, truth).max() < 0.1


def test_a_matrix_that_is_no_rotation_becomes_the_nearest_one() -> None:
    exact = pycolmap.Rotation3d(np.array([0.5, 0.5, -0.5, 0.5])).matrix()
    bent = np.eye(4)
    bent[:3, :3] = 1.02 * exact + 0.01
    bent[:3, 3] = [1.0, 2.0, 3.0]
    pose = to_rigid(bent)
    assert pose.rotation.matrix() == pytest.approx(exact.T, abs=0.03)
    assert np.linalg.det(pose.rotation.matrix()) == pytest.approx(1.0)
    assert pose.inverse().translation == pytest.approx([1.0, 2.0, 3.0])


@pytest.mark.parametrize("name", LEARNED)
def test_a_learned_geometry_without_weights_is_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPLATBOT_LEARNED", str(tmp_path))
    (tmp_path / name / "weights").mkdir(parents=True)
    with pytest.raises(MethodNotInstalled, match=f"{name} is not installed") as refused:
        run_geometry(context(tmp_path / "job", tmp_path, geometry=name))
    assert "runtime volume" in refused.value.hint
    assert name in PREDICTORS
    assert LEARNED_RUNG not in rungs_for("colmap", 20)


def test_what_is_installed_is_the_last_resort(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPLATBOT_LEARNED", str(tmp_path))
    for name in LEARNED:
        (tmp_path / name / "weights").mkdir(parents=True)
        (tmp_path / name / "weights" / "model.safetensors").touch()
    assert rungs_for("colmap", 20)[-1] == LEARNED_RUNG
    assert [rung.learned for rung in rungs_for("colmap", 20)].count("mast3r") == 0
    assert [rung.learned for rung in rungs_for("mast3r", 20)] == ["mast3r"]


def test_features_of_an_enlarged_photo_are_in_the_photos_own_pixels(
    matched: tuple[Path, list[Shot]], tmp_path: Path
) -> None:
    """They lie where COLMAP's own features, of the photo as it is, lie."""
    file, images = tmp_path / "database.db", matched[0] / "images"
    photo = Photo("shot_00.jpg", "shot_00.jpg", *SIZE, "c", FOCAL)
    new_database(file, [photo])
    find_features(file, images, [photo], USUAL, lambda *_: None)
    pycolmap.extract_features(tmp_path / "own.db", images, image_names=[photo.image])
    points, own = (read_features(database) for database in (file, tmp_path / "own.db"))
    points = points[::10]  # enough, and quick
    offsets = points[:, None, :2] - own[None, :, :2]
    nearest = offsets[range(len(points)), np.linalg.norm(offsets, axis=2).argmin(axis=1)]
    near = np.linalg.norm(nearest, axis=1) < 0.5
    assert near.mean() > 0.6
    assert np.abs(np.median(nearest[near], axis=0)).max() < 0.05
    sizes = [np.median(np.linalg.norm(some[:, 2:4], axis=1)) for some in (points, own)]
    assert sizes[0] == pytest.approx(sizes[1], rel=0.3)


def read_features(file: Path) -> np.ndarray:
    """The features [N, 6] of a database's only photo: x, y and how they are turned and scaled."""
    with pycolmap.Database.open(file) as database:
        (image,) = database.read_all_images()
        return np.asarray(database.read_keypoints(image.image_id))


def test_no_feature_lies_where_the_mask_is_black(
    matched: tuple[Path, list[Shot]], tmp_path: Path
) -> None:
    folder, _ = matched
    photo = Photo("shot_00.jpg", "shot_00.jpg", *SIZE, "c", FOCAL, masked=True)
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    shutil.copy(folder / "images" / photo.image, tmp_path / "images")
    mask = Image.new("L", SIZE, 0)
    mask.paste(255, (0, 0, SIZE[0] // 2, SIZE[1]))
    mask.save(tmp_path / "masks" / f"{photo.image}.png")
    new_database(tmp_path / "database.db", [photo])
    find_features(tmp_path / "database.db", tmp_path / "images", [photo], USUAL, lambda *_: None)
    across = read_features(tmp_path / "database.db")[:, 0]
    assert len(across) > 300
    assert across.max() <= SIZE[0] / 2 + 1


def test_parts_that_share_photos_become_one(matched: tuple[Path, list[Shot]]) -> None:
    """Two parts of four photos, two of them in both, each in a frame of its own."""
    folder, truth = matched
    names = [f"shot_{i:02}.jpg" for i in range(COUNT)]
    exact = {
        name: pycolmap.Rigid3d(pycolmap.Rotation3d(s.rotation.T), -(s.rotation.T @ s.centre))
        for name, s in zip(names, truth, strict=True)
    }
    parts = [
        from_poses(folder, folder / "images", {n: exact[n] for n in some}, seed=0)
        for some in (names[:4], names[2:])
    ]
    parts[1].transform(
        pycolmap.Sim3d(0.3, pycolmap.Rotation3d(np.array([0.5, 0.1, 0.2, 0.8])), np.ones(3))
    )
    poses = merged_poses(parts, seed=0)
    assert sorted(poses) == names
    model = from_poses(folder, folder / "images", poses, seed=0)
    assert errors(model, truth).max() < 0.1
