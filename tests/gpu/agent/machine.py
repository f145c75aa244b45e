"""A droplet in a folder: a bundle with a stand-in for the pipeline, and time that does not wait."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from gpu.agent.agent import Agent
from gpu.agent.config import Config
from gpu.agent.scrub import Scrubber
from gpu.agent.transport import Limits
from gpu.job import Event, JobPaths, Stage, Status
from tests.gpu.agent.bot import ATTEMPT, JOB, KEY, FakeBot, serving
from tests.waiting import PATIENCE

#: Seconds for requests: what hangs on purpose must not hold up the tests.
LIMITS = Limits(step=0.15, total=0.4)

#: Seconds after which a job that works says something in its log.
WORD = 900.0

#: What provisioning does unless a test has it do something else.
PROVISION = """
echo "Looking for the GPU"
echo "a tool's chatter" >&2
echo "The runtime is ready."
"""


class FakeTime:
    """Time that passes only when somebody waits. `pause` real seconds let children get on.

    `wrong` is by how many seconds the machine's clock is ahead of the true time, `now`.
    """

    def __init__(self, pause: float = 0.0) -> None:
        self.now, self.pause, self.wrong = 1_790_000_000.0, pause, 0.0

    def time(self) -> float:
        return self.now + self.wrong

    def monotonic(self) -> float:
        return self.now - 1_700_000_000.0

    def sleep(self, seconds: float, /) -> None:
        self.now += seconds
        time.sleep(self.pause)


@dataclass
class Machine:
    """One droplet. `start` boots the agent; `until` lets it work until something is so."""

    folder: Path
    bot: FakeBot
    clock: FakeTime
    agent: Agent = field(init=False)

    def __post_init__(self) -> None:
        self.root, self.job = self.folder / "root", self.folder / "job"
        package = self.root / "pipeline" / "gpu"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        shutil.copy(Path(__file__).with_name("pipeline.py"), package / "__main__.py")
        self.provision(PROVISION)

    def provision(self, script: str, runtime: str | None = None) -> None:
        """Say what provisioning does, and what it leaves."""
        left = (
            f"PYTHON={sys.executable}\nTORCH_CUDA_ARCH_LIST=9.0\n" if runtime is None else runtime
        )
        (self.root / "left").write_text(left)
        folder = self.root / "pipeline" / "cloud-init"
        folder.mkdir(exist_ok=True)
        leave = 'cp "$SPLATBOT_ROOT/left" "$SPLATBOT_ROOT/runtime.env"'
        (folder / "provision.sh").write_text(f"set -e\n{leave}\n{script}\n")

    @property
    def config(self) -> Config:
        return Config(
            JOB, ATTEMPT, KEY, self.bot.url, self.bot.deadline, "runtime", self.root, self.job
        )

    @property
    def paths(self) -> JobPaths:
        return JobPaths(self.job)

    @property
    def events(self) -> list[Event]:
        """What is in events.jsonl."""
        lines = self.paths.events.read_text().splitlines()
        return [Event.from_json(line) for line in lines]

    @property
    def runs(self) -> int:
        """How often the pipeline was started."""
        file = self.job / "runs"
        return len(file.read_text()) if file.exists() else 0

    def start(self, scrubber: Scrubber | None = None) -> Agent:
        """Boot; what an agent before this one had in memory is lost."""
        self.agent = Agent(
            self.config, scrubber or Scrubber(KEY), clock=self.clock, limits=LIMITS,
            chance=lambda: 1.0, measure=lambda: {"memory": 12.5},
        )  # fmt: skip
        return self.agent

    def until(self, so: Callable[[], object], step: float = 0.5) -> None:
        """Let the agent work until something is so; fails when it takes too long."""
        begin = time.monotonic()
        while not so():
            assert time.monotonic() - begin < PATIENCE, f"not in {PATIENCE:g} s: {self.events[-3:]}"
            if self.agent.step():
                assert so(), "the agent had nothing left to do"
                return
            self.clock.sleep(step)

    def until_busy(self) -> Machine:
        """Let the agent work until its pipeline, which does `wait`, has nothing more to say."""
        done = Stage.FETCH, Status.DONE
        self.until(
            lambda: self.bot.told and (self.bot.told[-1].stage, self.bot.told[-1].status) == done
        )
        return self

    def finish(self) -> None:
        """Let the agent work until the bot has heard everything."""
        self.until(lambda: self.agent.courier.is_told)

    def for_seconds(self, seconds: float) -> None:
        """Let the agent work for a while of its own time; its job says a word now and then."""
        end, step = self.clock.now + seconds, max(seconds / 400, 0.5)
        while (left := end - self.clock.now) > 0:
            pause = self.clock.now + min(left, WORD)
            self.until(lambda: self.clock.now >= pause, step)  # noqa: B023 - called at once
            if left > WORD:
                with self.paths.log.open("a") as log:
                    log.write("still at work\n")

    def write_config(self) -> Path:
        """Write the agent's file as cloud-init does."""
        file = self.folder / "config.json"
        values = {
            "job": JOB, "fence": ATTEMPT, "key": KEY, "bot_url": self.bot.url,
            "deadline": self.bot.deadline, "volume": "runtime", "bundle_sha256": "0" * 64,
            "root": str(self.root), "folder": str(self.job),
        }  # fmt: skip
        file.write_text(json.dumps(values))
        file.chmod(0o600)
        return file


@contextmanager
def machine(folder: Path, dataset: str) -> Iterator[Machine]:
    """A machine whose bot answers; nothing of it runs afterwards."""
    clock = FakeTime(pause=0.002)
    with serving(FakeBot(clock, dataset)) as bot:
        made = Machine(folder, bot, clock)
        try:
            yield made
        finally:
            if hasattr(made, "agent"):
                made.agent.stop()
                made.clock.now = max(made.clock.now, bot.deadline)  # stops whatever still runs
                made.until(lambda: made.agent.work.over)
