"""Cameras that come with the photos: read in every program's form, and taken as they are."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pycolmap
import pytest

from gpu.geometry.given import take_given
from gpu.geometry.stage import run_geometry
from gpu.ingest.fetch import run_fetch
from gpu.ingest.photos import Photo, Photos
from gpu.ingest.poses import FAINTLY, given_cameras
from gpu.ingest.preprocess import run_preprocess
from gpu.job import JobPaths
from gpu.stage import Context, Outcome
from tests.gpu.flight import FOCAL, SIZE, Shot, photograph, shots
from tests.gpu.photos_on_disk import Said, context

COUNT = 8
GL = np.diag([1.0, -1.0, -1.0])


def name(i: int) -> str:
    return f"images/shot_{i:02}.jpg"


def transforms(truth: list[Shot], **lens: Any) -> str:
    """As nerfstudio, instant-ngp and NeRFCapture write it: camera to world, y up, z back."""
    frames = []
    for i, shot in enumerate(truth):
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = shot.rotation @ GL, shot.centre
        frames.append({"file_path": f"./{name(i)}", "transform_matrix": matrix.tolist()})
    return json.dumps({**lens, "frames": frames})


def whole(truth: list[Shot]) -> str:
    return transforms(truth, w=SIZE[0], h=SIZE[1], fl_x=FOCAL, fl_y=FOCAL)


def by_angle(truth: list[Shot]) -> str:
    """As the synthetic sets have it: the angle alone, and names without a suffix."""
    angle = 2 * np.arctan(SIZE[0] / 2 / FOCAL)
    return transforms(truth, camera_angle_x=angle).replace(".jpg", "")


def opensfm(truth: list[Shot]) -> str:
    """As OpenDroneMap writes it: world to camera as axis times angle, lengths in long sides."""
    camera = {"projection_type": "perspective", "width": SIZE[0], "height": SIZE[1]}
    camera |= {"focal": FOCAL / SIZE[0], "k1": 0.0, "k2": 0.0}
    made = {}
    for i, shot in enumerate(truth):
        turn = pycolmap.Rotation3d(np.ascontiguousarray(shot.rotation.T))
        x, y, z, w = turn.quat
        angle = 2 * np.arctan2(np.linalg.norm([x, y, z]), w)
        axis = np.array([x, y, z]) / max(np.linalg.norm([x, y, z]), 1e-12)
        made[f"shot_{i:02}.jpg"] = {
            "rotation": (axis * angle).tolist(),
            "translation": (-shot.rotation.T @ shot.centre).tolist(),
            "camera": "a",
        }
    return json.dumps([{"cameras": {"a": camera}, "shots": made}, {"cameras": {}, "shots": {}}])


FORMS: dict[str, tuple[str, Callable[[list[Shot]], str]]] = {
    "nerfstudio": ("transforms.json", whole),
    "instant-ngp": ("transforms_train.json", by_angle),
    "odm": ("odm/reconstruction.json", opensfm),
}


def records() -> list[Photo]:
    return [Photo(name(i), f"images_shot_{i:02}.jpg", *SIZE, "c") for i in range(COUNT)]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_says_the_same(tmp_path: Path, form: str) -> None:
    file, write = FORMS[form]
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text(write(shots(COUNT)))
    found = given_cameras(tmp_path, records())
    assert len(found) == COUNT
    for i, shot in enumerate(shots(COUNT)):
        camera = found[f"images_shot_{i:02}.jpg"]
        assert -camera.rotation.T @ camera.translation == pytest.approx(shot.centre, abs=1e-9)
        assert camera.rotation == pytest.approx(shot.rotation.T, abs=1e-9)
        assert camera.params[:4] == pytest.approx((FOCAL, FOCAL, SIZE[0] / 2, SIZE[1] / 2))


def test_polycam_has_a_file_for_each_photo_and_what_it_corrected_counts(tmp_path: Path) -> None:
    for folder, shift in (("cameras", 0.5), ("corrected_cameras", 0.0)):
        (tmp_path / "keyframes" / folder).mkdir(parents=True)
        for i, shot in enumerate(shots(COUNT)):
            turn = shot.rotation @ GL
            said = {
                f"t_{row}{column}": turn[row, column] for row in range(3) for column in range(3)
            }
            said |= {f"t_{row}3": shot.centre[row] + shift for row in range(3)}
            said |= {"fx": FOCAL, "fy": FOCAL, "cx": 200, "cy": 150, "width": 400, "height": 300}
            file = tmp_path / "keyframes" / folder / f"shot_{i:02}.json"
            file.write_text(json.dumps(said))
    (tmp_path / "keyframes" / "cameras" / "broken.json").write_text("{")
    found = given_cameras(tmp_path, records())
    assert len(found) == COUNT
    for i, shot in enumerate(shots(COUNT)):
        camera = found[f"images_shot_{i:02}.jpg"]
        assert -camera.rotation.T @ camera.translation == pytest.approx(shot.centre, abs=1e-9)


def test_a_fisheye_without_distortion_is_no_pinhole(tmp_path: Path) -> None:
    """COLMAP would leave its photos as they are."""
    lens = {"w": SIZE[0], "h": SIZE[1], "fl_x": FOCAL, "fl_y": FOCAL}
    text = transforms(shots(COUNT), **lens, camera_model="OPENCV_FISHEYE")
    (tmp_path / "transforms.json").write_text(text)
    found = given_cameras(tmp_path, records())["images_shot_00.jpg"]
    assert found.model == "OPENCV_FISHEYE"
    assert found.params[4:] == (FAINTLY, 0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "{}", '{"frames": 3}', '{"frames": [{"transform_matrix": [[1]]}]}', "[" * 9999),
        whole(shots(3)).replace(str(SIZE[0]), "-1"),
        whole(shots(3)).replace("330.0", "NaN"),
    ],
)
def test_malformed_cameras_are_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "transforms.json").write_text(text)
    (tmp_path / "reconstruction.json").write_text(text)
    assert given_cameras(tmp_path, records()) == {}


def test_cameras_of_photos_of_another_shape_are_not_taken(tmp_path: Path) -> None:
    (tmp_path / "transforms.json").write_text(whole(shots(COUNT)))
    upright = [Photo(p.name, p.image, p.height, p.width, p.camera) for p in records()]
    assert given_cameras(tmp_path, upright) == {}


def solved(root: Path, given: Path) -> tuple[Context, Outcome]:
    ctx = context(root, given)
    run_fetch(ctx)
    run_preprocess(ctx)
    return ctx, run_geometry(ctx)


def shape_error(paths: JobPaths) -> float:
    """Return how far the cameras' distances are from the truth's, of the longest of them."""
    model = pycolmap.Reconstruction(paths.geometry)
    centres = {i.name: i.projection_center() for i in model.images.values() if i.has_pose}
    found = np.stack([centres[f"images_shot_{i:02}.jpg"] for i in range(COUNT)])
    true = np.stack([shot.centre for shot in shots(COUNT)])
    one, other = (np.linalg.norm(p[:, None] - p[None], axis=-1) for p in (found, true))
    scale = (one * other).sum() / (one**2).sum()
    return float(np.abs(one * scale - other).max() / other.max())


@pytest.fixture(scope="module")
def posed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Context, Outcome]:
    folder = tmp_path_factory.mktemp("posed")
    truth = photograph(folder / "given" / "images", COUNT, gps=False)
    (folder / "given" / "transforms.json").write_text(whole(truth))
    return folder / "given", *solved(folder / "job", folder / "given")


def test_points_are_found_where_cameras_came_alone(
    posed: tuple[Path, Context, Outcome],
) -> None:
    _, ctx, outcome = posed
    assert outcome.metrics["photos_registered"] == COUNT
    assert isinstance(ctx.progress, Said)
    assert any("came with them" in message for _, message in ctx.progress)
    assert not any(message.startswith("Placed") for _, message in ctx.progress)
    assert shape_error(ctx.paths) < 2e-3
    assert outcome.metrics["points"] > 300


def test_a_colmap_model_is_taken_whole(
    posed: tuple[Path, Context, Outcome], tmp_path: Path
) -> None:
    """What one job found, for photos of twice the size: nothing is searched or compared."""
    given, ctx, first = posed
    shutil.copytree(given / "images", tmp_path / "given" / "images")
    model = pycolmap.Reconstruction(ctx.paths.geometry)
    for image in model.images.values():
        image.name = image.name.replace("images_", "")
        for point in image.points2D:
            point.xy = point.xy * 2
    for camera in model.cameras.values():
        camera.rescale(2 * camera.width, 2 * camera.height)
    (tmp_path / "given" / "sparse" / "0").mkdir(parents=True)
    model.write_text(tmp_path / "given" / "sparse" / "0")
    again, outcome = solved(tmp_path / "job", tmp_path / "given")
    assert isinstance(again.progress, Said)
    assert not any("Compared" in message for _, message in again.progress)
    assert outcome.metrics["points"] == first.metrics["points"]
    assert outcome.metrics["reprojection_error_px"] == pytest.approx(
        first.metrics["reprojection_error_px"], abs=0.02
    )
    assert shape_error(again.paths) < 2e-3
    assert {p.name for p in Photos.load(again.paths).photos} == {name(i) for i in range(COUNT)}


def test_cameras_that_do_not_fit_the_photos_are_not_taken(tmp_path: Path) -> None:
    """The poses of other photos: each camera is elsewhere and looks elsewhere."""
    truth = photograph(tmp_path / "given" / "images", 4, gps=False)
    wrong = [Shot(s.centre[::-1] * 3, s.rotation[:, ::-1] * [1, -1, 1]) for s in truth]
    (tmp_path / "given" / "transforms.json").write_text(whole(wrong))
    ctx = context(tmp_path / "job", tmp_path / "given")
    run_fetch(ctx)
    run_preprocess(ctx)
    paths, photos = ctx.paths, Photos.load(ctx.paths).photos
    taken = take_given(tmp_path, paths.photos, paths.images, photos, seed=0, say=lambda *_: None)
    assert len(given_cameras(paths.photos, photos)) == 4
    assert taken is None
