"""`splatbot serve` as operators run it: a process of its own, with a fake Slack."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.conftest import REPOSITORY
from tests.fakes.slack import SECRET, TOKEN, FakeSlack, fake_slack
from tests.ports import HOST, held_port
from tests.waiting import PATIENCE, await_that

#: What operators run.
SERVE = (sys.executable, "-m", "bot.cli", "serve")


@dataclass
class RunningBot:
    """A bot that answers; `ready` is how many seconds that took, with a core to itself."""

    url: str
    slack: FakeSlack
    command: Sequence[str]
    environment: dict[str, str]
    process: subprocess.Popen[bytes]
    ready: float = 0.0

    def await_answer(self, since: float) -> None:
        """Wait until the bot answers; `since` is when it was started."""
        await_that(self._answers, "the bot's answer", process=self.process)
        self.ready = time.monotonic() - since - self._seconds_without_a_core()

    def _answers(self) -> bool:
        try:
            httpx.get(f"{self.url}/healthz", trust_env=False).raise_for_status()
        except httpx.TransportError:
            return False
        return True

    def _seconds_without_a_core(self) -> float:
        """How long its main thread was ready to run while others had the cores.

        Nanoseconds in schedstat's second field (Linux: Documentation/scheduler/sched-stats.rst).
        """
        return int(Path(f"/proc/{self.process.pid}/schedstat").read_text().split()[1]) / 1e9

    def crash(self) -> None:
        """End the bot as a power cut does."""
        self.process.kill()
        self.process.wait(PATIENCE)

    def start(self) -> None:
        """Start it again, and wait until it answers."""
        begin = time.monotonic()
        self.process = _start(self.command, self.environment)
        self.await_answer(begin)

    def most_memory(self) -> float:
        """The most memory that the bot ever had, MB (1e6 bytes, resident)."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        [peak] = [line for line in lines if line.startswith("VmHWM:")]
        return int(peak.split()[1]) * 1024 / 1e6


@contextmanager
def running_bot(data: Path, command: Sequence[str] = SERVE, **more: str) -> Iterator[RunningBot]:
    """Start a bot with its files under `data`; ends it with SIGTERM and waits until it is gone.

    `more` are settings besides those that every bot needs.
    """
    with held_port() as port, fake_slack(url := f"http://{HOST}:{port}") as slack:
        environment = os.environ | {
            "SLACK_BOT_TOKEN": TOKEN, "SLACK_SIGNING_SECRET": SECRET,
            "SLACK_API_URL": f"{slack.url}api/", "PORT": str(port), "SPLATBOT_DATA": str(data),
            **more,
        }  # fmt: skip
        begin = time.monotonic()
        process = _start(command, environment)
        bot = RunningBot(url, slack, command, environment, process)
        try:
            bot.await_answer(begin)
            yield bot
        finally:
            bot.process.terminate()
            bot.process.wait(PATIENCE)


def _start(command: Sequence[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, env=environment, cwd=REPOSITORY)
