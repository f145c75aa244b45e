"""No planted secret is in a log, a message, an exception, the ledger, the bucket or the doctor.

The bot is whole and speaks over real connections to simulated clouds, which fail. What a droplet
knows is its user-data: one key of its own, and presigned addresses.
"""

from __future__ import annotations

import gzip
import json
import logging
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from slack_sdk.errors import SlackClientError

from bot import doctor, relay, service
from bot.compute import choice
from bot.compute.digitalocean import DigitalOcean
from bot.core.config import Settings
from bot.core.jobs import TERMINAL, State
from bot.core.ledger import Ledger
from bot.core.rows import Notice
from bot.core.snapshots import FOLDER
from bot.relay import Relay
from bot.sandbox.person import Person
from bot.sandbox.sender import Sender
from bot.slack.installations import _key
from bot.slack.workspaces import OneWorkspace, open_workspaces
from bot.storage import open_storage
from gpu.job import Event, Pipeline, Stage, Status, stages_of
from gpu.job.messages import LOG, Report
from gpu.job.signing import sign
from tests.cloud_init.booting import files_of
from tests.core.conftest import Clock
from tests.e2e.cloud import SECRETS, Bucket, serving_bucket
from tests.fakes import slack as fake
from tests.fakes.digitalocean.server import serving
from tests.fakes.digitalocean.world import Droplet, Fault, World
from tests.ports import held_port
from tests.service.rolling import Clockwork
from tests.slack.test_several_workspaces import SECRET as CLIENT_SECRET
from tests.slack.test_several_workspaces import Several, age, several

PLANTED = SECRETS | {
    "DIGITALOCEAN_TOKEN": "dop_v1_planted_account_token",
    "SLACK_BOT_TOKEN": "xoxb-planted-slack-token",
    "SLACK_SIGNING_SECRET": "planted-signing-secret",
    "SPLATBOT_HOOK_SECRETS": "planted-hook-secret",
    "SPLATBOT_SELF_DESTRUCT_TOKEN": "dop_v1_planted_self_destruct",
    "SLACK_APP_TOKEN": "xapp-planted-app-token",
}

#: Secrets that are a part of what an operator sets.
API_TOKEN, NOTIFY_PASSWORD = "planted-token-of-the-api-1", "planted-notify-password"
PARTS = {
    "SPLATBOT_API_TOKENS": f"ci:{API_TOKEN}",
    "SPLATBOT_NOTIFY": f"json://bot:{NOTIFY_PASSWORD}@127.0.0.1:1/{NOTIFY_PASSWORD}",
    "SPLATBOT_INBOX": "ci",
}
HIDDEN = PLANTED | {"API token": API_TOKEN, "notify password": NOTIFY_PASSWORD}

#: Part of every presigned address, which is as good as a key for as long as it is valid.
SIGNATURE = "X-Amz-Signature="

__all__ = ["several"]  # a fixture

CREATE, LIST, DESTROY = "POST /v2/droplets", "GET /v2/droplets", "DELETE /v2/droplets"


#: What the bot's clockwork does, but the doctor, who is called below.
EVERYTHING = (
    "dispatch", "drain", "upload", "intake", "tokens", "elsewhere", "catalogue", "market", "groups",
    "inbox", "socket",
)  # fmt: skip


class Machine:
    """A droplet's agent, as far as the bot can see. It knows its user-data, and nothing else."""

    def __init__(self, droplet: Droplet, http: TestClient) -> None:
        self._http = http
        files = files_of(droplet.user_data)
        [content] = [file["content"] for path, file in files.items() if path.endswith("job.json")]
        known = json.loads(content)
        self.job, self.key, self.bundle = known["job"], known["key"], known["bundle_url"]

    def ask(self, what: str, said: str, *, key: str = "") -> httpx.Response:
        """Post to the bot's hooks."""
        body = said.encode()
        headers = sign(key or self.key, self.job, 1, body, now=time.time())
        return self._http.post(f"/hooks/jobs/{self.job}/{what}", content=body, headers=headers)

    def work(self, fails_in: Stage | None = None) -> None:
        """Ask for the work, and tell of every stage."""
        assert "planted_self_destruct" in self.ask("spec", "{}").raise_for_status().text
        assert SIGNATURE in self.ask("uploads", json.dumps({"names": [LOG]})).text
        stages = stages_of(Pipeline.SPLAT)
        for seq, stage in enumerate(stages, start=1):
            status = Status.FAILED if stage is fails_in else Status.DONE
            event = Event(self.job, 1, seq, stage, status, 1.0, f"{stage}.", time.time())
            self.ask("report", Report([event], {"gpu": 97.0}).to_json()).raise_for_status()
            if stage is fails_in:
                return

    def be_refused(self) -> None:
        """Send what nobody may: another's signature, no JSON, and a secret in the wrong place."""
        assert self.ask("report", "{}", key="0" * 64).status_code == 401
        assert self.ask("report", f'{{"events": "{self.key}"').status_code == 422
        event = Event(self.job, 7, 1, Stage.FETCH, Status.DONE, 1.0, "", 0.0, {"x": 1.0})
        assert self.ask("report", Report([event], {}).to_json()).status_code >= 400


class Scene:
    """The bot on its host, and the clouds around it; one clock for all but signatures."""

    def __init__(self, settings: Settings, world: World, slack: fake.FakeSlack) -> None:
        self.settings, self.world, self.slack = settings, world, slack
        self.relay = Relay(settings)
        self.http = TestClient(self.relay.front)
        sender = Sender(
            slack.workspace, "http://bot/slack/events", fake.SECRET, slack.url, http=self.http
        )
        self.person = Person(slack.workspace, sender)
        self.relay.step()
        self.relay.follow()

    def run(self, job: str, *troubles: Fault, work: Callable[[Machine], None]) -> State:
        """Ask for a job, have its machine do something, and wait until all is over."""
        self.world.faults += troubles
        self.slack.fail("chat.postMessage", status=500)
        self.slack.fail("chat.update", status=429, retry_after=1)
        self.person.type(f"/splat demo/parcel --job-id {job}")
        self._pass_until(lambda: self._ledger.job(job).state in {State.RUNNING, *TERMINAL})
        if droplet := self._droplet(job):
            work(Machine(droplet, self.http))
        self._pass_until(lambda: not self._ledger.active() and not self._ledger.holders())
        return self._ledger.job(job).state

    def press_destroy(self, machine: Machine) -> None:
        self.person.type(f"/splat cancel {machine.job}")

    def told_elsewhere(self) -> Sequence[Notice]:
        """What a place outside of Slack was told, in vain."""
        return self._ledger.elsewhere(now=1e12)

    @property
    def _ledger(self) -> Ledger:
        assert self.relay.service
        return self.relay.service.ledger

    def _droplet(self, job: str) -> Droplet | None:
        return next((d for d in self.world.droplets if d.name == f"splat-{job}-1"), None)

    def _pass_until(self, holds: Callable[[], object]) -> None:
        """Let time pass, with all that the bot's clockwork does."""
        clock = self.world.clock
        assert isinstance(clock, Clock)
        assert self.relay.service
        clockwork = self.relay.service._scheduler
        assert isinstance(clockwork, Clockwork)
        for _ in range(200):
            clock.move(5.0)
            self.relay.step()
            self.relay.follow()
            for name in EVERYTHING:
                clockwork.call(name)
            if holds():
                return
        raise AssertionError([job.state for job in self._ledger.jobs()])


@pytest.fixture
def bucket(tmp_path: Path) -> Iterator[Bucket]:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(b"photo")
    with serving_bucket(tmp_path / "photos") as bucket:
        yield bucket


@pytest.fixture
def world() -> World:
    clock = Clock(time.time())  # addresses and requests are signed with the real time
    return World(clock=clock, token=PLANTED["DIGITALOCEAN_TOKEN"], booting=0.0, dying=0.0)


@pytest.fixture
def settings(
    tmp_path: Path, world: World, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Settings]:
    """The settings of an operator, from the environment, with every secret that there is."""
    monkeypatch.setattr(fake, "TOKEN", PLANTED["SLACK_BOT_TOKEN"])
    monkeypatch.setattr(fake, "SECRET", PLANTED["SLACK_SIGNING_SECRET"])
    with held_port() as port, serving(world) as digitalocean:
        for name, value in {
            **PLANTED, **PARTS, "SLACK_API_URL": f"http://127.0.0.1:{port}/api/",
            "DIGITALOCEAN_API_URL": digitalocean, "SPACES_ENDPOINT_URL": bucket.url,
            "SPACES_BUCKET": bucket.name, "SPLATBOT_DATA": str(tmp_path / "data"),
            "SPLATBOT_PUBLIC_URL": "https://bot.example.com",
        }.items():  # fmt: skip
            monkeypatch.setenv(name, value)
        yield Settings.from_env()


@pytest.fixture
def scene(settings: Settings, world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    clock = world.clock
    times: dict[str, Any] = {"clock": clock, "monotonic": clock}
    for module in (relay, service):
        monkeypatch.setattr(module, "Scheduler", Clockwork)
    monkeypatch.setattr(relay, "Succession", partial(relay.Succession, monotonic=clock))
    monkeypatch.setattr(service, "Ledger", partial(Ledger, clock=clock))
    monkeypatch.setattr(service, "Dispatcher", partial(service.Dispatcher, **times))
    for name in ("SlackOutbox", "Notifier"):
        monkeypatch.setattr(service, name, partial(getattr(service, name), clock=clock))
    monkeypatch.setattr(choice, "DropletBackend", partial(choice.DropletBackend, **times))
    port = int(settings.slack_api_url.split(":")[2].split("/")[0])
    slack = fake.FakeSlack(port, "http://bot")
    monkeypatch.setattr(slack.workspace, "clock", clock)
    with fake.serving(slack.app, port):
        scene = Scene(settings, world, slack)
        yield scene
        scene.relay.close()
        scene.http.close()


def test_planted_secrets_are_nowhere(
    scene: Scene, bucket: Bucket, caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    caplog.set_level(logging.INFO)
    for name in ("bot", "gpu"):
        caplog.set_level(logging.DEBUG, name)
    machines: list[Machine] = []

    def works(machine: Machine, fails_in: Stage | None = None) -> None:
        machines.append(machine)
        machine.be_refused()
        machine.work(fails_in)

    def is_cancelled(machine: Machine) -> None:
        machines.append(machine)
        scene.press_destroy(machine)

    run = scene.run
    assert run("good", on(LIST, "500"), on(CREATE, "429"), work=works) is State.SUCCEEDED
    fails = partial(works, fails_in=Stage.TRAIN)
    assert run("bad", on(CREATE, "garbage", "after"), work=fails) is State.FAILED
    assert run("stopped", on(DESTROY, "503"), work=is_cancelled) is State.CANCELLED
    assert run("refused", on(CREATE, "403"), work=works) is State.FAILED
    said = {
        "answers of the API": "".join(ordered(scene.http)),
        "logs": caplog.text,
        "messages": json.dumps([vars(m) for m in scene.slack.workspace.messages], default=str),
        "requests to Slack": str(scene.slack.api.calls),
        "ledger": "".join(read(f) for f in scene.settings.ledger.parent.glob("ledger.db*")),
        "bucket": "".join(objects(bucket)),
        "doctor": "".join(examined(monkeypatch)),
        "exceptions": "".join(raised(scene.settings)),
        "settings": repr(scene.settings),
        "terminal": "".join(capfd.readouterr()),
    }
    assert all(said[name] for name in said if name != "terminal")
    assert "no connection to Slack (Socket Mode)" in said["logs"]
    assert all(notice.tries for notice in scene.told_elsewhere())
    answers = said["answers of the API"].splitlines()
    assert {answer.split()[0] for answer in answers} == {"202", "401", "422"}
    keys = {f"key of {machine.job}": machine.key for machine in machines}
    everything = HIDDEN | keys | {"presigned address": SIGNATURE}
    for where, text in said.items():
        assert [name for name, secret in everything.items() if secret in text] == [], where
    for machine, droplet in zip(machines, scene.world.droplets, strict=True):
        # An address that a bucket signed names the key with which it was; its secret it does not.
        known = HIDDEN | keys | {"SPACES_KEY": f"not {PLANTED['SPACES_KEY']}"}
        assert known["SPACES_SECRET"] not in machine.bundle
        user_data = droplet.user_data
        assert [name for name in known if known[name] in user_data] == [f"key of {machine.job}"]
        assert user_data.count(PLANTED["SPACES_KEY"]) == machine.bundle.count(PLANTED["SPACES_KEY"])


def test_planted_secrets_of_several_workspaces_are_nowhere(
    several: Several, caplog: pytest.LogCaptureFixture
) -> None:
    """Tokens that are handed out, refused, changed, revoked and lost on the way."""
    for name in ("bot", "slack_bolt", ""):
        caplog.set_level(logging.DEBUG if name else logging.INFO, name)
    pages = [several.install(team).text for team in ("TA", "TEVIL")]
    several.slack.refuses = "invalid_client_id"
    pages.append(several.install("TB").text)
    age(several, hours=10)
    several.workspaces.rotate()
    lost = replace(several.settings, slack_api_url="http://127.0.0.1:1/")
    other = replace(several.settings, slack_client_secret="another")
    for settings in (lost, other):
        open_workspaces(settings, several.ledger.tenants).rotate()
    with pytest.raises(SlackClientError) as wrong:
        several.workspaces.client("TA").auth_test()
    assert caplog.text.count("the token of TA could not be changed") == 2
    said = {
        "logs": caplog.text,
        "pages": "".join(pages),
        "ledger": "".join(read(f) for f in several.settings.ledger.parent.glob("ledger.db*")),
        "settings": repr(several.settings) + repr(several.workspaces),
        "exception": "".join(traceback.format_exception(wrong.value)),
    }
    sealed = several.ledger.tenants.get("TA")
    assert sealed
    assert sealed in said["ledger"]
    key = _key(CLIENT_SECRET).decode()
    for where, text in said.items():
        assert [each for each in ("xoxe", CLIENT_SECRET, key) if each in text] == [], where


def ordered(http: TestClient) -> Iterator[str]:
    """What a program is answered that orders jobs, with its token, a wrong one and none."""
    for token in (API_TOKEN, f"{API_TOKEN}x", ""):
        for order in ({"dataset": "demo/parcel"}, {"dataset": "nowhere"}, {"size": API_TOKEN * 9}):
            headers = {"Authorization": f"Bearer {token}"}
            answer = http.post("/api/jobs", json=order, headers=headers)
            yield f"{answer.status_code} {answer.text} {answer.headers}\n"


def on(call: str, what: str, moment: str = "before") -> Fault:
    """Have a call go wrong."""
    return Fault(*call.split(), what, moment)


def read(file: Path) -> str:
    return file.read_bytes().decode("latin-1")


def objects(bucket: Bucket) -> Iterator[str]:
    """Everything in the bucket but the photos, unpacked; there are copies of the ledger."""
    listed = bucket.client.list_objects_v2(Bucket=bucket.name)["Contents"]
    keys = [entry["Key"] for entry in listed]
    assert [key for key in keys if key.startswith(FOLDER)]
    for key in keys:
        data = bucket.client.get_object(Bucket=bucket.name, Key=key)["Body"].read()
        yield key + (gzip.decompress(data) if key.endswith(".gz") else data).decode("latin-1")


def examined(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """What the doctor says, of these surroundings and of worse ones."""
    said: list[str] = []
    doctor.examine(said.append)
    nowhere = "http://127.0.0.1:1"
    for name in ("SLACK_API_URL", "DIGITALOCEAN_API_URL", "SPACES_ENDPOINT_URL"):
        monkeypatch.setenv(name, nowhere)
        doctor.examine(said.append)
    monkeypatch.setenv("SPLATBOT_MAX_PRICE", "cheap")
    doctor.examine(said.append)
    yield from said


def raised(settings: Settings) -> Iterator[str]:
    """The exceptions of calls that fail, with the whole chain of what caused them."""
    assert settings.droplets
    assert settings.spaces
    account = DigitalOcean(replace(settings.droplets, api_url="http://127.0.0.1:1"))
    bucket = open_storage(replace(settings, spaces=replace(settings.spaces, bucket="no-such")))
    silent = open_storage(
        replace(settings, spaces=replace(settings.spaces, endpoint_url="http://127.0.0.1:1"))
    )
    slack = OneWorkspace(replace(settings, slack_api_url="http://127.0.0.1:1/")).client("")
    calls: list[Callable[[], object]] = [
        account.gpu_droplets,
        lambda: account.create_droplet({"name": "a"}),
        account.account,
        bucket.datasets,
        lambda: bucket.put("a", b"", "text/plain"),
        lambda: silent.get("a"),
        slack.auth_test,
    ]
    for call in calls:
        with pytest.raises(Exception) as wrong:
            call()
        yield "".join(traceback.format_exception(wrong.value)) + repr(wrong.value)
