"""The product as an operator runs it, beside clouds of our own: a bot, its bucket, its droplets.

The bot is a process; it speaks to a simulated DigitalOcean, to moto as Spaces, and to the sandbox
as Slack. Its droplets run for real.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import httpx
from moto.server import ThreadedMotoServer

from bot.sandbox.state import Message
from tests.fakes.bot import SERVE, RunningBot, running_bot
from tests.fakes.digitalocean.boot import Datacentre, datacentre
from tests.fakes.digitalocean.server import serving
from tests.fakes.digitalocean.world import Droplet, World
from tests.fakes.slack import buttons, text_of
from tests.waiting import await_that

#: Where the cheapest droplet that fits is.
REGION = "tor1"

#: Secrets that nobody may ever read anywhere.
SECRETS = {"SPACES_KEY": "planted-spaces-key", "SPACES_SECRET": "planted-spaces-secret"}

#: Seconds between two looks of a test.
LOOK = 0.1


class Bucket:
    """A bucket of moto, as an operator sees it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.name = f"photos-{uuid.uuid4()}"  # moto's servers in one process share their buckets
        self.client: Any = boto3.client(
            "s3", endpoint_url=url, region_name="us-east-1",
            aws_access_key_id=SECRETS["SPACES_KEY"], aws_secret_access_key=SECRETS["SPACES_SECRET"],
        )  # fmt: skip

    def read(self, key: str) -> str:
        """Return the text of an object."""
        body: bytes = self.client.get_object(Bucket=self.name, Key=key)["Body"].read()
        return body.decode()


@dataclass
class Cloud:
    """Everything that is there; and what a person does and sees."""

    world: World
    centre: Datacentre
    bot: RunningBot
    bucket: Bucket

    def start(self, job: str, *, iterations: int) -> None:
        """Start a job of the parcel, and wait until its message is there."""
        self.wait("a bot that acts", lambda: "active_jobs" in self._health())
        command = f"/splat demo/parcel --job-id {job} --iterations {iterations}"
        self.bot.slack.person.type(command)
        self.wait("the job's message", lambda: self._messages(job))

    def press(self, button: str, job: str) -> None:
        """Press a button of a job's message."""
        message = self.status(job)
        self.bot.slack.person.press(message.ts, buttons(message)[button])

    def status(self, job: str) -> Message:
        """Return the message of a job, as it looks now."""
        [message] = self._messages(job)
        return message

    def thread(self, job: str) -> list[str]:
        """Return what is said in a job's thread."""
        return [text_of(message) for message in self.bot.slack.thread(self.status(job))]

    def pictures(self, job: str) -> int:
        """Return how many pictures are in a job's thread."""
        return sum(len(message.files) for message in self.bot.slack.thread(self.status(job)))

    def messages(self) -> list[str]:
        """Return everything that anybody reads in the workspace."""
        return [text_of(message) for message in self.bot.slack.workspace.messages]

    def droplet(self) -> Droplet:
        """Return the one GPU droplet that exists."""
        [droplet] = self.world.existing(gpus=True)
        return droplet

    def wait(self, what: str, holds: Callable[[], object], seconds: float = 180.0) -> None:
        """Wait until something holds; say all that there is to say when it does not."""
        bot = self.bot.process
        await_that(holds, what, process=bot, said=self._all, patience=seconds, pause=LOOK)

    def _messages(self, job: str) -> list[Message]:
        return [m for m in self.bot.slack.channel() if f"#{job}" in text_of(m)]

    def _health(self) -> str:
        return httpx.get(f"{self.bot.url}/healthz", trust_env=False).text

    def _all(self) -> str:
        consoles = [f"{d.name}:\n{self.centre.console(d)}" for d in self.world.droplets]
        return "\n".join([*self.messages(), *consoles])


@contextmanager
def running_cloud(
    folder: Path, photos: Path, *, command: Sequence[str] = SERVE, is_provisioned: bool = True
) -> Iterator[Cloud]:
    """Start everything; at the end nothing of it runs.

    `photos` are `demo/parcel` in the bucket. The volume is empty unless `is_provisioned`.
    """
    world = World(clock=time.time, booting=0.5, dying=1.0)
    with serving_bucket(photos) as bucket, datacentre(world, folder / "cloud") as centre:
        volume = centre.add_volume("runtime", REGION, ready=is_provisioned)
        with (
            serving(world) as digitalocean,
            running_bot(
                folder / "data", command, **SECRETS, DIGITALOCEAN_TOKEN=world.token,
                DIGITALOCEAN_API_URL=digitalocean, SPLATBOT_VOLUME=volume.name,
                SPACES_BUCKET=bucket.name, SPACES_ENDPOINT_URL=bucket.url,
            ) as bot,
        ):  # fmt: skip
            yield Cloud(world, centre, bot, bucket)


@contextmanager
def serving_bucket(photos: Path) -> Iterator[Bucket]:
    """Serve a bucket with photos."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    bucket = Bucket("http://{}:{}".format(*server.get_host_and_port()))
    bucket.client.create_bucket(Bucket=bucket.name)
    for photo in photos.glob("*.jpg"):
        bucket.client.upload_file(str(photo), bucket.name, f"demo/parcel/{photo.name}")
    try:
        yield bucket
    finally:
        server.stop()
