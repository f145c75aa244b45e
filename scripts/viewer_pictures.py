"""Takes the pictures of docs/viewer.md: every way to move, and the tools, in a finished run.

splatbot run PHOTOS --out RUN --pipeline aerial --photos publish --iterations 120
cp -r RUN EARLY
splatbot run PHOTOS --out RUN --pipeline aerial --photos publish --iterations 500
python scripts/viewer_pictures.py RUN EARLY
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import Page

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from scripts.screenshots import save  # noqa: E402
from tests.e2e.workspace import chromium  # noqa: E402
from tests.viewer.conftest import DIST  # noqa: E402
from tests.viewer.server import Answer, Server  # noqa: E402
from tests.viewer.test_headset import shown, wear  # noqa: E402

OUT = REPOSITORY / "docs" / "viewer"
LOOKS = {"desktop": (1120, 700, False), "phone": (390, 844, True)}
MODES = ("orbit", "fly", "walk", "topdown")
#: Where the tape is laid on the map, shares of the width and height.
TAPE = ((0.42, 0.52), (0.62, 0.44), (0.6, 0.62))
#: Pins on the map: right and down from its middle in shares of the shorter side, and a note.
PINS = (
    ((-0.39, 0.2), "Pond: fence it in"),
    ((0.22, 0.18), "Carport, 3 m wide"),
    ((-0.06, 0.0), "Table for eight"),
)
#: Ends of the clip box that are moved inwards, three tenths each.
CUTS = (("X from", "PageUp"), ("Y to", "PageDown"))


#: Views of the film: keys that are pressed before each is added.
VIEWS = ((), ("ArrowLeft",), ("ArrowLeft", "ArrowUp"))
#: Where somebody enters with a headset, and a head bent down by 30 degrees: a quaternion, its real
#: part last.
ENTRANCE = "#fly@1,-24,15,0,-30"
BENT = (-0.2588, 0, 0, 0.9659)

#: Frames drawn until now, once the renderer has done all that it was given.
FINISHED = """() => {
    const gl = document.querySelector("canvas").getContext("webgl2");
    gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
    return splatViewer.frames;
}"""


def main(run: Path, early: Path) -> None:
    """Take a picture of every mode on every screen."""
    OUT.mkdir(parents=True, exist_ok=True)
    with Server(DIST) as server, chromium() as browser:
        first, manifest = publish(server, early), publish(server, run)
        for look, (width, height, phone) in LOOKS.items():
            context = browser.new_context(
                viewport={"width": width, "height": height},
                reduced_motion="reduce",
                is_mobile=phone,
                has_touch=phone,
            )
            page = context.new_page()
            page.goto(f"{server.url}/viewer/?manifest={manifest}")
            page.evaluate("() => splatViewer.ready")
            take(page, look)
            page.goto(f"{server.url}/viewer/?manifest={first}&compare={manifest}")
            page.evaluate("() => splatViewer.ready")
            compare(page, width, height, look)
            context.close()
        page = browser.new_context(viewport={"width": 1120, "height": 560}).new_page()
        wear(page, f"{server.url}/viewer/?manifest={manifest}{ENTRANCE}", "immersive-vr")
        headset(page)


def publish(server: Server, run: Path) -> str:
    """Serve a run in a folder of its own, with its steps in its title; return its address."""
    steps = json.loads((run / "job.json").read_text())["iterations"]
    for file in (*run.glob("*.*"), *run.glob("photos/*")):
        name = file.relative_to(run).as_posix()
        server.answers[f"/{steps}/{name}"] = Answer(file.read_bytes())
    manifest = json.loads((run / "manifest.json").read_text()) | {"title": f"parcel, {steps} steps"}
    server.answers[f"/{steps}/manifest.json"] = Answer(json.dumps(manifest).encode())
    return quote(f"{server.url}/{steps}/manifest.json", safe="")


def take(page: Page, look: str) -> None:
    """Take every picture in one window."""
    size = page.viewport_size
    assert size
    width, height = size["width"], size["height"]
    for number, mode in enumerate(MODES, start=1):
        page.keyboard.press(str(number))
        page.mouse.move(width / 2, height / 2)
        if mode == "fly":
            page.mouse.wheel(0, -250)
        if mode == "topdown":
            page.keyboard.press("h")
        shoot(page, f"{mode}-{look}")
    measure(page, width, height)
    shoot(page, f"measure-{look}")
    pin(page, width, height)
    shoot(page, f"pins-{look}")
    clip(page, width, height)
    shoot(page, f"clip-{look}")
    page.get_by_role("button", name="Reset").click()
    film(page, look)
    photos(page, width, height, look)


def measure(page: Page, width: int, height: int) -> None:
    """Lay the tape on the map."""
    page.keyboard.press("m")
    for laid, (right, down) in enumerate(TAPE):
        page.mouse.click(right * width, down * height)
        page.locator(".overlay circle").nth(laid).wait_for()


def pin(page: Page, width: int, height: int) -> None:
    """Pin places on the map."""
    side = min(width, height)
    page.keyboard.press("p")
    for (right, down), note in PINS:
        page.mouse.click(width / 2 + right * side, height / 2 + down * side)
        page.get_by_label("Note").fill(note)
        page.get_by_role("button", name="Done").click()


def clip(page: Page, width: int, height: int) -> None:
    """Cut a piece out, seen aslant."""
    page.keyboard.press("1")
    page.keyboard.press("h")
    page.keyboard.press("x")
    for slider, key in CUTS:
        page.get_by_role("slider", name=slider).focus()
        for _ in range(3):
            page.keyboard.press(key)


def film(page: Page, look: str) -> None:
    """Add views to a camera path."""
    page.keyboard.press("l")
    page.get_by_role("button", name="Film a camera path").click()
    for keys in VIEWS:
        page.locator("canvas").focus()
        for key in keys:
            page.keyboard.press(key, delay=300)
        rest(page)
        page.get_by_role("button", name="Add this view").click()
    shoot(page, f"film-{look}")
    page.keyboard.press("l")


def headset(page: Page) -> None:
    """Enter the scene with the emulated headset and look down."""
    page.evaluate("(bent) => worn.quaternion.set(...bent)", BENT)
    page.keyboard.press("v")
    page.wait_for_function("() => worn.activeSession && splatViewer.camera().pitch < -0.4")
    png = io.BytesIO()
    shown(page).save(png, "PNG")
    save(png.getvalue(), OUT / "headset-desktop.webp")


def photos(page: Page, width: int, height: int, look: str) -> None:
    """Show the photos' cameras from farther away, and stand in one of them behind its photo."""
    page.keyboard.press("f")
    page.locator(".photos .actions").wait_for()
    page.mouse.move(width / 2, height / 2)
    page.mouse.wheel(0, 600)
    shoot(page, f"cameras-{look}")
    page.get_by_role("button", name="Previous").click()
    page.get_by_role("slider").fill("50")
    shoot(page, f"photo-{look}")


def compare(page: Page, width: int, height: int, look: str) -> None:
    """Show two scenes at the sides of the line, aslant."""
    page.keyboard.press("1")
    page.keyboard.press("h")
    shoot(page, f"compare-{look}")


def shoot(page: Page, name: str) -> None:
    """Take a picture that is as sharp as it gets, without a ring around what has the focus."""
    page.evaluate("() => document.activeElement.blur()")
    rest(page)
    save(page.screenshot(), OUT / f"{name}.webp")


def rest(page: Page) -> None:
    """Wait until nothing is drawn any more, not even by a renderer that needs seconds for it."""
    before = -1
    while before != (before := page.evaluate(FINISHED)):
        page.wait_for_timeout(1500)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
