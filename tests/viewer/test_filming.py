"""A path of the camera through views that somebody added, as a video."""

import re
from pathlib import Path

import av
import pytest
from PIL import Image
from playwright.sync_api import Page

from . import scene
from .conftest import DESKTOP, visit
from .pictures import colour_at, near
from .server import Server
from .test_access import complaints

pytestmark = pytest.mark.slow


def open_panel(page: Page, server: Server) -> None:
    """The known scene, seen aslant from the south, with the part of the panel that films."""
    visit(page, server)
    page.keyboard.press("l")
    page.get_by_text("Film a camera path").click()


def add_two_views(page: Page) -> None:
    """What is seen at first, and the map, where the camera stays."""
    add = page.get_by_role("button", name="Add this view")
    add.click()
    page.evaluate("() => splatViewer.setMode('topdown')")
    add.click()


def watch(film: Path) -> tuple[float, list[Image.Image]]:
    """The seconds from the first to the last picture of a film, and its pictures."""
    with av.open(str(film)) as container:
        frames = list(container.decode(video=0))
    times = [frame.time for frame in frames]
    assert times[0] is not None and times[-1] is not None
    return times[-1] - times[0], [frame.to_image() for frame in (frames[0], frames[-1])]


def test_the_film_flies_from_the_first_view_to_the_last(
    page: Page, server: Server, tmp_path: Path
) -> None:
    open_panel(page, server)
    add_two_views(page)
    page.get_by_label("Length").select_option("10")
    there = page.evaluate("() => splatViewer.camera().position")
    with page.expect_download() as download:
        page.get_by_role("button", name="Record").click()
        page.get_by_text(re.compile(r"Recording: [1-9] of 10 s")).wait_for()
        page.keyboard.press("1")  # nobody moves the camera while it is filmed
        page.mouse.wheel(0, -300)
    assert page.evaluate("() => splatViewer.mode") == "topdown"
    name = download.value.suggested_filename
    assert name in ("democube.mp4", "democube.webm")
    download.value.save_as(tmp_path / name)
    seconds, (first, last) = watch(tmp_path / name)
    assert seconds > 9, "more where a slow machine takes its time for the first or last picture"
    assert first.size == (DESKTOP["width"], DESKTOP["height"])
    assert near(colour_at(first, 0.5, 0.55), scene.SOUTH)
    assert near(colour_at(last, 0.5, 0.68), scene.TOP)
    assert near(colour_at(last, 0.08, 0.5), (13, 16, 20), 20), "beyond the edge, seen from above"
    assert page.evaluate("() => splatViewer.camera().position") == pytest.approx(there)


#: A scene that is at rest: the film gets its first picture, and none again before it is recorded.
AT_REST = """
const { drawImage } = CanvasRenderingContext2D.prototype, { start } = MediaRecorder.prototype;
const drawn = new WeakSet();
let runs = false;
MediaRecorder.prototype.start = function (...given) {
  this.addEventListener("start", () => (runs = true));
  start.apply(this, given);
};
CanvasRenderingContext2D.prototype.drawImage = function (image, ...place) {
  if (runs || image === this.canvas || !drawn.has(this)) drawImage.call(this, image, ...place);
  drawn.add(this);
};
"""


def test_recording_stops_by_key_and_keeps_what_there_is(
    page: Page, server: Server, tmp_path: Path
) -> None:
    page.add_init_script(AT_REST)
    open_panel(page, server)
    add_two_views(page)
    page.get_by_label("Length").select_option("20")
    page.evaluate("() => splatViewer.setMode('orbit')")
    assert complaints(page) == []
    with page.expect_download() as download:
        page.get_by_role("button", name="Record").click()
        page.get_by_text(re.compile(r"Recording: [1-9] of 20 s")).wait_for()
        page.keyboard.press("Escape")
    page.get_by_text("up to where it was stopped").wait_for()
    assert page.get_by_role("button", name="Record").is_visible(), "the panel is still there"
    download.value.save_as(tmp_path / "film")
    seconds, (first, _) = watch(tmp_path / "film")
    assert 0 < seconds < 10
    assert near(colour_at(first, 0.5, 0.55), scene.SOUTH)


def test_where_nothing_can_be_recorded_the_path_is_still_shown(page: Page, server: Server) -> None:
    page.add_init_script("delete window.MediaRecorder")
    open_panel(page, server)
    assert page.get_by_text("This browser records no video").is_visible()
    assert page.get_by_role("button", name="Record").count() == 0
    add_two_views(page)
    # Who prefers reduced motion is shown the views themselves, one after the other.
    page.get_by_label("Length").select_option("20")  # each view for ten seconds
    page.get_by_role("button", name="Preview").click()
    page.wait_for_function("() => splatViewer.camera().position[1] === -16")
    page.mouse.move(300, 300)
    page.mouse.wheel(0, -100)  # a hand on the scene ends it
    page.get_by_role("button", name="Stop").wait_for(state="hidden")
    page.wait_for_function("() => splatViewer.camera().pitch < -1.57")
    for left in ("Remove view 1", "Add this view"):
        page.get_by_role("button", name="Remove view 1").focus()
        page.keyboard.press("Enter")
        assert page.get_by_role("button", name=left).evaluate("e => e === document.activeElement")
    assert page.get_by_role("button", name="Preview").is_disabled()
