"""Levels of detail and the packed formats: a coarse picture first, then the rest, all in place."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageStat
from playwright.sync_api import Browser, Page

from . import exported, scene
from .conftest import link, publish, visit
from .pictures import colour_at, looks, near, picture, share_near
from .server import Answer, Server

pytestmark = pytest.mark.slow

#: What is drawn is not finished before `window.finish` is true.
HOLD = """
const { drawElementsInstanced, fenceSync, getSyncParameter } = WebGL2RenderingContext.prototype;
const held = new WeakSet();
let drew = false;
Object.assign(WebGL2RenderingContext.prototype, {
  drawElementsInstanced(...given) {
    drew ||= given[4] > 100;
    return drawElementsInstanced.apply(this, given);
  },
  fenceSync(...given) {
    const fence = fenceSync.apply(this, given);
    if (drew) held.add(fence);
    return fence;
  },
  getSyncParameter(fence, name) {
    const waits = held.has(fence) && !window.finish;
    return waits ? this.UNSIGNALED : getSyncParameter.call(this, fence, name);
  },
});
"""

Levels = tuple[list[dict[str, Any]], dict[str, bytes]]


@pytest.fixture(scope="module")
def levels(tmp_path_factory: pytest.TempPathFactory) -> Levels:
    return exported.levels(tmp_path_factory.mktemp("levels"))


@pytest.fixture
def leveled(server: Server, levels: Levels) -> Server:
    """A server whose manifest names levels; the splat file is not there, for nobody needs it."""
    entries, files = levels
    publish(server, version=2, levels=entries)
    for name, body in files.items():
        server.answers[f"/files/{name}"] = Answer(body)
    server.answers["/files/scene.splat"] = Answer(status=404)
    return server


def test_a_scene_is_complete_when_it_is_drawn_not_when_that_is_asked_for(
    page: Page, server: Server, tmp_path: Path
) -> None:
    server.answers["/files/scene.sog"] = Answer(exported.sog(tmp_path))
    publish(server, splat_url="scene.sog")
    page.add_init_script(HOLD)
    page.goto(link(server))
    page.wait_for_selector("summary")
    for _ in range(60):
        page.evaluate("() => new Promise(requestAnimationFrame)")
    assert not page.evaluate("() => window.splatViewer.complete")
    page.evaluate("() => (window.finish = true)")
    page.evaluate("() => window.splatViewer.ready")
    assert share_near(picture(page), scene.LIGHT) > 0.1


def test_a_coarse_picture_comes_first_and_the_rest_joins_it(page: Page, leveled: Server) -> None:
    gate = threading.Event()
    later = leveled.answers["/files/level-1.sog"]
    leveled.answers["/files/level-1.sog"] = Answer(later.body, gate=gate)
    page.goto(link(leveled))
    page.wait_for_selector("body.live")
    coarse = picture(page)
    assert share_near(coarse, scene.TOP, 60) > 0.003
    assert share_near(coarse, scene.LIGHT, 60) > 0.02
    assert "kB" in page.locator(".amount").inner_text()
    gate.set()
    page.evaluate("() => window.splatViewer.ready")
    assert "30,196 Gaussians" in page.locator("summary").inner_text()
    more = share_near(coarse, scene.LIGHT) + 0.05
    looks(
        page,
        lambda fine: (
            near(colour_at(fine, 0.5, 0.55), scene.SOUTH)
            and near(colour_at(fine, 0.5, 0.36), scene.TOP)
            and share_near(fine, scene.LIGHT) > more
        ),
        "all of the scene, each colour in its place",
    )


def test_a_clip_box_of_the_link_holds_for_every_level(page: Page, leveled: Server) -> None:
    page.goto(f"{link(leveled)}#orbit@0,-16,9,0,-27&clip=,,,,,3.8")
    page.evaluate("() => window.splatViewer.ready")
    looks(
        page,
        lambda image: share_near(image, scene.TOP) == 0 and share_near(image, scene.SOUTH) > 0.01,
        "nothing of the top is seen, and the side is",
    )


def test_a_phone_loads_what_it_can_bear(browser: Browser, leveled: Server, levels: Levels) -> None:
    entries, _ = levels
    many = [entry | {"gaussians": 600_000} for entry in entries]
    publish(leveled, version=2, levels=many)
    size = {"width": 390, "height": 844}
    context = browser.new_context(viewport=size, screen=size, has_touch=True, is_mobile=True)  # type: ignore[arg-type]
    asked: list[str] = []
    page = context.new_page()
    page.on("request", lambda request: asked.append(request.url.rsplit("/", 1)[-1]))
    visit(page, leveled)
    context.close()
    assert "level-0.sog" in asked
    assert "level-1.sog" not in asked


def test_a_damaged_level_is_told_and_the_picture_stays(page: Page, leveled: Server) -> None:
    body = leveled.answers["/files/level-2.sog"].body
    leveled.answers["/files/level-2.sog"] = Answer(body[: len(body) // 2])
    page.goto(link(leveled))
    assert "damaged" in page.locator("[role=alert]").inner_text()
    page.wait_for_selector("body.live")  # the words may be there before the coarse picture is
    assert share_near(picture(page), scene.LIGHT, 60) > 0.02


def test_scenes_are_drawn_as_they_were_trained(page: Page, server: Server, tmp_path: Path) -> None:
    """What is smaller than a pixel is fainter in levels, and in files that ask for it."""
    dust, bright = exported.dust(tmp_path), {}
    for extension, body in dust.items():
        server.answers["/files/scene.splat"] = Answer(body)
        visit(page, server)
        bright[extension] = light(picture(page))
    server.answers["/files/scene.splat"] = Answer(dust["sog"])
    level = {"url": "scene.splat", "bytes": len(dust["sog"]), "gaussians": 30_196, "grow": 1.0}
    publish(server, version=2, levels=[level])
    visit(page, server)
    bright["levels"] = light(picture(page))
    usual = bright.pop("splat")
    assert all(0 < fainter < 0.8 * usual for fainter in bright.values()), (usual, bright)


def light(image: Image.Image) -> float:
    """How much brighter than the background a picture is, on the whole."""
    return sum(ImageStat.Stat(image).mean) - (0x0D + 0x10 + 0x14)


@pytest.mark.parametrize("make", [exported.sog, exported.spz])
def test_a_packed_file_opens(
    page: Page, server: Server, tmp_path: Path, make: Callable[[Path], bytes]
) -> None:
    """By its first bytes: the address says nothing of the format."""
    server.answers["/files/scene.splat"] = Answer(make(tmp_path))
    visit(page, server)
    image = picture(page)
    assert near(colour_at(image, 0.5, 0.55), scene.SOUTH)
    assert near(colour_at(image, 0.5, 0.36), scene.TOP)
    assert share_near(image, scene.LIGHT) > 0.1


def test_files_of_another_program_show_the_picture_of_the_ply(
    page: Page, server: Server, tmp_path: Path
) -> None:
    server.answers["/files/scene.splat"] = Answer(scene.ply())
    visit(page, server)
    wanted = picture(page)
    for extension, start in ((".compressed.ply", b"ply\n"), (".spz", b"NGSP\x04\x00")):
        body = exported.converted(tmp_path, extension)
        assert body.startswith(start), "it is what it is called"
        server.answers["/files/scene.splat"] = Answer(body)
        visit(page, server)
        image = picture(page)
        assert near(colour_at(image, 0.5, 0.55), scene.SOUTH)
        assert near(colour_at(image, 0.5, 0.36), scene.TOP)
        apart = ImageStat.Stat(ImageChops.difference(image, wanted)).mean
        assert max(apart) < 2, "of 255: each colour is where it is in the .ply"


def test_a_packed_file_from_this_computer_opens(page: Page, server: Server, tmp_path: Path) -> None:
    exported.sog(tmp_path)
    page.goto(f"{server.url}/viewer/")
    page.set_input_files("input[type=file]", tmp_path / "scene.sog")
    page.wait_for_selector("body.live")
    assert share_near(picture(page), scene.TOP) > 0.005
