"""The tape measure: places are picked in the picture, and the figures are those of the scene."""

import math
import re
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Page

from gpu.parcel.ground import PARCEL_X, PARCEL_Y, height

from . import scene
from .conftest import DESKTOP, publish, visit
from .server import Answer, Server

pytestmark = pytest.mark.slow

FIELD_OF_VIEW = math.radians(52)
FENCE = 1.24
CORNERS = [
    (-PARCEL_X, -PARCEL_Y),
    (PARCEL_X, -PARCEL_Y),
    (PARCEL_X, PARCEL_Y),
    (-PARCEL_X, PARCEL_Y),
]
Place = tuple[float, float, float]


def on_screen(page: Page, place: Place) -> tuple[float, float]:
    """Where a place of the scene is in the picture, by the camera's own words; pixels."""
    camera = page.evaluate("() => splatViewer.camera()")
    ahead, up = camera["forward"], camera["up"]
    right = [ahead[i - 2] * up[i - 1] - ahead[i - 1] * up[i - 2] for i in range(3)]
    to = [p - c for p, c in zip(place, camera["position"], strict=True)]
    across, upward, depth = (
        sum(a * b for a, b in zip(to, v, strict=True)) for v in (right, up, ahead)
    )
    pixels = DESKTOP["height"] / 2 / math.tan(FIELD_OF_VIEW / 2) / depth
    return DESKTOP["width"] / 2 + across * pixels, DESKTOP["height"] / 2 - upward * pixels


def pick(page: Page, *places: Place) -> None:
    """Clicks on places of the scene, one after the other."""
    for place in places:
        dots = page.locator(".overlay circle").count()
        page.mouse.click(*on_screen(page, place))
        page.locator(".overlay circle").nth(dots).wait_for()


def figure(page: Page, label: str) -> str:
    """What the panel says beside a label."""
    value = page.locator(f".measuring dt:text-is('{label}') + dd").text_content()
    assert value is not None, label
    return value


def number(words: str) -> float:
    found = re.match(r"-?[\d,]+\.\d+", words)
    assert found, words
    return float(found[0].replace(",", ""))


@pytest.fixture
def cube(page: Page, server: Server) -> Page:
    visit(page, server)
    page.keyboard.press("m")
    return page


def test_the_cube_measures_four_metres(cube: Page) -> None:
    pick(cube, (-1.9, -2, 3.9), (1.9, -2, 3.9))
    assert number(figure(cube, "Distance")) == pytest.approx(3.8, abs=0.1)
    assert figure(cube, "Distance").endswith(" m")
    pick(cube, (1.9, -2, 0.2))
    assert number(figure(cube, "Height")) == pytest.approx(-3.7, abs=0.1)
    assert number(figure(cube, "Area")) == pytest.approx(3.8 * 3.7 / 2, rel=0.05)
    assert number(figure(cube, "Area on the map")) == pytest.approx(0, abs=0.3)


def test_the_slope_is_half_a_metre_per_metre(cube: Page) -> None:
    pick(cube, (7.0, -3.0, scene.ground(7.0)), (11.0, -3.0, scene.ground(11.0)))
    assert number(figure(cube, "Slope")) == pytest.approx(math.degrees(math.atan(0.5)), abs=1)


def test_what_is_not_metric_is_measured_in_units(page: Page, server: Server) -> None:
    publish(server, metadata={"metric": False})
    visit(page, server)
    page.get_by_role("button", name="Measure").click()
    pick(page, (-1.9, -2, 3.9), (1.9, -2, 3.9), (1.9, -2, 0.2))
    assert figure(page, "Distance").endswith(" units")
    assert figure(page, "Area").endswith(" square units")
    assert not re.search(r"\d m\b|m²", page.locator(".measuring").inner_text())


def test_the_sky_is_no_place(cube: Page) -> None:
    cube.mouse.click(480, 4)
    cube.get_by_text("Nothing is there to measure").wait_for()
    assert cube.locator(".overlay circle").count() == 0


def test_figures_are_taken_along_by_copy_and_as_a_table(cube: Page, tmp_path: Path) -> None:
    cube.context.grant_permissions(["clipboard-read", "clipboard-write"])
    pick(cube, (-1.9, -2, 3.9), (1.9, -2, 3.9))
    cube.get_by_role("button", name="Copy", exact=True).click()
    cube.get_by_text("Copied: the figures").wait_for()
    assert f"Distance: {figure(cube, 'Distance')}" in cube.evaluate(
        "() => navigator.clipboard.readText()"
    )
    with cube.expect_download() as download:
        cube.get_by_role("button", name="CSV").click()
    download.value.save_as(tmp_path / "measure.csv")
    lines = (tmp_path / "measure.csv").read_text().splitlines()
    assert lines[0] == "point,x (m),y (m),z (m)"
    x, y, z = (float(cell) for cell in lines[1].split(",")[1:])
    assert (x, y, z) == pytest.approx((-1.9, -2, 3.9), abs=0.1)


def test_the_keyboard_alone_measures_and_takes_back(cube: Page) -> None:
    cube.locator("canvas").focus()
    cube.keyboard.press("Enter")
    cube.locator(".overlay circle").first.wait_for()
    undo = cube.get_by_role("button", name="Undo")
    undo.focus()
    cube.keyboard.press("Enter")
    assert cube.locator(".overlay circle").count() == 0
    cube.keyboard.press("m")
    assert not cube.locator(".measuring").is_visible()


def test_the_line_stays_on_its_places_when_the_camera_moves(cube: Page) -> None:
    place = (-1.9, -2.0, 3.9)
    pick(cube, place)
    cube.keyboard.press("4")
    cube.wait_for_function("() => splatViewer.camera().pitch < -1.5")
    x, y = on_screen(cube, place)
    cube.wait_for_function(
        """([x, y]) => {
            const { cx, cy } = document.querySelector(".overlay circle");
            return Math.hypot(cx.baseVal.value - x, cy.baseVal.value - y) < 6;
        }""",
        arg=[x, y],
    )


def test_the_demo_parcels_fence_is_measured_within_a_hundredth(page: Page, server: Server) -> None:
    """The fence where the demo's photos show it, drawn with Gaussians; its plan is 40 x 30 m."""
    server.answers["/files/scene.splat"] = Answer(fence())
    low, high = [-PARCEL_X, -PARCEL_Y, -2.0], [PARCEL_X, PARCEL_Y, 3.0]
    bounds = {"min": low, "max": high, "center": [0, 0, 0], "size": [40, 30, 5], "ground_z": 0.0}
    camera = {"position": [0, -45, 68], "look_at": [0, 0, 0], "up": [0, 0, 1]}
    publish(server, scene_bounds=bounds, camera_defaults=camera, ground=None)
    visit(page, server)
    page.keyboard.press("m")
    boards = [(x, y, height(x, y) + FENCE / 2) for x, y in CORNERS]
    pick(page, *boards)
    true = sum(math.dist(a, b) for a, b in pairwise(boards))
    assert number(figure(page, "Distance")) == pytest.approx(true, rel=0.01)
    assert number(figure(page, "On the map")) == pytest.approx(40 + 30 + 40, rel=0.01)
    assert number(figure(page, "Area on the map")) == pytest.approx(40 * 30, rel=0.01)


def fence() -> bytes:
    """Gaussians every 10 cm along and up the boards, from corner to corner of the parcel."""
    records = []
    for (x, y), (u, v) in zip(CORNERS, CORNERS[1:] + CORNERS[:1], strict=True):
        steps = round(math.dist((x, y), (u, v)) / 0.1)
        for i in range(steps):
            east, north = x + (u - x) * i / steps, y + (v - y) * i / steps
            records += [(east, north, height(east, north) + 0.1 * k) for k in range(13)]
    size, brown = (0.05,) * 3, (120, 90, 60, 255)
    return b"".join(
        scene.RECORD.pack(*place, *size, *brown, *scene.FLAT_ROTATION) for place in records
    )
