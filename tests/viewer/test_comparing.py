"""Two scenes beside each other: one left of a divider, one right of it, seen by one camera."""

import json
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page

from . import scene
from .conftest import DESKTOP, link, publish
from .pictures import colour_at, looks, near
from .server import Answer, Server
from .test_access import complaints
from .test_measuring import on_screen

pytestmark = pytest.mark.slow

OTHER: scene.Colour = (30, 200, 200)
HERE = {"latitude": 47.0, "longitude": 8.0, "altitude": 400.0, "axes": "ENU"}


def beside(server: Server, **changes: Any) -> str:
    """A link that shows the known scene, and beside it the same with its cube in one colour."""
    records = np.frombuffer(scene.splat(), np.uint8).reshape(-1, scene.RECORD.size).copy()
    colours = records[:, 24:27]
    plane = [(colours == colour).all(axis=1) for colour in (scene.LIGHT, scene.DARK)]
    records[~np.logical_or(*plane), 24:27] = OTHER
    server.answers["/files/other.splat"] = Answer(records.tobytes())
    second = scene.manifest(title="painted", splat_url="other.splat", **changes)
    server.answers["/files/second.json"] = Answer(json.dumps(second).encode())
    return f"{link(server)}&compare={quote(f'{server.url}/files/second.json', safe='')}"


def shows(page: Page, down: float, left: scene.Colour, right: scene.Colour) -> None:
    """Waits until these colours are left and right of the middle, where the cube is."""

    def holds(image: Image.Image) -> bool:
        sides = (0.46, left), (0.54, right)
        return all(near(colour_at(image, across, down), colour) for across, colour in sides)

    looks(page, holds, f"{left} left and {right} right of the middle")


def test_a_divider_that_is_dragged_or_moved_by_key_lies_between_two_scenes(
    page: Page, server: Server
) -> None:
    first, there = scene.manifest()["metadata"], HERE | {"longitude": 8.001}
    publish(server, metadata=first | {"georeference": HERE})
    page.goto(beside(server, metadata=first | {"georeference": there}))
    page.evaluate("() => splatViewer.ready")
    divider = page.get_by_role("slider", name="Divider of the two scenes")
    assert divider.get_attribute("aria-valuenow") == "50"
    shows(page, 0.55, scene.SOUTH, OTHER)
    assert page.get_by_text("origins on the earth are 76.06 m apart").is_visible()
    for title in ("demo/cube", "painted"):
        assert page.locator(".caption", has_text=title).is_visible()
    assert complaints(page) == []
    divider.focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    assert divider.get_attribute("aria-valuenow") == "60"
    shows(page, 0.55, scene.SOUTH, scene.SOUTH)
    divider.press("Home")
    shows(page, 0.55, OTHER, OTHER)
    divider.press("End")
    shows(page, 0.55, scene.SOUTH, scene.SOUTH)
    divider.press("ArrowLeft")
    page.evaluate("() => splatViewer.setMode('topdown')")  # one camera for both
    page.mouse.move(0.98 * DESKTOP["width"], 200)
    page.mouse.down()
    page.mouse.move(0.5 * DESKTOP["width"], 200)
    page.mouse.up()
    shows(page, 0.68, scene.TOP, OTHER)


def is_clipped(page: Page, image: Image.Image) -> bool:
    """Whether the north half of the cube's top is seen in both scenes, and nothing beside it is."""

    def shows_top(x: float, y: float, colour: scene.Colour) -> bool:
        across, down = on_screen(page, (x, y, 4))
        there = colour_at(image, across / DESKTOP["width"], down / DESKTOP["height"])
        return near(there, colour)

    inside = shows_top(-1.9, 1, scene.TOP) and shows_top(1.9, 1, OTHER)
    outside = [(-1.9, -1, scene.TOP), (1.9, -1, OTHER), (-2.1, 1, scene.TOP), (2.1, 1, OTHER)]
    return inside and not any(shows_top(*place) for place in outside)


def test_a_clip_box_cuts_both_and_places_are_those_of_the_first(page: Page, server: Server) -> None:
    page.goto(f"{beside(server)}#topdown@0,0,30,0,-90&clip=,,0,,,")
    page.evaluate("() => splatViewer.ready")
    # What moved last is drawn coarsely for a moment, and the box's sides are soft then.
    looks(page, lambda image: is_clipped(page, image), "half of both tops")
    page.keyboard.press("p")
    page.mouse.click(*on_screen(page, (1, 1, 4)))
    page.get_by_text("pinned in the first scene").wait_for()
    page.mouse.click(*on_screen(page, (-1, 1, 4)))
    page.get_by_label("Note").fill("On the first")
    page.get_by_role("button", name="Done").click()
    page.wait_for_function("() => location.hash.includes('&pins=')")
    pinned = page.evaluate("() => /pins=([^,]+),([^,]+),([^,&]+)/.exec(location.hash).slice(1)")
    assert [float(part) for part in pinned] == pytest.approx([-1, 1, 4], abs=0.1)


@pytest.mark.parametrize("broken", ["second.json", "other.splat"])
def test_a_second_scene_that_can_not_be_had_leaves_the_first_alone(
    page: Page, server: Server, broken: str
) -> None:
    address = beside(server)
    server.answers[f"/files/{broken}"] = Answer(status=404)
    page.goto(address)
    notice = page.get_by_role("alert")
    notice.wait_for()
    assert "The second scene can not be shown" in notice.inner_text()
    assert "(404)" in notice.inner_text()
    notice.get_by_role("button", name="Close").click()
    assert notice.is_hidden()
    assert page.get_by_role("slider").is_hidden()
    shows(page, 0.55, scene.SOUTH, scene.SOUTH)
