"""Finding cameras: good enough or tried again, each try told; and which photos look alike."""

import sys
from pathlib import Path

import numpy as np
import pytest

from gpu.geometry import ladder
from gpu.geometry.features import (
    ENLARGED,
    TINY_ENLARGED,
    Effort,
    enlargement,
    sift_options,
)
from gpu.geometry.ladder import (
    AT_ONCE,
    FINE,
    LADDER,
    LARGE,
    LEARNED_RUNG,
    USUAL,
    rungs_for,
    search,
)
from gpu.geometry.pairs import ALIKE, EXHAUSTIVE, all_pairs, choose_pairs
from gpu.geometry.quality import Quality
from gpu.geometry.retrieval import describe
from gpu.ingest.photos import Photo
from tests.gpu.photos_on_disk import Said, unrelated_photos

GOOD = Quality(photos=20, parts=(20,), error=0.5, side=1000, track=4.0, coverage=0.6)


def quality(**changed: object) -> Quality:
    return Quality(**{**vars(GOOD), **changed})  # type: ignore[arg-type]


def test_the_gate_is_passed_by_a_good_model() -> None:
    assert GOOD.shortfalls() == ()
    assert GOOD.sentence() == "All photos hold together; the cameras are precise (0.5 pixels)"
    assert quality(parts=(19,)).shortfalls() == ()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"parts": (18,)}, ("18 of 20 photos placed",)),
        ({"parts": (12, 8)}, ("12 of 20 photos placed", "2 separate parts")),
        ({"parts": ()}, ("0 of 20 photos placed",)),
        ({"error": 1.8}, ("an error of 1.8 pixels",)),
        ({"coverage": 0.04}, ("points in only 4% of a photo",)),
    ],
)
def test_the_gate_says_what_is_missing(changed: dict[str, object], said: tuple[str, ...]) -> None:
    assert quality(**changed).shortfalls() == said


def test_parts_of_a_scene_are_told_in_words() -> None:
    assert "parts of the scene may be missing" in quality(parts=(12, 8)).sentence()
    assert "not very precise" in quality(error=1.4).sentence()


def test_large_sets_are_placed_at_once_and_then_one_by_one() -> None:
    assert rungs_for("colmap", LARGE - 1) == LADDER
    assert rungs_for("colmap", LARGE) == (AT_ONCE, *LADDER)
    assert rungs_for("colmap-global", 20) == (AT_ONCE, *LADDER)
    one_by_one = rungs_for("colmap-incremental", LARGE)
    assert not any(rung.mapper and rung.mapper.at_once for rung in one_by_one)
    assert one_by_one[0] == LADDER[0]


@pytest.mark.parametrize(
    ("side", "count", "effort", "times"),
    [
        (1024, 20, USUAL, ENLARGED), (1600, 20, USUAL, 1.0), (1024, 75, USUAL, 1.0),
        (640, 300, USUAL, TINY_ENLARGED), (1600, 75, FINE, 2.0),
    ],
)  # fmt: skip
def test_small_photos_are_enlarged_unless_there_are_many(
    side: int, count: int, effort: Effort, times: float
) -> None:
    """COLMAP's first octave -1 is a photo at twice its size."""
    photos = [Photo(f"{i}", f"{i}.jpg", side, side * 3 // 4, "c") for i in range(count)]
    octave = sift_options(effort).sift.first_octave
    assert enlargement(photos, effort) * 2.0**-octave == times


def test_each_try_is_told_and_so_is_why(tmp_path: Path) -> None:
    """Photos of different things climb the whole ladder, and nothing holds them together."""
    folder, said = tmp_path / "colmap", Said()
    folder.mkdir()
    files = sorted(unrelated_photos(tmp_path / "images", 4, (120, 90)).iterdir())
    photos = [Photo(f.name, f.name, 120, 90, "c") for f in files]
    found = search(folder, tmp_path / "images", photos, seed=0, say=said)
    assert found.model is None
    climbed = [LADDER[0], *LADDER[2:]]  # without a wide pair the first allows short steps already
    assert [attempt.told for attempt in found.tries] == [rung.told for rung in climbed]
    assert found.tries[0].sentence() == "the usual way: 0 of 4 photos placed"
    told = [text for _, text in said if text.startswith("Try ")]
    assert len(told) == len(climbed) - 1
    assert told[0] == f"Try 2, {LADDER[2].told}, as the usual way: 0 of 4 photos placed"
    assert [fraction for fraction, _ in said] == sorted(fraction for fraction, _ in said)


def test_a_last_resort_whose_code_is_not_there_is_not_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its weights alone are installed: the answer is still that the photos do not connect."""
    monkeypatch.setattr(ladder, "rungs_for", lambda *_: (LADDER[0], LEARNED_RUNG))
    monkeypatch.setattr("sys.path", list(sys.path))
    folder = tmp_path / "colmap"
    folder.mkdir()
    files = sorted(unrelated_photos(tmp_path / "images", 4, (120, 90)).iterdir())
    photos = [Photo(f.name, f.name, 120, 90, "c") for f in files]
    found = search(folder, tmp_path / "images", photos, seed=0, say=Said())
    assert [attempt.told for attempt in found.tries] == [LADDER[0].told]


def test_photos_of_the_same_things_look_alike() -> None:
    """Six photos of three places: each is nearest to the other of its place."""
    random = np.random.default_rng(0)
    places = [np.abs(random.normal(size=(400, 128))).astype(np.float32) for _ in range(3)]
    photos = []
    for place in places:
        for _ in range(2):
            seen = place[random.permutation(400)[:300]]
            seen = seen + random.normal(0, 0.05, seen.shape).astype(np.float32)
            photos.append(seen / np.linalg.norm(seen, axis=1, keepdims=True))
    vectors = describe(photos, seed=0)
    alike = vectors @ vectors.T
    np.fill_diagonal(alike, -1)
    assert alike.argmax(axis=1).tolist() == [1, 0, 3, 2, 5, 4]
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-5)


def test_pairs_that_look_alike_are_compared_too() -> None:
    photos = [Photo(f"{i}", f"{i}.jpg", 9, 9, "c") for i in range(100)]
    assert (3, 91) in choose_pairs(photos, {(3, 91)})
    assert (3, 91) not in choose_pairs(photos)
    few = photos[:EXHAUSTIVE]
    assert choose_pairs(few, {(0, 1)}) == all_pairs(EXHAUSTIVE)
    assert ALIKE < EXHAUSTIVE
