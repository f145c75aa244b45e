"""Several workspaces: who may install the app, where its tokens are, and whose token is used."""

import json
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient

from bot.core.config import Settings
from bot.core.environment import BadSetting
from bot.core.ledger import Ledger
from bot.core.seals import Seals
from bot.slack.answers import LOCKED_OUT
from bot.slack.app import create_app
from bot.slack.manifest import SCOPES
from bot.slack.oauth import GOOD_FOR, make_flow
from bot.slack.outbox import SlackOutbox
from bot.slack.workspaces import NotInstalled, Workspaces, open_installations, open_workspaces
from bot.web.install_route import install_router
from tests.core.conftest import Clock, a_request
from tests.fakes.slack import serving
from tests.ports import held_port
from tests.slack.conftest import Bot

SECRET = "client-secret"


class FakeOAuth:
    """Slack's side: hands out tokens for codes and refresh tokens, and notes what comes with them.

    A code is the id of the workspace that somebody installs the app in.
    """

    def __init__(self) -> None:
        self.app = FastAPI()
        self.calls: list[tuple[str, str, dict[str, Any]]] = []
        self.count = 0
        self.refuses = ""

        @self.app.post("/api/{method}")
        async def call(method: str, request: Request) -> dict[str, Any]:
            raw = (await request.body()).decode()
            is_json = request.headers.get("content-type", "").startswith("application/json")
            params = (
                json.loads(raw or "{}") if is_json else {k: v[0] for k, v in parse_qs(raw).items()}
            )
            token = request.headers.get("authorization", "").removeprefix("Bearer ")
            self.calls.append((method, token, params))
            return self.answer(method, params)

    def answer(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        if self.refuses:
            return {"ok": False, "error": self.refuses}
        if method == "oauth.v2.access":
            self.count += 1
            team = params.get("code") or params["refresh_token"].split("-")[1]
            return {
                "ok": True, "app_id": "A1", "token_type": "bot", "scope": "commands",
                "access_token": f"xoxe.xoxb-{team}-{self.count}", "bot_user_id": "U0BOT",
                "refresh_token": f"xoxe-{team}-{self.count}", "expires_in": 43_200,
                "team": {"id": team, "name": f"Team {team}"}, "authed_user": {"id": "U1"},
            }  # fmt: skip
        return {"ok": True, "bot_id": "B1", "channel": "C1", "ts": "1.1", "messages": []}

    def tokens(self, method: str) -> list[str]:
        return [token for name, token, _ in self.calls if name == method]


class Several:
    """A bot for the workspaces TA and TB, with a browser at its pages."""

    def __init__(self, slack: FakeOAuth, url: str, folder: Path) -> None:
        self.slack, self.clock = slack, Clock(time.time())
        self.settings = Settings(
            "", "signing", f"{url}/api/", "https://bot.example", data=folder,
            slack_client_id="1.2", slack_client_secret=SECRET, workspaces=("TA", "TB"),
        )  # fmt: skip
        self.ledger = Ledger(self.settings.ledger, self.clock)
        self.installations = open_installations(self.settings, self.ledger.tenants)
        self.workspaces: Workspaces = open_workspaces(self.settings, self.ledger.tenants)
        flow = make_flow(self.settings, self.installations, Seals(["s"], "installing", self.clock))
        pages = FastAPI()
        pages.include_router(install_router(flow))
        self.browser = TestClient(pages, "https://bot.example", follow_redirects=False)

    def begin(self) -> str:
        """Go to the start; return the state that Slack's page is given."""
        there = self.browser.get("/slack/install")
        assert there.status_code == 302
        query = parse_qs(urlsplit(there.headers["location"]).query)
        assert query["scope"] == [",".join(sorted(SCOPES))]
        assert query["redirect_uri"] == ["https://bot.example/slack/oauth_redirect"]
        return query["state"][0]

    def install(self, team: str) -> Any:
        return self.browser.get(f"/slack/oauth_redirect?code={team}&state={self.begin()}")


@pytest.fixture
def several(tmp_path: Path) -> Iterator[Several]:
    slack = FakeOAuth()
    with held_port() as port, serving(slack.app, port) as url:
        yield Several(slack, url, tmp_path)


# -- installing -----------------------------------------------------------------------------------


def test_a_workspace_installs_the_app_and_is_spoken_to_with_its_own_token(several: Several) -> None:
    for team in ("TA", "TB"):
        page = several.install(team)
        assert page.status_code == 200
        assert f"Splatbot is in Team {team} now" in page.text
    assert several.workspaces.client("TA").token == "xoxe.xoxb-TA-1"
    assert several.workspaces.client("TB").token == "xoxe.xoxb-TB-2"
    assert len(several.workspaces.clients()) == 2


def test_a_workspace_that_may_not_have_the_app_gives_its_token_back(several: Several) -> None:
    page = several.install("TEVIL")
    assert page.status_code == 500
    assert "may not have this Splatbot" in page.text
    assert several.slack.calls[-1][0] == "auth.revoke"
    assert several.ledger.tenants.teams() == []
    with pytest.raises(NotInstalled):
        several.workspaces.client("TEVIL")


def test_a_workspace_that_was_taken_off_the_list_has_the_bot_no_more(several: Several) -> None:
    several.install("TA")
    settings = replace(several.settings, workspaces=("TB",))
    with pytest.raises(NotInstalled):
        open_workspaces(settings, several.ledger.tenants).client("TA")


def test_an_installation_that_nobody_began_here_is_refused(several: Several) -> None:
    state = several.begin()
    stranger = TestClient(several.browser.app, "https://bot.example")  # another browser
    for url in (f"?code=TA&state={state}", "?code=TA&state=made.up", "?code=TA", "?error=no"):
        page = stranger.get(f"/slack/oauth_redirect{url}")
        assert "was not installed" in page.text
    assert several.ledger.tenants.teams() == []


def test_a_start_is_good_once_and_for_ten_minutes(several: Several) -> None:
    state = several.begin()
    assert "is in Team" in several.browser.get(f"/slack/oauth_redirect?code=TA&state={state}").text
    page = several.browser.get(f"/slack/oauth_redirect?code=TB&state={state}")
    assert "was not installed" in page.text
    late = several.begin()
    several.clock.move(GOOD_FOR + 1)
    assert several.browser.get(f"/slack/oauth_redirect?code=TB&state={late}").status_code == 401
    assert several.ledger.tenants.teams() == ["TA"]


def test_what_strangers_write_into_the_address_is_no_part_of_the_page(several: Several) -> None:
    page = several.browser.get("/slack/oauth_redirect?error=<script>alert(1)</script>")
    assert "<script>" not in page.text
    assert page.headers["content-security-policy"] == "default-src 'none'"


# -- tokens ---------------------------------------------------------------------------------------


def test_no_token_can_be_read_in_the_ledger_or_with_another_secret(
    several: Several, tmp_path: Path
) -> None:
    several.install("TA")
    sqlite3.connect(several.settings.ledger).execute("PRAGMA wal_checkpoint(TRUNCATE)")
    kept = b"".join(file.read_bytes() for file in tmp_path.glob("ledger.db*"))
    assert b"TA" in kept
    assert b"xoxe" not in kept
    other = replace(several.settings, slack_client_secret="another")
    with pytest.raises(NotInstalled):
        open_workspaces(other, several.ledger.tenants).client("TA")


def test_tokens_are_changed_hours_before_they_end(several: Several) -> None:
    several.install("TA")
    several.workspaces.rotate()
    assert several.workspaces.client("TA").token == "xoxe.xoxb-TA-1"  # it has twelve hours left
    age(several, hours=10)
    several.workspaces.rotate()
    assert several.workspaces.client("TA").token == "xoxe.xoxb-TA-2"
    [*_, (_, _, sent)] = several.slack.calls
    assert (sent["grant_type"], sent["refresh_token"]) == ("refresh_token", "xoxe-TA-1")
    several.workspaces.rotate()
    assert several.slack.count == 2


def test_a_change_that_slack_refuses_is_tried_again_and_shows_no_token(
    several: Several, caplog: pytest.LogCaptureFixture
) -> None:
    several.install("TA")
    age(several, hours=10)
    several.slack.refuses = "invalid_refresh_token"
    several.workspaces.rotate()
    assert "the token of TA could not be changed: invalid_refresh_token" in caplog.text
    assert "xoxe" not in caplog.text
    several.slack.refuses = ""
    several.workspaces.rotate()
    assert several.workspaces.client("TA").token == "xoxe.xoxb-TA-2"


def age(several: Several, hours: float) -> None:
    bot = several.installations.find_bot(enterprise_id=None, team_id="TA")
    assert bot
    assert bot.bot_token_expires_at
    bot.bot_token_expires_at -= int(hours * 3600)
    several.installations.save_bot(bot)


def test_each_job_is_told_of_in_its_own_workspace(several: Several) -> None:
    several.install("TA")
    outbox = SlackOutbox(
        several.ledger, several.workspaces, read_picture=lambda *_: None,
        thumbnail_url=lambda _: "", clock=several.clock,
    )  # fmt: skip
    for name, team in (("a", "TA"), ("b", "TB")):
        request = a_request(name, team=team, channel=f"C{team}")
        several.ledger.submit(request, backend="local", price_per_hour=0.0)
    outbox.drain()
    assert several.slack.tokens("chat.postMessage") == ["xoxe.xoxb-TA-1"]
    several.install("TB")  # what could not be said before is said now
    several.clock.move(10)
    outbox.drain()
    outbox.drain()
    assert several.slack.tokens("chat.postMessage")[-1] == "xoxe.xoxb-TB-2"


def test_a_workspace_that_removes_the_app_is_forgotten(several: Several, bot: Bot) -> None:
    several.install("TA")
    app = create_app(several.settings, bot.desk, several.workspaces)
    for event in ({"type": "tokens_revoked", "tokens": {"oauth": ["U1"]}},
                  {"type": "app_uninstalled"}):  # fmt: skip
        assert several.ledger.tenants.teams() == ["TA"]
        dispatch(app, {"team_id": "TA", "event_id": event["type"], "event": event})
    bot.wait_until(lambda: several.ledger.tenants.teams() == [], "not forgotten")


def dispatch(app: Any, body: dict[str, Any]) -> None:
    from slack_bolt import BoltRequest

    request = BoltRequest(mode="socket_mode", body={"type": "event_callback", **body})
    assert app.dispatch(request).status == 200


def test_a_workspace_without_the_app_is_no_reason_to_give_a_message_up() -> None:
    assert "token_expired" in LOCKED_OUT  # nor is a token that could not be changed in time


# -- settings -------------------------------------------------------------------------------------

SIGNING = {"SLACK_SIGNING_SECRET": "s"}
APP = SIGNING | {"SLACK_CLIENT_ID": "1.2", "SLACK_CLIENT_SECRET": "s"}


@pytest.mark.parametrize(
    ("env", "wrong"),
    [
        (SIGNING, "SLACK_BOT_TOKEN is not set"),
        (APP, "SPLATBOT_WORKSPACES is not set"),
        (APP | {"SPLATBOT_WORKSPACES": "my-team"}, "SPLATBOT_WORKSPACES is 'my-team'"),
        (APP | {"SPLATBOT_WORKSPACES": "T01", "SLACK_BOT_TOKEN": "xoxb-1"}, "and so is"),
        (SIGNING | {"SLACK_CLIENT_ID": "1", "SPLATBOT_WORKSPACES": "T01"}, "SLACK_CLIENT_SECRET"),
        (SIGNING | {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xoxb-1"}, "app-level token"),
    ],
)
def test_a_setting_that_would_let_others_in_or_nobody_is_refused(
    env: dict[str, str], wrong: str
) -> None:
    with pytest.raises(BadSetting, match=wrong):
        Settings.from_env(env)


def test_the_secrets_do_not_show() -> None:
    env = APP | {"SPLATBOT_WORKSPACES": "T01,T02", "SLACK_APP_TOKEN": "xapp-1"}
    settings = Settings.from_env(env | {"SLACK_CLIENT_SECRET": "planted"})
    assert settings.workspaces == ("T01", "T02")
    assert "planted" not in repr(settings)
    assert "xapp-1" not in repr(settings)
