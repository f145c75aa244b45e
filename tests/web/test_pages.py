"""The pages: splats are served with ranges, photos are not, and the viewer may be embedded."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from bot.core.catalogue import Catalogue
from bot.core.config import Settings
from bot.core.desk import Desk
from bot.core.ledger import Ledger
from bot.slack.app import create_app as create_slack_app
from bot.slack.workspaces import OneWorkspace
from bot.storage.local import LocalStorage
from bot.web.app import create_app
from bot.web.pages import VIEWER
from gpu.job import Stage, Status
from tests.core.conftest import a_request, an_event


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.db")


@pytest.fixture
def web(tmp_path: Path, ledger: Ledger) -> Iterator[TestClient]:
    storage = LocalStorage(tmp_path / "store", "http://bot")
    storage.put("splats/a/scene.splat", bytes(range(64)), "")
    storage.put("splats/a/manifest.json", b"{}", "")
    storage.put("demo/parcel/a.jpg", b"private", "")
    (tmp_path / "secret.txt").write_text("secret")
    desk = Desk(ledger, Catalogue(storage), backend="local", price_per_hour=0.0, wake=lambda: None)
    settings = Settings("xoxb-1", "s", data=tmp_path)
    slack = create_slack_app(settings, desk, OneWorkspace(settings))
    with TestClient(create_app(slack=slack, ledger=ledger, storage=storage)) as client:
        yield client


def test_a_splat_is_served_whole_and_in_parts(web: TestClient) -> None:
    whole = web.get("/files/splats/a/scene.splat")
    assert whole.content == bytes(range(64))
    assert whole.headers["access-control-allow-origin"] == "*"
    part = web.get("/files/splats/a/scene.splat", headers={"Range": "bytes=32-63"})
    assert (part.status_code, part.content) == (206, bytes(range(32, 64)))


def test_the_size_of_a_splat_can_be_asked_for(web: TestClient) -> None:
    answer = web.head("/files/splats/a/scene.splat")
    assert (answer.status_code, answer.headers["content-length"]) == (200, "64")


@pytest.mark.parametrize("wanted", ["bytes=64-", "bytes=9999999999-"])
def test_a_range_that_is_not_there_is_refused(web: TestClient, wanted: str) -> None:
    answer = web.get("/files/splats/a/scene.splat", headers={"Range": wanted})
    assert (answer.status_code, answer.content[:64]) != (200, bytes(range(64)))
    assert answer.status_code == 416


def test_a_request_that_is_too_large_for_slack_is_not_read_to_its_end(web: TestClient) -> None:
    assert web.post("/slack/events", content=b"x" * 1_000_001).status_code == 413
    assert web.post("/slack/events", content=b"x" * 1_000).status_code == 401


def test_a_manifest_is_always_looked_at_again(web: TestClient) -> None:
    answer = web.get("/files/splats/a/manifest.json")
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "key",
    [
        "demo/parcel/a.jpg",
        "splats/../demo/parcel/a.jpg",
        "splats/%2e%2e/demo/parcel/a.jpg",
        "..%2fsecret.txt",
        "splats/a",
        "splats/none",
    ],
)
def test_photos_and_what_is_outside_are_not_served(web: TestClient, key: str) -> None:
    assert web.get(f"/files/{key}").status_code == 404


def test_a_link_out_of_the_results_is_not_followed(web: TestClient, tmp_path: Path) -> None:
    (tmp_path / "store" / "splats" / "a" / "x.txt").symlink_to(tmp_path / "secret.txt")
    assert web.get("/files/splats/a/x.txt").status_code == 404


def test_health_and_figures(web: TestClient, ledger: Ledger) -> None:
    ledger.submit(a_request("a"), backend="local", price_per_hour=0.0)
    assert web.get("/healthz").json() == {"ok": True, "active_jobs": 1}
    assert 'splatbot_jobs{state="queued"} 1' in web.get("/metrics").text


def test_finished_splats_are_listed_with_names_as_text(web: TestClient, ledger: Ledger) -> None:
    ledger.submit(a_request("a", dataset="<img src=x>"), backend="local", price_per_hour=0.0)
    ledger.claim()
    ledger.set_handle("a", {})
    ledger.succeed("a", viewer_url="http://v/?a=1&b=2", manifest_url="http://m/manifest.json")
    page = web.get("/").text
    assert "&lt;img src=x&gt;" in page
    assert "<img src=x>" not in page
    assert "http://v/?a=1&amp;b=2" in page
    assert "http://m/thumbnail.jpg" in page
    assert "https://superspl.at/editor?load=http%3A%2F%2Fm%2Fscene.sog" in page


def finished(ledger: Ledger, name: str, dataset: str) -> str:
    """A job that succeeded; returns its manifest's address."""
    ledger.submit(a_request(name, dataset=dataset), backend="local", price_per_hour=0.0)
    ledger.claim()
    ledger.set_handle(name, {})
    manifest = f"http://m/{name}/manifest.json"
    ledger.succeed(name, viewer_url=f"http://v/?manifest={manifest}", manifest_url=manifest)
    ledger.release(name)
    return manifest


def test_the_list_can_be_searched(web: TestClient, ledger: Ledger) -> None:
    finished(ledger, "a", "datasets/orchard")
    finished(ledger, "b", "datasets/quarry")
    both, one, none = (web.get("/", params={"q": q}).text for q in ("", "ORCH data", "'><script>"))
    assert "orchard" in both
    assert "quarry" in both
    assert "orchard" in one
    assert "quarry" not in one
    assert "Nothing matches" in none
    assert "<script>" not in none


def test_a_small_splat_is_not_said_to_have_no_size(web: TestClient, ledger: Ledger) -> None:
    ledger.submit(a_request("a"), backend="local", price_per_hour=0.0)
    ledger.claim()
    ledger.set_handle("a", {})
    ledger.record(an_event("a", 1, Stage.COMPRESS, Status.DONE, metrics={"sog_bytes": 40_000}))
    ledger.succeed("a", viewer_url="http://v", manifest_url="http://m/manifest.json")
    assert "40 kB" in web.get("/").text


def test_the_list_runs_no_script_and_tells_the_date(web: TestClient, ledger: Ledger) -> None:
    finished(ledger, "a", "datasets/orchard")
    answer = web.get("/")
    assert "script-src" not in answer.headers["content-security-policy"]
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    when = datetime.fromtimestamp(ledger.job("a").finished_at or 0, UTC)
    assert f"{when:%B %Y}" in answer.text


def test_a_link_to_a_splat_unfurls_and_has_its_poster_first(
    web: TestClient, ledger: Ledger
) -> None:
    manifest = finished(ledger, "a", 'datasets/"orchard"')
    page = web.get("/viewer/", params={"manifest": manifest}).text
    assert '<meta property="og:title" content="datasets/&quot;orchard&quot;">' in page
    assert '<meta property="og:image" content="http://m/a/thumbnail.jpg">' in page
    assert f'<meta property="og:url" content="http://v/?manifest={manifest}">' in page
    assert page.index('class="poster exact" src="http://m/a/thumbnail.jpg"') > page.index("<body>")
    assert "<title>datasets/&quot;orchard&quot; · Splatbot viewer</title>" in page


@pytest.mark.parametrize("manifest", ["", "http://m/other/manifest.json", '"><script>'])
def test_a_link_to_something_else_shows_the_bare_viewer(
    web: TestClient, ledger: Ledger, manifest: str
) -> None:
    finished(ledger, "a", "datasets/orchard")
    page = web.get("/viewer/", params={"manifest": manifest}).text
    assert page == (VIEWER / "index.html").read_text()


@pytest.mark.skipif(not VIEWER.is_dir(), reason="the viewer is not built: make setup")
def test_the_viewer_may_be_shown_inside_slack_and_loads_nothing_foreign(web: TestClient) -> None:
    answer = web.get("/viewer/")
    policy = answer.headers["content-security-policy"]
    assert answer.status_code == 200
    assert "frame-ancestors 'self' https:" in policy  # Slack, and whoever pastes the code
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    permissions = answer.headers["permissions-policy"]
    assert "xr-spatial-tracking=(self)" in permissions
    assert "camera=()" in permissions
