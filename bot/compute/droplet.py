"""Runs each job on a GPU droplet of its own, created for it and destroyed after it.

How it is made sure that there is never a second one, and never one that nobody knows:

1. The ledger gets a line before the call (`Machines.intend`); a job can have one such line.
2. The account is looked at first. A droplet of this job is adopted instead of a new one created.
3. One request is sent, once. Refused: the next offer. Created: its id is noted.
4. Ambiguous (time-out, connection lost, 5xx): the line stays. The droplet is looked for by its
   tags, for LOOK_FOR seconds; the slot stays taken meanwhile, and nothing is sent again.
5. Absence is believed after two answers "not found", APART seconds apart, and a list that agrees.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from bot.compute.base import Foreign, Handle, Observation, Owned, Plan
from bot.compute.digitalocean import DigitalOcean, Droplet, NotFound, Refused, Unreachable
from bot.compute.digitalocean.errors import Ambiguous, ApiError, RateLimited
from bot.compute.fleet import Fleet
from bot.compute.offers import NoStock, Offer, offers
from bot.compute.sightings import Sightings
from bot.compute.spool import Spool
from bot.compute.tags import droplet_name, tags_of
from bot.compute.volumes import RuntimeVolume
from bot.core.config import DropletSettings
from bot.core.efforts import asked_of_training
from bot.core.errors import BackendError, NotYet
from bot.core.jobs import Options
from bot.core.machines import Machine, Machines, Outcome
from bot.core.since import Since
from gpu.job import Event, JobSpec, Pipeline

log = logging.getLogger(__name__)

#: Seconds for which a droplet is looked for when nobody knows whether it was created. Droplets
#: show up within half a minute; a request that timed out may be carried out a minute later.
LOOK_FOR = 300.0

#: Seconds that a list of droplets may be old.
LOOK_SOON = 5.0

#: Seconds between two requests to destroy the same droplet; an accepted one takes a while.
DESTROY_AGAIN = 10.0

#: Seconds that a cancelled job's droplet has for its log before it is destroyed.
GRACE = 20.0

#: Seconds after its deadline at which a droplet expires: then whoever sees it destroys it.
OVERDUE = 600.0

#: Builds the user-data of a droplet: job, attempt, name of the volume (or ""), deadline.
UserData = Callable[[str, int, str, float], str]

#: Raises BudgetSpent when a droplet of this price may not be started for a job of this pipeline and
#: with these options, as far as they say how long it trains.
Afford = Callable[[float, Pipeline, Options], None]


class DropletBackend:
    """GPU droplets of DigitalOcean. Everything that must outlive a crash is in the ledger."""

    name = "droplet"
    has_heartbeat = True

    def __init__(
        self,
        api: DigitalOcean,
        settings: DropletSettings,
        machines: Machines,
        *,
        user_data: UserData,
        afford: Afford,
        spool: Spool,
        lifetime: float,
        may_act: Callable[[], bool] = lambda: True,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api = api
        self._settings = settings
        self._machines = machines
        self._user_data = user_data
        self._afford = afford
        self._spool = spool
        self._lifetime = lifetime
        self._may_act = may_act
        self._clock = clock
        self._fleet = Fleet(api, settings.install, monotonic=monotonic)
        self._sightings = Sightings(api, self._fleet, monotonic=monotonic)
        self._volume = RuntimeVolume(api, settings)
        self._since = Since(monotonic)

    def plan(self) -> Plan:
        """Say which droplet would be tried first. Raises NoStock or an ApiError."""
        first, *others = [
            Plan(f"{offer.size} in {offer.region}", offer.price_per_hour, offer.size)
            for offer in offers(self._api.sizes(), self._settings)
        ]
        return replace(first, others=tuple(others))

    def launch(self, spec: JobSpec) -> Handle:
        """Create the job's droplet, unless it has one, or may have one.

        Raises NotYet while that is not known, NoStock when nothing that fits can be had,
        BudgetSpent, and Refused when DigitalOcean refuses for another reason.
        """
        handle = self.find(spec.job_id, spec.attempt)
        if handle is not None:
            return handle
        if self._was_lost(spec):
            raise BackendError(
                "DigitalOcean did not say whether it created the droplet, and none came up.",
                hint="Nothing is running and nothing is billed. Start the job again.",
            )
        try:
            self._make_sure_of_room()
            return self._create_somewhere(spec)
        except (Ambiguous, Unreachable, RateLimited) as passing:
            raise NotYet(passing.user_message, hint=passing.hint) from None

    def find(self, job_id: str, attempt: int) -> Handle | None:
        """Find a job's droplet. Raises NotYet while it may still come up."""
        machine = self._machines.machine_of(job_id)
        if machine is not None and machine.outcome is Outcome.CREATED:
            return _handle(machine)
        droplets = self._fleet.of_job(job_id, LOOK_SOON)
        if droplets:
            return _handle(self._adopt(droplets[0], job_id, attempt))
        if machine is None:
            return None
        # By the clock that never jumps: a bot that was started again looks for the whole time anew.
        if self._since.seconds(("intended", machine.number)) < LOOK_FOR:
            raise NotYet(f"It is not known yet whether the droplet {machine.name} was created.")
        self._machines.settle(machine.number, Outcome.ABSENT)
        return None

    def observe(self, handle: Handle) -> Observation:
        """Look whether a droplet is there, without asking DigitalOcean too often."""
        return self._sightings.observe(handle["droplet_id"])

    def events(self, job_id: str, attempt: int, after: int) -> Sequence[Event]:
        """Read the events that a droplet left in the bucket while the bot did not hear it."""
        return self._spool.events(job_id, attempt, after)

    def picture(self, job_id: str, name: str) -> bytes | None:
        """Read a picture that a droplet wrote to the bucket."""
        return self._spool.picture(job_id, name)

    def log(self, job_id: str) -> str:
        """Read the end of the log that a droplet writes to the bucket every half minute."""
        return self._spool.log(job_id)

    def cancel(self, handle: Handle) -> None:
        """Give the job a moment to save its log: it learns of it from the answer to its report."""
        if self._since.seconds(("cancelled", handle["droplet_id"])) >= GRACE:
            self.destroy(handle)

    def destroy(self, handle: Handle) -> None:
        """Ask for a droplet's end. `observe` says when it is gone."""
        try:
            self._destroy(handle["droplet_id"])
        except ApiError as wrong:
            # It may be locked, or being destroyed already. What counts is whether it is gone.
            log.info("%s is not destroyed yet: %s", handle["name"], wrong)

    def list_owned(self) -> Sequence[Owned]:
        """Return every droplet of this bot, oldest first."""
        return [
            Owned(
                label.job, label.attempt, _handle_of(droplet), droplet.created_at,
                label.expires, droplet.size, droplet.region, droplet.price_hourly,
            )
            for droplet, label in self._fleet.labelled(LOOK_SOON)
        ]  # fmt: skip

    def list_foreign(self) -> Sequence[Foreign]:
        """Return the GPU droplets of the account that are not this bot's."""
        return [
            Foreign(str(d.id), d.name, d.size, d.region, d.price_hourly, d.created_at)
            for d in self._fleet.foreign(LOOK_SOON)
        ]

    def destroy_foreign(self, machine_id: str) -> None:
        """Destroy exactly this droplet, which somebody pointed at and confirmed."""
        self._destroy(int(machine_id))

    # -- creating -----------------------------------------------------------------------------

    def _was_lost(self, spec: JobSpec) -> bool:
        """Whether a create of this attempt ended unknown: it is not sent a second time."""
        earlier = self._machines.machines(job=spec.job_id)
        return any(m.attempt == spec.attempt and m.outcome is Outcome.ABSENT for m in earlier)

    def _make_sure_of_room(self) -> None:
        """Raise NotYet while as many droplets of ours exist as may."""
        others = self._fleet.ours(max_age=0.0)
        if len(others) >= self._settings.slots:
            names = ", ".join(droplet.name for droplet in others)
            raise NotYet(f"The droplet {names} is still there.")

    def _create_somewhere(self, spec: JobSpec) -> Handle:
        """Try one offer after the other. Each is refused, created, or the last that is tried."""
        volume = self._volume.find()
        tried = []
        near = volume.region if volume else None
        for offer in offers(self._api.sizes(), self._settings, near=near, only=spec.size):
            volume = volume or self._volume.make(offer.region)
            attached = volume if volume and volume.region == offer.region else None
            self._afford(offer.price_per_hour, spec.pipeline, asked_of_training(spec))
            try:
                return self._create(spec, offer, volume_id=attached.id if attached else "")
            except Refused as refused:
                if not refused.is_about_place:
                    raise
                tried.append(f"{offer.size} in {offer.region}: {refused.message}")
        raise NoStock(tried)

    def _create(self, spec: JobSpec, offer: Offer, *, volume_id: str) -> Handle:
        """Send the one request. After Ambiguous the ledger's line says that it was sent."""
        name = droplet_name(spec.job_id, spec.attempt)
        body = self._body(spec, offer, name, volume_id)
        if not self._may_act():
            raise NotYet("Another bot has taken over.")  # what came before took too long
        machine = self._machines.intend(
            spec.job_id, spec.attempt, name=name, size=offer.size, region=offer.region,
            price_per_hour=offer.price_per_hour,
        )  # fmt: skip
        try:
            droplet = self._api.create_droplet(body)
        except (Refused, Unreachable):
            self._machines.settle(machine.number, Outcome.REFUSED)
            raise
        return _handle(self._adopt(droplet, spec.job_id, spec.attempt))

    def _body(self, spec: JobSpec, offer: Offer, name: str, volume_id: str) -> Mapping[str, Any]:
        deadline = self._clock() + self._lifetime
        volume = self._settings.volume if volume_id else ""
        keys = self._settings.ssh_keys or [key.id for key in self._api.ssh_keys()]
        return {
            "name": name,
            "region": offer.region,
            "size": offer.size,
            "image": _number_or_name(self._settings.image),
            "ssh_keys": [_number_or_name(str(key)) for key in keys],
            "tags": tags_of(self._settings.install, spec.job_id, spec.attempt, deadline + OVERDUE),
            "user_data": self._user_data(spec.job_id, spec.attempt, volume, deadline),
            "volumes": [volume_id] if volume_id else [],
        }

    def _adopt(self, droplet: Droplet, job_id: str, attempt: int) -> Machine:
        return self._machines.adopt(
            job_id, attempt, name=droplet.name, size=droplet.size, region=droplet.region,
            price_per_hour=droplet.price_hourly, machine_id=str(droplet.id),
            created_at=droplet.created_at,
        )  # fmt: skip

    # -- destroying ---------------------------------------------------------------------------

    def _destroy(self, droplet_id: int) -> None:
        if not self._since.is_due(("destroy", droplet_id), DESTROY_AGAIN):
            return
        with suppress(NotFound):
            self._api.destroy_droplet(droplet_id)


def _number_or_name(text: str) -> int | str:
    """Return an id as a number: an image is a slug or an id, a key an id or a fingerprint."""
    return int(text) if text.isdigit() else text


def _handle(machine: Machine) -> Handle:
    return {
        "droplet_id": int(machine.machine_id or 0),
        "name": machine.name,
        "size": machine.size,
        "region": machine.region,
        "price_per_hour": machine.price_per_hour,
    }


def _handle_of(droplet: Droplet) -> Handle:
    return {
        "droplet_id": droplet.id,
        "name": droplet.name,
        "size": droplet.size,
        "region": droplet.region,
        "price_per_hour": droplet.price_hourly,
    }
