"""Machines on the account that are not ours: shown, and removed only when a person says so."""

from __future__ import annotations

from collections.abc import Callable

from bot.compute.base import ComputeBackend
from bot.core.errors import BackendError
from bot.core.intents import Intent, Intents, Kind
from bot.core.since import Since

#: Seconds after which it is said that a machine could not be removed. Nobody wants it to happen
#: hours after the click.
PATIENCE = 600.0

_STILL_THERE = "It is still there after ten minutes."


class Strangers:
    """Keeps the ledger's list of them, and does what was asked for. Both may be repeated."""

    def __init__(
        self, intents: Intents, backend: ComputeBackend, monotonic: Callable[[], float]
    ) -> None:
        self._intents = intents
        self._backend = backend
        self._since = Since(monotonic)
        self._reasons: dict[int, str] = {}

    def look(self) -> None:
        """Have the ledger know which machines are there that are not ours."""
        self._intents.set_foreign(self._backend.list_foreign())

    def carry_out(self) -> None:
        """Remove what somebody pointed at and confirmed, and nothing else."""
        for intent in self._intents.open():
            if intent.kind is Kind.DESTROY_FOREIGN:
                self._remove(intent)

    def _remove(self, intent: Intent) -> None:
        if self._since.seconds(intent.id) > PATIENCE:
            self._intents.done(intent.id, self._reasons.pop(intent.id, _STILL_THERE))
            return
        self.look()
        if intent.subject not in {machine.machine_id for machine in self._intents.foreign()}:
            self._intents.done(intent.id)
            return
        try:
            self._backend.destroy_foreign(intent.subject)
        except BackendError as refused:
            self._reasons[intent.id] = refused.user_message
