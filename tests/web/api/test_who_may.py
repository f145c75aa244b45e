"""Whose token it is, how often they may ask, and what a stranger learns: nothing."""

import hmac
from collections.abc import Callable

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from bot.core.config import Settings
from bot.core.environment import BadSetting
from bot.core.roles import Owner
from bot.web.api import gate
from bot.web.api.gate import BODY_LIMIT, Keys
from bot.web.limits import TokenBuckets
from tests.core.conftest import Clock
from tests.web.api.conftest import OTHER, OWNERS, TOKEN

LIMITED = {"owners": TokenBuckets(1.0, 3.0), "strangers": TokenBuckets(1.0, 3.0)}


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", f"Basic {TOKEN}", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}x",
     f"bearer{TOKEN}", f"Token {TOKEN}"],
)  # fmt: skip
def test_without_a_token_of_ours_nobody_learns_anything(app: FastAPI, header: str | None) -> None:
    client = TestClient(app, headers={"Authorization": header} if header is not None else {})
    for path in ("/api/jobs", "/api/jobs/a", "/api/jobs/a/splat"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()) == (
            401, {"detail": "The token is not one of ours."},
        )  # fmt: skip
        assert answer.headers["www-authenticate"] == "Bearer"
    assert client.post("/api/jobs", content=b"\xff" * 100_000).status_code == 401  # unread


def test_every_token_is_compared_and_in_a_time_that_says_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared: list[bytes] = []
    real: Callable[[bytes, bytes], bool] = hmac.compare_digest

    def compare(one: bytes, other: bytes) -> bool:
        compared.append(one)
        return real(one, other)

    monkeypatch.setattr(gate.hmac, "compare_digest", compare)
    keys = Keys(OWNERS)
    assert keys.owner(TOKEN) == OWNERS[TOKEN]
    assert keys.owner(OTHER) == Owner("ci")
    assert keys.owner("") is keys.owner("\ud800") is None
    assert len(compared) == 4 * len(OWNERS)
    assert TOKEN not in repr(vars(keys))


@pytest.mark.parametrize("app", [LIMITED], indirect=True)
def test_who_asks_too_often_waits_and_locks_nobody_else_out(app: FastAPI, clock: Clock) -> None:
    client = TestClient(app)

    def ask(token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return client.get("/api/jobs", headers=headers).status_code

    assert [ask(TOKEN) for _ in range(4)] == [200, 200, 200, 429]
    assert [ask("wrong") for _ in range(4)] == [401, 401, 401, 429]
    assert ask(OTHER) == 200
    answer = client.get("/api/jobs", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.headers["retry-after"] == "1"
    clock.move(1.0)
    assert (ask(TOKEN), ask("wrong")) == (200, 401)


def test_a_body_has_a_bound(client: TestClient) -> None:
    answer = client.post("/api/jobs", content=b" " * (BODY_LIMIT + 1))
    assert answer.status_code == 413


# -- settings -------------------------------------------------------------------------------------

SLACK = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "s"}
LONG = "0123456789abcdefghijklmn"


def owners(value: str, **more: str) -> dict[str, Owner]:
    return dict(Settings.from_env(SLACK | {"SPLATBOT_API_TOKENS": value} | more).api_owners)


def test_a_token_is_of_a_person_or_of_a_program() -> None:
    assert owners(f"U0ANNA:{LONG}") == {LONG: Owner("U0ANNA", "U0ANNA")}  # in a direct message
    assert owners(f"ci:{LONG}") == {LONG: Owner("ci", "")}
    assert owners(f"ci:{LONG}", SPLATBOT_API_CHANNEL="C01") == {LONG: Owner("ci", "C01")}
    assert owners("") == {}


@pytest.mark.parametrize(
    "value", [LONG, f":{LONG}", "ci:short", f"ci:{LONG},other:{LONG}", f"c i!:{LONG}"]
)
def test_a_token_that_could_be_guessed_or_is_nobodys_is_refused_unseen(value: str) -> None:
    with pytest.raises(BadSetting, match="SPLATBOT_API_TOKENS") as refused:
        owners(value)
    assert LONG not in str(refused.value)


def test_the_inbox_is_off_unless_somebody_owns_its_jobs() -> None:
    assert Settings.from_env(SLACK).inbox is None
    assert Settings.from_env(SLACK | {"SPLATBOT_INBOX": "ci"}).inbox == Owner("ci")
    with pytest.raises(BadSetting, match="SPLATBOT_INBOX"):
        Settings.from_env(SLACK | {"SPLATBOT_INBOX": "no body"})
    with pytest.raises(BadSetting, match="SPLATBOT_API_CHANNEL"):
        Settings.from_env(SLACK | {"SPLATBOT_INBOX": "ci", "SPLATBOT_API_CHANNEL": "#general"})
