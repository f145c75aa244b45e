"""Which backend the settings ask for."""

from __future__ import annotations

import time
from collections.abc import Callable

from bot.compute.base import ComputeBackend
from bot.compute.boot import Boot
from bot.compute.digitalocean import DigitalOcean
from bot.compute.droplet import Afford, DropletBackend
from bot.compute.local import LocalBackend
from bot.compute.spool import Spool
from bot.core.config import Settings
from bot.core.environment import BadSetting
from bot.core.ledger import Ledger
from bot.core.limits import DEADLINE
from bot.storage.base import Storage


def choose_backend(
    settings: Settings,
    ledger: Ledger,
    storage: Storage,
    *,
    afford: Afford,
    may_act: Callable[[], bool] = lambda: True,
) -> ComputeBackend:
    """Return droplets when there is an account for them, else this machine.

    Raises BadSetting when the ledger has a job whose machine that backend can not remove.
    """
    backend: ComputeBackend = LocalBackend(settings.jobs)
    if settings.droplets:
        backend = DropletBackend(
            DigitalOcean(settings.droplets),
            settings.droplets,
            ledger.machines,
            user_data=Boot(settings, storage),
            afford=afford,
            spool=Spool(storage, monotonic=time.monotonic),
            lifetime=DEADLINE,
            may_act=may_act,
        )
    _refuse_to_leave_behind(ledger, backend.name)
    return backend


def _refuse_to_leave_behind(ledger: Ledger, name: str) -> None:
    for _, job_id in ledger.holders():
        if ledger.job(job_id).backend != name:
            text = f"was changed while job {job_id} has a machine of another kind"
            hint = "Start the bot as before, and change it when `/splat status` shows no job."
            raise BadSetting("DIGITALOCEAN_TOKEN", text, hint)
