"""A job runs on a simulated droplet, the bot's disk is gone, and another bot starts without it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bot.core.jobs import Job
from bot.core.ledger import Ledger
from bot.core.register import Register
from bot.core.restoring import restore
from bot.core.snapshots import Snapshots
from bot.storage.names import private_key, result_key
from gpu.job.messages import EVENTS
from gpu.job.paths import MANIFEST
from tests.compute.lab import Lab, close, published_after
from tests.core.conftest import Clock
from tests.fakes.digitalocean.world import Droplet, World

#: Simulated seconds between two passes of a bot, and within which all has to be over.
STEP, PATIENCE = 5.0, 3600.0

OLD, NEW = "00000001-00000000", "00000002-00000000"


@dataclass(frozen=True)
class Loss:
    """What was left, and for how long nobody was there.

    `snapshot`: when the newest copy of the ledger was made: `none`, while the job `waited` for its
    droplet, or while it `worked`. `register`: whether the bucket has the job's document.
    `away`: seconds without a bot. `speaks`: whether the machine still reports, or has left only
    its events in the bucket. `unseen`: lost in the moment of the create; for so many seconds from
    then no list shows the droplet.
    """

    snapshot: str
    register: bool
    away: float = 20.0
    speaks: bool = True
    unseen: float = 0.0

    @property
    def is_known(self) -> bool:
        """Whether anything says who asked for the job."""
        return self.register or self.snapshot != "none"


@dataclass(frozen=True)
class Recovery:
    """What came of it. Seconds from the start of the new bot; None for what did not happen.

    `kept`: the droplet serves its job. `gone`: it is destroyed. `told`: the end was told, since
    the later of the start and the publication.
    """

    kept: float | None
    gone: float
    told: float | None
    job: Job | None
    world: World
    ledger: Ledger


def lose_and_recover(folder: Path, loss: Loss) -> Recovery:
    """Have a bot start a job, lose it with its disk, and be another one until all is over."""
    scene = Scene(folder)
    scene.begin(loss)
    scene.lose(loss)
    return scene.recover(loss)


class Scene:
    """The folder `store` is the bucket, which outlives the ledger beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clock = folder, Clock()
        self.world = World(clock=self.clock)
        self.lab = self._lab()

    def begin(self, loss: Loss) -> None:
        """Run a job until it is at work, or only until its droplet is created."""
        self.world.unseen = loss.unseen
        self.lab.ask("a")
        snapshots = Snapshots(self.lab.storage, self._ledger, OLD, clock=self.clock)
        if loss.snapshot != "none":
            snapshots.save()
        while not (self.world.droplets if loss.unseen else self.lab.job().stage):
            self._pass()
        if loss.snapshot == "worked":
            snapshots.save()
        snapshots.close()

    def lose(self, loss: Loss) -> None:
        """Delete the ledger, and what else is gone; nobody is there for a while."""
        close(self.lab.ledger)
        for file in self.folder.glob("ledger.db*"):
            file.unlink()
        if not loss.register:
            Register(self.lab.storage).strike("a")
        self.clock.move(loss.away)
        self._work()

    def recover(self, loss: Loss) -> Recovery:
        """Start a bot, and go on until no droplet exists and no job is open."""
        begin = self.clock()
        restored = restore(self.lab.storage, self._ledger, NEW)
        assert bool(restored) is (loss.snapshot != "none")
        self.lab = self._lab()
        self.lab.is_silent = not loss.speaks
        kept = told = None
        [droplet] = self.world.droplets
        published = droplet.active_at + published_after()
        while not self._is_over:
            assert self.clock() - begin < PATIENCE, self.lab.ledger.jobs()
            self._pass()
            if kept is None and self._serves(droplet):
                kept = self.clock() - begin
            if told is None and self.lab.ledger.is_told("a"):
                told = self.clock() - max(begin, published)
        assert droplet.gone_at
        jobs = self.lab.ledger.jobs()
        job = jobs[0] if jobs else None
        return Recovery(kept, droplet.gone_at - begin, told, job, self.world, self.lab.ledger)

    @property
    def _ledger(self) -> Path:
        return self.folder / "ledger.db"

    @property
    def _is_over(self) -> bool:
        return self.lab.is_done and not self.world.existing()

    def _lab(self) -> Lab:
        return Lab(self.folder, self.world, clock=self.clock)

    def _pass(self) -> None:
        self.clock.move(STEP)
        self._work()
        self.lab.tick()

    def _work(self) -> None:
        """Have the machines do their work, and write to the bucket, bot or no bot."""
        self.world.settle()
        for droplet in self.world.existing():
            self._write(droplet)

    def _write(self, droplet: Droplet) -> None:
        events = self.lab.tells("a", self.clock() - droplet.active_at)  # none while it boots
        text = "".join(f"{event.to_json()}\n" for event in events)
        storage = self.lab.storage
        storage.put(private_key("a", EVENTS), text.encode(), "text/plain", private=True)
        if self.clock() - droplet.active_at >= published_after():
            storage.put(result_key("a", MANIFEST), b"{}", "application/json")

    def _serves(self, droplet: Droplet) -> bool:
        """Whether the ledger has the droplet as that of its job, and nobody wants it gone."""
        handles = [job.handle or {} for job in self.lab.ledger.jobs()]
        is_known = droplet.id in [handle.get("droplet_id") for handle in handles]
        return is_known and droplet.destroy_asked_at is None
