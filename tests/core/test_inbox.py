"""Orders in the bucket: each is heeded exactly once, also across crashes, and answered."""

import json
from pathlib import Path
from typing import Any

import pytest

from bot.core.catalogue import Catalogue
from bot.core.costs import Budget
from bot.core.desk import Desk
from bot.core.errors import StorageError
from bot.core.inbox import MOST, Inbox
from bot.core.ledger import Ledger
from bot.core.roles import Owner, Roles
from bot.storage.local import LocalStorage
from tests.core.conftest import Clock

ORDER = {"dataset": "demo/parcel", "pipeline": "aerial", "iterations": 700}


class Bot:
    """A bot whose inbox a test looks into. Without its clock, nothing moves."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.folder, self.clock = folder, clock
        self.storage = LocalStorage(folder / "store", "http://bot")
        self.storage.put("demo/parcel/a.jpg", b"photo", "image/jpeg")
        self.roles = Roles()
        self.restart()

    def restart(self, *, ledger: str = "ledger.db", price: float = 0.0) -> None:
        self.ledger = Ledger(self.folder / ledger, self.clock)
        desk = Desk(
            self.ledger, Catalogue(self.storage), backend="local", price_per_hour=price,
            wake=lambda: None, budget=Budget(self.ledger, 0.0, self.clock), roles=self.roles,
        )  # fmt: skip
        self.inbox = Inbox(self.storage, desk, Owner("U0ANNA", "C1", "T1"))

    def drop(self, name: str, order: object) -> None:
        data = order if isinstance(order, bytes) else json.dumps(order).encode()
        self.storage.put(f"inbox/{name}.json", data, "application/json")

    def answer(self, name: str) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(self.storage.get(f"inbox/{name}.answer.json"))
        return said


@pytest.fixture
def bot(tmp_path: Path, clock: Clock) -> Bot:
    return Bot(tmp_path, clock)


def test_an_order_becomes_a_job_of_its_owner_and_is_answered(bot: Bot) -> None:
    bot.drop("monday", ORDER)
    bot.inbox.look()
    [job] = bot.ledger.jobs()
    assert (job.user, job.channel, job.dataset) == ("U0ANNA", "C1", "demo/parcel")
    assert (job.pipeline, job.options) == ("aerial", {"iterations": 700})
    assert bot.answer("monday") == {"job": job.id, "state": "queued"}
    assert json.loads(bot.storage.get("inbox/monday.json")) == ORDER  # the user's file stays


def test_an_order_is_heeded_once_however_often_one_looks(bot: Bot) -> None:
    bot.drop("monday", ORDER)
    for _ in range(3):
        bot.inbox.look()
        bot.restart()
    assert len(bot.ledger.jobs()) == 1
    bot.drop("tuesday", ORDER)  # the same, under another name, is another order
    bot.inbox.look()
    assert len(bot.ledger.jobs()) == 2


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_crash_around_the_answer_makes_no_second_job(
    bot: Bot, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    bot.drop("monday", ORDER)
    put = bot.storage.put

    def crashing(*args: Any, **kwargs: Any) -> None:
        if moment == "after":
            put(*args, **kwargs)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(bot.storage, "put", crashing)
        with pytest.raises(KeyboardInterrupt):
            bot.inbox.look()
    bot.restart()
    bot.inbox.look()
    [job] = bot.ledger.jobs()
    assert bot.answer("monday")["job"] == job.id


def test_an_order_whose_job_was_lost_with_the_ledger_is_heeded_again(bot: Bot) -> None:
    bot.drop("monday", ORDER)
    bot.inbox.look()
    lost = bot.answer("monday")["job"]
    bot.restart(ledger="another.db")
    bot.inbox.look()
    [job] = bot.ledger.jobs()
    assert bot.answer("monday")["job"] == job.id != lost


@pytest.mark.parametrize(
    ("order", "wrong"),
    [
        (b"no json", "Invalid JSON"),
        (b"\xff\xfe", "Invalid JSON"),
        ([], "should be an object"),
        ({}, "a name of photos"),
        (ORDER | {"iterations": 1}, "Allowed: a whole number from 50 to 100,000."),
        (ORDER | {"iterations": "700"}, "Allowed: a whole number from 50 to 100,000."),
        (ORDER | {"pipeline": "video"}, "'splat' or 'aerial'"),
        (ORDER | {"geometry": "glomap"}, "colmap"),
        (ORDER | {"preset": "better"}, "Allowed: draft, fast or best."),
        (ORDER | {"photos": True}, "Allowed: private or publish."),
        (ORDER | {"webhook": "http://x"}, "Allowed: the fields dataset, pipeline, "),
        (ORDER | {"dataset": "demo/parcl"}, "demo/parcel"),
        (ORDER | {"dataset": "http://10.0.0.1/a.zip"}, "anybody can read"),
        (ORDER | {"dataset": "x" * MOST}, f"{MOST} bytes"),
    ],
)
def test_a_bad_order_is_answered_with_what_is_wrong_and_starts_nothing(
    bot: Bot, order: object, wrong: str
) -> None:
    bot.drop("bad", order)
    bot.drop("good", ORDER)
    bot.inbox.look()
    said = bot.answer("bad")
    assert wrong in f"{said['error']} {said['hint']}"
    assert len(bot.ledger.jobs()) == 1  # and the other one was heeded all the same


def test_roles_and_the_budget_hold_for_orders_too(bot: Bot) -> None:
    bot.roles = Roles(starters=("U0BOSS",))
    bot.restart()
    bot.drop("a", ORDER)
    bot.inbox.look()
    assert "may not start jobs" in bot.answer("a")["error"]
    bot.roles = Roles()
    bot.restart(price=2.0)
    bot.drop("b", ORDER)
    bot.inbox.look()
    assert "budget" in bot.answer("b")["error"]
    assert bot.ledger.jobs() == []


def test_the_answer_follows_the_job_to_its_end(bot: Bot) -> None:
    bot.drop("monday", ORDER)
    bot.inbox.look()
    job = bot.ledger.claim()
    assert job
    bot.restart()  # a bot that was started again follows it as well
    bot.inbox.look()
    assert bot.answer("monday")["state"] == "launching"
    bot.ledger.succeed(job.id, viewer_url="http://v", manifest_url="http://m")
    bot.inbox.look()
    assert bot.answer("monday") == {
        "job": job.id, "state": "succeeded", "viewer_url": "http://v", "manifest_url": "http://m",
    }  # fmt: skip


def test_a_bucket_that_does_not_answer_is_looked_into_again_later(
    bot: Bot, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bot.drop("monday", ORDER)

    def silent(*_: object, **__: object) -> Any:
        raise StorageError("The bucket did not answer.")

    for name in ("keys", "get", "put", "datasets"):
        with monkeypatch.context() as patched:
            patched.setattr(bot.storage, name, silent)
            bot.restart()
            bot.inbox.look()
    assert "could not be read" in caplog.text
    bot.restart()
    bot.inbox.look()
    [job] = bot.ledger.jobs()
    assert bot.answer("monday")["job"] == job.id
