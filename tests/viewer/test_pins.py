"""Pins: set in the picture, noted, carried by the address and by a file."""

import json
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Page

from .conftest import link
from .server import Server
from .test_access import complaints
from .test_measuring import on_screen

pytestmark = pytest.mark.slow

SCRIPT = '<img src=x onerror="document.documentElement.dataset.owned=1">'
CORNER = (-1.9, -2.0, 3.9)


def come(page: Page, server: Server, pins: str = "") -> Page:
    """Opens the scene, with pins in its address, and the panel by its key."""
    page.goto(f"{link(server)}#orbit@0,-16,9,0,-27{pins and f'&pins={pins}'}")
    page.evaluate("() => window.splatViewer.ready")
    page.keyboard.press("p")
    page.get_by_role("region", name="Pins").wait_for()
    return page


def names(page: Page) -> list[str]:
    return page.locator(".pin-name > :last-child").all_inner_texts()


def choose(page: Page, file: Path) -> None:
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Open file").click()
    chooser.value.set_files(file)


def test_a_pin_stays_on_its_place_and_comes_back_with_the_link(page: Page, server: Server) -> None:
    come(page, server)
    page.mouse.click(*on_screen(page, CORNER))
    page.get_by_label("Note").fill("The old gate")
    page.get_by_label("Link").fill("javascript:alert(1)")
    page.get_by_role("button", name="Done").click()
    assert "http:// or https://" in page.get_by_role("alert").inner_text()
    page.get_by_label("Link").fill("https://example.org/gate")
    page.get_by_role("button", name="Done").click()
    page.wait_for_function("() => location.hash.includes('The+old+gate,https%3A')")
    page.reload()
    page.evaluate("() => window.splatViewer.ready")
    mark = page.locator(".pin")
    assert mark.locator(".label").text_content() == "The old gate"
    x, y = on_screen(page, CORNER)
    moved = mark.evaluate("e => [e.transform.baseVal[0].matrix.e, e.transform.baseVal[0].matrix.f]")
    assert moved == pytest.approx([x, y], abs=6)
    page.mouse.click(x, y - 20)  # its head
    assert page.get_by_label("Note").input_value() == "The old gate"
    page.get_by_role("button", name="Done").click()
    anchor = page.locator(".pin-list a")
    assert anchor.get_attribute("href") == "https://example.org/gate"
    assert {"noopener", "noreferrer"} <= set((anchor.get_attribute("rel") or "").split())


def test_a_note_stays_in_a_narrow_window(page: Page, server: Server) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    note = "Wobbly+wall+where+we+MMMM+measured+with+care"
    places = ((-2.4, -2), (0, -4), (2.4, -6))  # so that none is beside another
    come(page, server, ";".join(f"{x},{y},3.9,{note}," for x, y in places))
    boxes = [label.bounding_box() for label in page.locator(".pin .label").all()]
    assert len(boxes) == 3
    for box in boxes:
        assert box and box["width"] > 80
        assert 0 <= box["x"] <= 390 - box["width"], boxes


def test_the_keyboard_alone_pins_goes_there_and_removes(page: Page, server: Server) -> None:
    come(page, server)
    page.locator("canvas").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Note").wait_for()
    assert complaints(page) == []
    page.keyboard.type("Middle map 1234")  # also letters that are keys elsewhere
    page.keyboard.press("Enter")
    assert names(page) == ["Middle map 1234"]
    assert page.locator("canvas").evaluate("e => e === document.activeElement")
    before = page.evaluate("() => splatViewer.camera().position")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")  # past the summary, to the panel's first button
    assert page.locator(":focus").get_attribute("aria-expanded") == "false"
    page.keyboard.press("Enter")
    page.wait_for_function(f"() => splatViewer.camera().position[1] > {before[1] + 1}")
    page.get_by_role("button", name="Remove").focus()
    page.keyboard.press("Enter")
    assert names(page) == []
    assert page.locator(".pin").count() == 0


def test_pins_of_a_stranger_are_text_and_nothing_else(page: Page, server: Server) -> None:
    script, address = (quote(text, safe="") for text in (SCRIPT, "http://host/?<b>"))
    come(page, server, f"0,0,4,{script};2,2,0,x,{address}")
    assert names(page) == [SCRIPT, "x"]
    assert page.locator(".pin-list img, .pin img, .pin-list b").count() == 0
    assert page.evaluate("() => document.documentElement.dataset.owned ?? null") is None
    assert page.evaluate("() => splatViewer.camera().position") == pytest.approx([0, -16, 9])


def test_a_file_holds_the_pins_and_a_wrong_one_changes_nothing(
    page: Page, server: Server, tmp_path: Path
) -> None:
    come(page, server, "0,-2,2,South;2,0,2,East")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save file").click()
    download.value.save_as(tmp_path / "pins.json")
    saved = json.loads((tmp_path / "pins.json").read_text())
    assert saved["scene"] == "demo/cube"
    assert [pin["note"] for pin in saved["pins"]] == ["South", "East"]
    choose(page, tmp_path / "pins.json")
    page.get_by_text("2 pins were added").wait_for()
    assert names(page) == ["South", "East"] * 2
    saved["pins"][1]["position"] = [0, 0]
    (tmp_path / "pins.json").write_text(json.dumps(saved))
    choose(page, tmp_path / "pins.json")
    page.get_by_text("“pins[1].position” is wrong").wait_for()
    assert len(names(page)) == 4
