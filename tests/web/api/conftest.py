"""The API of a bot with one dataset, and programs that have a token for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from bot.core.catalogue import Catalogue
from bot.core.costs import Budget
from bot.core.desk import Desk
from bot.core.ledger import Ledger
from bot.core.roles import Owner, Roles
from bot.web.api import KeyGate, Keys, api_router
from bot.web.limits import TokenBuckets
from tests.core.conftest import Clock
from tests.web.hooks.conftest import Bucket

TOKEN, OTHER = "anna-token-0123456789abcdef", "ci-token-0123456789abcdefgh"

OWNERS = {TOKEN: Owner("U0ANNA", "C1", "T1"), OTHER: Owner("ci")}


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
def desk(ledger: Ledger, storage: Bucket, clock: Clock) -> Desk:
    return Desk(
        ledger, Catalogue(storage), backend="local", price_per_hour=0.0, wake=lambda: None,
        budget=Budget(ledger, 5.0, clock), roles=Roles(),
    )  # fmt: skip


@pytest.fixture
def app(request: pytest.FixtureRequest, desk: Desk, storage: Bucket, clock: Clock) -> FastAPI:
    limits = getattr(request, "param", {"owners": TokenBuckets(1e6, 1e6)})
    app = FastAPI()
    app.state.api = api_router(desk, storage, KeyGate(Keys(OWNERS), clock=clock, **limits))
    app.include_router(app.state.api)
    return app


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    """Anna's program."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with TestClient(app, headers=headers, follow_redirects=False) as client:
        yield client
