"""The demo photos: what people see first, and photos that structure from motion can solve."""

import json
import math
import re
from itertools import pairwise

import numpy as np
import pycolmap
import pytest
from PIL import Image

from gpu.ingest.exif import read_exif
from gpu.job import InvalidValue
from gpu.parcel.__main__ import main
from gpu.parcel.camera import ORIGIN, flight, focal_pixels, intrinsics, to_wgs84
from gpu.parcel.ground import HOUSE_X, HOUSE_Y, height
from gpu.parcel.light import SUN, bake_heights, bake_shadows, sunlit
from gpu.parcel.materials import Material
from gpu.parcel.render import generate, write_truth
from gpu.parcel.solids import Builder, turn
from gpu.parcel.trace import ELLIPSOID, HeightMap, ground_distance, in_world, nearest, normal

SIZE = (480, 360)
PHOTOS = 16


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The miniature of the demo, made once."""
    out = tmp_path_factory.mktemp("demo") / "parcel"
    generate(out, PHOTOS, SIZE)
    write_truth(out.parent / "truth.json", PHOTOS, SIZE, 7)
    return out


@pytest.fixture(scope="module")
def truth(folder):
    return json.loads((folder.parent / "truth.json").read_text())


def pixels(path):
    return np.asarray(Image.open(path), float)


def project(truth, name, place):
    """Where a photo shows a place of the world, in pixels."""
    pose = np.array(truth["poses"][name])
    x, y, z = np.array(truth["K"]) @ (pose[:3, :3] @ place + pose[:3, 3])
    return x / z, y / z


def around(photo, place, half=2):
    """The mean colour around a pixel."""
    column, row = (round(c) for c in place)
    return photo[row - half : row + half + 1, column - half : column + half + 1].mean((0, 1))


def test_the_folder_holds_photos_only(folder):
    visible = sorted(p.name for p in folder.iterdir() if not p.name.startswith("."))
    assert visible == [f"parcel_{n:03d}.jpg" for n in range(1, PHOTOS + 1)]
    for name in visible:
        with Image.open(folder / name) as photo:
            assert (photo.format, photo.mode, photo.size) == ("JPEG", "RGB", SIZE)


def test_every_photo_is_well_exposed_and_full_of_detail(folder):
    for path in folder.glob("*.jpg"):
        grey = pixels(path).mean(2)
        assert 50 < grey.mean() < 170
        assert np.percentile(grey, 95) - np.percentile(grey, 5) > 60
        assert (grey > 250).mean() < 0.01


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_parcel(tmp_path):
    same, again, other = (
        generate(tmp_path / name, 8, (96, 72), seed)
        for name, seed in (("same", 7), ("again", 7), ("other", 8))
    )
    assert [p.read_bytes() for p in same] == [p.read_bytes() for p in again]
    assert np.abs(pixels(other[0]) - pixels(same[0])).mean() > 5


def test_a_complete_set_is_not_made_again(folder):
    before = {p: p.stat().st_mtime_ns for p in folder.iterdir()}
    said = []
    generate(folder, PHOTOS, SIZE, progress=lambda fraction, message: said.append(fraction))
    assert {p: p.stat().st_mtime_ns for p in folder.iterdir()} == before
    assert said == [1.0]


def test_a_missing_photo_or_other_settings_make_the_set_again(tmp_path):
    first = generate(tmp_path, 8, (96, 72))
    first[3].unlink()
    said = []
    generate(tmp_path, 8, (96, 72), progress=lambda fraction, message: said.append(fraction))
    assert first[3].is_file()
    assert said == sorted(said)
    assert said[0] == 0.0
    assert len(said) > 8
    generate(tmp_path, 8, (120, 90))
    assert Image.open(first[0]).size == (120, 90)


def test_a_smaller_set_leaves_no_photos_of_a_larger_one(tmp_path):
    generate(tmp_path, 12, (96, 72))
    generate(tmp_path, 8, (96, 72))
    assert len(list(tmp_path.glob("*.jpg"))) == 8


def test_a_broken_stamp_is_no_stamp(tmp_path):
    generate(tmp_path, 8, (96, 72))
    (tmp_path / ".parcel.json").write_text("{")
    (tmp_path / "parcel_001.jpg").write_bytes(b"")
    generate(tmp_path, 8, (96, 72))
    assert Image.open(tmp_path / "parcel_001.jpg").size == (96, 72)


def test_exif_tells_the_camera_and_the_focal_length(folder):
    with Image.open(folder / "parcel_001.jpg") as photo:
        exif = read_exif(photo)
    assert exif.camera.startswith("Splatbot Parcel")
    assert exif.focal * math.hypot(*SIZE) == pytest.approx(focal_pixels(SIZE), rel=1e-6)


def test_exif_times_increase(folder):
    times = []
    for path in sorted(folder.glob("*.jpg")):
        with Image.open(path) as photo:
            times.append(photo.getexif().get_ifd(0x8769)[0x9003])
    assert all(re.fullmatch(r"\d{4}:\d\d:\d\d \d\d:\d\d:\d\d", time) for time in times)
    assert times == sorted(set(times))


def test_exif_gps_is_near_the_true_place_but_not_at_it(folder, truth):
    # Metres per degree at 52.5 degrees north, from the series of the WGS 84 ellipsoid.
    north, east = 111_267.0, 67_888.0
    errors = []
    for name, pose in truth["poses"].items():
        with Image.open(folder / name) as photo:
            latitude, longitude, altitude = read_exif(photo).gps
        place = (
            (longitude - ORIGIN[1]) * east,
            (latitude - ORIGIN[0]) * north,
            altitude - ORIGIN[2],
        )
        matrix = np.array(pose)
        errors.append(np.array(place) + matrix[:3, :3].T @ matrix[:3, 3])
    spread = np.sqrt((np.array(errors) ** 2).mean(0))
    assert np.all(spread > (0.1, 0.1, 0.15))
    assert np.all(spread < (0.6, 0.6, 1.0))


def test_wgs84_steps_are_those_of_the_ellipsoid():
    latitude, longitude, altitude = to_wgs84(np.array([100.0, 100.0, 35.0]))
    assert (latitude - 52.5) * 111_267.0 == pytest.approx(100.0, rel=1e-3)
    assert (longitude - 13.4) * 67_888.0 == pytest.approx(100.0, rel=1e-3)
    assert altitude == 75.0


@pytest.mark.parametrize(("photos", "down"), [(8, 4), (16, 9), (36, 20), (40, 24)])
def test_a_flight_is_a_grid_straight_down_and_a_ring_that_looks_at_the_middle(photos, down):
    shots = flight(photos, 7)
    tilt = [math.degrees(math.acos(-s.rotation[2, 2])) for s in shots]
    assert len(shots) == photos
    assert sum(t < 8 for t in tilt) == down
    assert all(40 < t < 50 for t in tilt[down:])
    for shot in shots:
        np.testing.assert_allclose(shot.rotation @ shot.rotation.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(shot.rotation) == pytest.approx(1.0)


def test_neighbours_of_the_grid_overlap_by_at_least_70_percent():
    middle = np.array([s.centre[:2] for s in flight(36, 7)[:20]])
    sees = 35.0 / focal_pixels((960, 720)) * np.array([960, 720])
    for a, b in pairwise(middle):
        assert np.all(np.abs(a - b) < 0.36 * sees)


def test_photos_show_the_parcel_where_the_truth_says(folder, truth):
    """The red roof of the house and the red parasol are found at their projections."""
    ridge = height(HOUSE_X, HOUSE_Y) + 3.3 + 4.2 * math.tan(math.radians(37.0))
    seen = 0
    for name in truth["poses"]:
        place = project(truth, name, np.array([HOUSE_X, HOUSE_Y, ridge + 0.1]))
        if 10 < place[0] < SIZE[0] - 10 and 10 < place[1] < SIZE[1] - 10:
            red, green, blue = around(pixels(folder / name), place)
            assert red > 1.2 * green > 1.2 * blue
            seen += 1
    assert seen >= 12


def test_the_true_ground_is_the_rendered_ground(truth):
    for x, y, z in truth["ground"]:
        assert z == height(x, y)
    heights = [z for _, _, z in truth["ground"]]
    assert 0.2 < max(heights) - min(heights) < 2.0


def inside(solids, points):
    """Say which points (n, 3) are in the one solid, from its definition."""
    q = (points - solids.centre[0]) @ solids.axes[0].T
    if solids.kind[0] == ELLIPSOID:
        return ((q / solids.half[0]) ** 2).sum(1) < 1
    roof = q[:, 2] + solids.slope[0] * np.abs(q[:, 1]) < solids.half[0, 2]
    return (np.abs(q) < solids.half[0]).all(1) & roof


def one_solid(shape):
    builder = Builder()
    with builder.group():
        if shape == "ellipsoid":
            builder.ellipsoid((1.0, 2.0, 3.0), (2.0, 1.0, 1.5), Material.STONE)
        else:
            slope = 0.8 if shape == "gable" else 0.0
            half, axes = (2.0, 1.0, 1.5), turn(0.6, 0.3)
            builder.box((1.0, 2.0, 3.0), half, Material.STONE, axes=axes, slope=slope)
    return builder.build()


@pytest.mark.parametrize("shape", ["box", "gable", "ellipsoid"])
def test_a_ray_meets_a_solid_where_it_first_gets_inside(shape):
    solids, random = one_solid(shape), np.random.default_rng(3)
    steps, hits = np.arange(0.0, 16.0, 0.002)[:, None], 0
    for _ in range(120):
        origin = random.normal(0.0, 1.0, 3)
        origin = solids.centre[0] + 7.0 * origin / np.linalg.norm(origin)
        way = solids.centre[0] + random.normal(0.0, 1.2, 3) - origin
        way /= np.linalg.norm(way)
        far, found = nearest(solids, np.zeros(1, np.int64), 1, tuple(origin), tuple(way), math.inf)
        within = inside(solids, origin + steps * way)
        if within.sum() > 2:
            assert far == pytest.approx(steps[within.argmax(), 0], abs=0.003)
            facing, _ = normal(solids, 0, tuple(origin + far * way))
            assert np.dot(in_world(solids, 0, facing), way) < 0
            hits += 1
        elif not within.any():
            assert found == -1 or not inside(solids, origin + (far + 0.002) * way[None]).any()
    assert hits > 40


def test_shadow_is_behind_a_solid_and_nowhere_else():
    solids = one_solid("box")
    shadows = HeightMap(-10.0, -10.0, 0.05, np.zeros((400, 400)))
    bake_shadows(solids, *shadows)
    middle, sun = solids.centre[0], np.array(SUN)
    aside = np.cross(sun, (0.0, 0.0, 1.0))
    assert sunlit(shadows, tuple(middle - 4.0 * sun)) == 0.0
    assert sunlit(shadows, tuple(middle + 4.0 * sun)) == 1.0
    assert sunlit(shadows, tuple(middle - 4.0 * sun + 5.0 * aside)) == 1.0


def test_the_ground_is_met_where_its_height_is():
    heights = HeightMap(-40.0, -40.0, 0.5, np.zeros((161, 161)))
    bake_heights(*heights)
    for x, y in ((3.0, -9.0), (-15.0, 2.0), (25.0, 20.0)):
        origin = np.array([x - 20.0, y + 9.0, 22.0])
        way = np.array([x, y, height(x, y)]) - origin
        far = ground_distance(heights, tuple(origin), tuple(way / np.linalg.norm(way)))
        assert far == pytest.approx(np.linalg.norm(way), abs=0.05)


@pytest.mark.parametrize(
    ("field", "arguments"),
    [
        ("photos", ["--photos", "3"]),
        ("size", ["--size", "large"]),
        ("width", ["--size", "10x720"]),
        ("height", ["--size", "960x99999"]),
        ("seed", ["--seed", "-1"]),
    ],
)
def test_a_bad_number_ends_in_one_sentence_that_names_it(field, arguments, tmp_path, capsys):
    assert main([str(tmp_path / "out"), *arguments]) == 1
    assert capsys.readouterr().err.startswith(f"{field} is ")
    assert not (tmp_path / "out").exists()


def test_the_command_prints_progress_and_writes_the_truth_when_asked(tmp_path, capsys):
    truth = tmp_path / "truth.json"
    arguments = [str(tmp_path / "out"), "--photos", "8", "--size", "96x72", "--truth", str(truth)]
    assert main(arguments) == 0
    assert "Photo 8 of 8" in capsys.readouterr().out
    assert json.loads(truth.read_text())["K"] == intrinsics((96, 72)).tolist()
    assert len(list((tmp_path / "out").glob("*.jpg"))) == 8


def test_size_is_checked_in_python_too(tmp_path):
    with pytest.raises(InvalidValue, match="photos"):
        generate(tmp_path, photos=2)


def similarity(source, target):
    """Move, turn and scale points onto others (Umeyama 1991); return what is left, per point."""
    a, b = source - source.mean(0), target - target.mean(0)
    u, s, v = np.linalg.svd(b.T @ a)
    mirror = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ v))])
    return b - (s @ mirror) / (a**2).sum() * a @ (u @ np.diag(mirror) @ v).T


@pytest.mark.slow
def test_structure_from_motion_finds_every_camera(folder, truth, tmp_path):
    """The miniature connects into one model whose cameras are where the drone was."""
    database = tmp_path / "database.db"
    pycolmap.extract_features(database, folder, camera_mode=pycolmap.CameraMode.SINGLE)
    pycolmap.match_exhaustive(database)
    models = pycolmap.incremental_mapping(database, folder, tmp_path)
    assert [m.num_reg_images() for m in models.values()] == [PHOTOS]
    model = models[0]
    assert model.compute_mean_reprojection_error() < 1.0
    found = {i.name: i.projection_center() for i in model.images.values()}
    poses = {name: np.array(truth["poses"][name]) for name in found}
    true = np.array([-p[:3, :3].T @ p[:3, 3] for p in poses.values()])
    error = similarity(np.array(list(found.values())), true)
    assert math.sqrt((error**2).sum(1).mean()) < 0.1
