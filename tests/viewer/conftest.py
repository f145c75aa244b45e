"""A browser with a software renderer, and a loopback server with the viewer and a known scene."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize

from . import scene
from .server import Answer, Server

DIST = Path(__file__).parents[2] / "viewer" / "dist"
DESKTOP: ViewportSize = {"width": 960, "height": 600}


@pytest.fixture(scope="session")
def splat() -> bytes:
    return scene.splat()


@pytest.fixture
def server(splat: bytes) -> Iterator[Server]:
    assert (DIST / "index.html").is_file(), "build the viewer first: make setup"
    with Server(DIST) as server:
        server.answers["/files/scene.splat"] = Answer(splat)
        publish(server)
        yield server


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport=DESKTOP, reduced_motion="reduce")
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


def publish(server: Server, **changes: Any) -> None:
    """Puts a manifest with `changes` at /files/manifest.json."""
    server.answers["/files/manifest.json"] = Answer(json.dumps(scene.manifest(**changes)).encode())


def link(server: Server, manifest: str | None = None) -> str:
    """The address that people get in Slack."""
    manifest = manifest or f"{server.url}/files/manifest.json"
    return f"{server.url}/viewer/?manifest={quote(manifest, safe='')}"


def visit(page: Page, server: Server) -> None:
    """Opens the scene and waits until all of it is on the screen."""
    page.goto(link(server))
    page.evaluate("() => window.splatViewer.ready")


def drop(page: Page, server: Server, name: str) -> None:
    """Drops the scene on the page as a file of this name."""
    page.evaluate(
        """async ([url, name]) => {
            const transfer = new DataTransfer();
            const bytes = await (await fetch(url)).arrayBuffer();
            transfer.items.add(new File([bytes], name));
            dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, cancelable: true }));
        }""",
        [f"{server.url}/files/scene.splat", name],
    )
