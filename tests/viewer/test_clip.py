"""The clip box: what is outside is neither drawn nor picked, and the address keeps it."""

import re

import pytest
from PIL import Image
from playwright.sync_api import Page

from . import scene
from .conftest import DESKTOP, link, visit
from .pictures import colour_at, looks, near, share_near
from .server import Server
from .test_access import complaints
from .test_measuring import on_screen

pytestmark = pytest.mark.slow


def is_top(page: Page, image: Image.Image, place: tuple[float, float, float]) -> bool:
    """Whether at a place of the scene the picture has the colour of the cube's top."""
    x, y = on_screen(page, place)
    there = colour_at(image, x / DESKTOP["width"], y / DESKTOP["height"])
    return near(there, scene.TOP)


def test_the_keyboard_cuts_the_top_off_and_what_is_gone_can_not_be_pinned(
    page: Page, server: Server
) -> None:
    visit(page, server)
    looks(page, lambda image: share_near(image, scene.TOP) > 0.01, "the top is seen")
    page.keyboard.press("x")
    page.get_by_role("slider", name="Height to").focus()
    page.keyboard.press("PageDown")
    page.wait_for_function("() => location.hash.includes('&clip=,,,,,3.')")
    looks(
        page,
        lambda image: share_near(image, scene.TOP) == 0 and share_near(image, scene.SOUTH) > 0.01,
        "nothing of the top is seen, and the side is",
    )
    page.keyboard.press("p")  # also a slider leaves the letters to the page
    page.mouse.click(*on_screen(page, (0, -1, 4)))
    page.get_by_label("Note").wait_for()
    page.wait_for_function("() => location.hash.includes('&pins=')")
    place = re.search(r"&pins=([^,]+),([^,]+),([^&;,]+)", page.evaluate("() => location.hash"))
    assert place
    _, y, z = (float(part) for part in place.groups())
    assert (y, z) != pytest.approx((-1, 4), abs=0.5)  # behind it, through the open top


def test_a_turned_box_comes_with_the_link_and_is_reset(page: Page, server: Server) -> None:
    page.goto(f"{link(server)}#topdown@0,0,30,0,-90&clip=,1,,,,,20")
    page.evaluate("() => window.splatViewer.ready")
    inside, outside = (1.4, -1.4, 4.0), (1.4, 1.4, 4.0)
    looks(
        page,
        lambda image: is_top(page, image, inside) and not is_top(page, image, outside),
        "the top inside alone",
    )
    page.get_by_role("button", name="Clip, in use").click()
    assert page.get_by_role("slider", name="X to").get_attribute("aria-valuetext") == "1.00 m"
    assert complaints(page) == []
    page.get_by_role("button", name="Reset").click()
    page.wait_for_function("() => !location.hash.includes('clip')")
    looks(page, lambda image: is_top(page, image, outside), "the top outside, too")
    assert page.get_by_role("button", name="Clip", exact=True).is_visible()
