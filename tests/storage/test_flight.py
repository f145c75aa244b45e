"""What is said of a drone's flight before it becomes a job."""

import math

import pytest

from bot.slack import received
from bot.storage.flight import DEGREE, SIDE_35MM, flight_of, height_of
from bot.storage.looks import Found


def grid(step: float, rows: int = 6, latitude: float = 52.0) -> list[tuple[float, float]]:
    """Places of a square grid, `step` metres apart."""
    east = DEGREE * math.cos(math.radians(latitude))
    return [
        (latitude + step * i / DEGREE, 13.0 + step * j / east)
        for i in range(rows)
        for j in range(rows)
    ]


@pytest.mark.parametrize("overlap", [0.4, 0.6, 0.8])
def test_the_overlap_of_a_grid_is_guessed(overlap: float) -> None:
    step = (1 - overlap) * 50.0 * SIDE_35MM / 24.0
    flight = flight_of(grid(step, rows=12), [50.0] * 144, [24.0] * 144, 144)
    assert flight is not None
    assert flight.overlap == pytest.approx(overlap, abs=0.06)
    assert flight.ground == pytest.approx((11 * step) ** 2, rel=1e-3)
    assert flight.height == 50.0


@pytest.mark.parametrize("latitude", [-33.0, 0.0, 64.0])
def test_the_ground_is_as_large_anywhere_on_earth(latitude: float) -> None:
    flight = flight_of(grid(10.0, latitude=latitude), [30.0] * 36, [24.0] * 36, 36)
    assert flight is not None
    assert flight.ground == pytest.approx(2500, rel=5e-3)


def test_photos_from_one_place_or_one_line_are_no_flight() -> None:
    line = [(52.0 + i * 1e-4, 13.0) for i in range(20)]
    assert flight_of(line, [30.0] * 20, [24.0] * 20, 20) is None
    assert flight_of([(52.0, 13.0)] * 20, [30.0] * 20, [24.0] * 20, 20) is None
    assert flight_of(grid(10.0)[:3], [30.0] * 3, [24.0] * 3, 3) is None
    assert flight_of(grid(10.0), [], [24.0] * 36, 36) is None


@pytest.mark.parametrize(
    ("xmp", "height"),
    [
        (b'<a drone-dji:RelativeAltitude="+39.80"/>', 39.8),
        ("<drone:RelativeAltitude>25</drone:RelativeAltitude>", 25.0),
        (b"", None),
        (None, None),
        (b'RelativeAltitude="high"', None),
    ],
)
def test_the_height_is_read(xmp: bytes | str | None, height: float | None) -> None:
    assert height_of(xmp) == height


def test_a_flight_is_told_of_and_a_sparse_one_gets_advice() -> None:
    found = Found(36, 9_000_000, looked_at=24, gps=24, ground=12_000.0, height=40.0, overlap=0.42)
    assert "About 1.2 ha from 40 m up; neighbours overlap by some 42%." in received.found(
        "datasets/a", vars(found)
    )
    assert "two thirds of each photo should be in the next" in received.advice(vars(found), 20)
