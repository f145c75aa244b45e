"""Which backend the settings ask for, and what a droplet is told when it boots."""

import json
from pathlib import Path

import boto3
import httpx
import pytest
import yaml

from bot.compute import bundle
from bot.compute.boot import Boot
from bot.compute.choice import choose_backend
from bot.core.config import Settings
from bot.core.costs import Budget
from bot.core.environment import BadSetting
from bot.core.jobs import State
from bot.core.ledger import Ledger
from bot.storage import open_storage
from gpu.job import Pipeline
from gpu.job.signing import job_key
from tests.compute.lab import Lab
from tests.core.conftest import Clock, a_request
from tests.fakes.digitalocean.world import World

SECRETS = {
    "SLACK_BOT_TOKEN": "xoxb-planted-1",
    "SLACK_SIGNING_SECRET": "planted-signing-2",
    "SPACES_KEY": "PLANTEDKEY3",
    "SPACES_SECRET": "planted-spaces-4",
    "DIGITALOCEAN_TOKEN": "dop_v1_planted5",
    "SPLATBOT_SELF_DESTRUCT_TOKEN": "dop_v1_planted6",
    "SPLATBOT_HOOK_SECRETS": "planted-hook-7",
}


@pytest.fixture
def settings(tmp_path: Path, s3_server: str) -> Settings:
    keys = {"aws_access_key_id": "k", "aws_secret_access_key": "s"}
    client = boto3.client("s3", endpoint_url=s3_server, region_name="us-east-1", **keys)
    client.create_bucket(Bucket="choice")
    return Settings.from_env(SECRETS | {
        "SPLATBOT_DATA": str(tmp_path), "SPACES_BUCKET": "choice", "SPACES_ENDPOINT_URL": s3_server,
        "SPACES_REGION": "us-east-1", "SPLATBOT_PUBLIC_URL": "https://splat.example.com",
    })  # fmt: skip


def local_settings(folder: Path) -> Settings:
    slack = {name: SECRETS[name] for name in ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET")}
    return Settings.from_env(slack | {"SPLATBOT_DATA": str(folder)})


def choose(settings: Settings, ledger: Ledger) -> str:
    budget = Budget(ledger, 100.0)
    storage = open_storage(settings)
    return choose_backend(settings, ledger, storage, afford=budget.check).name


def test_jobs_run_on_droplets_when_there_is_an_account_and_here_when_not(
    settings: Settings, tmp_path: Path
) -> None:
    assert choose(settings, Ledger(settings.ledger)) == "droplet"
    assert choose(local_settings(tmp_path), Ledger(settings.ledger)) == "local"


def test_a_bot_without_the_account_does_not_start_while_a_droplet_may_run(
    settings: Settings, tmp_path: Path
) -> None:
    ledger = Ledger(settings.ledger)
    ledger.submit(a_request("a"), backend="droplet", price_per_hour=0.0)
    ledger.claim()
    with pytest.raises(BadSetting, match="DIGITALOCEAN_TOKEN was changed while job a"):
        choose(local_settings(tmp_path), ledger)
    ledger.fail("a", error="e", hint="h")
    ledger.release("a")
    assert choose(local_settings(tmp_path), ledger) == "local"


def test_a_droplet_is_told_its_job_and_can_fetch_the_pipelines_code(settings: Settings) -> None:
    text = Boot(settings, open_storage(settings))("a", 2, "runtime", 1_790_000_000.9)
    told = told_in(text)
    assert (told["job"], told["fence"], told["volume"]) == ("a", 2, "runtime")
    assert told["key"] == job_key("planted-hook-7", "a", 2)
    assert (told["bot_url"], told["deadline"]) == ("https://splat.example.com", 1_790_000_000)
    assert httpx.get(told["bundle_url"], trust_env=False).content == bundle.build()


def test_a_droplet_is_told_no_secret_but_the_key_of_its_attempt(settings: Settings) -> None:
    text = Boot(settings, open_storage(settings))("a", 1, "", 1_790_000_000.0)
    told = told_in(text)
    named = ("SPACES_KEY",)  # an access key's id is part of every address that it has signed
    assert [n for n, s in SECRETS.items() if s in text and n not in named] == []
    assert told["key"] != told_in(Boot(settings, open_storage(settings))("a", 2, "", 1.8e9))["key"]


def told_in(text: str) -> dict[str, object] | dict[str, str]:
    files = yaml.safe_load(text)["write_files"]
    [content] = [f["content"] for f in files if f["path"] == "/etc/splatbot/job.json"]
    return json.loads(content)  # type: ignore[no-any-return]


def test_a_job_that_the_months_budget_does_not_allow_fails_before_anything_is_created(
    tmp_path: Path,
) -> None:
    clock = Clock()
    world = World(clock=clock)
    lab = Lab(tmp_path, world, clock=clock, monthly_budget=0.05)
    lab.ask("a")
    for _ in range(100):
        lab.tick()
        clock.move(5.0)
    assert lab.state("a") is State.SUCCEEDED  # nobody knew what it would cost, and it is not ended
    lab.ask("b")
    for _ in range(100):
        lab.tick()
        clock.move(5.0)
    assert lab.state("b") is State.FAILED
    assert "This month's budget of $0.05" in (lab.job("b").error or "")
    assert "SPLATBOT_MONTHLY_BUDGET" in (lab.job("b").hint or "")
    assert world.creates() == 1
    assert lab.ledger.machines.machines(job="b") == []


def test_what_a_machine_costs_is_judged_by_what_its_job_asks_of_the_training(
    tmp_path: Path,
) -> None:
    clock = Clock()
    lab = Lab(tmp_path, World(clock=clock), clock=clock)
    judged: list[tuple[object, ...]] = []
    lab.backend._afford = lambda *asked: judged.append(asked[1:])
    lab.ask("a", preset="best", iterations=700, seed=3)
    lab.tick()
    assert judged == [(Pipeline.SPLAT, {"preset": "best", "iterations": 700})]


def test_a_picture_is_read_from_the_bucket(tmp_path: Path) -> None:
    clock = Clock()
    lab = Lab(tmp_path, World(clock=clock), clock=clock)
    lab.storage.put(".splatbot/jobs/a/previews/x.jpg", b"picture", "image/jpeg", private=True)
    assert lab.backend.picture("a", "previews/x.jpg") == b"picture"
    assert lab.backend.picture("a", "previews/y.jpg") is None
