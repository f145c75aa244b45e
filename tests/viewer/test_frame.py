"""The map's corner, places on the earth, and the viewer on a phone and in another page's frame."""

import io
import math
import re
from typing import Any

import pytest
from PIL import Image, ImageChops
from playwright.sync_api import Browser, BrowserContext, Locator, Page, ViewportSize, expect

from . import scene
from .conftest import DESKTOP, link, publish, visit
from .server import Server
from .test_access import complaints
from .test_measuring import FIELD_OF_VIEW, figure, pick
from .test_photos import photographed

pytestmark = pytest.mark.slow

HERE = {"latitude": 52.5163, "longitude": 13.3777, "altitude": 34.0, "axes": "ENU", "epsg": 32633}


def georeferenced() -> dict[str, Any]:
    metadata: dict[str, Any] = scene.manifest()["metadata"]
    return metadata | {"georeference": HERE}


def test_the_maps_bar_is_as_long_as_it_says(page: Page, server: Server) -> None:
    visit(page, server)
    corner = page.locator(".mapscale")
    assert corner.is_hidden()
    page.keyboard.press("4")
    corner.wait_for()
    assert page.locator(".north").is_hidden()
    said, unit = (corner.text_content() or "").split()
    height = page.evaluate("() => splatViewer.camera().position[2]")
    pixel = 2 * height * math.tan(FIELD_OF_VIEW / 2) / DESKTOP["height"]
    long = page.locator(".bar").evaluate("bar => bar.getBoundingClientRect().width")
    assert unit == "m" and long * pixel == pytest.approx(float(said), rel=0.02)
    page.keyboard.press("1")
    corner.wait_for(state="hidden")


def test_north_turns_with_the_map_where_it_is_known(page: Page, server: Server) -> None:
    publish(server, metadata=georeferenced())
    visit(page, server)
    page.keyboard.press("4")
    page.locator(".north").wait_for()
    heading = page.evaluate("() => splatViewer.camera().heading")
    assert heading == pytest.approx(0, abs=1e-6)
    label = page.locator(".mapscale [role=img]").get_attribute("aria-label") or ""
    assert label.endswith("North is up.")
    page.keyboard.down("ArrowRight")
    page.wait_for_function("() => splatViewer.camera().heading > 0.3")
    page.keyboard.up("ArrowRight")
    arrow = page.locator(".mapscale [role=img]")
    expect(arrow).to_have_attribute("aria-label", re.compile("clockwise from up"))


def test_a_place_is_told_as_the_earth_has_it(page: Page, server: Server) -> None:
    publish(server, metadata=georeferenced())
    visit(page, server)
    page.keyboard.press("m")
    pick(page, (5.0, -1.0, 0.0))
    latitude, longitude = (float(w.rstrip("°,")) for w in figure(page, "Last place").split())
    assert latitude == pytest.approx(HERE["latitude"] - 1 / 111_300, abs=3e-6)
    assert longitude == pytest.approx(HERE["longitude"] + 5 / 67_900, abs=4e-6)
    assert figure(page, "UTM").startswith("33N 38992")
    assert complaints(page) == []


#: Of a window's points, how many are the scene's: all but those of panels and toolbar, in percent.
SCENES_SHARE = """() => {
    const at = (size, step) => Array.from({ length: size / step }, (_, i) => i * step + step / 2);
    const points = at(innerWidth, 13).flatMap((x) => at(innerHeight, 13).map((y) => [x, y]));
    const free = points.filter(([x, y]) => document.elementFromPoint(x, y)?.tagName === "CANVAS");
    return (100 * free.length) / points.length;
}"""


def phone(browser: Browser, width: int, height: int) -> BrowserContext:
    size: ViewportSize = {"width": width, "height": height}
    return browser.new_context(
        viewport=size, is_mobile=True, has_touch=True, reduced_motion="reduce"
    )


def overlap(one: Locator, other: Locator) -> bool:
    a, b = one.bounding_box(), other.bounding_box()
    assert a and b
    across = min(a["x"] + a["width"], b["x"] + b["width"]) > max(a["x"], b["x"])
    return across and min(a["y"] + a["height"], b["y"] + b["height"]) > max(a["y"], b["y"])


@pytest.mark.parametrize("size", [(390, 844), (844, 390)], ids=["upright", "on its side"])
def test_on_a_phone_no_panel_covers_the_scene_or_the_toolbar(
    browser: Browser, server: Server, size: tuple[int, int]
) -> None:
    photographed(server)
    context = phone(browser, *size)
    page = context.new_page()
    visit(page, server)
    toolbar = page.locator(".toolbar")
    for key, free in {"m": 80, "p": 70, "x": 60, "f": 70, "l": 70}.items():
        page.keyboard.press(key)
        panel = page.locator(".aside-panel:visible")
        assert not overlap(panel, toolbar), key
        assert page.evaluate(SCENES_SHARE) >= free, key
        page.keyboard.press(key)
    page.locator("summary").click()
    assert not overlap(page.locator("details"), toolbar)
    context.close()


def test_on_a_small_phone_the_pad_is_under_the_panel_where_they_meet(
    browser: Browser, server: Server
) -> None:
    context = phone(browser, 320, 568)
    page = context.new_page()
    visit(page, server)
    for name in ("Fly", "Share", "Film a camera path"):
        page.get_by_role("button", name=name).tap()
    last, pad = page.get_by_text("Add two views or more."), page.locator(".pad")
    box = last.bounding_box()
    assert box and overlap(last, pad)
    at = (box["x"] + 50, box["y"] + box["height"] / 2)
    assert last.evaluate("(e, at) => document.elementFromPoint(...at) === e", at)
    context.close()


#: What of a panel's sides its round corners leave free, CSS pixels.
ROUND = 5
#: Of 255: less is how edges of buttons are drawn; through glass a pin's label made 29.
EDGES = 10
#: Hides, or shows again, what is behind the panels.
SHOW_SCENE = """(shown) => {
    for (const part of document.querySelectorAll("canvas, .overlay, .mapscale"))
        part.style.visibility = shown ? "" : "hidden";
}"""


def inside(panel: Locator) -> Image.Image:
    panel.screenshot()  # the next one is not of the frame before: see `picture`
    taken = Image.open(io.BytesIO(panel.screenshot())).convert("RGB")
    return taken.crop((ROUND, ROUND, taken.width - ROUND, taken.height - ROUND))


def test_nothing_of_the_scene_shines_through_a_panel(browser: Browser, server: Server) -> None:
    """Neither labels of pins nor the map's scale, on a phone on its side; the toolbar is one."""
    publish(server, metadata=georeferenced())
    context = phone(browser, 780, 360)
    page = context.new_page()
    places = [(x, y) for x in (-10, -7, 7) for y in (-6.8, 3, 5)]
    pins = ";".join(f"{x},{y},0,Carport+by+the+old+gate," for x, y in places)
    page.goto(f"{link(server)}#topdown@0,0,17,0,-90&pins={pins}")
    page.evaluate("() => splatViewer.ready")
    foot = "(seen) => (document.querySelector('.foot').style.visibility = seen ? '' : 'hidden')"
    pinning = ".toolbar [aria-label=Pins]"
    shown = (("summary", "details"), (pinning, ".pinning"), (pinning, ".toolbar"))
    for control, panel in shown:
        page.evaluate(foot, panel == ".toolbar")  # it is over panels that come down so far
        page.locator(control).dispatch_event("click")
        seen = inside(page.locator(panel))
        page.evaluate(SHOW_SCENE, False)
        alone = inside(page.locator(panel))
        assert ImageChops.difference(seen, alone).convert("L").getextrema()[1] < EDGES, panel
        page.evaluate(SHOW_SCENE, True)
    context.close()


def test_on_a_phone_the_tape_is_folded_to_what_one_measures_for(
    browser: Browser, server: Server
) -> None:
    publish(server, metadata=georeferenced())
    context = phone(browser, 390, 844)
    page = context.new_page()
    page.goto(f"{link(server)}#topdown@0,-5,20,0,-90")
    page.evaluate("() => splatViewer.ready")
    page.get_by_role("button", name="Measure").tap()
    for laid, (x, y) in enumerate([(120, 130), (270, 130), (270, 500)]):
        page.touchscreen.tap(x, y)  # the first two are under a panel that is not folded
        page.locator(".overlay circle").nth(laid).wait_for()
    figures = page.locator(".measuring dt:visible")
    assert figures.all_text_contents() == ["Distance", "Area"]
    assert page.evaluate(SCENES_SHARE) >= 70
    page.get_by_role("button", name="More").tap()
    assert len(figures.all_text_contents()) == 9
    assert page.get_by_role("button", name="CSV").is_visible()
    assert complaints(page) == []
    page.get_by_role("button", name="Less").tap()
    assert figures.count() == 2
    page.set_viewport_size(DESKTOP)
    assert figures.count() == 9
    context.close()


def test_in_a_frame_there_is_the_scene_and_a_way_out(page: Page, server: Server) -> None:
    page.goto(f"{link(server)}&embed=1")
    page.evaluate("() => splatViewer.ready")
    assert page.locator("header.title").is_hidden()
    names = page.locator(".toolbar button:visible").evaluate_all(
        "all => all.map(one => one.getAttribute('aria-label'))"
    )
    assert names == ["Orbit", "Fly", "Walk", "Map", "Home", "Help"]
    assert complaints(page) == []
    page.keyboard.press("3")
    page.wait_for_function("() => location.hash.includes('walk')")
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Open the viewer").click()
    address = opened.value.url
    assert "embed" not in address and "walk" in address and "manifest=" in address
