"""The clip box: what is outside is neither drawn nor picked, and the address keeps it."""

import re

import pytest
from playwright.sync_api import Page

from . import scene
from .conftest import DESKTOP, link, visit
from .pictures import colour_at, near, picture, share_near
from .server import Server
from .test_access import complaints
from .test_measuring import on_screen

pytestmark = pytest.mark.slow


def colour_of(page: Page, place: tuple[float, float, float]) -> scene.Colour:
    """The colour in the picture at a place of the scene."""
    x, y = on_screen(page, place)
    return colour_at(picture(page), x / DESKTOP["width"], y / DESKTOP["height"])


def test_the_keyboard_cuts_the_top_off_and_what_is_gone_can_not_be_pinned(
    page: Page, server: Server
) -> None:
    visit(page, server)
    assert share_near(picture(page), scene.TOP) > 0.01
    page.keyboard.press("x")
    page.get_by_role("slider", name="Height to").focus()
    page.keyboard.press("PageDown")
    page.wait_for_function("() => location.hash.includes('&clip=,,,,,3.')")
    assert share_near(picture(page), scene.TOP) == 0
    assert share_near(picture(page), scene.SOUTH) > 0.01
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
    assert near(colour_of(page, inside), scene.TOP)
    assert not near(colour_of(page, outside), scene.TOP)
    page.get_by_role("button", name="Clip, in use").click()
    assert page.get_by_role("slider", name="X to").get_attribute("aria-valuetext") == "1.00 m"
    assert complaints(page) == []
    page.get_by_role("button", name="Reset").click()
    page.wait_for_function("() => !location.hash.includes('clip')")
    assert near(colour_of(page, outside), scene.TOP)
    assert page.get_by_role("button", name="Clip", exact=True).is_visible()
