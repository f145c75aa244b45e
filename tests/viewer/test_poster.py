"""The poster that a job publishes is what the viewer draws first: nothing jumps between them."""

import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page

from gpu.export.cameras import Camera
from gpu.export.ground import Ground
from gpu.export.thumbnail import Place, draw_thumbnail, first_seen

from . import exported, scene
from .conftest import link, publish
from .pictures import picture
from .server import Answer, Server

pytestmark = pytest.mark.slow


@pytest.fixture
def posted(server: Server, tmp_path: Path, request: pytest.FixtureRequest) -> Server:
    """A server of a job's scene that begins in a mode, with the poster that the job makes."""
    mode, manifest = request.param, scene.manifest()
    start, bounds, heights = (
        manifest[name] for name in ("camera_defaults", "scene_bounds", "ground")
    )
    map_ = np.array(heights["heights"], float).reshape(heights["rows"], heights["columns"])
    ground = Ground(tuple(heights["origin"]), heights["cell"], map_, np.ones_like(map_, bool))
    place = Place(bounds["min"], bounds["max"], ground, bounds["ground_z"])
    camera = Camera(tuple(start["position"]), tuple(start["look_at"]))
    begins = first_seen(camera, place, from_above=mode == "topdown")
    draw_thumbnail(exported.gaussians(tmp_path), begins, tmp_path / "thumbnail.jpg")
    file = exported.sog(tmp_path)
    level = {"url": "level-0.sog", "bytes": len(file), "gaussians": 30_196, "grow": 1.0}
    publish(server, version=2, viewer_mode=mode, levels=[level])
    server.answers["/files/thumbnail.jpg"] = Answer((tmp_path / "thumbnail.jpg").read_bytes())
    server.answers["/files/level-0.sog"] = Answer(file, gate=threading.Event())
    return server


def see_poster(page: Page, address: str) -> Image.Image:
    page.goto(address)
    page.wait_for_function("() => document.querySelector('.poster').naturalWidth === 960")
    return picture(page)


@pytest.mark.parametrize("posted", ["orbit", "topdown"], indirect=True)
def test_nothing_jumps_when_the_scene_takes_the_posters_place(page: Page, posted: Server) -> None:
    before = see_poster(page, link(posted))
    gate = posted.answers["/files/level-0.sog"].gate
    assert gate is not None
    gate.set()
    page.evaluate("() => window.splatViewer.ready")
    assert likeness(before, picture(page)) > 23


@pytest.mark.parametrize("posted", ["orbit"], indirect=True)
def test_a_poster_is_blurred_where_the_link_names_another_place(page: Page, posted: Server) -> None:
    see_poster(page, f"{link(posted)}#orbit@0,-16,9,0,-27")
    style = "() => getComputedStyle(document.querySelector('.poster')).filter"
    assert "blur" in page.evaluate(style)


def likeness(a: Image.Image, b: Image.Image) -> float:
    """PSNR of what is between the controls, dB."""
    width, height = a.size
    box = (int(0.05 * width), int(0.2 * height), int(0.95 * width), int(0.7 * height))
    one, other = (np.asarray(image.crop(box), float) for image in (a, b))
    return float(10 * np.log10(255**2 / np.mean((one - other) ** 2)))
