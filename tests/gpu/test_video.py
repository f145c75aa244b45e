"""Photos from videos: where the picture moved on, the sharpest, upright and in SDR."""

from pathlib import Path

import numpy as np
import pytest

from gpu.ingest.errors import PhotosAlike, TooFewPhotos
from gpu.ingest.fetch import run_fetch
from gpu.ingest.hdr import HLG, PQ, to_sdr
from gpu.ingest.photos import Photos
from gpu.ingest.preprocess import run_preprocess
from gpu.ingest.video import BadVideo, frames_of
from tests.gpu.photos_on_disk import context
from tests.gpu.videos import panned, video


def times(file: Path, most: int = 100) -> list[float]:
    return [seconds for seconds, _ in frames_of(file, most)]


def test_frames_are_taken_where_the_picture_moves_and_not_where_it_stands(tmp_path: Path) -> None:
    """A second of standing, three of walking, a second of standing."""
    steps = [0.0] * 30 + [4.0] * 90 + [0.0] * 30
    taken = np.array(times(video(tmp_path / "walk.mp4", panned(steps))))
    moving = (taken > 0.9) & (taken < 4.1)
    assert len(taken) >= 18
    assert moving.sum() >= len(taken) - 2
    assert np.diff(taken[moving]).max() < 0.5  # and nothing is left out of the walk


def test_a_change_of_the_frame_rate_changes_nothing(tmp_path: Path) -> None:
    """The phone wrote 30 frames a second and then 10; the picture moved alike in all."""
    frames = panned([4.0] * 90)
    at = [i / 30 for i in range(45)] + [1.5 + i / 10 for i in range(45)]
    even = times(video(tmp_path / "even.mp4", frames))
    varied = times(video(tmp_path / "varied.mp4", frames, times=at))
    numbers = [int(np.abs(np.array(at) - seconds).argmin()) for seconds in varied]
    assert np.abs(np.array(numbers) - [round(30 * seconds) for seconds in even]).max() <= 1


def test_of_frames_nearby_the_sharpest_is_taken(tmp_path: Path) -> None:
    steps = [3.0] * 120
    file = video(tmp_path / "shaky.mp4", panned(steps, blurred=lambda i: i % 3 != 0))
    numbers = [round(seconds * 30) for seconds in times(file)]
    assert np.mean([number % 3 == 0 for number in numbers]) > 0.9


def test_of_a_long_video_only_frames_stored_whole_are_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The encoder stores every 10th frame whole; a long video is one of more than 50 frames."""
    monkeypatch.setattr("gpu.ingest.video.LONG", 50)
    numbers = [30 * t for t in times(video(tmp_path / "long.mp4", panned([4.0] * 100), whole=10))]
    assert len(numbers) >= 8
    assert np.mod(np.round(numbers), 10).max() == 0


def test_no_more_frames_than_asked_for_and_they_cover_the_whole(tmp_path: Path) -> None:
    taken = times(video(tmp_path / "long.mp4", panned([4.0] * 100)), most=6)
    assert len(taken) == 6
    assert taken[0] < 0.5
    assert taken[-1] > 2.8


@pytest.mark.parametrize("turned", [0, 90, 180, -90])
def test_a_phone_held_upright_makes_upright_photos(tmp_path: Path, turned: int) -> None:
    """The sensor lay on its side; the video says how to turn its frames."""
    upright = panned([4.0] * 12)
    lying = [np.rot90(frame, -turned // 90) for frame in upright]
    file = video(tmp_path / "turned.mov", lying, turned=turned)
    _, first = next(frames_of(file, 3))
    assert np.abs(np.asarray(first, float) - upright[0]).mean() < 12


def test_a_video_beside_photos_and_the_name_of_its_frames(tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.mkdir()
    video(given / "a walk.mp4", panned([4.0] * 100))
    ctx = context(tmp_path / "job", given)
    assert run_fetch(ctx).message.startswith("Fetched 1 video")
    run_preprocess(ctx)
    photos = Photos.load(ctx.paths).photos
    assert len(photos) >= 20
    assert {photo.sequence for photo in photos} == {"a walk.mp4"}
    assert len({photo.camera for photo in photos}) == 1
    assert photos[0].name.startswith("a walk.mp4 at 00:0")
    assert all((ctx.paths.images / photo.image).is_file() for photo in photos)
    assert " " not in photos[0].image  # lists of pairs are divided by spaces


def test_a_video_of_nothing_that_moves_has_one_view(tmp_path: Path) -> None:
    file = video(tmp_path / "still.mp4", panned([0.0] * 40))
    ctx = context(tmp_path / "job", file)
    run_fetch(ctx)
    with pytest.raises(PhotosAlike):
        run_preprocess(ctx)


def test_a_video_that_ends_early_is_used_as_far_as_it_goes(tmp_path: Path) -> None:
    whole = video(tmp_path / "whole.mov", panned([4.0] * 100)).read_bytes()
    at = whole.index(b"mdat")
    broken = bytearray(whole)
    middle = (at + len(whole)) // 2
    broken[middle : middle + 4000] = bytes(4000)
    (tmp_path / "broken.mov").write_bytes(broken)
    assert len(times(tmp_path / "broken.mov")) >= 5


@pytest.mark.parametrize("content", [b"", b"no video", b"\0\0\0\x18ftypmp42" + bytes(64)])
def test_what_is_no_video_is_left_out_by_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "clip.mp4").write_bytes(content)
    with pytest.raises(BadVideo, match="the file is damaged"):
        times(tmp_path / "clip.mp4")
    ctx = context(tmp_path / "job", tmp_path / "clip.mp4")
    run_fetch(ctx)
    with pytest.raises(TooFewPhotos, match=r"clip\.mp4: the file is damaged"):
        run_preprocess(ctx)


def test_hdr_becomes_what_an_sdr_screen_shows() -> None:
    """ITU-R BT.2408: SDR's white is at 58 % of PQ and 75 % of HLG, middle grey at 38 % of both."""
    for transfer, white, grey in ((PQ, 0.58, 0.38), (HLG, 0.75, 0.38)):
        codes = np.array([[[0.0] * 3, [grey] * 3, [white] * 3, [1.0] * 3]])
        shown = to_sdr((codes * 65535).astype(np.uint16), transfer)[0]
        assert shown[0].max() == 0
        assert 90 < shown[1].mean() < 150
        assert 215 < shown[2].mean() < 250
        assert shown[3].min() >= 250
        assert np.ptp(shown, axis=1).max() <= 1  # grey stays grey


def test_an_hdr_video_is_decoded_and_toned(tmp_path: Path) -> None:
    """Ten bits, BT.2020, PQ; middle grey, as a phone writes it."""
    grey = [np.full((180, 320, 3), 0.38 * 65535, np.uint16)] * 3
    file = video(tmp_path / "hdr.mov", grey, transfer=PQ)
    _, first = next(frames_of(file, 3))
    shown = np.asarray(first)
    assert shown.shape == (180, 320, 3)
    assert np.abs(shown - to_sdr(grey[0][:1, :1], PQ).astype(float)).max() < 8


def test_hdr_keeps_the_hue_of_colours() -> None:
    """Pure BT.709 red of 100 cd/m² (its BT.2020 share is 0.627, 0.069, 0.016), coded in PQ."""
    light = np.array([0.6274, 0.0691, 0.0164]) * 100 / 10_000
    power = light**0.1593017578125
    code = ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375
    red, green, blue = to_sdr((code * 65535).round().astype(np.uint16)[None, None], PQ)[0, 0]
    assert red > 150
    assert max(green, blue) < 12


def test_a_real_drone_video(datasets: Path, tmp_path: Path) -> None:
    """great_wall: 288 frames of an orbit; a sixth of a picture's width for each frame taken."""
    ctx = context(tmp_path / "job", datasets / "great_wall_video" / "video")
    run_fetch(ctx)
    outcome = run_preprocess(ctx)
    assert 20 <= outcome.metrics["photos_usable"] <= 60
