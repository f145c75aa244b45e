"""The scene is on the screen, the right way up, each colour in its place."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page

from . import scene
from .conftest import drop, link, publish, visit
from .pictures import colour_at, near, picture, share_near
from .server import Answer, Server

pytestmark = pytest.mark.slow

BACKGROUND = (13, 16, 20)


def test_the_scene_is_the_right_way_up_and_in_its_colours(page: Page, server: Server) -> None:
    visit(page, server)
    image = picture(page)
    assert near(colour_at(image, 0.5, 0.55), scene.SOUTH), "the red face looks to the camera"
    assert near(colour_at(image, 0.5, 0.36), scene.TOP), "the magenta face is on top of it"
    assert share_near(image, scene.LIGHT) > 0.1
    assert share_near(image, scene.DARK, 20) > 0.1
    assert share_near(image, scene.NORTH) < 0.01, "the blue face is hidden behind"


@pytest.mark.parametrize(
    ("position", "colour"),
    [((0, 16, 4), scene.NORTH), ((16, 0, 6), scene.EAST), ((-16, 0, 4), scene.WEST)],
)
def test_the_camera_starts_where_the_manifest_says(
    page: Page, server: Server, position: scene.Point, colour: scene.Colour
) -> None:
    camera = {"position": position, "look_at": [0, 0, 2], "up": [0, 0, 1]}
    publish(server, camera_defaults=camera)
    visit(page, server)
    assert near(colour_at(picture(page), 0.5, 0.5), colour)
    assert page.evaluate("() => splatViewer.camera().position") == pytest.approx(list(position))


def test_a_map_has_north_up(page: Page, server: Server) -> None:
    camera = {"position": [0, 0, 26], "look_at": [0, 0, 0], "up": [0, 1, 0]}
    publish(server, camera_defaults=camera, viewer_mode="topdown")
    visit(page, server)
    image = picture(page)
    assert near(colour_at(image, 0.5, 0.5), scene.TOP)
    assert near(colour_at(image, 0.426, 0.618), scene.DARK, 20), "at x = -3, y = -3"
    assert near(colour_at(image, 0.574, 0.618), scene.LIGHT), "at x = 3, y = -3"
    # The plane rises in the east, so that it reaches further there than in the west.
    assert near(colour_at(image, 0.1875, 0.5), BACKGROUND, 12)
    assert not near(colour_at(image, 0.8125, 0.5), BACKGROUND, 12)
    assert page.evaluate("() => splatViewer.camera().up") == pytest.approx([0, 1, 0], abs=1e-6)
    assert re.fullmatch(r"\d+ m", page.locator(".mapscale").inner_text().strip())


def test_a_splatwalk_manifest_opens(page: Page, server: Server) -> None:
    theirs = {
        "splat_url": f"{server.url}/files/scene.splat",
        "viewer_mode": "splat",
        "viewer_modes": ["topdown", "walk"],
        "scene_bounds": scene.manifest()["scene_bounds"],
        "camera_defaults": {"position": [0, 0, 30], "look_at": [0, 0, 0], "up": [0, 1, 0]},
        "walk_camera_defaults": {"position": [0, -9, 2], "look_at": [5, -9, 2], "up": [0, 0, 1]},
        "metadata": {"scene_scale": 50, "splat_size_mb": 1, "source_images": 38},
    }
    server.answers["/files/manifest.json"] = Answer(json.dumps(theirs).encode())
    visit(page, server)
    assert page.evaluate("() => splatViewer.mode") == "topdown"
    assert near(colour_at(picture(page), 0.5, 0.5), scene.TOP)
    page.keyboard.press("3")
    page.wait_for_function("() => Math.abs(splatViewer.camera().position[2] - 2) < 0.01")


@pytest.mark.parametrize("kind", ["splat", "ply"])
def test_a_file_from_this_computer_opens(
    page: Page, server: Server, tmp_path: Path, kind: str
) -> None:
    file = tmp_path / f"garden.{kind}"
    file.write_bytes(scene.splat() if kind == "splat" else scene.ply())
    page.goto(f"{server.url}/viewer/")
    page.set_input_files("input[type=file]", file)
    page.wait_for_selector("body.live")
    image = picture(page)
    assert share_near(image, scene.SOUTH) > 0.005
    assert share_near(image, scene.TOP) > 0.005
    assert page.locator("h1").inner_text() == f"garden.{kind}"


def test_a_dropped_file_opens(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/viewer/")
    drop(page, server, "dropped.splat")
    page.wait_for_selector("body.live")
    assert share_near(picture(page), scene.TOP) > 0.005


def test_the_panel_tells_the_figures(page: Page, server: Server) -> None:
    visit(page, server)
    page.locator("summary").click()
    text = page.locator("details").inner_text()
    likeness = "26.4 dB", "0.871", "Held-out LPIPS", "0.214"
    for words in ("demo/cube", "30,196", "35 of 36 used", *likeness, "metres", "1.0 MB"):
        assert words in text
    download = page.locator("details a").first
    assert download.get_attribute("href") == f"{server.url}/files/scene.splat"


def test_each_download_is_on_one_line_with_its_size(page: Page, server: Server) -> None:
    sizes = {"splat": 123_400_000, "ply": 262_300_000, "sog": 57_900_000, "spz": 67_200_000}
    formats = [{"url": f"scene.{kind}", "bytes": size} for kind, size in sizes.items()]
    manifest = scene.manifest() | {"formats": formats}
    server.answers["/files/manifest.json"] = Answer(json.dumps(manifest).encode())
    visit(page, server)
    page.locator("summary").click()
    links = page.locator("details a")
    said = [".splat 123.4 MB", ".ply 262.3 MB", ".sog 57.9 MB", ".spz 67.2 MB"]
    assert links.all_inner_texts() == said
    assert max(links.evaluate_all("links => links.map((link) => link.offsetHeight)")) < 30
    assert "Size" not in page.locator("details").inner_text(), "one of them would be said twice"


def test_nothing_is_drawn_while_nothing_changes(page: Page, server: Server) -> None:
    visit(page, server)
    page.evaluate("() => (window.seen = { frames: -1, quiet: 0 })")
    # Still when a hundred animation frames went by without one drawn.
    page.wait_for_function(
        """() => {
            const { frames } = splatViewer;
            seen = { frames, quiet: frames === seen.frames ? seen.quiet + 1 : 0 };
            return seen.quiet > 100;
        }"""
    )


def test_the_link_opens_from_any_folder(page: Page, server: Server) -> None:
    for file in server.root.rglob("*"):
        if file.is_file():
            name = file.relative_to(server.root).as_posix()
            server.answers[f"/a/deep/folder/{name}"] = Answer(file.read_bytes())
    page.goto(link(server).replace("/viewer/", "/a/deep/folder/index.html"))
    page.evaluate("() => window.splatViewer.ready")
