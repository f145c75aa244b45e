"""Which photos match, and what is said where they do not: the reason, the names and the remedy."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gpu.geometry.connections import Connections, groups_of
from gpu.geometry.diagnosis import diagnose
from gpu.geometry.graph_picture import LEFT_OUT, PLACED, draw_graph
from tests.gpu.photos_on_disk import picture

NAMES = tuple(f"{letter}.jpg" for letter in "abcdefgh")


def graph(
    matches: dict[tuple[int, int], int], *, features: int = 2000, turned: bool = False
) -> Connections:
    return Connections(
        (features,) * len(NAMES), matches, frozenset(matches) if turned else frozenset()
    )


def chain(*photos: int, matches: int = 200) -> dict[tuple[int, int], int]:
    return dict.fromkeys(itertools.pairwise(photos), matches)


def test_groups_are_what_hangs_together() -> None:
    assert groups_of(6, [(0, 1), (3, 4), (4, 5)]) == [[3, 4, 5], [0, 1], [2]]
    assert graph(chain(0, 1, 2) | {(3, 4): 20}).groups()[0] == [0, 1, 2]
    assert [3, 4] not in graph({(3, 4): 20}).groups()


def test_blank_walls_are_named() -> None:
    reason = diagnose(NAMES, Connections((20,) * 5 + (2000,) * 3, {}))
    assert reason.why.startswith("5 of them show almost no detail (a.jpg, b.jpg, c.jpg, d.jpg, ")
    assert "texture" in reason.hint


def test_turning_on_the_spot_is_told_from_walking() -> None:
    walked = chain(*range(8))
    assert "turning on the spot" in diagnose(NAMES, graph(walked, turned=True)).why
    assert "step sideways" in diagnose(NAMES, graph(walked, turned=True)).hint
    assert "turning" not in diagnose(NAMES, graph(walked)).why
    pair = diagnose(NAMES, graph(chain(0, 1), turned=True)).why
    assert pair.startswith("the only pair that matches was taken by turning")


def test_groups_apart_are_named_with_the_way_between_them() -> None:
    reason = diagnose(NAMES, graph(chain(0, 1, 2, 3) | chain(4, 5, 6, 7)))
    assert "2 groups" in reason.why
    assert "4 photos (a.jpg, b.jpg, c.jpg and 1 more); 4 photos (e.jpg" in reason.why
    assert reason.hint.startswith("Photograph the ways between the groups")


def test_photos_that_match_nothing_are_named() -> None:
    why = diagnose(NAMES, graph(chain(0, 1, 2, 3, 4, 5))).why
    assert why == "2 of them share too little with any other (g.jpg, h.jpg)"
    assert diagnose(NAMES, graph({})).why == "none of them shares enough with any other"
    alone = diagnose(NAMES, graph(chain(*range(7)))).why
    assert alone == "1 of them shares too little with any other (h.jpg)"


def test_one_group_with_thin_matches_is_asked_for_smaller_steps() -> None:
    assert diagnose(NAMES, graph(chain(*range(8), matches=33))).hint.startswith("Go in smaller")


@pytest.mark.parametrize("photos", [3, 8, 80])
def test_the_graph_is_drawn(tmp_path: Path, photos: int) -> None:
    files = []
    for i in range(photos):
        files.append(tmp_path / f"{i}.jpg")
        picture(i).save(files[-1])
    matches = chain(*range(photos - 1)) | {(0, photos - 1): 20}
    connections = Connections((2000,) * photos, matches)
    names = [file.name for file in files]
    draw_graph(tmp_path / "graph.jpg", files, names, connections, set(range(photos - 1)))
    with Image.open(tmp_path / "graph.jpg") as drawn:
        pixels = np.asarray(drawn.convert("RGB")).astype(int)
    for colour in (PLACED, LEFT_OUT):
        assert (np.abs(pixels - colour).sum(axis=-1) < 60).sum() > 40
