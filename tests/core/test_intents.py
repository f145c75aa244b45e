"""What people want done outside any job: kept until it is done, and done once."""

from pathlib import Path

from bot.compute.base import Foreign
from bot.core.intents import Kind
from bot.core.ledger import Ledger
from tests.core.conftest import Clock

SOMEBODYS = Foreign("42", "training-box", "gpu-h100x1-80gb", "tor1", 3.39, 1_789_990_000.0)


def test_an_intent_is_open_until_it_is_done(ledger: Ledger, clock: Clock) -> None:
    asked = ledger.intents.ask(Kind.DESTROY_FOREIGN, "42", "U1")
    assert (asked.subject, asked.actor, asked.done_at) == ("42", "U1", None)
    assert ledger.intents.open() == [asked]
    clock.move(5)
    ledger.intents.done(asked.id)
    assert ledger.intents.open() == []
    assert ledger.intents.newest(Kind.DESTROY_FOREIGN)["42"].done_at == clock.now


def test_what_is_asked_twice_is_open_once_and_in_the_audit_twice(ledger: Ledger) -> None:
    first = ledger.intents.ask(Kind.DESTROY_FOREIGN, "42", "U1")
    assert ledger.intents.ask(Kind.DESTROY_FOREIGN, "42", "U2") == first
    assert len(ledger.intents.open()) == 1
    notes = [(n["actor"], n["action"], n["detail"]) for n in ledger.audit_log()]
    assert notes == [("U2", "destroy_foreign", "42"), ("U1", "destroy_foreign", "42")]


def test_what_did_not_work_may_be_asked_again(ledger: Ledger) -> None:
    first = ledger.intents.ask(Kind.DESTROY_FOREIGN, "42", "U1")
    ledger.intents.done(first.id, "DigitalOcean refused it.")
    again = ledger.intents.ask(Kind.DESTROY_FOREIGN, "42", "U1")
    assert again.id != first.id
    assert again.error == ""
    ledger.intents.done(first.id, "late")  # what is done stays as it was
    assert ledger.intents.open() == [again]


def test_intents_survive_a_restart(ledger: Ledger, clock: Clock, tmp_path: Path) -> None:
    asked = ledger.intents.ask(Kind.DESTROY_FOREIGN, "42", "U1")
    ledger.intents.set_foreign([SOMEBODYS])
    reopened = Ledger(tmp_path / "ledger.db", clock)
    assert reopened.intents.open() == [asked]
    assert reopened.intents.foreign() == [SOMEBODYS]


def test_the_machines_that_are_not_ours_are_those_of_the_last_look(ledger: Ledger) -> None:
    other = Foreign("43", "other", "gpu-l40sx1-48gb", "nyc2", 1.57, 0.0)
    ledger.intents.set_foreign([SOMEBODYS, other])
    assert ledger.intents.foreign() == [SOMEBODYS, other]
    ledger.intents.set_foreign([other])
    assert ledger.intents.foreign() == [other]
    ledger.intents.set_foreign([])
    assert ledger.intents.foreign() == []
