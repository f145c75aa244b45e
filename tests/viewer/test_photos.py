"""The photos' cameras: stand where one was taken, and fade the photo over the splat."""

import io
import json
import re
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from . import scene
from .conftest import DESKTOP, link, publish, visit
from .pictures import colour_at, looks, near, picture
from .server import Answer, Server
from .test_access import complaints
from .test_hostile import SCRIPT
from .test_measuring import on_screen

pytestmark = pytest.mark.slow

CYAN = (0, 230, 230)
#: Quaternions w, x, y, z of cameras that look level to the north and to the east.
NORTH, EAST = [0.5**0.5, -(0.5**0.5), 0, 0], [0.5, -0.5, 0.5, -0.5]

PIN_MARK = "(({ e, f }) => [e, f])(document.querySelector('.pin').transform.baseVal[0].matrix)"


def camera(name: str, position: list[float], rotation: list[float], **more: Any) -> dict[str, Any]:
    lens = {"size": [400, 300], "focal": [300, 300], "centre": [200, 150]}
    return {"name": name, "position": position, "rotation": rotation, **lens, **more}


def pin_mark(page: Page) -> tuple[float, float]:
    """Where the mark of the only pin is, pixels."""
    x, y = page.evaluate(PIN_MARK)
    return x, y


def photographed(server: Server, *, published: bool = True) -> None:
    """The cube with two photos: one of its red side, one of its green side."""
    photo = io.BytesIO()
    Image.new("RGB", (400, 300), CYAN).save(photo, "JPEG")
    server.answers["/files/photos/000.jpg"] = Answer(photo.getvalue())
    file = {"photo": "photos/000.jpg"} if published else {}
    tell(
        server,
        {
            "cameras": [
                camera("south.jpg", [0, -7, 2], NORTH, **file),
                camera("west.jpg", [-7, 0, 2], EAST),
            ]
        },
    )
    publish(server, cameras={"url": "cameras.json", "bytes": 500, "count": 2, "photos": 1})


def tell(server: Server, content: object) -> None:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    server.answers["/files/cameras.json"] = Answer(body)


def shows(page: Page, colour: scene.Colour) -> None:
    """Waits until that colour is in the middle."""
    looks(page, lambda image: near(colour_at(image, 0.5, 0.5), colour), f"{colour} in the middle")


def test_by_keys_one_stands_in_a_photo_and_fades_it_over_the_splat(
    page: Page, server: Server
) -> None:
    photographed(server)
    visit(page, server)
    page.keyboard.press("f")
    page.get_by_role("button", name="Next").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("south.jpg · 1 of 2").first).to_be_visible()
    stood = page.evaluate("() => splatViewer.camera()")
    assert stood["position"] == pytest.approx([0, -7, 2])
    assert stood["forward"] == pytest.approx([0, 1, 0])
    slider = page.get_by_role("slider")
    slider.focus()
    page.keyboard.press("Home")
    shows(page, scene.SOUTH)
    page.keyboard.press("End")
    expect(slider).to_have_attribute("aria-valuetext", "100 %")
    assert complaints(page) == []
    # All of the photo is on the screen: it is as high as that, and 4:3.
    shows(page, CYAN)
    left, outside = (colour_at(picture(page), right, 0.9) for right in (0.1, 0.07))
    assert near(left, CYAN)
    assert not near(outside, CYAN)
    page.keyboard.press("Escape")
    assert not page.locator("img.photo").is_visible()
    assert slider.is_hidden() and page.locator(".photos").is_visible()
    shows(page, scene.SOUTH)


def test_a_tap_on_a_camera_goes_there_and_moving_takes_the_photo_away(
    page: Page, server: Server
) -> None:
    photographed(server)
    visit(page, server)
    page.get_by_role("button", name="Photos").click()
    cameras = page.locator(".photo-cameras path")
    expect(cameras).to_have_attribute("d", re.compile("M.*M.*M.*M"))
    drawn = cameras.get_attribute("d") or ""
    x, y = map(float, drawn[1:].split("L")[0].split())
    page.mouse.click(x, y)
    photo = page.locator("img.photo")
    photo.wait_for()
    assert cameras.get_attribute("d") == "", "no wires over the photo"
    assert page.evaluate("() => splatViewer.mode") == "fly"
    page.mouse.move(480, 300)
    page.mouse.down()
    page.mouse.move(500, 300, steps=3)
    page.mouse.up()
    photo.wait_for(state="hidden")
    assert cameras.get_attribute("d") != ""


def test_what_is_over_the_scene_is_drawn_with_its_frames_and_not_between(
    page: Page, server: Server
) -> None:
    photographed(server)
    visit(page, server)
    page.keyboard.press("f")
    path = page.locator(".photo-cameras path")
    expect(path).to_have_attribute("d", re.compile("M"))
    path.evaluate("""path => {
        window.counted = [0, splatViewer.frames];
        new MutationObserver(all => (counted[0] += all.length)).observe(path, { attributes: true });
    }""")
    page.keyboard.down("ArrowRight")
    page.wait_for_function("() => splatViewer.frames > counted[1] + 5")
    page.keyboard.up("ArrowRight")
    drawn, before, frames = page.evaluate("() => [...counted, splatViewer.frames]")
    assert 0 < drawn <= frames - before


def test_photos_that_are_not_published_are_only_stood_in(page: Page, server: Server) -> None:
    photographed(server, published=False)
    visit(page, server)
    page.keyboard.press("f")
    page.get_by_role("button", name="Previous").click()
    shows(page, scene.WEST)
    assert page.get_by_text("not published").is_visible()
    assert not page.get_by_role("slider").is_visible()
    assert page.locator("img.photo").get_attribute("src") is None


def test_pins_keep_their_places_in_a_photo_and_a_film_has_none_of_it(
    page: Page, server: Server
) -> None:
    photographed(server)
    far = camera("far.jpg", [0, -7, 2], NORTH, focal=[600, 600], photo="photos/000.jpg")
    tell(server, {"cameras": [far]})
    page.goto(f"{link(server)}#orbit@0,-16,9,0,-27&pins=-1,-2,2.8,Corner")
    page.evaluate("() => splatViewer.ready")
    page.keyboard.press("f")
    page.get_by_role("button", name="Next").click()
    page.locator("img.photo").wait_for()
    # The photo fills the height: 300 of its pixels are 600 here, 5 m away.
    pixels = 600 * DESKTOP["height"] / 300 / 5
    across, down = DESKTOP["width"] / 2 - pixels, DESKTOP["height"] / 2 - 0.8 * pixels
    page.wait_for_function(f"() => {PIN_MARK}[0] < {across + 1}")
    assert pin_mark(page) == pytest.approx((across, down), abs=1)
    page.keyboard.press("l")
    assert page.locator("img.photo").is_hidden()
    assert page.locator(".photo-cameras path").get_attribute("d") == ""
    page.wait_for_function(f"() => {PIN_MARK}[0] > {across + 50}")
    assert pin_mark(page) == pytest.approx(on_screen(page, (-1, -2, 2.8)), abs=1)
    page.get_by_text("Film a camera path").click()
    add = page.get_by_role("button", name="Add this view")
    add.click()
    page.evaluate("() => splatViewer.setMode('topdown')")
    add.click()
    page.get_by_label("Length").select_option("20")
    page.get_by_role("button", name="Preview").click()
    page.get_by_text(re.compile(r"Preview: [1-9]\d? of 20 s")).wait_for()
    page.keyboard.press("f")  # ends it: the panels share one place
    page.get_by_role("button", name="Next").click()
    assert page.locator("img.photo").is_visible()


def test_script_in_a_photos_name_stays_text(page: Page, server: Server) -> None:
    photographed(server)
    tell(server, {"cameras": [camera(SCRIPT, [0, -7, 2], NORTH)]})
    visit(page, server)
    page.keyboard.press("f")
    page.get_by_role("button", name="Next").click()
    expect(page.locator(".photos p").first).to_have_text(f"{SCRIPT} · 1 of 1")
    assert page.evaluate("() => document.documentElement.dataset.owned ?? null") is None


HOSTILE = [
    b"", b"<!doctype html><script>alert(1)</script>", b"[" * 100_000, b'{"cameras": 7}',
    b'{"cameras": [{}]}', b"x" * 2_000_001,
    {"cameras": [camera("a", [0, 0, 1], NORTH)] * 2001},
    {"cameras": [camera("a", [0, 0, 1e300], NORTH)]},
    {"cameras": [camera("a", [0, 0, 1], [0, 0, 0, 0])]},
    {"cameras": [camera("a", [0, 0, 1], NORTH, photo="../../secret.jpg")]},
    {"cameras": [camera("a", [0, 0, 1], NORTH, photo="//host/a.jpg")]},
    {"cameras": [camera("a", [0, 0, 1], NORTH, photo="javascript:alert(1)")]},
]  # fmt: skip


def test_a_hostile_list_of_cameras_is_a_sentence_and_nothing_else(
    page: Page, server: Server
) -> None:
    photographed(server)
    visit(page, server)
    before = page.evaluate("() => splatViewer.camera()")
    panel = page.locator(".photos p").first
    for content in HOSTILE:
        tell(server, content)
        page.keyboard.press("f")
        expect(panel).to_have_text(re.compile("is damaged|is wrong|too large"))
        assert page.locator(".photos .actions").is_hidden()
        page.keyboard.press("f")
    del server.answers["/files/cameras.json"]
    page.keyboard.press("f")
    expect(panel).to_have_text(re.compile("not there"))
    assert page.evaluate("() => splatViewer.camera()") == before


def test_a_scene_that_tells_no_cameras_has_no_button_for_them(page: Page, server: Server) -> None:
    visit(page, server)
    assert page.get_by_role("button", name="Photos").is_hidden()
    page.keyboard.press("f")
    assert page.locator(".photos").is_hidden()
