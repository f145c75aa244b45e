"""What a bot answers while another one acts: honestly, and so that nothing gets lost."""

from collections.abc import Iterator
from urllib.parse import urlencode

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from bot.core.succession import Standing
from bot.slack.wording import NOT_ACTING
from bot.web.front import Front
from tests.aside import run


class Place:
    """Where the bot stands, as the test wants it."""

    def __init__(self) -> None:
        self.acts = False
        self.standing = Standing.WAITING


@pytest.fixture
def place() -> Place:
    return Place()


@pytest.fixture
def front(place: Place) -> Front:
    return Front(lambda: place.acts, lambda: place.standing)


@pytest.fixture
def client(front: Front) -> Iterator[TestClient]:
    yield TestClient(front)


def the_bot() -> FastAPI:
    app = FastAPI()
    for path in ("/slack/events", "/hooks/jobs/a/report"):
        app.post(path)(lambda: "done")
    app.get("/healthz")(lambda: "well")
    app.get("/viewer/")(lambda: "the viewer")
    return app


def command() -> dict[str, object]:
    return {
        "content": urlencode({"command": "/splat", "text": "list"}),
        "headers": {"Content-Type": "application/x-www-form-urlencoded"},
    }


@pytest.mark.parametrize("standing", Standing)
def test_a_command_is_answered_with_one_honest_line(
    client: TestClient, place: Place, standing: Standing
) -> None:
    place.standing = standing
    answer = client.post("/slack/events", **command())
    assert answer.json() == {"response_type": "ephemeral", "text": NOT_ACTING[standing]}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/slack/events"),
        ("POST", "/hooks/jobs/a/report"),
        ("GET", "/"),
        ("GET", "/x"),
        ("POST", "/api/jobs"),
        ("DELETE", "/api/jobs/a"),
    ],
)
def test_whoever_repeats_by_himself_is_told_to(client: TestClient, method: str, path: str) -> None:
    answer = client.request(method, path, content=b"payload=%7B%7D")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


def test_a_host_is_told_that_the_bot_is_well_while_it_waits_or_retires(
    client: TestClient, place: Place
) -> None:
    for standing in (Standing.WAITING, Standing.RETIRING, Standing.RETIRED):
        place.standing = standing
        answer = client.get("/healthz")
        assert (answer.status_code, answer.json()) == (200, {"ok": True, "standing": standing})
    place.standing = Standing.ACTING  # but its lease is over: the bucket does not answer
    assert client.get("/healthz").json() == {"ok": False, "standing": "acting"}


def test_the_bots_own_app_answers_while_it_may_act_and_its_pages_also_later(
    client: TestClient, front: Front, place: Place
) -> None:
    front.app, place.acts = the_bot(), True
    assert client.post("/slack/events", **command()).json() == "done"
    assert client.post("/hooks/jobs/a/report").json() == "done"
    assert client.get("/healthz").json() == "well"
    place.acts = False
    assert client.post("/hooks/jobs/a/report").status_code == 503
    assert client.get("/healthz").json() != "well"
    assert client.get("/viewer/").json() == "the viewer"


def test_a_body_without_an_end_is_refused(client: TestClient) -> None:
    assert client.post("/slack/events", content=b"x" * 1_000_001).status_code == 413


def test_an_intent_counts_as_under_way_until_it_is_answered(front: Front, place: Place) -> None:
    """The bot gives its place away only after it: what was answered is in the last snapshot."""
    seen = []
    app = FastAPI()

    @app.post("/slack/events")
    def slow() -> None:
        place.acts = False
        seen.append(front.under_way)

    @app.get("/viewer/")
    def page() -> None:
        seen.append(front.under_way)

    async def ask() -> None:
        transport = httpx.ASGITransport(front)
        async with httpx.AsyncClient(transport=transport, base_url="http://bot") as client:
            await client.post("/slack/events")
            await client.get("/viewer/")

    front.app, place.acts = app, True
    run(ask())
    assert (seen, front.under_way) == ([1, 0], 0)
