"""What people take along: a link, the code for another page, a picture."""

import re
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image, ImageChops, ImageStat
from playwright.sync_api import Page, expect

from .conftest import DESKTOP, drop, visit
from .pictures import picture
from .server import Server
from .test_access import complaints

pytestmark = pytest.mark.slow


@pytest.fixture
def sharing(page: Page, server: Server) -> Page:
    """The known scene, with the panel opened by its key."""
    visit(page, server)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.keyboard.press("l")
    page.get_by_role("region", name="Share what you see").wait_for()
    return page


def test_the_code_for_a_web_page_shows_the_scene_there_as_it_is_seen(
    sharing: Page, server: Server
) -> None:
    there = sharing.evaluate("() => splatViewer.camera().position")
    sharing.get_by_role("button", name="Copy code for a web page").click()
    sharing.get_by_text("Copied: paste the code").wait_for()
    code = sharing.evaluate("() => navigator.clipboard.readText()")
    (source,) = re.findall(r'<iframe src="([^"]+)"', code)
    address = urlsplit(unescape(source))
    assert parse_qs(address.query)["embed"] == ["1"]
    assert 'allow="fullscreen; xr-spatial-tracking"' in code
    other = sharing.context.new_page()
    other.goto(f"{server.url}/files/manifest.json")  # a page without rules of its own
    other.set_content(f"<!doctype html>{code}")
    frame = other.frame_locator("iframe")
    frame.get_by_role("link", name="Open the viewer").wait_for()
    shown = other.frames[1]
    shown.evaluate("() => splatViewer.ready")
    assert shown.evaluate("() => splatViewer.camera().position") == pytest.approx(there, abs=1e-3)


def test_a_picture_is_saved_as_it_is_on_the_screen(sharing: Page, tmp_path: Path) -> None:
    with sharing.expect_download() as download:
        sharing.get_by_role("button", name="Save picture").click()
    assert download.value.suggested_filename.endswith(".png")
    download.value.save_as(tmp_path / "saved.png")
    with Image.open(tmp_path / "saved.png") as opened:
        saved = opened.convert("RGB")
    assert saved.size == (DESKTOP["width"], DESKTOP["height"])  # also after a coarse moving one
    # The middle: no button covers it there.
    seen = picture(sharing)
    box = (seen.width // 3, seen.height // 4, seen.width * 2 // 3, seen.height * 3 // 4)
    difference = ImageChops.difference(seen.crop(box), saved.resize(seen.size).crop(box))
    assert max(ImageStat.Stat(difference).mean) < 2


def test_the_panel_follows_the_rules_and_gives_its_place_to_the_tape_measure(
    sharing: Page,
) -> None:
    assert complaints(sharing) == []
    button = sharing.get_by_role("button", name="Share")
    assert button.get_attribute("aria-pressed") == "true"
    sharing.keyboard.press("m")
    sharing.get_by_role("region", name="Measure").wait_for()
    assert sharing.get_by_role("region", name="Share what you see").is_hidden()
    assert button.get_attribute("aria-pressed") == "false"
    sharing.keyboard.press("l")
    assert sharing.get_by_role("region", name="Measure").is_hidden()


#: Hints go by themselves after some seconds. Here they stay, until what is done takes one away.
LASTING = "window.setTimeout = ((set) => (act, ms) => (ms > 3000 ? 0 : set(act, ms)))(setTimeout)"


def test_what_a_tool_tells_goes_with_its_panel(page: Page, server: Server) -> None:
    page.add_init_script(LASTING)
    visit(page, server)
    hint = page.locator(".hint.shown")
    page.keyboard.press("l")
    expect(hint).to_contain_text("Drag to turn")
    with page.expect_download():
        page.get_by_role("button", name="Save picture").click()
    expect(hint).to_contain_text("Saved: the picture")
    page.keyboard.press("m")
    expect(hint).to_have_count(0)
    page.keyboard.press("2")
    page.keyboard.press("m")
    expect(hint).to_contain_text("W A S D to move")  # how one moves does not change with a panel


def test_a_file_of_this_computer_is_offered_a_picture_and_a_film_and_no_link(
    sharing: Page, server: Server
) -> None:
    offered = sharing.get_by_role("region", name="Share what you see").get_by_role("button")
    assert offered.all_inner_texts()[:2] == ["Copy link", "Copy code for a web page"]
    drop(sharing, server, "mine.splat")
    sharing.get_by_role("heading", name="mine.splat").wait_for()
    sharing.locator("body.live").wait_for()
    sharing.keyboard.press("c")
    expect(sharing.locator(".hint")).to_contain_text("no link leads to it")
    sharing.keyboard.press("l")
    assert offered.all_inner_texts() == ["Save picture", "Film a camera path"]
    with sharing.expect_download() as download:
        sharing.get_by_role("button", name="Save picture").click()
    assert download.value.suggested_filename == "mine.png"
