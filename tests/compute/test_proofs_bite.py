"""A proof that can not fail proves nothing: what keeps the promises is broken, and it is noticed.

Each of these mistakes is made once, and a small storm has to find it.
"""

import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from bot.compute.base import Presence
from bot.compute.digitalocean import DigitalOcean, Droplet, Refused
from bot.compute.digitalocean.errors import Ambiguous
from bot.compute.droplet import DropletBackend
from bot.compute.sightings import Sighting, Sightings
from bot.core.dispatcher import Dispatcher
from bot.core.ledger import Ledger
from tests.compute.storm import rage

Break = Callable[[pytest.MonkeyPatch], None]

#: Histories and steps in which each mistake has to show.
HISTORIES, STEPS = 150, 40


def claim_a_slot_that_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Believe that no slot is taken. The database still refuses, loudly."""
    monkeypatch.setattr(Ledger, "_free_slot", lambda self, slots: 0)


def claim_it_in_a_database_that_allows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three things keep a second job out: the claim, the database, and a look at the account."""
    opened = Ledger.__init__

    def without_index(self: Ledger, *values: Any, **named: Any) -> None:
        opened(self, *values, **named)
        self._file.connection().execute("DROP INDEX IF EXISTS one_job_per_slot")

    monkeypatch.setattr(Ledger, "__init__", without_index)
    monkeypatch.setattr(Ledger, "_free_slot", lambda self, slots: 0)
    monkeypatch.setattr(DropletBackend, "_make_sure_of_room", lambda self: None)


def take_no_answer_for_a_no(monkeypatch: pytest.MonkeyPatch) -> None:
    """Treat an ambiguous create as one that was refused."""
    create = DigitalOcean.create_droplet

    def sure(self: DigitalOcean, body: Mapping[str, Any]) -> Droplet:
        try:
            return create(self, body)
        except Ambiguous as unknown:
            raise Refused("the droplet", 400, unknown.user_message) from None

    monkeypatch.setattr(DigitalOcean, "create_droplet", sure)


def send_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take an ambiguous create for one that was not sent: the next pass tries it again."""
    monkeypatch.setattr(DropletBackend, "_was_lost", lambda self, spec: False)
    monkeypatch.setattr("bot.compute.droplet.LOOK_FOR", 0.0)


def believe_one_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Call a droplet gone when one look does not show it."""

    def look(self: Sightings, droplet_id: int, known: Sighting, now: float) -> None:
        known.looked_at = now
        exists = self._exists(droplet_id)
        known.presence = Presence.RUNNING if exists else Presence.GONE

    monkeypatch.setattr(Sightings, "_look", look)
    monkeypatch.setattr(Dispatcher, "_is_confirmed", lambda self, job, gone: gone)


def forget_to_destroy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Free the slot at a job's end, and leave its droplet to itself."""
    monkeypatch.setattr(Dispatcher, "_is_absent", lambda self, handle: True)
    monkeypatch.setattr(Dispatcher, "_is_confirmed", lambda self, job, gone: gone)


def create_before_it_is_intended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not tell the bucket of a job before its droplet is created."""
    monkeypatch.setattr("bot.core.register.Register.enter", lambda self, job, *, now: None)


def mistake_ones_own_droplet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the droplet of a job for another one's."""
    monkeypatch.setattr("bot.core.reconcile.is_same", lambda one, other: False)


BREAKS: list[Break] = [
    claim_a_slot_that_is_taken, claim_it_in_a_database_that_allows_it, take_no_answer_for_a_no,
    send_it_again, believe_one_not_found, forget_to_destroy, create_before_it_is_intended,
    mistake_ones_own_droplet,
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("break_it", BREAKS, ids=lambda each: each.__name__)
def test_a_small_storm_finds(break_it: Break, monkeypatch: pytest.MonkeyPatch) -> None:
    break_it(monkeypatch)
    with pytest.raises((AssertionError, sqlite3.IntegrityError)) as found:
        rage(HISTORIES, STEPS, is_shrunk=False)
    print(f"{break_it.__name__}: {found.traceback[-1].name}")
