"""A bot with droplets in a simulated DigitalOcean, all on one clock that only the test moves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from bot.compute.digitalocean import DigitalOcean, Droplet
from bot.compute.droplet import DropletBackend
from bot.compute.spool import Spool
from bot.compute.tags import label_of
from bot.core.config import DropletSettings
from bot.core.costs import Budget
from bot.core.dispatcher import Dispatcher
from bot.core.errors import UnknownJob
from bot.core.jobs import Job, State
from bot.core.ledger import Ledger
from bot.core.limits import DEADLINE
from bot.storage.local import LocalStorage
from gpu.job import Event, Pipeline, Stage, Status, stages_of
from tests.core.conftest import Clock, a_request
from tests.fakes.digitalocean import answers
from tests.fakes.digitalocean.api import Api
from tests.fakes.digitalocean.direct import DirectDigitalOcean
from tests.fakes.digitalocean.transport import transport_to
from tests.fakes.digitalocean.world import World

INSTALL = "lab"
TAG = f"splatbot-install:{INSTALL}"

#: The address of a simulator without a socket.
IN_MEMORY = "http://simulated"

#: Seconds between two of a simulated machine's events.
STEP = 10.0


def settings(world: World, url: str = IN_MEMORY, **changes: object) -> DropletSettings:
    values = {"token": world.token, "api_url": url, "install": INSTALL}
    return DropletSettings(**values | changes)  # type: ignore[arg-type]


def client(of: DropletSettings, api: Api, *, is_direct: bool) -> DigitalOcean:
    if is_direct:
        return DirectDigitalOcean(of, api)
    return DigitalOcean(of, transport=transport_to(api))


class Lab:
    """One bot: its ledger and storage are under `folder`, its droplets in `world`.

    A `Lab` on the same folder is the same bot, started again. `is_direct`: its requests do not go
    through pydo, which would be half of the time of a test with thousands of them.
    """

    def __init__(
        self,
        folder: Path,
        world: World,
        *,
        clock: Callable[[], float],
        monotonic: Callable[[], float] | None = None,
        api: Api | None = None,
        is_direct: bool = False,
        **changes: object,
    ) -> None:
        self.folder, self.world, self.clock = folder, world, clock
        self.tells: Callable[[str, float], list[Event]] = events_at
        self.is_silent = False
        self.settings = settings(world, **changes)
        self.api = client(self.settings, api or Api(world), is_direct=is_direct)
        self.ledger = Ledger(folder / "ledger.db", clock)
        self.storage = LocalStorage(folder / "store", "http://bot")
        self.backend = DropletBackend(
            self.api, self.settings, self.ledger.machines,
            user_data=lambda job, attempt, volume, deadline: f"#cloud-config {job} {attempt}",
            afford=Budget(self.ledger, self.settings.monthly_budget, clock).check,
            spool=Spool(self.storage, monotonic=monotonic or clock), lifetime=DEADLINE,
            clock=clock, monotonic=monotonic or clock,
        )  # fmt: skip
        self.dispatcher = Dispatcher(
            self.ledger, self.backend, self.storage, public_url="http://bot",
            slots=self.settings.slots, clock=clock, monotonic=monotonic or clock,
        )  # fmt: skip

    def ask(self, name: str, **options: int | str) -> str:
        photos = self.storage.root / "demo" / "parcel"
        photos.mkdir(parents=True, exist_ok=True)
        (photos / "a.jpg").write_bytes(b"photo")
        request = a_request(name, pipeline=Pipeline.SPLAT, options=options)
        return self.ledger.submit(request, backend="droplet", price_per_hour=0.0).id

    def tick(self) -> None:
        """Let the machines speak, let the bot do one pass, and tell people of the ends."""
        self.hear(self.machines())
        self.dispatcher.tick()
        for notice in self.ledger.pending(self.clock() + 1.0):
            self.ledger.sent(notice.id)

    def machines(self) -> Sequence[Droplet]:
        """Return the droplets as they are; their reports take no way over DigitalOcean."""
        self.world.settle()
        existing = self.world.existing(gpus=True)
        return [Droplet.read(answers.droplet(droplet, self.world)) for droplet in existing]

    def hear(self, droplets: Sequence[Droplet]) -> None:
        """Do what the webhooks do: note what the machines report."""
        for droplet in droplets:
            label = label_of(droplet, INSTALL)
            if label and droplet.status == "active" and not self.is_silent:
                self._hear(droplet, label.job)

    def _hear(self, droplet: Droplet, job_id: str) -> None:
        """Take in one report. Its answer says whether the job is cancelled: then the work ends."""
        now = self.world.clock()
        worked_until = self.world.cancelled.get(droplet.id, now)
        age = worked_until - droplet.created_at - self.world.booting
        self.ledger.record_all(self.tells(job_id, age))
        try:
            if self.state(job_id) is State.CANCELLING:
                self.world.cancelled.setdefault(droplet.id, now)
        except UnknownJob:
            return  # its machine is answered "410 Gone", and waits
        self.ledger.beat(job_id, {"gpu": 97})

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do, and no slot is taken."""
        return not self.ledger.active() and not self.ledger.holders()

    def job(self, name: str = "a") -> Job:
        return self.ledger.job(name)

    def state(self, name: str = "a") -> State:
        return self.job(name).state


def close(ledger: Ledger) -> None:
    """Close a ledger's file. It is opened again when something is asked of it."""
    file = ledger._file
    file.connection().close()
    del file._local.database


def events_at(job_id: str, age: float) -> list[Event]:
    """Return what a machine has told that has been at work for `age` seconds."""
    stages = stages_of(Pipeline.SPLAT)
    return [an_event(job_id, n + 1, stage) for n, stage in enumerate(stages) if age >= n * STEP]


def published_after() -> float:
    """Return after how many seconds of work a machine has published."""
    return (len(stages_of(Pipeline.SPLAT)) - 1) * STEP


def an_event(job_id: str, seq: int, stage: Stage) -> Event:
    return Event(
        job=job_id, attempt=1, seq=seq, stage=stage, status=Status.DONE, fraction=1.0,
        message=f"{stage} done.", time=1.0, metrics={"seconds": STEP},
    )  # fmt: skip


def run(lab: Lab, until: Callable[[], bool] | None = None, *, most: float = 1800.0) -> None:
    """Tick every five seconds until something holds; at the end nothing is left to do."""
    clock = lab.clock
    assert isinstance(clock, Clock)
    begin = clock.now
    while not (until() if until else lab.is_done):
        assert clock.now - begin < most, [job.state for job in lab.ledger.jobs()]
        lab.tick()
        clock.move(5.0)


def ours(world: World) -> list[Droplet]:
    return [d for d in world.existing() if TAG in d.tags]


def foreign(world: World) -> Droplet:
    return world.create("someone-elses", world.sizes[5], "nyc2", tags=("lab-b",))
