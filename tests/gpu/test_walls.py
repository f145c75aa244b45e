"""What a walker meets: walls stop, steps are climbed, and one walks under a tree's crown."""

import base64
import zlib

import numpy as np
import pytest

from gpu.export.ground import Ground
from gpu.export.walls import BLOCKED, LEVEL, Walls, walls_of

LOW, HIGH = np.array([0.0, 0.0, 0.0]), np.array([16.0, 12.0, 6.0])
SLOPE = 0.1


def ground() -> Ground:
    """A slope that rises to the east, known every metre."""
    heights = np.tile(SLOPE * np.arange(17.0), (13, 1))
    return Ground((0.0, 0.0), 1.0, heights, np.ones((13, 17), bool))


def block(low: tuple[float, float, float], high: tuple[float, float, float]) -> np.ndarray:
    """Places every tenth of a metre in a box that stands on the slope; z is above the ground."""
    sides = [np.arange(a + 0.05, b, 0.1) for a, b in zip(low, high, strict=True)]
    places = np.stack(np.meshgrid(*sides), axis=-1).reshape(-1, 3)
    places[:, 2] += SLOPE * places[:, 0]
    return places


def mapped(*blocks: np.ndarray, size: float = 0.05) -> Walls:
    means = np.concatenate([block((0, 0, 0), (16, 12, 0.1)), *blocks])
    axes = size * np.tile(np.eye(3)[:2], (len(means), 1, 1))
    return walls_of(means, axes, np.full(len(means), 0.9), ground(), LOW, HIGH)


def top(walls: Walls, x: float, y: float) -> int:
    return int(walls.tops[int(y / walls.cell), int(x / walls.cell)])


def test_the_slope_itself_is_free() -> None:
    assert not mapped().tops.any()


def test_a_wall_is_higher_than_a_foot_can_step() -> None:
    walls = mapped(block((4, 2, 0), (4.5, 10, 1.2)))
    assert top(walls, 4.3, 6) * LEVEL == pytest.approx(1.2, abs=0.1)
    assert top(walls, 3.6, 6) == top(walls, 4.9, 6) == 0


def test_a_house_is_blocked() -> None:
    assert top(mapped(block((4, 2, 0), (8, 6, 5.0))), 6, 4) == BLOCKED


def test_stairs_are_steps_that_add_up() -> None:
    steps = [block((4 + i, 2, 0), (5 + i, 4, 0.3 * (i + 1))) for i in range(4)]
    walls = mapped(*steps)
    heights = [top(walls, 4.5 + i, 3) * LEVEL for i in range(4)]
    assert heights == pytest.approx([0.3, 0.6, 0.9, 1.2], abs=0.11)


def test_one_walks_under_a_crown_but_not_through_a_low_branch() -> None:
    walls = mapped(block((2, 2, 2.5), (5, 5, 5.0)), block((8, 2, 1.2), (11, 5, 1.6)))
    assert top(walls, 3.5, 3.5) == 0
    assert top(walls, 9.5, 3.5) == BLOCKED


def test_a_few_wide_gaussians_make_a_whole_wall() -> None:
    """A flat wall of Gaussians half a metre wide and as far apart has no holes."""
    along, up = (a.ravel() for a in np.meshgrid(np.arange(2, 10, 0.5), np.arange(0, 3, 0.5)))
    means = np.stack([along, np.full_like(along, 6.0), up + SLOPE * along], axis=1)
    axes = np.tile(np.array([[0.4, 0, 0], [0, 0, 0.4]]), (len(means), 1, 1))
    walls = walls_of(means, axes, np.full(len(means), 0.9), ground(), LOW, HIGH)
    assert all(top(walls, x, 6.0) > 5 for x in np.arange(2.2, 9.4, 0.25))


def test_what_is_faint_stops_nobody() -> None:
    means = block((4, 2, 0), (5, 4, 2.0))[::7]
    axes = 0.05 * np.tile(np.eye(3)[:2], (len(means), 1, 1))
    walls = walls_of(means, axes, np.full(len(means), 0.2), ground(), LOW, HIGH)
    assert not walls.tops.any()


def test_a_stray_gaussian_in_the_air_stops_nobody() -> None:
    stray = np.array([[6.1, 6.1, 1.3 + 6.1 * SLOPE]])
    assert top(mapped(stray), 6.1, 6.1) == 0


def test_a_large_scene_has_larger_cells() -> None:
    walls = walls_of(
        np.zeros((1, 3)),
        np.zeros((1, 2, 3)),
        np.ones(1),
        ground(),
        np.array([-500.0, -100, 0]),
        np.array([500.0, 100, 9]),
    )
    assert walls.tops.shape == (64, 320)


def test_the_manifest_carries_every_cell_in_little_room() -> None:
    walls = mapped(block((4, 2, 0), (8, 6, 5.0)))
    written = walls.to_json()
    assert isinstance(written["tops"], str)
    raw = zlib.decompress(base64.b64decode(written["tops"]))
    assert np.array_equal(np.frombuffer(raw, np.uint8).reshape(walls.tops.shape), walls.tops)
    assert (written["columns"], written["rows"]) == (64, 48)
    assert len(written["tops"]) < 0.1 * walls.tops.size
