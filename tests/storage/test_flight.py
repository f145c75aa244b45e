"""What is said of the way photos were taken, before they become a job."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

from bot.slack import seen
from bot.storage.flight import DEGREE, HIGH_35MM, WIDE_35MM, Doubt, doubt_of, flight_of
from bot.storage.found import Found
from bot.storage.heads import HEAD, Head, read_head

HEIGHT, FOCAL = 50.0, 24.0


def flown(step: float, spacing: float, lines: int = 8, each: int = 10) -> list[Head]:
    """A flight back and forth, lines turned by 30 degrees from north."""
    heads = []
    turn, shrink = math.radians(30), math.cos(math.radians(52))
    for line in range(lines):
        for i in range(each):
            ahead, aside = step * (i if line % 2 == 0 else each - 1 - i), spacing * line
            east = ahead * math.sin(turn) + aside * math.cos(turn)
            north = ahead * math.cos(turn) - aside * math.sin(turn)
            place = 52 + north / DEGREE, 13 + east / DEGREE / shrink
            heads.append(Head(place, 90 + HEIGHT, None, HEIGHT, -90.0, FOCAL))
    return heads


@pytest.mark.parametrize(("along", "across"), [(0.8, 0.7), (0.6, 0.6), (0.75, 0.3)])
def test_the_overlap_is_guessed_along_the_lines_and_across(along: float, across: float) -> None:
    seen_by_one = HEIGHT / FOCAL
    step, spacing = (1 - along) * seen_by_one * HIGH_35MM, (1 - across) * seen_by_one * WIDE_35MM
    flight = flight_of([flown(step, spacing)], 80)
    assert flight is not None
    assert flight.along == pytest.approx(along, abs=0.02)
    assert flight.across == pytest.approx(across, abs=0.05)
    assert flight.ground == pytest.approx(9 * step * 7 * spacing, rel=1e-3)
    assert flight.height == HEIGHT


def test_a_large_flight_is_guessed_from_a_few_runs_of_it() -> None:
    every = flown(12.0, 25.0, lines=20, each=20)
    runs = [every[start : start + 4] for start in range(0, 400, 13)]
    whole, some = flight_of([every], 400), flight_of(runs, 400)
    assert whole is not None
    assert some is not None
    assert some.along == pytest.approx(whole.along, abs=0.01)
    assert some.across == pytest.approx(whole.across, abs=0.1)


def test_a_single_line_has_no_neighbouring_lines() -> None:
    curved = [
        replace(head, place=(head.place[0], head.place[1] + 1e-5 * (i % 3)))
        for i, head in enumerate(flown(10.0, 0.0, lines=1, each=20))
        if head.place
    ]
    flight = flight_of([curved], 20)
    assert flight is None or flight.across is None


def test_what_does_not_say_enough_is_no_flight() -> None:
    heads = flown(10.0, 20.0)
    assert flight_of([heads[:3]], 3) is None
    assert flight_of([[replace(head, height=None) for head in heads]], 80) is None
    assert flight_of([[replace(head, focal=None) for head in heads]], 80) is None
    assert flight_of([[replace(head, pitch=-20.0) for head in heads]], 80) is None
    assert flight_of([[replace(head, place=(52.0, 13.0)) for head in heads]], 80) is None


def test_gps_that_can_not_be_right_is_doubted() -> None:
    heads = flown(10.0, 20.0)
    assert doubt_of(heads) is None
    assert doubt_of([replace(head, place=(52.0, 13.0)) for head in heads]) == Doubt("one place")
    drift = [replace(head, altitude=100.0 + i) for i, head in enumerate(heads)]
    assert doubt_of(drift) == Doubt("drift", 79.0)
    climbs = [replace(h, altitude=100.0 + i, height=50.0 + i) for i, h in enumerate(heads)]
    assert doubt_of(climbs) is None  # the barometer says the same
    near = doubt_of(flown(1.0, 1.0, lines=3, each=5))
    assert near is not None
    assert near.kind == "close"
    wild = doubt_of([*heads, replace(heads[0], place=(48.0, 2.0))])
    assert wild is not None
    assert (wild.kind, wild.photos) == ("wild", 1)
    assert wild.metres == pytest.approx(875_000, rel=0.05)


@pytest.mark.parametrize(
    ("raw", "height", "pitch"),
    [
        (b'<a drone-dji:RelativeAltitude="+39.80" x:GimbalPitchDegree="-89.90"/>', 39.8, -89.9),
        (b"<drone:RelativeAltitude>25</drone:RelativeAltitude>", 25.0, None),
        (b"", None, None),
        (b'RelativeAltitude="high"', None, None),
        (b"Exif\0\0II*\0\xff\xff\xff\xff" + bytes(range(256)), None, None),
    ],
)
def test_the_first_bytes_tell_height_and_pitch(
    raw: bytes, height: float | None, pitch: float | None
) -> None:
    head = read_head(raw)
    assert head is not None
    assert (head.height, head.pitch) == (height, pitch)


@pytest.mark.parametrize(
    ("name", "place", "doubt"),
    [("brighton_beach", (46.8426, -91.9946), ""), ("caliterra", (30.1712, -98.09), "drift")],
)
def test_the_heads_of_real_photos_say_where_they_were_taken(
    datasets: Path, name: str, place: tuple[float, float], doubt: str
) -> None:
    files = sorted((datasets / name / "images").iterdir())
    heads = [head for file in files if (head := read_head(file.read_bytes()[:HEAD]))]
    assert len(heads) == len(files)
    assert heads[0].place == pytest.approx(place, abs=1e-4)
    assert all(head.place and head.taken and head.focal for head in heads) is (name[0] == "b")
    found = doubt_of(heads)
    assert (found.kind if found else "") == doubt


def test_a_sparse_flight_gets_advice() -> None:
    flight = flight_of([flown(12.0, 45.0)], 80)
    found = Found(80, 9_000_000, looked_at=80, gps=80, flight=flight)
    said = " ".join(seen.lines(found))
    assert (
        "some 78% with the next photo, 38% with the next line; about 3.4 ha from 50 m up." in said
    )
    assert "two thirds in those of the next line" in seen.advice(found)


@pytest.mark.parametrize(
    ("doubt", "words"),
    [
        (Doubt("one place"), "*GPS:* in every photo, but all say the very same place"),
        (Doubt("close", 9.0), "all within 9 m, little more than it is wrong by"),
        (Doubt("wild", 875_000.0, 1), "1 photo is up to 875 km from the others"),
        (Doubt("drift", 114.0), "not believable, since its altitudes drift by 114 m"),
    ],
)
def test_doubts_are_told(doubt: Doubt, words: str) -> None:
    found = Found(20, 9_000_000, looked_at=20, gps=20, doubt=doubt)
    assert words in " ".join(seen.lines(found))


def test_what_is_said_of_the_sharpness_of_some_photos_says_of_how_many() -> None:
    found = Found(36, 9_000_000, looked_at=36, opened=24, blurred=("a.jpg",))
    assert "1 of the 24 that were opened may be blurred (`a.jpg`)." in " ".join(seen.lines(found))
