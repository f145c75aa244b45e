"""Where the photos were taken: against a flight whose truth is known, and against real photos."""

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pycolmap
import pytest
import torch
from PIL import Image

from gpu.errors import OutOfMemory
from gpu.geometry.earlier import digest_of, take_earlier
from gpu.geometry.errors import GeometryCrashed, PhotosDoNotConnect
from gpu.geometry.gps import enu_metres, extent_of, utm_epsg
from gpu.geometry.gravity import measured_ups, up_of_gravity, up_of_level_flight
from gpu.geometry.ladder import needed
from gpu.geometry.mapping import FEW, Mapper, incremental_options
from gpu.geometry.masks import undistort_masks
from gpu.geometry.pairs import EXHAUSTIVE, choose_pairs
from gpu.geometry.record import Geometry
from gpu.geometry.stage import WORKERS, run_geometry
from gpu.geometry.world import World, centres_of, scene_distance, to_world, up_of_cameras
from gpu.ingest.exif import Gps
from gpu.ingest.fetch import run_fetch
from gpu.ingest.photos import Photo, Photos
from gpu.ingest.preprocess import run_preprocess
from gpu.job import GEOMETRIES, InvalidValue, JobPaths, JobSpec, Source
from gpu.job.choices import DEFAULT_GEOMETRY
from gpu.stage import Context, Outcome
from gpu.training.checkpoint import scene_digest
from gpu.training.dataset import load_dataset
from tests.gpu.flight import ALTITUDE, FOCAL, Shot, photograph
from tests.gpu.photos_on_disk import Said, context


@dataclass(frozen=True)
class Flown:
    """A flight that went through the stage."""

    ctx: Context
    outcome: Outcome
    truth: list[Shot]

    @property
    def model(self) -> pycolmap.Reconstruction:
        return pycolmap.Reconstruction(self.ctx.paths.geometry)

    @property
    def gps(self) -> dict[str, Gps]:
        photos = Photos.load(self.ctx.paths).photos
        return {photo.image: photo.gps for photo in photos if photo.gps}


def solved(root: Path, photos: Path) -> tuple[Context, Outcome]:
    ctx = context(root, photos)
    run_fetch(ctx)
    run_preprocess(ctx)
    return ctx, run_geometry(ctx)


@pytest.fixture(scope="module")
def flown(tmp_path_factory: pytest.TempPathFactory) -> Flown:
    folder = tmp_path_factory.mktemp("flight")
    truth = photograph(folder / "photos")
    return Flown(*solved(folder / "job", folder / "photos"), truth)


def test_every_camera_is_found_to_centimetres(flown: Flown) -> None:
    """Up to a shift: the origin is the median of the GPS, the height that of the ground."""
    found = np.array([centre for _, centre in sorted(centres_of(flown.model).items())])
    true = np.array([shot.centre for shot in flown.truth])
    error = (found - found.mean(axis=0)) - (true - true.mean(axis=0))
    assert len(found) == 12
    assert np.abs(error).max() < 0.05


def test_the_focal_length_is_refined(flown: Flown) -> None:
    (camera,) = flown.model.cameras.values()
    assert camera.focal_length == pytest.approx(FOCAL, rel=0.005)


def test_the_record_says_how_good_it_is(flown: Flown) -> None:
    record = Geometry.load(flown.ctx.paths)
    assert record.metric
    assert record.gps_agreeing == 12
    assert record.gps_rmse is not None
    assert record.gps_rmse < 0.05
    assert record.origin == pytest.approx((52.5, 13.4, 100.0), abs=0.5)
    assert record.camera_height == pytest.approx(ALTITUDE, abs=1.0)
    assert record.ground_z == 0.0
    assert len(record.registered) == 12
    assert record.left_out == ()
    assert flown.outcome.metrics["drone_agl_m"] == pytest.approx(ALTITUDE, abs=1.0)


def test_the_ground_is_at_height_zero(flown: Flown) -> None:
    heights = np.array([p.xyz[2] for p in flown.model.points3D.values()])
    assert (np.abs(heights) < 0.3).mean() > 0.4  # most of the picture is ground
    assert (heights < -0.5).mean() < 0.02


def test_training_gets_pinhole_photos(flown: Flown) -> None:
    model = pycolmap.Reconstruction(flown.ctx.paths.undistorted / "sparse")
    assert {camera.model_name for camera in model.cameras.values()} == {"PINHOLE"}
    names = sorted(f.name for f in (flown.ctx.paths.undistorted / "images").iterdir())
    assert names == sorted(image.name for image in model.images.values())
    assert sorted(f.name for f in flown.ctx.paths.undistorted.iterdir()) == ["images", "sparse"]


def test_masks_are_straightened_like_their_photos(flown: Flown, tmp_path: Path) -> None:
    paths, name = JobPaths(tmp_path), Photos.load(flown.ctx.paths).photos[0].image
    shutil.copytree(flown.ctx.paths.geometry, paths.geometry)
    with Image.open(flown.ctx.paths.undistorted / "images" / name) as straight:
        size = straight.size
    for folder in (paths.masks, paths.undistorted):
        folder.mkdir(parents=True)
    with Image.open(flown.ctx.paths.images / name) as photo:
        mask = Image.new("L", photo.size, 0)
    mask.paste(255, (0, 0, mask.width // 2, mask.height))
    mask.save(paths.masks / f"{name}.png")
    options = pycolmap.UndistortCameraOptions()
    options.max_image_size = flown.ctx.spec.image_size or -1
    undistort_masks(paths, options)
    (made,) = (paths.undistorted / "masks").iterdir()
    with Image.open(made) as opened:
        assert opened.size == size
        assert np.asarray(opened).mean() == pytest.approx(127.5, abs=3)


def test_progress_counts_the_photos_that_are_placed(flown: Flown) -> None:
    said = flown.ctx.progress
    assert isinstance(said, Said)
    fractions = [fraction for fraction, _ in said]
    assert "Placed 12 of 12 photos" in [message for _, message in said]
    assert fractions[-1] <= 1.0


def test_a_map_of_points_and_cameras_is_drawn(flown: Flown) -> None:
    assert flown.outcome.pictures == ("previews/geometry.jpg",)
    assert (flown.ctx.paths.root / flown.outcome.pictures[0]).stat().st_size > 20_000


def test_no_threads_race_for_the_first_two_of_few_photos() -> None:
    assert incremental_options(Mapper(), FEW, seed=0).num_threads == 1
    assert incremental_options(Mapper(), FEW + 1, seed=0).num_threads == -1


@pytest.mark.alone
def test_the_same_photos_and_seed_give_the_same_geometry(flown: Flown, tmp_path: Path) -> None:
    again, _ = solved(tmp_path, flown.ctx.paths.photos)
    for name in ("cameras.bin", "images.bin", "points3D.bin"):
        assert (again.paths.geometry / name).read_bytes() == (
            flown.ctx.paths.geometry / name
        ).read_bytes()


# The world frame, from a model that was turned, shifted and scaled at random.


def disturbed(flown: Flown) -> pycolmap.Reconstruction:
    model = flown.model
    turn = pycolmap.Rotation3d(np.array([0.3, -0.6, 0.2, 0.71]))
    model.transform(pycolmap.Sim3d(0.37, turn, np.array([5.0, -3.0, 2.0])))
    return model


def tilt_of(model: pycolmap.Reconstruction, flown: Flown) -> float:
    """Degrees between the model's up and the true one."""
    name = sorted(flown.gps)[0]
    image = model.find_image_with_name(name)
    up = image.cam_from_world().rotation.matrix().T @ flown.truth[0].rotation.T @ [0, 0, 1]
    return float(np.degrees(np.arccos(up[2])))


def test_without_gps_cameras_tell_up_and_the_unit(flown: Flown) -> None:
    model = disturbed(flown)
    assert to_world(model, {}, aerial=False, seed=0) == World(metric=False, gps_note="")
    assert tilt_of(model, flown) < 8.0
    assert scene_distance(model) == pytest.approx(10.0, rel=1e-6)


def test_one_wild_gps_place_changes_little(flown: Flown) -> None:
    model, gps = disturbed(flown), dict(flown.gps)
    name = sorted(gps)[3]
    gps[name] = (gps[name][0] + 0.01, gps[name][1], gps[name][2] - 90)
    world = to_world(model, gps, aerial=True, seed=0)
    assert world.metric
    assert world.gps_agreeing == 11
    assert tilt_of(model, flown) < 1.0


@pytest.mark.parametrize("harm", ["noise", "drift", "standing"])
def test_gps_that_disagrees_is_not_believed(flown: Flown, harm: str) -> None:
    noise = np.random.default_rng(0)
    gps = {}
    for i, (name, (latitude, longitude, altitude)) in enumerate(sorted(flown.gps.items())):
        shake = noise.normal(0, 3e-4, 2) if harm == "noise" else np.zeros(2)
        still = 1e-6 if harm == "standing" else 1.0
        gps[name] = (
            52.5 + (latitude - 52.5) * still + shake[0],
            13.4 + (longitude - 13.4) * still + shake[1],
            altitude + (9.0 * i if harm == "drift" else 0.0),
        )
    model = disturbed(flown)
    assert not to_world(model, gps, aerial=True, seed=0).metric
    assert tilt_of(model, flown) < 8.0


def test_places_in_one_line_leave_the_scene_free_to_roll() -> None:
    line = np.outer(np.arange(10.0), [10.0, 3.0, 0.0])
    assert extent_of(line).straight
    assert not extent_of(line + np.random.default_rng(0).normal(0, 5, line.shape)).straight
    assert not extent_of(line[:3]).enough
    assert not extent_of(line / 100).far


def test_the_zone_of_a_place() -> None:
    """Berlin, Sydney, Bergen (which Norway moves into 32) and Longyearbyen (33 in place of 34)."""
    zones = [
        utm_epsg(52.5, 13.4),
        utm_epsg(-33.9, 151.2),
        utm_epsg(60.4, 5.3),
        utm_epsg(78.2, 15.6),
    ]
    assert zones == [32633, 32756, 32632, 32633]


def test_a_degree_is_as_long_as_on_the_earth() -> None:
    """One arc minute of latitude at 45 degrees is 1852.2 m; of longitude 1314.2 m there."""
    origin = (45.0, 7.0, 0.0)
    places = [origin, (45.0 + 1 / 60, 7.0, 0.0), (45.0, 7.0 + 1 / 60, 0.0)]
    east_north = enu_metres(places, origin)
    assert east_north[1] == pytest.approx([0.0, 1852.2, -0.3], abs=0.3)
    assert east_north[2] == pytest.approx([1314.2, 0.1, -0.2], abs=0.3)


def turned(*yaws: float, pitch: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Level cameras with Z up: right, down and forward axes."""
    right = np.array([[np.cos(y), np.sin(y), 0] for y in yaws])
    level = np.array([[-np.sin(y), np.cos(y), 0] for y in yaws])
    ahead = np.cos(pitch) * level + np.sin(pitch) * np.array([0, 0, 1.0])
    return right, np.cross(ahead, right), ahead


@pytest.mark.parametrize("pitch", [0.3, 0.0, -0.5, -1.2, -np.pi / 2])
def test_up_is_found_whatever_cameras_look_at(pitch: float) -> None:
    up, sure = up_of_cameras(*turned(0.0, 1.0, 2.5, 4.0, pitch=pitch), aerial=False)
    assert sure
    assert up == pytest.approx([0, 0, 1], abs=1e-6)


def test_a_facade_and_a_drone_that_never_turned_differ_by_the_pipeline() -> None:
    facade = turned(0.0, 0.01, 0.02, pitch=0.0)
    nadir = turned(0.0, 0.01, 0.02, pitch=-np.pi / 2)
    assert up_of_cameras(*facade, aerial=False)[0] == pytest.approx([0, 0, 1], abs=0.05)
    assert up_of_cameras(*nadir, aerial=True)[0] == pytest.approx([0, 0, 1], abs=0.05)


@pytest.mark.parametrize("pitch", [-90.0, -60.0, -20.0, 15.0])
@pytest.mark.parametrize("roll", [0.0, 12.0])
def test_a_gimbal_tells_up_even_to_a_drone_that_never_turned(pitch: float, roll: float) -> None:
    """Cameras with a true pitch and roll, in a world that is turned at random."""
    right, down, ahead = turned(0.0, 0.01, 0.02, pitch=np.radians(pitch))
    r = np.radians(roll)
    right, down = np.cos(r) * right + np.sin(r) * down, np.cos(r) * down - np.sin(r) * right
    turn = pycolmap.Rotation3d(np.array([0.1, -0.7, 0.1, 0.7])).matrix()
    rotations = {
        f"{i}": np.stack([right[i], down[i], ahead[i]]) @ turn.T for i in range(len(right))
    }
    photo = Photo("", "", 9, 9, "c", gimbal=(0.0, pitch, roll))
    ups = measured_ups(replace(photo, image=name) for name in rotations)
    up = up_of_gravity(rotations, ups)
    assert up is not None
    assert turn.T @ up == pytest.approx([0, 0, 1], abs=1e-6)
    as_phone = [replace(photo, gimbal=None, image=n, up=tuple(up)) for n, up in ups.items()]
    assert up_of_gravity(rotations, measured_ups(as_phone)) == pytest.approx(up)
    ups["0"], ups["1"] = np.array([-1.0, 0, 0]), np.array([0.6, 0.0, 0.8])
    assert up_of_gravity(rotations, ups) is None


def level_flight(*, rough: float = 0.5, slope: float = 0.0) -> np.ndarray:
    """Centres of a flight that climbs first and then keeps its height to `rough` metres."""
    x, y = np.meshgrid(np.arange(0.0, 100, 10), np.arange(4) * 20.0)
    height = 60 + np.random.default_rng(0).normal(0, rough, x.size) + x.ravel() * slope
    height[:5] = np.linspace(5, 50, 5)
    return np.stack([x.ravel(), y.ravel(), height], axis=1)


def test_a_level_flight_tells_up_to_a_drone_that_leans_into_the_wind() -> None:
    leaning = np.array([0.06, 0.0, 1.0]) / np.linalg.norm([0.06, 0.0, 1.0])
    up = up_of_level_flight(level_flight(), leaning)
    assert up is not None
    assert np.degrees(np.arccos(up[2])) < 0.5


@pytest.mark.parametrize(
    "flight",
    [
        level_flight(rough=4.0),
        level_flight(rough=0.05)[5:] * [1.0, 0.1, 1.0],
        level_flight(slope=0.2),
        level_flight(rough=0.05)[5:35:3],
    ],
)
def test_a_flight_that_is_not_level_tells_no_up(flight: np.ndarray) -> None:
    assert up_of_level_flight(flight, np.array([0.0, 0.0, 1.0])) is None


# Pairs


def photos_at(places: list[Gps | None]) -> list[Photo]:
    return [Photo(f"{i}", f"{i}.jpg", 9, 9, "c", None, gps) for i, gps in enumerate(places)]


def test_few_photos_are_all_compared() -> None:
    assert len(choose_pairs(photos_at([None] * EXHAUSTIVE))) == EXHAUSTIVE * (EXHAUSTIVE - 1) // 2


def test_many_photos_are_compared_with_those_after_them() -> None:
    pairs = choose_pairs(photos_at([None] * 200))
    assert {(0, 1), (0, 8), (0, 16), (0, 128), (191, 199)} <= set(pairs)
    assert all(low < high for low, high in pairs)
    assert len(pairs) < 200 * 13


def test_photos_are_followed_in_the_order_in_which_they_were_taken() -> None:
    """Names in the order of nothing: the clock says who came after whom."""
    clock = [f"2026:05:01 12:{(7 * i) % 100 % 60:02}:{(7 * i) % 100 // 60:02}" for i in range(100)]
    photos = [replace(p, taken=t) for p, t in zip(photos_at([None] * 100), clock, strict=True)]
    by_time = sorted(range(100), key=lambda i: clock[i])
    first, second = sorted(by_time[:2])
    assert (first, second) in choose_pairs(photos)
    photos[5] = replace(photos[5], taken=None)
    assert (0, 1) in choose_pairs(photos)


def test_gps_finds_the_neighbour_of_another_line() -> None:
    """Ten lines to and fro: photo 0 lies beside photo 19, not beside photo 10."""
    there = [(50.0 + (c if r % 2 == 0 else 9 - c) * 1e-4, 8.0 + r * 2e-4, 90.0)
             for r in range(10) for c in range(10)]  # fmt: skip
    with_gps = set(choose_pairs(photos_at(list(there))))
    assert (0, 19) in with_gps
    assert (0, 19) not in set(choose_pairs(photos_at([None] * 100)))


def test_dense_photos_are_compared_as_far_out_and_as_often_as_sparse_ones() -> None:
    """The same 81 places once and four times: the nearest neighbours alone would be 1.4 apart."""
    grid = [(50.0 + c * 1e-4, 8.0 + r * 1.5e-4, 90.0) for r in range(9) for c in range(9)]
    for times in (1, 4):
        pairs = choose_pairs(photos_at(grid * times))
        apart = [np.hypot(j % 9 - i % 9, j // 9 % 9 - i // 9 % 9) for i, j in pairs if j > i + 3]
        assert sum(far > 1.2 for far in apart) > 0.8 * len(grid) * times
        assert len(pairs) < 12 * len(grid) * times


# When it does not work


def test_half_of_few_photos_or_a_dozen_of_many_make_a_scene() -> None:
    assert [needed(n) for n in (3, 4, 8, 20, 24, 300)] == [3, 3, 4, 10, 12, 12]


def failing(tmp_path: Path, program: str) -> None:
    run_geometry(context(tmp_path, tmp_path), worker=(sys.executable, "-c", program))


def test_a_native_abort_becomes_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(GeometryCrashed, match=r"exit code -6") as crashed:
        failing(tmp_path, "import os; os.abort()")
    assert "--max-views" in crashed.value.hint


def test_no_library_starts_threads_beside_those_that_compare_photos(tmp_path: Path) -> None:
    """The child answers with what its environment says, as the names of photos."""
    program = """
import json, os
names = [os.environ[name + "_NUM_THREADS"] for name in ("OPENBLAS", "OMP")]
print(json.dumps({"connected": False, "registered": [], "left_out": names}))
"""
    with pytest.raises(PhotosDoNotConnect) as failed:
        failing(tmp_path, program)
    assert failed.value.left_out == ("1", "1")


def test_a_process_killed_for_its_memory_is_out_of_memory(tmp_path: Path) -> None:
    with pytest.raises(OutOfMemory):
        failing(tmp_path, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")


def test_an_answer_without_a_model_names_the_photos(tmp_path: Path) -> None:
    answer = '{"connected": false, "registered": ["a.jpg"], "left_out": ["b.jpg", "c.jpg"]}'
    with pytest.raises(PhotosDoNotConnect, match=r"only 1 of 3 .* b\.jpg, c\.jpg") as failed:
        failing(tmp_path, f"print('{answer}')")
    assert failed.value.left_out == ("b.jpg", "c.jpg")


def test_a_job_that_is_stopped_leaves_no_process(tmp_path: Path) -> None:
    """The child says its number as progress and would then run for ever."""
    program = """
import json, os, time
print(json.dumps({"fraction": 0, "message": str(os.getpid())}), flush=True)
time.sleep(999)
"""

    class Stop(BaseException):
        pass

    child: list[int] = []

    def progress(_: float, message: str, **__: object) -> None:
        child.append(int(message))
        raise Stop

    ctx = context(tmp_path, tmp_path)
    with pytest.raises(Stop):
        run_geometry(Context(ctx.spec, ctx.paths, progress), worker=(sys.executable, "-c", program))
    with pytest.raises(ProcessLookupError):
        os.kill(child[0], 0)


def test_a_job_that_is_stopped_leaves_no_stack_trace_in_its_log(tmp_path: Path) -> None:
    """Whoever reads the worker's request stops it instead."""
    program = """
import os, signal, sys
from gpu.geometry import worker
sys.stdin = type("Stops", (), {"read": lambda _: os.kill(os.getpid(), signal.SIGTERM)})()
worker.main([sys.argv[1]])
"""
    command = [sys.executable, "-c", program, str(tmp_path)]
    stopped = subprocess.run(command, text=True, capture_output=True, check=False)
    assert (stopped.returncode, stopped.stderr) == (-signal.SIGTERM, "")


# Real photos


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "share"), [("kermit", 1.0), ("fountain_p11", 1.0), ("brighton_beach", 1.0)]
)
def test_real_photos_register(datasets: Path, tmp_path: Path, name: str, share: float) -> None:
    ctx, outcome = solved(tmp_path, datasets / name / "images")
    photos = Photos.load(ctx.paths)
    registered = outcome.metrics["photos_registered"]
    assert isinstance(registered, int)
    assert registered >= share * photos.given
    if name == "brighton_beach":
        rmse = outcome.metrics["gps_rmse_m"]
        assert isinstance(rmse, float)
        assert rmse < 0.6


# -- which way ------------------------------------------------------------------------------------


def test_every_way_that_people_may_ask_for_is_there() -> None:
    assert sorted(WORKERS) == sorted(GEOMETRIES)
    assert DEFAULT_GEOMETRY in WORKERS
    with pytest.raises(InvalidValue, match="Allowed: colmap"):
        JobSpec("a", "demo", Source(path="/photos"), geometry="glomap")


@pytest.mark.parametrize("taken", ["earlier", "cameras"])
def test_the_cameras_of_an_earlier_job_are_taken_and_not_sought_again(
    flown: Flown, tmp_path: Path, taken: str
) -> None:
    ctx = context(tmp_path / "job", flown.ctx.paths.photos)
    kept = Source(path=str(flown.ctx.paths.root))
    ctx = replace(ctx, spec=replace(ctx.spec, **{taken: "flight"}, kept=kept))
    run_fetch(ctx)
    run_preprocess(ctx)
    outcome = run_geometry(ctx)
    assert isinstance(ctx.progress, Said)
    assert any("those of job flight" in message for _, message in ctx.progress)
    assert outcome.message.startswith("The cameras are those of job flight. Placed 12 of 12")
    assert dict(outcome.metrics) == dict(flown.outcome.metrics)
    ours, theirs = (load_dataset(c.paths.undistorted, 200, 8) for c in (ctx, flown.ctx))
    assert scene_digest(ours.train, 0, 0) == scene_digest(theirs.train, 0, 0)
    assert torch.equal(ours.points, theirs.points)


def test_the_cameras_of_other_photos_are_not_taken(flown: Flown, tmp_path: Path) -> None:
    paths, photos = JobPaths(tmp_path), Photos.load(flown.ctx.paths).photos
    digest = digest_of(flown.ctx.paths, photos)
    shutil.copytree(flown.ctx.paths.geometry, paths.earlier / "geometry")
    assert not take_earlier(paths, photos, "of other bytes", goes_on=True)
    assert not take_earlier(paths, photos[:-1], digest)
    renamed = (replace(photos[0], name="another.jpg"), *photos[1:])
    assert not take_earlier(paths, renamed, digest)
    assert not paths.geometry.exists()
    assert take_earlier(paths, photos, digest)
    (paths.earlier / "geometry" / "geometry.json").write_text("{")
    assert not take_earlier(paths, photos, digest)


def test_a_record_without_a_digest_is_enough_only_for_who_goes_on(
    flown: Flown, tmp_path: Path
) -> None:
    """As earlier versions wrote it: nothing says that no photo was exchanged since."""
    paths, photos = JobPaths(tmp_path), Photos.load(flown.ctx.paths).photos
    (paths.earlier / "geometry").parent.mkdir(parents=True)
    shutil.copytree(flown.ctx.paths.geometry, paths.earlier / "geometry")
    replace(Geometry.load(flown.ctx.paths), digest="").save(JobPaths(paths.earlier))
    assert not take_earlier(paths, photos, "of these")
    assert not take_earlier(paths, photos[:-1], "of these", goes_on=True)
    assert take_earlier(paths, photos, "of these", goes_on=True)


@pytest.mark.parametrize("file", ["b.jpg", "masks/b.png", "transforms.json"])
def test_whatever_changes_among_the_photos_changes_their_digest(tmp_path: Path, file: str) -> None:
    paths, photos = JobPaths(tmp_path), (Photo("b.jpg", "b.jpg", 4, 3, "phone"),)
    for name in ("b.jpg", "masks/b.png", "transforms.json"):
        (paths.photos / name).parent.mkdir(parents=True, exist_ok=True)
        (paths.photos / name).write_bytes(b"as it was")
    before = digest_of(paths, photos)
    assert digest_of(paths, photos) == before
    assert digest_of(paths, (replace(photos[0], gps=(1.0, 2.0, 3.0)),)) != before
    (paths.photos / file).write_bytes(b"as it is ")
    assert digest_of(paths, photos) != before


def test_where_the_cameras_that_were_to_be_taken_over_are_not_kept_they_are_found_anew(
    flown: Flown, tmp_path: Path
) -> None:
    ctx = context(tmp_path / "job", flown.ctx.paths.photos, cameras="flight")
    shutil.copytree(flown.ctx.paths.geometry, ctx.paths.geometry)
    answer = '{"connected": true}'
    worker = (sys.executable, "-c", f"import sys; sys.stdin.read(); print('{answer}')")
    said = run_geometry(ctx, worker=worker).message
    assert said.startswith("Found anew: those of job flight are not kept, or of other photos. Pl")
