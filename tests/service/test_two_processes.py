"""Two versions of `splatbot serve`, as processes on an S3 server: one takes over, and keeps quiet.

Every other way of a deployment is tried on a simulated clock, in test_rolling_deploy.py.
"""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from moto.server import ThreadedMotoServer

from bot.compute import processes
from bot.core.ledger import Ledger
from bot.sandbox.person import Person
from bot.sandbox.sender import Sender
from bot.storage.spaces import SpacesStorage
from tests.conftest import REPOSITORY
from tests.fakes import pipeline
from tests.fakes.slack import SECRET, TOKEN, FakeSlack, fake_slack
from tests.ports import HOST, held_port
from tests.storage.test_stores import spaces
from tests.waiting import PATIENCE, await_that

BUCKET = "two-processes"

#: Secrets that no snapshot may hold.
PLANTED = {
    "SLACK_BOT_TOKEN": TOKEN,
    "SLACK_SIGNING_SECRET": SECRET,
    "SPACES_KEY": "planted-spaces-key",
    "SPACES_SECRET": "planted-spaces-secret",
    "SPLATBOT_HOOK_SECRETS": "planted-hook-secret",
}

#: `splatbot serve`, which looks more often, with a stand-in for the pipeline.
QUICK = """
import sys
from bot import cli, relay
from bot.compute.local import LocalBackend
relay.RENEWAL, relay.FOLLOW = 0.2, 0.1
LocalBackend.__init__.__kwdefaults__["command"] = (sys.executable, sys.argv[1])
sys.exit(cli.main(["serve"]))
"""


class Deployed:
    """One version of the bot, with a disk of its own."""

    def __init__(self, root: Path, number: int, s3: str, slack: FakeSlack, port: int) -> None:
        self.url = f"http://{HOST}:{port}"
        self.data = root / f"disk-{number}"
        self.data.mkdir()
        # A job's machine outlives the bot's host; here it is a process with a folder of its own.
        (self.data / "jobs").symlink_to(root / "jobs")
        environment = os.environ | PLANTED | {
            "SLACK_API_URL": f"{slack.url}api/", "PORT": str(port), "SPACES_BUCKET": BUCKET,
            "SPACES_ENDPOINT_URL": s3, "SPLATBOT_DATA": str(self.data),
        }  # fmt: skip
        command = [sys.executable, "-c", QUICK, pipeline.__file__]
        self.log = root / f"log-{number}"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, env=environment, cwd=REPOSITORY, stdout=log, stderr=log
            )
        sender = Sender(slack.workspace, f"{self.url}/slack/events", SECRET, slack.url)
        self.person = Person(slack.workspace, sender)

    def health(self) -> dict[str, Any]:
        answer = httpx.get(f"{self.url}/healthz", trust_env=False, timeout=PATIENCE)
        return dict(answer.json())

    def acts(self) -> bool:
        try:
            return "active_jobs" in self.health()
        except httpx.TransportError:
            return False

    def wait(self, what: str, holds: Callable[[], object]) -> None:
        """Wait until something holds, which this bot brings about."""
        await_that(holds, what, process=self.process, said=self.log.read_text)

    def state(self, job: str) -> str:
        return {each.id: each.state.value for each in Ledger(self.data / "ledger.db").jobs()}[job]


@pytest.fixture
def s3() -> Iterator[tuple[str, SpacesStorage]]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    # Its objects are the process's, not the server's: those of an earlier test are still there.
    httpx.post(f"{url}/moto-api/reset", trust_env=False).raise_for_status()
    yield url, spaces(url, BUCKET)
    server.stop()


@pytest.fixture
def deploy(tmp_path: Path, s3: tuple[str, SpacesStorage]) -> Iterator[Callable[[], Deployed]]:
    (tmp_path / "jobs").mkdir()
    deployed: list[Deployed] = []
    with ExitStack() as held, fake_slack("http://127.0.0.1:1") as slack:

        def deploy() -> Deployed:
            port = held.enter_context(held_port())
            deployed.append(Deployed(tmp_path, len(deployed), s3[0], slack, port))
            return deployed[-1]

        yield deploy
        for each in deployed:
            each.process.kill()
            each.process.wait(PATIENCE)
    for mark in processes.all_marks():
        if mark.startswith(str(tmp_path)):
            processes.stop(mark, signal.SIGKILL)


@pytest.mark.slow
def test_a_second_process_takes_over_the_ledger_and_the_job_that_runs(
    deploy: Callable[[], Deployed], s3: tuple[str, SpacesStorage], tmp_path: Path
) -> None:
    storage = s3[1]
    storage.put("datasets/wait/a.jpg", b"photo", "image/jpeg")
    old = deploy()
    old.wait("the first version acts", old.acts)
    old.person.type("/splat datasets/wait --job-id a")
    old.wait("the job's start", (tmp_path / "jobs" / "a" / "starts").exists)
    new = deploy()
    new.wait("the second version acts", new.acts)
    retired = {"ok": True, "standing": "retired"}
    assert not old.acts()
    old.wait("the first version knows that it told so", lambda: old.health() == retired)
    assert new.state("a") == "running"
    new.person.type("/splat cancel a")
    new.wait("the job's end", lambda: new.state("a") == "cancelled")
    assert (tmp_path / "jobs" / "a" / "starts").read_text() == "x"
    for bot in (old, new):
        bot.process.terminate()
    assert [bot.process.wait(PATIENCE) for bot in (old, new)] == [0, 0]
    holds_no_secret(storage)


def holds_no_secret(storage: SpacesStorage) -> None:
    keys = storage.keys(".splatbot/ledger/")
    snapshots = [gzip.decompress(storage.get(key)) for key in keys]
    assert any(b"datasets/wait" in data for data in snapshots)
    for secret in [*PLANTED.values(), "X-Amz-Signature"]:
        assert not any(secret.encode() in data for data in snapshots), secret
