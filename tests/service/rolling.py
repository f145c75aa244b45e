"""Versions of the bot on a host that replaces disks, in one process and on one simulated clock.

What they share is what real ones share: a bucket, Slack, and an account with GPU droplets.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from bot import relay, service
from bot.core.config import Settings
from bot.core.errors import StorageError
from bot.core.jobs import State
from bot.core.ledger import Ledger
from bot.core.scheduler import Scheduler
from bot.core.succession import RENEWAL
from bot.relay import Relay
from bot.sandbox.person import Person
from bot.sandbox.sender import Sender
from bot.storage.local import LocalStorage
from tests.compute.lab import Lab, settings
from tests.core.conftest import Clock
from tests.fakes.digitalocean.api import Answer, Api
from tests.fakes.digitalocean.world import World
from tests.fakes.slack import SECRET, TOKEN, FakeSlack

Meanwhile = Callable[[], None]


class Clockwork(Scheduler):
    """A scheduler whose functions only the test calls."""

    def __init__(self) -> None:
        self._functions: dict[str, Callable[[], object]] = {}

    def every(
        self, seconds: float, function: Callable[[], object], name: str, *, after: float = 0.0
    ) -> None:
        self._functions[name] = function

    def call(self, name: str) -> None:
        self._functions.get(name, lambda: None)()

    def wake(self, name: str) -> None:
        """Do nothing: the test decides when."""

    def start(self) -> None:
        """Do nothing, as `wake`."""

    def stop(self) -> None:
        self._functions.clear()


class Line(LocalStorage):
    """One version's way to the bucket. `is_cut`: nothing comes through.

    `before_put` says what happens right before an object is written whose key begins so.
    """

    is_cut = False

    def __init__(self, root: Path) -> None:
        super().__init__(root, "http://bucket")
        self.before_put: dict[str, Meanwhile] = {}

    def put(self, key: str, data: bytes, content_type: str, *, private: bool = False) -> None:
        self._check()
        for prefix in [each for each in self.before_put if key.startswith(each)]:
            self.before_put.pop(prefix)()
        super().put(key, data, content_type, private=private)

    def get(self, key: str) -> bytes:
        self._check()
        return super().get(key)

    def keys(self, prefix: str) -> Sequence[str]:
        self._check()
        return super().keys(prefix)

    def delete(self, key: str) -> None:
        self._check()
        super().delete(key)

    def _check(self) -> None:
        if self.is_cut:
            raise StorageError("The bucket did not answer.", hint="Try again.")


class Account(Api):
    """The droplets' API. `before` says what happens right before a request that begins so."""

    def __init__(self, world: World) -> None:
        super().__init__(world, is_checked=False)
        self.before: dict[str, Meanwhile] = {}

    def handle(self, method: str, target: str, body: bytes, token: str) -> Answer:
        for call in [each for each in self.before if f"{method} {target}".startswith(each)]:
            self.before.pop(call)()
        return super().handle(method, target, body, token)


class Version:
    """One version of the bot, on a disk of its own; its clock began at another time."""

    def __init__(self, platform: Platform, number: int) -> None:
        self.platform = platform
        self.data = platform.root / f"disk-{number}"
        self.line = platform.lines.setdefault(self.data, Line(platform.root / "bucket"))
        settings, clock = platform.settings(self.data), platform.clock
        self.relay = Relay(settings, monotonic=lambda: clock() + 1000.0 * number)
        self.http = TestClient(self.relay.front)
        slack = platform.slack
        url = "http://bot/slack/events"
        sender = Sender(slack.workspace, url, SECRET, slack.url, http=self.http)
        self.person = Person(slack.workspace, sender)

    def look(self) -> None:
        """Take a step among the versions, and draw the conclusions."""
        self.relay.step()
        self.relay.follow()

    def work(self) -> None:
        """Do what the bot's clockwork does between two steps; nothing before it begins."""
        clockwork = self.relay.service and self.relay.service._scheduler
        if isinstance(clockwork, Clockwork):
            for name in ("dispatch", "drain"):
                clockwork.call(name)

    @cached_property
    def lab(self) -> Lab:
        """The same bot's parts, for the test: not before the bot itself has its ledger."""
        assert self.relay.service
        platform = self.platform
        return Lab(self.data, platform.world, clock=platform.clock, api=platform.account)

    @property
    def ledger(self) -> Ledger:
        return self.lab.ledger

    @property
    def acts(self) -> bool:
        return self.relay.service is not None and self.relay.succession.may_act()

    @property
    def standing(self) -> str:
        return self.relay.succession.standing.value

    def health(self) -> dict[str, Any]:
        answer: dict[str, Any] = self.http.get("/healthz").json()
        return answer

    def states(self) -> dict[str, State]:
        if "lab" not in vars(self) and self.relay.service is None:
            return {}  # it never acted
        return {job.id: job.state for job in self.ledger.jobs()}


class Platform:
    """The host, the bucket, Slack, the account, and the time."""

    def __init__(self, root: Path, slack: FakeSlack, patch: pytest.MonkeyPatch) -> None:
        self.root, self.slack = root, slack
        self.clock = Clock(time.time())  # Slack signs its requests with the real time
        self.world = World(clock=self.clock)
        self.account = Account(self.world)
        self.lines: dict[Path, Line] = {}
        self.versions: list[Version] = []
        self.bucket = Line(root / "bucket")
        self.bucket.put("demo/parcel/a.jpg", b"photo", "image/jpeg")
        self._simulate(patch)

    def settings(self, data: Path) -> Settings:
        return Settings(
            TOKEN, SECRET, slack_api_url=f"{self.slack.url}api/", data=data,
            droplets=settings(self.world), hook_secrets=("hook-secret",),
        )  # fmt: skip

    def deploy(self) -> Version:
        """Start one more version; it takes its first step."""
        version = Version(self, len(self.versions))
        self.versions.append(version)
        version.look()
        version.work()
        return version

    def pass_time(self, seconds: float, *versions: Version) -> None:
        """Let time pass in which these versions run; the others are frozen, or dead."""
        for _ in range(int(seconds / RENEWAL)):
            self.clock.move(RENEWAL)
            for version in versions:
                version.look()
                if version.acts:  # the machines reach whoever answers at the bot's address
                    version.lab.hear(version.lab.machines())
                version.work()

    def await_that(self, holds: Callable[[], bool], *versions: Version) -> None:
        """Let time pass until something holds; a quarter of an hour at the most."""
        begin = self.clock()
        while not holds():
            assert self.clock() - begin < 900.0, [version.states() for version in versions]
            self.pass_time(RENEWAL, *versions)

    def finals(self) -> list[str]:
        return [m.text for m in self.slack.workspace.messages if m.text.startswith("<@U0YOU>")]

    def _simulate(self, patch: pytest.MonkeyPatch) -> None:
        clock = self.clock
        for module in (relay, service):
            patch.setattr(module, "Scheduler", Clockwork)
            patch.setattr(module, "open_storage", lambda settings: self.lines[settings.data])
        patch.setattr(service, "Ledger", partial(Ledger, clock=clock))
        patch.setattr(service, "SlackOutbox", partial(service.SlackOutbox, clock=clock))
        patch.setattr(self.slack.workspace, "clock", clock)
        patch.setattr(
            service, "Dispatcher", partial(service.Dispatcher, clock=clock, monotonic=clock)
        )
        patch.setattr(service, "choose_backend", self._droplets)

    def _droplets(self, settings: Settings, *_: object, **__: object) -> object:
        return Lab(settings.data, self.world, clock=self.clock, api=self.account).backend
