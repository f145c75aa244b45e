"""What the doctor says of Slack, the storage, the public address and this machine."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import boto3
import httpx
import pytest

from bot import doctor
from bot.core.config import DropletSettings, Settings, SpacesSettings
from bot.core.errors import SplatError
from bot.core.rounds import Finding, Rounds
from bot.doctor import here, slack, storage, web
from bot.slack.manifest import SCOPES
from bot.slack.workspaces import OneWorkspace
from bot.storage import open_storage
from tests.core.conftest import Clock
from tests.fakes.slack import SECRET, TOKEN, FakeSlack, fake_slack

Answer = Callable[[httpx.Request], httpx.Response]


@pytest.fixture(scope="module")
def s3(s3_server: str) -> str:
    keys = {"aws_access_key_id": "k", "aws_secret_access_key": "s"}
    client = boto3.client("s3", endpoint_url=s3_server, region_name="us-east-1", **keys)
    client.create_bucket(Bucket="photos")
    return s3_server


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(TOKEN, SECRET, public_url="https://splat.example.com", data=tmp_path)


def on_spaces(settings: Settings, s3: str, bucket: str = "photos") -> Settings:
    return replace(settings, spaces=SpacesSettings(bucket, "us-east-1", s3, "k", "the-secret"))


def http(answer: Answer) -> httpx.Client:
    return httpx.Client(transport=httpx.MockTransport(answer))


def wrong(findings: object) -> list[str]:
    return [str(f) for f in findings if not f.ok]  # type: ignore[attr-defined]


# -- Slack ----------------------------------------------------------------------------------------


@pytest.fixture
def workspace(settings: Settings) -> Iterator[tuple[FakeSlack, Settings]]:
    with fake_slack("http://127.0.0.1:9") as fake:
        yield fake, replace(settings, slack_api_url=f"{fake.url}api/")


def test_slack_knows_the_token_and_its_scopes(workspace: tuple[FakeSlack, Settings]) -> None:
    _, settings = workspace
    said = list(map(str, slack.findings(OneWorkspace(settings).client(""))))
    assert said == [
        "✓ Slack knows the bot as splat in Sandbox.",
        f"✓ The Slack app has its {len(SCOPES)} scopes.",
    ]


def test_missing_scopes_are_named(workspace: tuple[FakeSlack, Settings]) -> None:
    fake, settings = workspace
    fake.api.scopes = ["commands", "chat:write", "channels:history", "app_mentions:read"]
    [line] = wrong(slack.findings(OneWorkspace(settings).client("")))
    missing = sorted(SCOPES.keys() - set(fake.api.scopes))
    assert f"lacks the scopes {', '.join(missing)}. Add them" in line


def test_a_wrong_token_is_refused_without_being_shown(
    workspace: tuple[FakeSlack, Settings],
) -> None:
    _, settings = workspace
    client = OneWorkspace(replace(settings, slack_bot_token="xoxb-wrong")).client("")
    [line] = wrong(slack.findings(client))
    assert "Slack refuses the bot's token: invalid_auth. Check SLACK_BOT_TOKEN" in line
    assert "xoxb-wrong" not in line


def test_no_connection_to_slack(settings: Settings) -> None:
    client = OneWorkspace(replace(settings, slack_api_url="http://127.0.0.1:9/api/")).client("")
    [line] = wrong(slack.findings(client))
    assert "Slack does not answer" in line
    assert "reaches slack.com" in line


# -- the storage ----------------------------------------------------------------------------------


def test_a_folder_can_be_used(settings: Settings) -> None:
    [finding] = storage.findings(open_storage(settings), settings, http(unused))
    assert str(finding).endswith("/store can be listed, written, read, deleted from.")
    assert not list(settings.store.rglob("probe.txt"))


def unused(_: httpx.Request) -> httpx.Response:
    raise AssertionError


def test_a_bucket_can_be_used_and_browsers_may_read_it(settings: Settings, s3: str) -> None:
    settings = on_spaces(settings, s3)
    origins = []

    def browser(request: httpx.Request) -> httpx.Response:
        origins.append(request.headers["origin"])
        assert "X-Amz-Signature" in str(request.url)
        allowed = {"access-control-allow-origin": "https://splat.example.com"}
        return httpx.Response(200, headers=allowed)

    store = open_storage(settings)
    [finding] = storage.findings(store, settings, http(browser))
    assert finding.ok
    assert (
        "The bucket photos can be listed, written, read, read by browsers, deleted" in finding.what
    )
    assert origins == ["https://splat.example.com"]
    assert store.keys(".splatbot/doctor/") == []


@pytest.mark.parametrize("headers", [{}, {"access-control-allow-origin": "https://other.example"}])
def test_without_cors_rules_it_says_which_origin_to_allow(
    settings: Settings, s3: str, headers: dict[str, str]
) -> None:
    settings = on_spaces(settings, s3)
    client = http(lambda _: httpx.Response(200, headers=headers))
    [line] = wrong(storage.findings(open_storage(settings), settings, client))
    assert "its CORS rules do not name https://splat.example.com" in line
    assert "Allow GET from https://splat.example.com in the bucket's CORS rules" in line
    assert open_storage(settings).keys(".splatbot/doctor/") == []  # removed all the same


def test_a_bucket_that_is_not_there_ends_the_look(settings: Settings, s3: str) -> None:
    settings = on_spaces(settings, s3, "nobodys")
    [line] = wrong(storage.findings(open_storage(settings), settings, http(unused)))
    assert "The bucket nobodys can not be listed: The bucket answered NoSuchBucket." in line
    assert "Check SPACES_BUCKET" in line
    assert "the-secret" not in line


def test_an_address_that_fails_is_not_shown(settings: Settings, s3: str) -> None:
    """It is a presigned one: whoever has it may read."""
    settings = on_spaces(settings, s3)
    client = http(lambda _: httpx.Response(500))
    [line] = wrong(storage.findings(open_storage(settings), settings, client))
    assert "can not be read by browsers: HTTPStatusError." in line
    assert "X-Amz" not in line


# -- the public address ---------------------------------------------------------------------------


def look(settings: Settings, answer: Answer) -> list[str]:
    return list(map(str, web.findings(settings, http(answer))))


def droplets(settings: Settings, url: str) -> Settings:
    return replace(settings, public_url=url, droplets=DropletSettings("t"))


def test_the_bot_answers_at_its_public_address(settings: Settings) -> None:
    def ours(request: httpx.Request) -> httpx.Response:
        assert str(request.url) == "https://splat.example.com/healthz"
        return httpx.Response(200, json={"ok": True, "active_jobs": 0})

    assert look(settings, ours) == ["✓ The bot answers at https://splat.example.com."]


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(502, text="Bad gateway"),
        httpx.Response(200, text="<h1>Welcome to nginx!</h1>"),
        httpx.Response(200, json=["ok"]),
        httpx.Response(404, json={"ok": True}),
    ],
)
def test_somebody_else_answers(settings: Settings, answer: httpx.Response) -> None:
    [line] = look(settings, lambda _: answer)
    assert "something answers that is not this bot" in line
    assert "Start `splatbot serve`" in line


def test_nobody_answers(settings: Settings) -> None:
    def nobody(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    [line] = look(settings, nobody)
    assert "https://splat.example.com does not answer (ConnectError)" in line


def test_a_bot_without_its_bucket_says_so(settings: Settings) -> None:
    silent = {"ok": False, "standing": "acting"}
    [line] = look(settings, lambda _: httpx.Response(200, json=silent))
    assert "does not reach its bucket" in line


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:3000", "http://localhost:3000", "http://10.0.0.7", "http://[::1]"]
)
def test_droplets_can_not_report_to_an_address_of_this_machine(
    settings: Settings, url: str
) -> None:
    first, _ = look(droplets(settings, url), lambda _: httpx.Response(200, json={"ok": True}))
    assert "a droplet can not report to it. Set SPLATBOT_PUBLIC_URL" in first
    [alone] = look(replace(settings, public_url=url), lambda _: httpx.Response(200, json={"ok": 1}))
    assert alone.startswith("✓")


def test_slack_wants_an_encrypted_address(settings: Settings) -> None:
    plain = droplets(settings, "http://splat.example.com")
    first, _ = look(plain, lambda _: httpx.Response(200, json={"ok": True}))
    assert "is not encrypted: Slack does not call it" in first


# -- this machine, and everything together --------------------------------------------------------


def test_the_pipeline_is_only_wanted_where_jobs_run_here(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(here, "PIPELINE", ("a_package_that_nobody_has",))
    monkeypatch.setattr(here, "VIEWER", tmp_path)
    said = wrong(here.findings(settings))
    assert "Run `scripts/frontend.sh viewer`" in said[0]
    assert "a_package_that_nobody_has missing. Install the extra `gpu`" in said[1]
    assert len(wrong(here.findings(replace(settings, droplets=DropletSettings("t"))))) == 1


def test_what_breaks_one_look_does_not_keep_the_others_from_being_taken(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> Iterator[Finding]:
        raise RuntimeError("details for the log")

    def refused(*_: object) -> Iterator[Finding]:
        raise SplatError("It did not work.", hint="Do this.")

    monkeypatch.setattr(doctor.slack, "findings", broken)
    monkeypatch.setattr(doctor.storage, "findings", refused)
    monkeypatch.setattr(doctor.web, "findings", lambda *_: [Finding(True, "Well.")])
    said = "\n".join(map(str, doctor.findings(settings, None)))
    assert "✗ Slack could not be looked at (RuntimeError). The bot's log says more." in said
    assert "✗ It did not work. Do this." in said
    assert "✓ Well." in said
    assert "details for the log" in caplog.text


def test_rounds_keep_the_newest_report() -> None:
    clock, wakes = Clock(100.0), []
    rounds = Rounds(lambda: [Finding(True, "Well.")], wake=lambda: wakes.append(1), clock=clock)
    assert rounds.ask() is None
    rounds.look()
    report = rounds.ask()
    assert report is not None
    assert (report.at, report.findings) == (100.0, (Finding(True, "Well."),))
    assert len(wakes) == 2
