"""The bot's Slack side against the fake Slack, without machines: the test plays the pipeline."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from bot.compute.base import Plan
from bot.core.catalogue import Catalogue
from bot.core.config import Settings
from bot.core.costs import Budget
from bot.core.desk import Desk
from bot.core.jobs import Job
from bot.core.ledger import Ledger
from bot.core.market import Market
from bot.core.rounds import Finding, Rounds
from bot.core.seals import Seals
from bot.core.viewer import preview_url
from bot.sandbox.state import Message
from bot.slack.app import create_app
from bot.slack.files import SlackFiles
from bot.slack.homes import Homes
from bot.slack.intake import Intake
from bot.slack.outbox import SlackOutbox
from bot.slack.workspaces import OneWorkspace
from bot.storage.local import LocalStorage
from bot.storage.looks import Looks
from bot.web.app import create_app as create_web_app
from bot.web.thumbnails import Thumbnails
from bot.web.uploads import Uploads
from gpu.job import Stage, Status
from tests.core.conftest import Clock, an_event
from tests.fakes.slack import SECRET, TOKEN, FakeSlack, buttons, fake_slack, serving
from tests.ports import HOST, held_port
from tests.waiting import await_that

PICTURE = b"\xff\xd8 a picture"

FIGURES = {
    "photos": 36, "photos_registered": 36, "gaussians": 5000, "psnr": 24.31, "held_out": 5,
    "splat_bytes": 160_000,
}  # fmt: skip


class Bot:
    """Everything of the bot but compute."""

    def __init__(self, slack: FakeSlack, port: int, root: Path) -> None:
        self.slack = slack
        self.clock = Clock()
        url = f"http://127.0.0.1:{port}"
        self.settings = Settings(TOKEN, SECRET, f"{slack.url}api/", url, port=port, data=root)
        self.storage = LocalStorage(root / "store", url)
        self.ledger = Ledger(self.settings.ledger, self.clock)
        self.wakes: list[str] = []
        self.findings: Sequence[Finding] = ()
        self.log = ""
        self.market = Market(lambda: Plan("this machine", 0.0))
        self.catalogue = Catalogue(self.storage)
        self.seals = Seals([SECRET], "uploads", self.clock)
        uploads = Uploads(self.storage, self.ledger, self.seals, url)
        self.desk = Desk(
            self.ledger,
            self.catalogue,
            backend="local",
            price_per_hour=0.0,
            wake=lambda: self.wakes.append("wake"),
            budget=Budget(self.ledger, 5.0, self.clock),
            market=self.market,
            read_log=lambda _: self.log,
            invite=uploads.invite,
            look=Looks(self.storage),
            rounds=Rounds(lambda: self.findings, wake=lambda: self.wakes.append("doctor")),
        )
        thumbnails = Thumbnails(self.storage, Seals([SECRET], "thumbnails"), url)
        workspaces = OneWorkspace(self.settings)
        self.homes = Homes(self.desk, workspaces, self.thumbnail_url, self.clock)
        self.web = create_web_app(
            slack=create_app(
                self.settings,
                self.desk,
                workspaces,
                thumbnail_url=self.thumbnail_url,
                photo_url=thumbnails.url,
                homes=self.homes,
            ),
            ledger=self.ledger,
            storage=self.storage,
            more=[thumbnails.router(), uploads.router()],
        )
        self.pictures: dict[str, bytes] = {"previews/train.jpg": PICTURE}
        self.restart()

    def thumbnail_url(self, job: Job) -> str:
        return self.storage.url(f"splats/{job.id}/thumbnail.jpg")

    def restart(self) -> None:
        """A new process: what the outbox only had in memory is lost."""
        self.outbox = SlackOutbox(
            self.ledger,
            OneWorkspace(self.settings),
            read_picture=lambda _, name: self.pictures.get(name),
            thumbnail_url=self.thumbnail_url,
            preview_url=lambda job: preview_url(job, self.storage, self.settings.public_url),
            clock=self.clock,
        )
        self.intake = Intake(
            self.ledger,
            OneWorkspace(self.settings),
            self.storage,
            SlackFiles(self.settings.slack_api_url),
            folder=self.settings.data / "intake",
            refresh=self.catalogue.refresh,
            quote=self.desk.quote,
            clock=self.clock,
        )

    def add_dataset(self, name: str, photos: int = 3) -> None:
        folder = self.storage.path(name)
        folder.mkdir(parents=True)
        for number in range(photos):
            (folder / f"{number}.jpg").write_bytes(b"photo")

    def drain(self, seconds: float = 40.0, step: float = 2.0) -> None:
        """Let the outbox work for a while, on a clock that only we move."""
        for _ in range(int(seconds / step)):
            self.outbox.drain()
            self.outbox.upload()
            self.clock.move(step)

    def start(self, command: str = "demo/parcel aerial --job-id a") -> Job:
        """Type a command, give the job the slot, and show it."""
        self.slack.person.type(f"/splat {command}")
        job = self.ledger.claim()
        assert job is not None
        self.drain(4)
        return self.ledger.set_handle(job.id, {"pid": 1})

    def tell(self, seq: int, stage: Stage, status: Status, **more: object) -> None:
        assert self.ledger.record(an_event("a", seq, stage, status, **more))

    def wait_until(self, holds: Callable[[], bool], otherwise: str) -> None:
        """Some requests are acknowledged first and worked on then, in a thread of Bolt's."""
        await_that(holds, otherwise, said=lambda: self.slack.api.calls[-3:])

    def status(self) -> Message:
        """The status message of the only job."""
        [message] = self.slack.channel()
        return message

    def press(self, message: Message, button: str) -> None:
        pressed = buttons(message)[button]
        action = {k: pressed[k] for k in ("type", "action_id", "value", "text")}
        self.slack.person.press(message.ts, action | {"block_id": "b"})


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[Bot]:
    with held_port() as port, fake_slack(f"http://{HOST}:{port}") as slack:
        bot = Bot(slack, port, tmp_path)
        bot.add_dataset("demo/parcel")
        with serving(bot.web, port):
            yield bot


def finish(bot: Bot, first: int = 1) -> None:
    """Play the rest of the job, with events numbered from `first`."""
    bot.tell(first, Stage.FETCH, Status.DONE)
    bot.tell(first + 1, Stage.PUBLISH, Status.DONE, metrics={"seconds": 1.0, **FIGURES})
    bot.ledger.succeed("a", viewer_url="http://v", manifest_url="http://m")


def replies(bot: Bot) -> list[Message]:
    """The thread of the only job."""
    return bot.slack.thread(bot.status())


def closing(bot: Bot) -> list[Message]:
    """The replies that mention the person."""
    return [message for message in replies(bot) if "<@U0YOU>" in message.text]
