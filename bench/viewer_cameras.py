"""What 300 cameras over the scene cost: frames while it is turned, with them and without.

The known scene of the viewer's tests, 640 x 360 pixels, a drag with the panel of the photos
closed, one with it open, and so on in turn, in one page of one Chromium.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from statistics import median
from typing import Any

import numpy as np
from playwright.sync_api import CDPSession, Page

from bench.viewer.measure import HEIGHT, WATCH, WIDTH
from tests.e2e.workspace import chromium
from tests.viewer import scene
from tests.viewer.conftest import DIST, publish, visit
from tests.viewer.server import Answer, Server

CAMERAS = 300
ROUNDS, MOVES = 6, 120
LENS = {"size": [4000, 3000], "focal": [3000, 3000], "centre": [2000, 1500]}


def main() -> None:
    with Server(DIST) as server, chromium() as browser:
        listed = list(around())
        content = json.dumps({"version": 1, "photos": CAMERAS, "cameras": listed})
        server.answers["/files/scene.splat"] = Answer(scene.splat())
        server.answers["/files/cameras.json"] = Answer(content.encode())
        publish(server, cameras={"url": "cameras.json", "bytes": len(content)})
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.add_init_script(WATCH)
        visit(page, server)
        rounds = [measure(page) for _ in range(ROUNDS)]
    report(rounds)


def around() -> Iterator[dict[str, Any]]:
    """Tell cameras on three rings around the cube, in sight of the viewer, that look at it."""
    for i in range(CAMERAS):
        turn, height = 2 * math.pi * i / (CAMERAS / 3), 3.0 + 2.0 * (3 * i // CAMERAS)
        half = 0.5 * (turn + math.pi / 2)  # about Z; then a quarter about the own x axis: level
        w, z, s = math.cos(half), math.sin(half), math.sqrt(0.5)
        yield {
            "name": f"{i}.jpg",
            "position": [8 * math.cos(turn), 8 * math.sin(turn), height],
            "rotation": [s * w, -s * w, -s * z, s * z],
            **LENS,
        }


def measure(page: Page) -> tuple[float, float, float, float]:
    """Return milliseconds a frame and of them the page's own work: closed, open."""
    closed = drag(page, right=2)
    page.keyboard.press("f")
    page.wait_for_function("() => document.querySelector('.photo-cameras path').getAttribute('d')")
    opened = drag(page, right=-2)
    page.keyboard.press("f")
    return (*closed, *opened)


def drag(page: Page, right: int) -> tuple[float, float]:
    """Turn the scene by hand; return milliseconds between frames that were drawn, and of work.

    It ends elsewhere than it began, else it would be a click on a camera.
    """
    cdp = page.context.new_cdp_session(page)
    cdp.send("Performance.enable")
    page.evaluate("window.__marks.drawn.length = 0")
    page.mouse.move(WIDTH / 2, HEIGHT / 2)
    page.mouse.down()
    before = worked(cdp)
    for i in range(MOVES):
        page.mouse.move(WIDTH / 2 + right * i, HEIGHT / 2)
        page.wait_for_timeout(16)
    page.mouse.up()
    drawn = page.evaluate("window.__marks.drawn")
    took = worked(cdp) - before
    cdp.detach()
    return float(np.mean(np.diff(drawn))), took / max(1, len(drawn))


def worked(cdp: CDPSession) -> float:
    """Return the milliseconds of the page's main thread until now."""
    metrics = {m["name"]: m["value"] for m in cdp.send("Performance.getMetrics")["metrics"]}
    return float(1000 * metrics["TaskDuration"])


def report(rounds: list[tuple[float, float, float, float]]) -> None:
    print("| ms | frame, closed | its work | frame, open | its work |\n|---|---|---|---|---|")
    for row in rounds:
        print(f"| | {' | '.join(f'{value:.1f}' for value in row)} |")
    frame, work = (median(row[i + 2] / row[i] for row in rounds) for i in (0, 1))
    print(f"\nmedian ratio with {CAMERAS} cameras / without: frame {frame:.2f}, work {work:.2f}")
