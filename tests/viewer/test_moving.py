"""Every way to move moves the camera, by keys, mouse, wheel, touch and pad."""

import math
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page

from . import scene
from .conftest import link, publish, visit
from .pictures import looks, picture, share_near
from .server import Server

pytestmark = pytest.mark.slow

Vector = list[float]
MODES = ["orbit", "fly", "walk", "topdown"]


@pytest.fixture
def cube(page: Page, server: Server) -> Page:
    visit(page, server)
    return page


def position(page: Page) -> Vector:
    return page.evaluate("() => splatViewer.camera().position")  # type: ignore[no-any-return]


def hold(page: Page, key: str, until: str) -> Vector:
    """Holds a key until the camera `c` fulfils a condition; returns where it was then."""
    camera = "const c = splatViewer.camera()"
    page.keyboard.down(key)
    there = page.wait_for_function(f"() => {{ {camera}; return {until} && c.position; }}")
    page.keyboard.up(key)
    return there.json_value()  # type: ignore[no-any-return]


def drag(page: Page, right: int, down: int, button: str = "left") -> None:
    page.mouse.move(480, 260)
    page.mouse.down(button=button)  # type: ignore[arg-type]
    page.mouse.move(480 + right, 260 + down, steps=4)
    page.mouse.up(button=button)  # type: ignore[arg-type]


def at_rest(page: Page) -> dict[str, Any]:
    """Waits until the camera has stood still for ten animation frames; returns it."""
    return page.evaluate(  # type: ignore[no-any-return]
        """() => new Promise((resolve) => {
            let last = "", quiet = 0;
            const step = () => {
                const camera = splatViewer.camera(), now = JSON.stringify(camera);
                quiet = now === last ? quiet + 1 : 0;
                last = now;
                quiet < 10 ? requestAnimationFrame(step) : resolve(camera);
            };
            step();
        })"""
    )


def changed(page: Page, before: dict[str, object]) -> None:
    """Waits until the camera is no longer as it was `before`."""
    page.wait_for_function(
        "(before) => JSON.stringify(splatViewer.camera()) !== JSON.stringify(before)", arg=before
    )


def south_side(image: Image.Image) -> bool:
    return share_near(image, scene.SOUTH) > 0.01


@pytest.mark.parametrize(("key", "mode"), list(zip("1234", MODES, strict=True)))
def test_a_key_and_a_button_choose_the_mode(cube: Page, key: str, mode: str) -> None:
    cube.evaluate("(mode) => splatViewer.setMode(mode)", MODES[MODES.index(mode) - 1])
    cube.keyboard.press(key)
    assert cube.evaluate("() => splatViewer.mode") == mode
    pressed = cube.locator("nav button[aria-pressed=true]")
    assert pressed.count() == 1
    cube.keyboard.press("1" if mode != "orbit" else "2")
    cube.locator("nav button").nth(MODES.index(mode)).click()
    assert cube.evaluate("() => splatViewer.mode") == mode


@pytest.mark.parametrize("gesture", ["drag", "wheel", "arrow", "key"])
def test_every_gesture_moves_the_camera_in_every_mode(cube: Page, gesture: str) -> None:
    for mode in MODES:
        cube.evaluate("(mode) => splatViewer.setMode(mode)", mode)
        before = at_rest(cube)
        if gesture == "drag":
            drag(cube, 120, 40)
            changed(cube, before)
        elif gesture == "wheel":
            cube.mouse.move(480, 260)
            cube.mouse.wheel(0, -300)
            changed(cube, before)
        else:
            cube.keyboard.down("ArrowLeft" if gesture == "arrow" else "w")
            changed(cube, before)
            cube.keyboard.up("ArrowLeft" if gesture == "arrow" else "w")
        assert cube.evaluate("() => splatViewer.mode") == mode


def test_orbiting_shows_another_side_of_the_cube(cube: Page) -> None:
    before = share_near(picture(cube), scene.EAST)
    drag(cube, -180, 0)
    cube.wait_for_function("() => splatViewer.camera().position[0] > 8")
    looks(cube, lambda image: share_near(image, scene.EAST) > before + 0.02, "its east side")


def test_flying_keeps_to_the_plane_and_q_and_e_change_the_altitude(cube: Page) -> None:
    cube.keyboard.press("2")
    altitude = position(cube)[2]
    hold(cube, "w", "c.position[1] > -12")
    assert position(cube)[2] == pytest.approx(altitude)
    hold(cube, "q", f"c.position[2] > {altitude + 1}")
    hold(cube, "e", f"c.position[2] < {altitude}")


def test_plus_and_minus_say_how_fast_the_keys_are(cube: Page) -> None:
    cube.keyboard.press("2")
    for key, said in (("+", "Speed: 1.5 ×"), ("-", "as usual"), ("-", "Speed: 0.7 ×")):
        cube.keyboard.press(key)
        cube.get_by_text(said).wait_for()
    for _ in range(9):
        cube.keyboard.press("-")
    cube.get_by_text("Speed: 0.1 ×").wait_for()


def test_walking_keeps_the_eye_over_the_ground(cube: Page) -> None:
    cube.keyboard.press("3")
    assert position(cube) == pytest.approx([0, -9, scene.EYE], abs=1e-3)
    hold(cube, "d", "c.position[0] > 9")
    x, _, z = position(cube)
    assert x > 9, "the slope begins at x = 6"
    assert z == pytest.approx(scene.ground(x) + scene.EYE, abs=0.02)


def test_without_a_height_map_the_ground_is_flat(page: Page, server: Server) -> None:
    publish(server, ground=None)
    visit(page, server)
    page.keyboard.press("3")
    hold(page, "d", "c.position[0] > 8")
    assert position(page)[2] == pytest.approx(scene.EYE, abs=1e-3)


def test_walking_stops_at_the_cube_and_goes_along_it(page: Page, server: Server) -> None:
    publish(server, walls=scene.walls())
    visit(page, server)
    page.keyboard.press("3")
    page.keyboard.down("w")
    page.wait_for_function("() => splatViewer.camera().position[1] > -2.5")
    x, y, _ = hold(page, "d", "c.position[0] > 1.5")
    assert x > 1.5, "beside the wall the way east is free"
    assert y < -scene.HALF_CUBE, "it pressed against the wall all the way"
    hold(page, "d", "c.position[0] > 2.5")
    page.wait_for_function("() => splatViewer.camera().position[1] > 0")
    page.keyboard.up("w")


def test_nobody_walks_out_of_the_scene(cube: Page) -> None:
    cube.keyboard.press("3")
    cube.keyboard.down("Shift")
    hold(cube, "s", f"c.position[1] <= -{scene.HALF_PLANE}")
    cube.keyboard.up("Shift")
    assert position(cube)[1] == pytest.approx(-scene.HALF_PLANE)


def test_the_map_looks_straight_down(cube: Page) -> None:
    cube.keyboard.press("4")
    assert cube.evaluate("() => splatViewer.camera().forward") == pytest.approx(
        [0, 0, -1], abs=1e-6
    )
    looks(
        cube,
        lambda image: share_near(image, scene.SOUTH) < 0.01 < share_near(image, scene.TOP),
        "the cube's top is seen, and no side",
    )


def test_home_comes_back_to_the_start(cube: Page) -> None:
    start = position(cube)
    drag(cube, 200, 60)
    cube.wait_for_function("(s) => splatViewer.camera().position[0] !== s[0]", arg=start)
    cube.keyboard.press("h")
    cube.wait_for_function(
        "(s) => splatViewer.camera().position.every((v, i) => Math.abs(v - s[i]) < 1e-6)", arg=start
    )


def test_the_home_button_says_where_it_goes(cube: Page) -> None:
    home = cube.get_by_role("button", name="Home")
    assert home.get_attribute("title") == "Back to the first view (H)"
    cube.keyboard.press("3")
    assert home.get_attribute("title") == "Back to where the walk starts (H)"
    hold(cube, "d", "c.position[0] > 4")
    home.click()
    cube.wait_for_function("() => splatViewer.camera().position[0] === 0")
    assert position(cube) == pytest.approx([0, -9, scene.EYE], abs=1e-3)


def test_nobody_orbits_below_a_ground_that_is_known(page: Page, server: Server) -> None:
    """Also not by an older version's link; a thing without ground is seen from below, too."""
    below = f"{link(server)}#orbit@0,-14,-6,0,26"
    page.goto(below)
    page.evaluate("() => splatViewer.ready")
    assert 0.2 < at_rest(page)["position"][2] < 1.5
    looks(page, south_side, "the cube's side is seen")
    before = at_rest(page)
    drag(page, 60, -300)
    changed(page, before)
    assert 0.2 < at_rest(page)["position"][2] < 1.5
    publish(server, ground=None)
    page.goto("about:blank")
    page.goto(below)
    page.evaluate("() => splatViewer.ready")
    assert at_rest(page)["position"] == pytest.approx([0, -14, -6])


def test_out_of_the_map_the_cube_is_seen_aslant(cube: Page) -> None:
    """From straight above no side shows, and nobody orbits from there."""
    cube.keyboard.press("2")
    cube.keyboard.press("4")
    cube.keyboard.press("1")
    assert math.degrees(cube.evaluate("() => splatViewer.camera().pitch")) == pytest.approx(-50)
    looks(cube, south_side, "the cube's side is seen")


def test_out_of_the_map_one_walks_where_its_middle_is(page: Page, server: Server) -> None:
    page.goto(f"{link(server)}#topdown@9,-5,12,60,-90")
    page.evaluate("() => splatViewer.ready")
    drag(page, 0, 60)
    seen = at_rest(page)
    page.get_by_role("button", name="Walk").click()
    there = at_rest(page)
    x, y = seen["position"][:2]
    assert x > 9.2, "the map was dragged"
    assert there["position"] == pytest.approx([x, y, scene.ground(x) + scene.EYE], abs=1e-3)
    assert math.degrees(there["heading"]) == pytest.approx(60, abs=0.01)
    assert there["pitch"] == pytest.approx(0)
    drag(page, 0, 60)
    walked = at_rest(page)
    assert walked["pitch"] > 0.1, "the head was raised"
    for name in ("Map", "Walk"):
        page.get_by_role("button", name=name).click()
    assert at_rest(page) == walked, "after a look at the map"


@pytest.mark.parametrize("mode", ["orbit", "fly", "topdown"])
def test_a_double_click_comes_nearer_to_the_place(cube: Page, mode: str) -> None:
    """The click is on the plane, right of the cube."""
    cube.evaluate("(mode) => splatViewer.setMode(mode)", mode)
    x, _, z = position(cube)
    cube.mouse.dblclick(640, 300)
    cube.wait_for_function("(z) => splatViewer.camera().position[2] < 0.8 * z", arg=z)
    assert position(cube)[0] > x + 0.5


def test_walking_to_a_double_click_stops_at_what_stands_between(page: Page, server: Server) -> None:
    publish(server, walls=scene.walls())
    visit(page, server)
    page.keyboard.press("3")
    page.mouse.dblclick(480, 290)
    page.wait_for_function("() => splatViewer.camera().position[1] > -4")
    x, y, z = position(page)
    assert (x, z) == pytest.approx((0, scene.EYE), abs=0.2)
    assert y < -scene.HALF_CUBE


def test_a_link_opens_the_scene_where_somebody_stood(cube: Page, context: BrowserContext) -> None:
    cube.keyboard.press("3")
    hold(cube, "d", "c.position[0] > 4")
    cube.wait_for_function("() => location.hash.startsWith('#walk@')")
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    cube.keyboard.press("c")
    cube.get_by_text("Copied").wait_for()
    address = cube.evaluate("() => navigator.clipboard.readText()")
    there = cube.evaluate("() => splatViewer.camera()")
    other = context.new_page()
    other.goto(address)
    other.evaluate("() => window.splatViewer.ready")
    here = other.evaluate("() => splatViewer.camera()")
    assert other.evaluate("() => splatViewer.mode") == "walk"
    assert here["position"] == pytest.approx(there["position"], abs=1e-3)
    assert here["heading"] == pytest.approx(there["heading"], abs=1e-3)


def test_a_gamepad_moves_and_turns_the_camera(page: Page, server: Server) -> None:
    page.add_init_script("navigator.getGamepads = () => window.pads ?? []")
    visit(page, server)
    page.keyboard.press("2")
    before = page.evaluate("() => splatViewer.camera()")
    buttons = "Array.from({length: 17}, () => ({value: 0}))"
    page.evaluate(
        "() => { window.pads = [{connected: true, mapping: 'standard', axes: [1, 0, 1, 0],"
        f" buttons: {buttons}}}] }}"
    )
    page.wait_for_function(f"() => splatViewer.camera().position[0] > {before['position'][0] + 1}")
    assert page.evaluate("() => splatViewer.camera().heading") != pytest.approx(before["heading"])


def test_a_page_that_may_not_ask_for_gamepads_works_without(page: Page, server: Server) -> None:
    forbidden = "throw new DOMException('not in a frame', 'SecurityError')"
    page.add_init_script(f"navigator.getGamepads = () => {{ {forbidden} }}")
    visit(page, server)
    before = position(page)
    page.keyboard.press("2")
    hold(page, "w", f"c.position[1] !== {before[1]}")


def test_the_camera_glides_where_motion_is_welcome(browser: Browser, server: Server) -> None:
    context = browser.new_context(reduced_motion="no-preference")
    page = context.new_page()
    visit(page, server)
    page.evaluate(
        """() => {
            window.pitches = [];
            const note = () => {
                pitches.push(splatViewer.camera().pitch);
                requestAnimationFrame(note);
            };
            note();
        }"""
    )
    page.keyboard.press("4")
    page.wait_for_function("() => Math.abs(pitches.at(-1) + Math.PI / 2) < 1e-4")
    pitches = page.evaluate("() => pitches")
    assert any(-1.5 < pitch < -0.6 for pitch in pitches), "between the first and the last"
    assert pitches == sorted(pitches, reverse=True)
    context.close()


@pytest.fixture
def phone(browser: Browser, server: Server) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": 390, "height": 844},
        is_mobile=True,
        has_touch=True,
        reduced_motion="reduce",
    )
    page = context.new_page()
    visit(page, server)
    yield page
    context.close()


class Fingers:
    """Sends real touches, which the browser turns into pointer events."""

    def __init__(self, page: Page) -> None:
        self.session = page.context.new_cdp_session(page)

    def _send(self, kind: str, points: tuple[tuple[int, int], ...]) -> None:
        fingers = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(points)]
        self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})

    def press(self, *points: tuple[int, int]) -> None:
        self._send("touchStart", points)

    def slide(self, *points: tuple[int, int]) -> None:
        self._send("touchMove", points)

    def lift(self) -> None:
        self._send("touchEnd", ())


def test_one_finger_turns_and_two_fingers_zoom(phone: Page) -> None:
    fingers = Fingers(phone)
    before = phone.evaluate("() => splatViewer.camera()")
    fingers.press((200, 300))
    fingers.slide((260, 300))
    fingers.lift()
    changed(phone, before)
    high = position(phone)[2]
    fingers.press((180, 300), (220, 300))
    fingers.slide((100, 300), (300, 300))
    fingers.lift()
    phone.wait_for_function("(high) => splatViewer.camera().position[2] < 0.7 * high", arg=high)


def test_two_fingers_turn_the_map_and_a_pinch_that_is_not_quite_straight_does_not(
    phone: Page,
) -> None:
    phone.get_by_role("button", name="Map").tap()
    high = at_rest(phone)["position"][2]
    fingers = Fingers(phone)
    fingers.press((180, 300), (220, 300))
    fingers.slide((100, 290), (300, 310))
    fingers.lift()
    phone.wait_for_function("(high) => splatViewer.camera().position[2] < 0.7 * high", arg=high)
    assert at_rest(phone)["heading"] == 0
    fingers.press((150, 300), (250, 300))
    fingers.slide((200, 250), (200, 350))
    fingers.lift()
    phone.wait_for_function("() => splatViewer.camera().heading < -1")
    assert at_rest(phone)["heading"] == pytest.approx(-math.pi / 2, abs=0.01)


def test_the_pad_walks(phone: Page) -> None:
    phone.locator("nav button").nth(2).tap()
    box = phone.locator(".pad").bounding_box()
    assert box
    x, y = int(box["x"] + box["width"] / 2), int(box["y"] + 6)
    fingers = Fingers(phone)
    fingers.press((x, y))
    phone.wait_for_function("() => splatViewer.camera().position[1] > -7")
    fingers.lift()
    assert position(phone)[2] == pytest.approx(scene.EYE, abs=0.02)


def test_the_keyboard_reaches_every_control_and_shows_where_it_is(cube: Page) -> None:
    reached = []
    for _ in range(12):
        cube.keyboard.press("Tab")
        focused = cube.evaluate(
            """() => {
                const e = document.activeElement, style = getComputedStyle(e);
                const name = e.getAttribute('aria-label') ?? e.textContent;
                return [e.tagName, name, style.outlineStyle !== 'none'];
            }"""
        )
        reached.append(focused)
    tags = [tag for tag, _, _ in reached]
    assert {"CANVAS", "SUMMARY", "BUTTON"} <= set(tags)
    assert tags.count("BUTTON") >= 6
    visible = [outlined for tag, _, outlined in reached if tag != "BODY"]
    assert all(visible)
    assert all(name for tag, name, _ in reached if tag == "BUTTON")


def test_by_finger_the_help_names_gestures_and_no_keys(phone: Page) -> None:
    phone.get_by_role("button", name="Help").tap()
    said = phone.get_by_role("dialog").inner_text()
    assert "Pinch" in said
    assert "Shift\n" not in said


def test_help_opens_and_closes_by_key(cube: Page) -> None:
    cube.keyboard.press("?")
    assert cube.locator("dialog").is_visible()
    cube.keyboard.press("Escape")
    assert not cube.locator("dialog").is_visible()
