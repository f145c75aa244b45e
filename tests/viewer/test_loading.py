"""Loading tells how far it is, failing tells why and what helps, and a manifest can do no harm."""

import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.workspace import launch

from . import scene
from .conftest import drop, link, publish, visit
from .pictures import picture, share_near
from .server import Answer, Server

pytestmark = pytest.mark.slow


def error(page: Page, address: str) -> str:
    """Opens an address that must fail and returns what the page says."""
    page.goto(address)
    card = page.locator("[role=alert]")
    card.wait_for()
    return card.inner_text()


def test_progress_counts_real_bytes_and_shows_a_part_early(page: Page, server: Server) -> None:
    gate = threading.Event()
    body = scene.splat()
    server.answers["/files/scene.splat"] = Answer(body, gate=gate)
    page.goto(link(server))
    page.wait_for_function(
        "() => document.querySelector('.amount').textContent === '484 kB of 967 kB'"
    )
    value = page.evaluate("() => document.querySelector('progress').value")
    assert value == pytest.approx(0.5, abs=0.05)
    page.wait_for_selector("body.live")
    gate.set()
    page.evaluate("() => window.splatViewer.ready")
    assert page.locator(".progress").is_hidden()
    assert share_near(picture(page), scene.LIGHT) > 0.1


def test_a_length_that_is_not_announced_is_counted_up(page: Page, server: Server) -> None:
    gate = threading.Event()
    headers = {"Content-Length": "", "Connection": "close"}
    server.answers["/files/scene.splat"] = Answer(scene.splat() * 3, headers=headers, gate=gate)
    page.goto(link(server))
    page.wait_for_function(
        "() => /^1\\.\\d MB$/.test(document.querySelector('.amount').textContent)"
    )
    gate.set()
    page.evaluate("() => window.splatViewer.ready")
    assert "90,588 Gaussians" in page.locator("summary").inner_text()


def test_the_poster_is_there_before_the_splat(page: Page, server: Server) -> None:
    gate = threading.Event()
    server.answers["/files/scene.splat"] = Answer(scene.splat(), gate=gate)
    server.answers["/files/thumbnail.jpg"] = Answer(PIXEL)
    page.goto(link(server))
    page.wait_for_function("() => document.querySelector('.poster').naturalWidth === 1")
    assert page.locator("h1").inner_text() == "demo/cube"
    gate.set()


def test_in_a_low_window_the_toolbar_is_one_row(page: Page, server: Server) -> None:
    page.set_viewport_size({"width": 640, "height": 360})
    visit(page, server)
    box = page.locator(".toolbar").bounding_box()
    assert box is not None
    assert box["height"] < 0.2 * 360
    assert page.get_by_role("button", name="Walk").is_visible()


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (404, ["There is no splat at this link (404)", "/splat list"]),
        (403, ["does not let you read", "public-read"]),
        (503, ["answered 503", "reload"]),
    ],
)
def test_a_manifest_that_can_not_be_had(
    page: Page, server: Server, status: int, words: list[str]
) -> None:
    server.answers["/files/manifest.json"] = Answer(status=status)
    said = error(page, link(server))
    assert all(word in said for word in words)


def test_a_missing_splat_is_named(page: Page, server: Server) -> None:
    server.answers["/files/scene.splat"] = Answer(status=404)
    assert "The splat file is not there (404)" in error(page, link(server))


@pytest.fixture
def closed(server: Server) -> Iterator[Server]:
    """Another host, whose CORS settings allow nobody."""
    with Server(server.root, cors=False) as other:
        publish(other)
        yield other


def test_cors_is_explained_with_the_origin_to_allow(
    page: Page, server: Server, closed: Server
) -> None:
    said = error(page, link(server, f"{closed.url}/files/manifest.json"))
    assert "CORS" in said
    assert server.url in said


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html>not here</html>", "not JSON"),
        (b"", "not JSON"),
        (b"[]", "“manifest”"),
        (b"{}", "“splat_url”"),
        (b"\xff\xfe\x00garbage", "not JSON"),
    ],
)
def test_what_is_no_manifest(page: Page, server: Server, body: bytes, words: str) -> None:
    server.answers["/files/manifest.json"] = Answer(body)
    assert words in error(page, link(server))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "no Gaussians"),
        (b"x" * 31, "multiple of 32"),
        (b"<!doctype html><title>Sign in</title><p>...", "web page"),
    ],
)
def test_what_is_no_splat(page: Page, server: Server, body: bytes, words: str) -> None:
    server.answers["/files/scene.splat"] = Answer(body)
    assert words in error(page, link(server))


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "data:,{}", "file:///etc/passwd", "ht!tp"]
)
def test_a_link_to_something_else_is_refused(page: Page, server: Server, address: str) -> None:
    if address == "ht!tp":  # a relative address, and nothing is there
        assert "404" in error(page, link(server, address))
        return
    assert "not a web address" in error(page, link(server, address))


def test_a_script_in_the_page_would_not_run(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/viewer/")
    page.evaluate(
        """() => {
            const script = document.createElement('script');
            script.textContent = 'document.body.dataset.owned = 1';
            document.body.append(script);
        }"""
    )
    assert page.evaluate("() => document.body.dataset.owned") is None


def test_a_splat_larger_than_the_limit_is_refused_unread(page: Page, server: Server) -> None:
    gate = threading.Event()
    headers = {"Content-Length": str(10**10)}
    server.answers["/files/scene.splat"] = Answer(b"x" * 64, headers=headers, gate=gate)
    assert "too large" in error(page, link(server))


def test_damaged_gaussians_do_no_harm(page: Page, server: Server) -> None:
    nowhere = scene.RECORD.pack(*[float("nan")] * 3, 1, 1, 1, *[255] * 8)
    far = scene.RECORD.pack(1e30, 0, 0, 1, 1, 1, *[255] * 8)
    server.answers["/files/scene.splat"] = Answer((nowhere + far) * 9 + scene.splat())
    visit(page, server)
    assert share_near(picture(page), scene.SOUTH) > 0.02


def test_only_the_storage_of_the_manifest_is_asked(page: Page, server: Server) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    visit(page, server)
    strangers = [url for url in asked if not url.startswith((server.url, "blob:"))]
    assert strangers == []
    assert f"{server.url}/files/scene.splat" in asked


def test_a_browser_without_webgl_is_told_what_to_turn_on(browser: Browser, server: Server) -> None:
    gate = slow_manifest(server)
    with launch(browser.browser_type, "--disable-3d-apis") as blind:
        page = blind.new_page()
        said = error(page, link(server))
        deliver(page, gate)  # the manifest comes after the error
        assert page.locator("[role=alert]").inner_text() == said
    assert "WebGL 2" in said
    assert "hardware acceleration" in said


def test_a_link_that_answers_late_does_not_rename_the_file_dropped_meanwhile(
    page: Page, server: Server
) -> None:
    gate = slow_manifest(server)
    page.goto(link(server))
    drop(page, server, "a.splat")
    page.wait_for_selector("body.live")
    deliver(page, gate)
    assert page.locator("h1").inner_text() == "a.splat"


def slow_manifest(server: Server) -> threading.Event:
    """Holds the second half of the manifest back until the event is set."""
    gate = threading.Event()
    manifest = server.answers["/files/manifest.json"]
    server.answers["/files/manifest.json"] = Answer(manifest.body, gate=gate)
    return gate


def deliver(page: Page, gate: threading.Event) -> None:
    """Lets what was held back arrive, and the page make of it what it will."""
    with page.expect_event("requestfinished"):
        gate.set()
    page.evaluate("() => new Promise(done => requestIdleCallback(() => requestIdleCallback(done)))")


def test_without_a_link_it_asks_for_a_file(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/viewer/")
    assert "Drop a .sog, .spz, .splat or .ply" in page.locator("[role=status].card").inner_text()


def test_a_file_of_another_kind_is_refused_by_name(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/viewer/")
    page.set_input_files(
        "input[type=file]", {"name": "house.obj", "mimeType": "text/plain", "buffer": b"v 0 0 0"}
    )
    assert "house.obj" in page.locator("[role=alert]").inner_text()


def test_after_an_error_another_file_opens(page: Page, server: Server) -> None:
    error(page, link(server, "javascript:alert(1)"))
    page.set_input_files(
        "input[type=file]", {"name": "a.splat", "mimeType": "", "buffer": scene.splat()}
    )
    page.wait_for_selector("body.live")
    assert page.locator("[role=alert]").is_hidden()


PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)
"""A PNG of one pixel."""
