"""Jobs that run, and a machine that speaks for one of them as gpu.agent does."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from bot.core.config import DropletSettings
from bot.core.ledger import Ledger
from bot.storage.local import LocalStorage
from bot.web.hooks import Gate, hooks_router
from bot.web.limits import TokenBuckets
from gpu.job import Event, Source, Target
from gpu.job.messages import Figures, Report
from gpu.job.signing import job_key, sign
from tests.core.conftest import Clock, a_request

NEW, OLD, FOREIGN = "new-hook-secret", "old-hook-secret", "foreign-hook-secret"
TOKEN = "dop_v1_self_destruct"


class Bucket(LocalStorage):
    """A store that signs addresses, as a bucket does."""

    def source(self, dataset: str) -> Source:
        assert super().source(dataset).path
        return Source(urls={"1.jpg": self.sign_get(f"{dataset}/1.jpg", 60)})

    def target(self, job_id: str, *, photos: bool = False) -> Target:
        return Target(urls={"scene.splat": self.sign_put(f"splats/{job_id}/scene.splat", 60)})

    def sign_get(self, key: str, seconds: int) -> str:
        return f"https://bucket/{key}?seconds={seconds}&method=get"

    def sign_put(self, key: str, seconds: int) -> str:
        return f"https://bucket/{key}?seconds={seconds}&method=put"


class Machine:
    """The machine of job `a`, unless told otherwise; `now` is its own clock."""

    def __init__(self, client: TestClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    def signed(
        self, body: bytes, *, job: str = "a", fence: int = 1, secret: str = NEW, skew: float = 0.0
    ) -> dict[str, str]:
        return sign(job_key(secret, job, fence), job, fence, body, now=self._clock() + skew)

    def post(
        self,
        what: str,
        said: object,
        *,
        job: str = "a",
        headers: dict[str, str] | None = None,
        **signing: Any,
    ) -> httpx.Response:
        body = said if isinstance(said, bytes) else json.dumps(said).encode()
        headers = self.signed(body, job=job, **signing) if headers is None else headers
        return self._client.post(f"/hooks/jobs/{job}/{what}", content=body, headers=headers)

    def report(
        self, *events: Event, figures: Figures | None = None, leaving: bool = False, **signing: Any
    ) -> httpx.Response:
        said = Report(events, figures or {}, leaving).to_json().encode()
        return self.post("report", said, **signing)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(tmp_path: Path, clock: Clock) -> Ledger:
    return Ledger(tmp_path / "ledger.db", clock)


@pytest.fixture
def storage(tmp_path: Path) -> Bucket:
    storage = Bucket(tmp_path / "store", "http://bot")
    storage.put("demo/parcel/1.jpg", b"photo", "image/jpeg")
    return storage


@pytest.fixture
def woken() -> list[str]:
    return []


@pytest.fixture
def app(
    request: pytest.FixtureRequest,
    ledger: Ledger,
    storage: Bucket,
    clock: Clock,
    woken: list[str],
) -> FastAPI:
    """The hooks alone. Both jobs `a` and `b` run."""
    for name in "ab":
        ledger.submit(a_request(name), backend="droplet", price_per_hour=3.0)
        ledger.claim(2)
        ledger.set_handle(name, {"droplet_id": 7, "attempt": 1})
    limits = getattr(request, "param", {"jobs": TokenBuckets(1e6, 1e6)})
    gate = Gate((NEW, OLD), clock=clock, **limits)
    droplets = DropletSettings(token="account-token", self_destruct_token=TOKEN)
    wake: Callable[[], None] = lambda: woken.append("dispatch")  # noqa: E731
    app = FastAPI()
    app.state.hooks = hooks_router(ledger, storage, gate, wake=wake, droplets=droplets)
    app.include_router(app.state.hooks)
    return app


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app) as client:
        yield client


@pytest.fixture
def machine(client: TestClient, clock: Clock) -> Machine:
    return Machine(client, clock)
