"""A dispatcher against machines of which a test says how each looks, and what goes wrong."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bot.compute.base import Foreign, Handle, Observation, Owned, Plan, Presence
from bot.core.dispatcher import Dispatcher
from bot.core.ledger import Ledger
from bot.storage.local import LocalStorage
from gpu.job import Event, JobSpec, Stage, Status
from tests.core.conftest import Clock, a_request, an_event

RUNNING, GONE, UNKNOWN = Presence.RUNNING, Presence.GONE, Presence.UNKNOWN


class FakeBackend:
    """Machines in a dictionary. A test says how each looks, and what goes wrong."""

    name = "fake"
    has_heartbeat = False

    def __init__(self) -> None:
        self.machines: dict[str, Presence] = {}
        self.listed: set[str] = set()
        self.told: dict[str, list[Event]] = {}
        self.broken: dict[tuple[str, str], Exception] = {}
        self.calls: list[tuple[str, str]] = []

    def plan(self) -> Plan:
        return Plan("fake", 1.0)

    def launch(self, spec: JobSpec) -> Handle:
        self._call("launch", spec.job_id)
        self.machines[spec.job_id] = RUNNING
        self.listed.add(spec.job_id)
        return {"job": spec.job_id}

    def find(self, job_id: str, attempt: int) -> Handle | None:
        self._call("find", job_id)
        return {"job": job_id} if job_id in self.listed else None

    def observe(self, handle: Handle) -> Observation:
        self._call("observe", handle["job"])
        return Observation(self.machines.get(handle["job"], GONE), "it vanished")

    def events(self, job_id: str, attempt: int, after: int) -> Sequence[Event]:
        self._call("events", job_id)
        return [event for event in self.told.get(job_id, []) if event.seq > after]

    def cancel(self, handle: Handle) -> None:
        self._call("cancel", handle["job"])

    def destroy(self, handle: Handle) -> None:
        self._call("destroy", handle["job"])

    def list_owned(self) -> Sequence[Owned]:
        return [Owned(job, 1, {"job": job}) for job in sorted(self.listed)]

    def list_foreign(self) -> Sequence[Foreign]:
        return []

    def destroy_foreign(self, machine_id: str) -> None:
        self._call("destroy_foreign", machine_id)

    def vanish(self, job: str) -> None:
        self.machines[job] = GONE
        self.listed.discard(job)

    def count(self, call: str, job: str) -> int:
        return self.calls.count((call, job))

    def _call(self, call: str, job: str) -> None:
        self.calls.append((call, job))
        if (call, job) in self.broken:
            raise self.broken[call, job]


class Bench:
    """A ledger with a dispatcher, the jobs `a` and `b` waiting for one slot."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.ledger = Ledger(folder / "ledger.db", self.clock)
        self.backend = FakeBackend()
        self.storage = LocalStorage(folder / "store", "http://bot")
        self.storage.put("demo/parcel/a.jpg", b"photo", "image/jpeg")
        self.restart()
        for name in "ab":
            self.ledger.submit(a_request(name), backend="fake", price_per_hour=0.0)

    def restart(self) -> None:
        self.dispatcher = Dispatcher(
            self.ledger,
            self.backend,
            self.storage,
            public_url="http://bot",
            clock=self.clock,
            monotonic=self.clock,
        )

    def tick(self, times: int = 1) -> None:
        for _ in range(times):
            self.dispatcher.tick()

    def tell(self, job: str, stage: Stage, status: Status, **more: Any) -> None:
        events = self.backend.told.setdefault(job, [])
        events.append(an_event(job, len(events) + 1, stage, status, **more))

    def states(self) -> Mapping[str, str]:
        return {name: self.ledger.job(name).state.value for name in "ab"}

    @property
    def holder(self) -> str | None:
        return next((job for _, job in self.ledger.holders()), None)
