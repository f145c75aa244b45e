"""A machine learns what to do, and where to write, for its own job alone."""

import pytest

from bot.core.errors import StorageError
from bot.core.ledger import Ledger
from bot.core.limits import DEADLINE
from bot.web.hooks.models import UPLOADS_LIMIT
from gpu.job import JobSpec, Pipeline
from gpu.job.messages import Assignment
from gpu.job.paths import OUTPUTS
from tests.core.conftest import Clock
from tests.web.hooks.conftest import TOKEN, Bucket, Machine


def test_a_machine_is_told_its_work(machine: Machine, clock: Clock) -> None:
    told = Assignment.from_json(machine.post("spec", {}).content)
    spec = JobSpec.from_json(told.spec)
    assert (spec.job_id, spec.attempt, spec.pipeline) == ("a", 1, Pipeline.AERIAL)
    assert spec.source.urls["1.jpg"].startswith("https://bucket/demo/parcel/1.jpg?")
    assert spec.target is not None
    assert "splats/a/scene.splat" in spec.target.urls["scene.splat"]
    assert told.deadline == clock() + DEADLINE
    assert told.self_destruct == {
        "url": "https://api.digitalocean.com/v2/droplets/7",
        "token": TOKEN,
    }


def test_only_a_droplet_that_is_known_gets_the_means_to_remove_itself(
    machine: Machine, ledger: Ledger
) -> None:
    ledger.set_handle("a", {})
    answer = machine.post("spec", {})
    assert (answer.status_code, TOKEN in answer.text) == (503, False)
    assert "number is not known yet" in answer.json()["detail"]
    ledger.set_handle("a", {"droplet_id": 42})
    assert machine.post("spec", {}).json()["self_destruct"]["url"].endswith("/v2/droplets/42")


def test_there_is_no_work_once_the_job_is_over(machine: Machine, ledger: Ledger) -> None:
    ledger.request_cancel("a", "U2")
    assert machine.post("spec", {}).status_code == 200  # it is told to stop by its first report
    ledger.cancelled("a")
    assert machine.post("spec", {}).status_code == 410


def test_photos_that_are_gone_are_named(machine: Machine, storage: Bucket) -> None:
    (storage.root / "demo/parcel/1.jpg").unlink()
    answer = machine.post("spec", {})
    assert answer.status_code == 409
    assert "`demo/parcel`" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("what", "said", "method"),
    [("spec", {}, "source"), ("uploads", {"names": ["log.txt"]}, "sign_put")],
)
def test_while_the_bucket_is_away_machines_are_asked_to_come_again(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, what: str, said: object, method: str
) -> None:
    def away(*_: object) -> None:
        raise StorageError("The bucket did not answer.")

    monkeypatch.setattr(Bucket, method, away)
    answer = machine.post(what, said)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


def test_results_and_private_files_get_addresses_where_they_belong(machine: Machine) -> None:
    names = [*OUTPUTS, "geometry/cameras.bin", "previews/train-1.jpg", "log.txt", "events.jsonl"]
    urls = machine.post("uploads", {"names": names}).json()["urls"]
    assert list(urls) == names
    assert urls["scene.splat"] == "https://bucket/splats/a/scene.splat?seconds=3600&method=put"
    assert urls["geometry/cameras.bin"].startswith("https://bucket/splats/a/geometry/cameras.bin?")
    for name in names[-3:]:
        assert urls[name].startswith(f"https://bucket/.splatbot/jobs/a/{name}?")


@pytest.mark.parametrize(
    "name",
    [
        "job.json", "../b/scene.splat", "/etc/passwd", "previews/../log.txt", "previews/a.svg",
        "log.txt\n", "LOG.TXT", "", "previews/.jpg", "request.json", "previews/é.jpg",
    ],
)  # fmt: skip
def test_no_other_name_gets_an_address(machine: Machine, name: str) -> None:
    answer = machine.post("uploads", {"names": ["log.txt", name]})
    assert answer.status_code == 422
    assert name.encode("ascii", "backslashreplace").decode() in answer.json()["detail"]


def test_only_so_many_addresses_are_made_at_once(machine: Machine) -> None:
    most = [f"previews/{n}.jpg" for n in range(UPLOADS_LIMIT + 1)]
    assert machine.post("uploads", {"names": most[1:]}).status_code == 200
    assert machine.post("uploads", {"names": most}).status_code == 422


def test_after_the_end_only_the_log_and_the_events_may_still_be_written(
    machine: Machine, ledger: Ledger
) -> None:
    ledger.fail("a", error="broken", hint="")
    assert machine.post("uploads", {"names": ["log.txt", "events.jsonl"]}).status_code == 200
    answer = machine.post("uploads", {"names": ["log.txt", "scene.splat"]})
    assert answer.status_code == 409
    assert "scene.splat" in answer.json()["detail"]
    assert "log.txt" not in answer.json()["detail"]
