"""What a program may ask for without Slack."""

import pytest
from fastapi.testclient import TestClient

from bot.core.desk import Desk
from bot.core.jobs import State
from bot.core.ledger import Ledger
from bot.core.roles import Roles
from bot.storage.local import LocalStorage
from bot.web.api.routes import FILES, Model
from gpu.job import RANGES
from gpu.job.choices import choices
from gpu.job.paths import LEVELS, OUTPUTS
from tests.web.api.conftest import OTHER
from tests.web.hooks.conftest import Bucket

ORDER = {"dataset": "demo/parcel", "pipeline": "aerial", "iterations": 700, "job_id": "first"}


def test_an_order_becomes_a_job_of_the_tokens_owner(client: TestClient, ledger: Ledger) -> None:
    answer = client.post("/api/jobs", json=ORDER)
    assert answer.status_code == 202
    assert answer.headers["location"] == "/api/jobs/first"
    said = answer.json()
    assert (said["state"], said["position"], said["options"]) == ("queued", 1, {"iterations": 700})
    job = ledger.job("first")
    assert (job.user, job.channel, job.team) == ("U0ANNA", "C1", "T1")
    assert client.get("/api/jobs/first").json() == said
    assert [each["id"] for each in client.get("/api/jobs").json()] == ["first"]


def test_the_same_idempotency_key_is_the_same_job_for_the_same_owner(
    client: TestClient, ledger: Ledger
) -> None:
    order, key = {"dataset": "demo/parcel"}, {"Idempotency-Key": "build-17"}
    first, second = (client.post("/api/jobs", json=order, headers=key) for _ in range(2))
    assert first.json()["id"] == second.json()["id"]
    other = client.post("/api/jobs", json={**order, "seed": 3}, headers=key)
    assert other.status_code == 422
    assert "another order" in other.json()["detail"]
    assert len(ledger.jobs()) == 1
    client.post("/api/jobs", json=order, headers=key | {"Authorization": f"Bearer {OTHER}"})
    client.post("/api/jobs", json=order)
    client.post("/api/jobs", json=order)
    assert len(ledger.jobs()) == 4


@pytest.mark.parametrize(
    ("order", "status", "wrong"),
    [
        ({}, 422, "dataset has no value. Allowed: a name of photos"),
        ([], 422, "the order is '[]', which is not allowed. Allowed: "),
        (
            {"dataset": "demo/parcel", "iterations": 5}, 422,
            f"iterations is '5', which is not allowed. Allowed: {RANGES['iterations'].allowed}.",
        ),
        (
            {"dataset": "demo/parcel", "geometry": "glomap"}, 422,
            f"geometry is 'glomap', which is not allowed. Allowed: {choices('geometry')}.",
        ),
        (
            {"dataset": "demo/parcel", "user": "U0BOSS"}, 422,
            "user is 'U0BOSS', which is not allowed. Allowed: the fields dataset, pipeline, ",
        ),
        ({"dataset": "demo/parcel", "size": "gpu-x"}, 422, "jobs run on this machine"),
        ({"dataset": "demo/parcl"}, 422, "Did you mean `demo/parcel`"),
        ({"dataset": "https://10.0.0.1/photos"}, 422, "anybody can read"),
    ],
)  # fmt: skip
def test_what_can_not_be_done_is_refused_in_words(
    client: TestClient, desk: Desk, ledger: Ledger, order: object, status: int, wrong: str
) -> None:
    desk.market.look()
    answer = client.post("/api/jobs", json=order)
    assert answer.status_code == status
    assert wrong in answer.json()["detail"]
    assert ledger.jobs() == []


def test_roles_and_the_budget_hold_here_too(client: TestClient, desk: Desk) -> None:
    order = {"dataset": "demo/parcel"}
    desk.roles = Roles(starters=("U0ANNA",))
    assert client.post("/api/jobs", json=order).status_code == 202
    other = client.post("/api/jobs", json=order, headers={"Authorization": f"Bearer {OTHER}"})
    assert other.status_code == 403
    desk._price, desk.budget.monthly = 2.0, 0.0
    spent = client.post("/api/jobs", json=order)
    assert (spent.status_code, "budget" in spent.json()["detail"]) == (409, True)


def test_anybody_may_stop_a_job_and_the_audit_says_who(client: TestClient, ledger: Ledger) -> None:
    client.post("/api/jobs", json=ORDER)
    header = {"Authorization": f"Bearer {OTHER}"}
    assert client.delete("/api/jobs/first", headers=header).json()["state"] == "cancelled"
    assert client.delete("/api/jobs/first").json()["cancelled_by"] == "ci"
    assert ("ci", "cancel") in {(note["actor"], note["action"]) for note in ledger.audit_log()}


def test_a_job_that_nobody_knows_is_not_there(client: TestClient) -> None:
    for ask in (client.get, client.delete):
        assert ask("/api/jobs/none").status_code == 404
    assert client.get("/api/jobs/none/splat").status_code == 404
    assert client.get("/api/jobs/..%2Fx").status_code in {404, 422}


def test_a_model_is_had_by_an_address_that_is_good_for_a_while(
    client: TestClient, ledger: Ledger
) -> None:
    client.post("/api/jobs", json=ORDER)
    early = client.get("/api/jobs/first/splat")
    assert (early.status_code, early.json()["detail"].split(":")[0]) == (409, "The job is queued")
    client.post("/api/jobs", json=ORDER | {"job_id": "second"})
    ledger.fail("second", error="It broke.", hint="")
    late = client.get("/api/jobs/second/splat").json()["detail"]
    assert late == "The job has failed: there is no splat of it."
    ledger.claim()
    ledger.succeed("first", viewer_url="http://v", manifest_url="http://m")
    assert ledger.job("first").state is State.SUCCEEDED
    found = client.get("/api/jobs/first/splat")
    assert found.status_code == 307
    address = "https://bucket/splats/first/scene.splat?seconds=600&method=get"
    assert found.headers["location"] == address
    assert client.get("/api/jobs/first/photos").status_code == 422
    parts = set(LEVELS)  # What a viewer loads one after the other is no model by itself.
    assert {FILES[model] for model in Model} == set(OUTPUTS) - parts


def test_a_bot_without_a_bucket_serves_its_models_itself(
    client: TestClient, ledger: Ledger, storage: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Bucket, "sign_get", LocalStorage.sign_get)
    client.post("/api/jobs", json=ORDER)
    ledger.claim()
    ledger.succeed("first", viewer_url="http://v", manifest_url="http://m")
    found = client.get("/api/jobs/first/ply")
    assert found.headers["location"] == "http://bot/files/splats/first/scene.ply"
