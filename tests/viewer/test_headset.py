"""The scene in a headset. An emulation of WebXR stands for it: Meta's iwer, as a Quest 3."""

import base64
import io
import math

import pytest
from PIL import Image
from playwright.sync_api import Page, ViewportSize

from . import scene
from .conftest import DIST, link, visit
from .pictures import looks, share_near
from .server import Server
from .test_access import complaints
from .test_moving import hold

pytestmark = pytest.mark.slow

EMULATION = DIST.parent / "node_modules" / "iwer" / "build" / "iwer.min.js"
WEAR = """
window.worn = new IWER.XRDevice({ ...IWER.metaQuest3, supportedSessionModes: ["inline", %s] },
                                { stereoEnabled: true, fovy: 1.2 });
worn.installRuntime({ forceInstall: true });
worn.push = (hand, x, y) => worn.controllers[hand].updateAxes("thumbstick", x, -y);
"""
#: What is drawn in the next frame that is drawn, both eyes beside each other.
LOOK = """() => new Promise((done) => {
    const before = splatViewer.frames;
    const look = () => {
        if (splatViewer.frames === before) return worn.activeSession.requestAnimationFrame(look);
        done(document.querySelector("canvas").toDataURL());
    };
    look();
})"""
CAMERA = "() => splatViewer.camera()"
#: The emulated head.
EYES = 1.6
#: A window of few pixels: all are drawn in every frame, however slow the renderer is.
SMALL: ViewportSize = {"width": 320, "height": 160}


def wear(page: Page, address: str, *kinds: str) -> None:
    """Opens a scene with a headset that offers these kinds of sessions."""
    page.add_init_script(EMULATION.read_text() + WEAR % ", ".join(f"'{kind}'" for kind in kinds))
    page.goto(address)
    page.evaluate("() => window.splatViewer.ready")


@pytest.fixture
def headset(page: Page, server: Server) -> Page:
    wear(page, link(server), "immersive-vr", "immersive-ar")
    page.keyboard.press("3")
    return page


def enter(page: Page, control: str = "VR") -> None:
    page.get_by_role("button", name=control, exact=True).focus()
    page.set_viewport_size(SMALL)
    page.keyboard.press("Enter")
    page.wait_for_function("() => worn.activeSession && splatViewer.camera().position[2] < 1.65")


def shown(page: Page) -> Image.Image:
    """The picture in the headset; on the page the emulation empties it between two frames."""
    _, _, encoded = page.evaluate(LOOK).partition(",")
    return Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGB")


def leave(page: Page) -> None:
    """What the headset's own button does."""
    page.evaluate("() => worn.activeSession.end()")


def test_without_a_headset_there_is_no_control_and_nothing_of_it_is_loaded(
    page: Page, server: Server
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    visit(page, server)
    page.keyboard.press("v")
    page.wait_for_load_state("networkidle")
    assert page.get_by_role("button", name="Home").is_visible()
    assert page.get_by_role("button", name="VR").count() == 0
    assert not [url for url in asked if "headset-" in url]


def test_each_eye_sees_the_scene_from_where_the_camera_was(headset: Page) -> None:
    enter(headset)
    camera = headset.evaluate(CAMERA)
    assert camera["position"] == pytest.approx([0, -9, EYES], abs=1e-3), "its floor is the ground"
    assert camera["heading"] == pytest.approx(0, abs=1e-6)
    both = shown(headset)
    half = both.width // 2
    eyes = [both.crop((at, 0, at + half, both.height)) for at in (0, half)]
    for eye in eyes:
        assert 0.1 < share_near(eye, scene.SOUTH) < 0.5
        assert share_near(eye, scene.LIGHT) > 0.05
    assert eyes[0].tobytes() != eyes[1].tobytes(), "they are not in the same place"


def test_sticks_move_and_turn_and_leaving_restores_the_camera(headset: Page) -> None:
    before = headset.evaluate(CAMERA)
    enter(headset)
    headset.evaluate("() => worn.push('left', 1, 0)")
    headset.wait_for_function("() => splatViewer.camera().position[0] > 1")
    headset.evaluate("() => { worn.push('left', 0, 0); worn.push('right', 1, 0); }")
    headset.wait_for_function("() => splatViewer.camera().heading > 0.1")
    inside = headset.evaluate(CAMERA)
    assert inside["heading"] == pytest.approx(math.pi / 6), "a turn is one step"
    assert inside["position"][1:] == pytest.approx([-9, EYES], abs=1e-3)
    leave(headset)
    headset.wait_for_function(f"() => ({CAMERA})().position[2] === {scene.EYE}")
    assert headset.evaluate(CAMERA) == before
    headset.keyboard.press("4")
    looks(headset, lambda image: share_near(image, scene.TOP) > 0.01, "the page is drawn again")


def test_one_that_shows_the_room_is_called_ar_and_explained_when_it_does_not_start(
    page: Page, server: Server
) -> None:
    wear(page, link(server), "immersive-ar")
    page.keyboard.press("3")
    page.evaluate(
        """() => {
            const request = navigator.xr.requestSession;
            navigator.xr.requestSession = () => {
                navigator.xr.requestSession = request;
                return Promise.reject(new DOMException("refused", "NotAllowedError"));
            };
        }"""
    )
    assert complaints(page) == []
    page.keyboard.press("v")
    page.get_by_text("The headset did not start").wait_for()
    hold(page, "w", "c.position[1] > -8")
    enter(page, "AR")
    assert page.evaluate("() => worn.activeSession.environmentBlendMode") == "alpha-blend"
