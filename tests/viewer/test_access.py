"""The viewer without a mouse, without sight, without motion: axe-core's rules, and the Tab key."""

from typing import Any

import pytest
from playwright.sync_api import Page

from .conftest import DIST, visit
from .server import Server

pytestmark = pytest.mark.slow

AXE = DIST.parent / "node_modules" / "axe-core" / "axe.min.js"
CONTROLS = ["Orbit", "Fly", "Walk", "Map", "Home", "Measure", "Pins", "Clip", "Share", "Help"]


def complaints(page: Page) -> list[str]:
    """What axe-core finds wrong by WCAG 2.2 AA and its best practices, rule and element."""
    page.evaluate(AXE.read_text())
    found: dict[str, Any] = page.evaluate("() => axe.run(document)")
    assert len(found["passes"]) > 10, "the rules were tried"
    return [
        f"{rule['id']}: {node['html'][:120]}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


@pytest.fixture
def cube(page: Page, server: Server) -> Page:
    visit(page, server)
    return page


def test_a_scene_breaks_no_rule(cube: Page) -> None:
    cube.locator("summary").click()
    assert complaints(cube) == []


def test_measuring_breaks_no_rule(cube: Page) -> None:
    cube.keyboard.press("m")
    cube.locator("canvas").focus()
    for _ in range(2):
        cube.keyboard.press("Enter")
    cube.locator(".overlay circle").nth(1).wait_for()
    assert complaints(cube) == []


def test_the_list_of_keys_breaks_no_rule(cube: Page) -> None:
    cube.keyboard.press("?")
    assert complaints(cube) == []


def test_welcome_and_errors_break_no_rule(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/viewer/")
    page.get_by_text("Open a splat").wait_for()
    assert complaints(page) == []
    page.goto(f"{server.url}/viewer/?manifest=nonsense:")
    page.get_by_role("alert").wait_for()
    assert complaints(page) == []


def test_the_tab_key_comes_to_every_control(cube: Page) -> None:
    cube.keyboard.press("m")
    said, ringed = [], "e => getComputedStyle(e).outlineStyle"
    for _ in range(len(CONTROLS) + 2):
        cube.keyboard.press("Tab")
        focused = cube.locator(":focus")
        assert focused.evaluate(ringed) == "solid", "one sees where the focus is"
        said.append(focused.inner_text())
    assert said[1].startswith("demo/cube"), "after the scene the summary, which unfolds by key"
    assert said[-len(CONTROLS) :] == CONTROLS


def test_the_list_of_keys_gives_the_focus_back(cube: Page) -> None:
    button = cube.get_by_role("button", name="Help")
    button.focus()
    cube.keyboard.press("Enter")
    assert cube.get_by_role("dialog").is_visible()
    cube.keyboard.press("Escape")
    assert not cube.get_by_role("dialog").is_visible()
    assert button.evaluate("e => e === document.activeElement")


def test_escape_closes_a_panel_and_first_a_note_that_is_open_in_it(cube: Page) -> None:
    pins = cube.get_by_role("button", name="Pins")
    pins.click()
    cube.keyboard.press("Enter")
    note = cube.get_by_label("Note")
    note.wait_for()
    cube.keyboard.press("Escape")
    assert note.is_hidden() and pins.get_attribute("aria-pressed") == "true"
    cube.keyboard.press("?")
    cube.keyboard.press("Escape")
    assert pins.get_attribute("aria-pressed") == "true", "it was the help that was left"
    cube.keyboard.press("Escape")
    assert pins.get_attribute("aria-pressed") == "false"
    assert cube.locator(".pinning").is_hidden()


def test_keys_go_on_in_the_scene_after_a_click_in_the_toolbar(cube: Page) -> None:
    cube.get_by_role("button", name="Walk").click()
    cube.keyboard.down("ArrowLeft")
    cube.wait_for_function("() => splatViewer.camera().heading < -0.05")
    cube.keyboard.up("ArrowLeft")
    cube.keyboard.press("h")  # by now a slow machine may look past the cube, at nothing
    measure = cube.get_by_role("button", name="Measure")
    measure.click()
    cube.keyboard.press("Enter")
    cube.locator(".overlay circle").wait_for()
    assert measure.get_attribute("aria-pressed") == "true"


def test_forced_colours_still_show_which_mode_is_on(cube: Page) -> None:
    cube.emulate_media(forced_colors="active")
    style = "e => getComputedStyle(e).outlineStyle"
    assert cube.locator("nav button[aria-pressed=true]").evaluate(style) == "solid"
    assert cube.locator("nav button[aria-pressed=false]").first.evaluate(style) == "none"
