"""Over a hundred hostile manifests in one page: each gets a sentence, and nothing else happens."""

import json
import threading
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from playwright.sync_api import Page

from . import scene
from .conftest import DIST, link
from .server import Answer, Server

pytestmark = pytest.mark.slow

Path = tuple[str | int, ...]
Case = tuple[str, bytes]

SCRIPT = '<img src=x onerror="document.documentElement.dataset.owned=1">'
URLS: list[Path] = [
    ("splat_url",), ("ply_url",), ("thumbnail_url",), ("levels", 0, "url"), ("formats", 0, "url"),
    ("cameras", "url"),
]  # fmt: skip
NOT_URLS: list[Any] = [
    "javascript:document.documentElement.dataset.owned=1",
    " jAvAsCrIpT:alert(1)",
    f"data:text/html,{SCRIPT}",
    "vbscript:msgbox(1)",
    "file:///etc/passwd",
    "blob:null/1",
    "ftp://host/scene.splat",
    "https://user:secret@host/scene.splat",
    "http://",
    "https://host/" + "a" * 5000,
    7, ["scene.splat"], {"href": "scene.splat"}, {"toString": SCRIPT},
]  # fmt: skip
NUMBERS: list[Path] = [
    ("levels", 0, "bytes"), ("levels", 0, "gaussians"), ("levels", 0, "grow"),
    ("metadata", "gaussians"), ("metadata", "psnr"), ("metadata", "splat_size_mb"),
    ("metadata", "georeference", "latitude"), ("metadata", "georeference", "epsg"),
    ("ground", "columns"), ("ground", "rows"), ("ground", "cell"), ("ground", "heights"),
    ("ground", "origin"), ("scene_bounds", "min"), ("scene_bounds", "max"),
    ("scene_bounds", "ground_z"), ("camera_defaults", "position"), ("camera_defaults", "look_at"),
    ("camera_defaults", "up"), ("walk_camera_defaults", "position"),
]  # fmt: skip
NOT_NUMBERS: list[Any] = [1e300, SCRIPT, {"valueOf": 1}]
OBJECTS: list[Path] = [
    ("scene_bounds",), ("camera_defaults",), ("ground",), ("metadata",),
    ("metadata", "georeference"), ("cameras",),
]  # fmt: skip


def good() -> dict[str, Any]:
    level = {"url": "level-0.sog", "bytes": 1000, "gaussians": 100, "grow": 1.5}
    here = {"latitude": 52.5, "longitude": 13.4, "altitude": 34.0, "axes": "ENU", "epsg": 32633}
    metadata = scene.manifest()["metadata"] | {"georeference": here}
    return scene.manifest(
        metadata=metadata,
        levels=[level],
        formats=[{"url": "scene.sog", "bytes": 1000}],
        cameras={"url": "cameras.json", "bytes": 1000},
    )


def changed(path: Path, value: Any) -> bytes:
    """The good manifest with one value replaced."""
    manifest: Any = deepcopy(good())
    inner = manifest
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return json.dumps(manifest).encode()


def cases() -> Iterator[Case]:
    for path in URLS:
        yield from (
            (f"{path} = {value!s:.40}", changed(path, value))
            for value in NOT_URLS[:: 1 if path == URLS[0] else 3]
        )
    for path in NUMBERS:
        yield from ((f"{path} = {value!s:.40}", changed(path, value)) for value in NOT_NUMBERS)
    for path in OBJECTS:
        yield from ((f"{path} = {value!s:.40}", changed(path, value)) for value in (SCRIPT, []))
    yield "10 GB", changed(("levels", 0, "bytes"), 10**10)
    yield "half a Gaussian", changed(("levels", 0, "gaussians"), 0.5)
    yield (
        "a billion cells",
        changed(("ground",), scene.height_map() | {"columns": 31623, "rows": 31623}),
    )
    yield "too many levels", changed(("levels",), good()["levels"] * 17)
    yield "levels of words", changed(("levels",), [SCRIPT])
    yield "levels that are none", changed(("levels",), {"0": good()["levels"][0]})
    yield "deep nesting", b'{"splat_url":' + b"[" * 200_000 + b"]" * 200_000 + b"}"
    yield "deep objects", b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    yield "not a number", json.dumps(good()).encode().replace(b"26.42", b"NaN")
    yield "beyond all numbers", json.dumps(good()).encode().replace(b"26.42", b"1e999")
    yield "a prototype", b'{"__proto__": {"splat_url": "scene.splat"}}'
    yield "a constructor", b'{"constructor": {"prototype": {"splat_url": "scene.splat"}}}'
    yield "a page", f"<!doctype html>{SCRIPT}".encode()
    yield "a script", b"document.documentElement.dataset.owned=1"
    yield "nothing", b""
    yield "bytes", bytes(range(256))


def test_hostile_manifests_do_nothing_but_a_sentence(page: Page, server: Server) -> None:
    asked: list[str] = []
    for engine in DIST.glob("assets/stage-*.js"):  # it need not come: nothing is to be drawn
        server.answers[f"/viewer/assets/{engine.name}"] = Answer(gate=threading.Event())
    page.set_viewport_size({"width": 320, "height": 200})  # nobody looks: less to draw each time
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: pytest.fail(f"a dialog: {dialog.message}"))
    wrong = []
    all_ = list(cases())
    for name, body in all_:
        server.answers["/files/manifest.json"] = Answer(body)
        page.goto(link(server), wait_until="commit")
        card = page.locator("[role=alert]")
        card.wait_for()
        said = card.inner_text()
        owned = page.evaluate("() => document.documentElement.dataset.owned ?? null")
        if owned or not 40 < len(said) < 400 or card.locator("img, script, a").count():
            wrong.append((name, said))
    assert len(all_) >= 110
    assert wrong == []
    assert [url for url in asked if not url.startswith(server.url)] == []
    assert [url for url in asked if url.endswith((".sog", ".splat", ".ply"))] == []


@pytest.mark.parametrize("target", ["/files/manifest.json", "/files/other.json"])
def test_redirects_in_circles_end(page: Page, server: Server, target: str) -> None:
    server.answers["/files/manifest.json"] = Answer(status=302, headers={"Location": target})
    server.answers["/files/other.json"] = Answer(
        status=302, headers={"Location": "/files/manifest.json"}
    )
    page.goto(link(server))
    assert "could not be fetched" in page.locator("[role=alert]").inner_text()


def test_a_manifest_that_names_itself_as_the_splat_is_no_splat(page: Page, server: Server) -> None:
    manifest = scene.manifest(splat_url="manifest.json")
    server.answers["/files/manifest.json"] = Answer(json.dumps(manifest).encode())
    page.goto(link(server))
    assert "web page or a text" in page.locator("[role=alert]").inner_text()


def test_script_in_every_text_stays_text(page: Page, server: Server) -> None:
    texts = dict.fromkeys(("title", "dataset", "job", "pipeline", "created_at"), SCRIPT)
    modes = {"viewer_mode": SCRIPT, "viewer_modes": [SCRIPT, {"a": SCRIPT}]}
    manifest = scene.manifest(**texts, **modes, unknown={SCRIPT: [SCRIPT]})
    server.answers["/files/manifest.json"] = Answer(json.dumps(manifest).encode())
    page.goto(link(server))
    page.evaluate("() => window.splatViewer.ready")
    assert page.locator("h1").inner_text() == SCRIPT
    assert page.locator("body img:not(.poster, .photo)").count() == 0
    assert page.evaluate("() => document.documentElement.dataset.owned ?? null") is None
