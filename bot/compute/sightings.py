"""When a droplet may be called gone: a mistake here costs a second droplet, or a forgotten one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.compute.base import Observation, Presence
from bot.compute.digitalocean import DigitalOcean, NotFound
from bot.compute.fleet import Listing

#: Seconds between two looks, and between the two answers "not found" that prove absence.
LOOK = APART = 10.0

#: Seconds for which a droplet that was never seen may still come up.
YOUNG = 60.0


@dataclass
class Sighting:
    """What is known of one droplet. Times are monotonic seconds of this process."""

    presence: Presence
    looked_at: float
    first_looked_at: float
    was_seen: bool = False
    absent_since: float | None = None


class Sightings:
    """Looks at droplets, not too often, and believes in absence only when it is proven."""

    def __init__(
        self, api: DigitalOcean, listing: Listing, *, monotonic: Callable[[], float]
    ) -> None:
        self._api = api
        self._listing = listing
        self._monotonic = monotonic
        self._known: dict[int, Sighting] = {}

    def observe(self, droplet_id: int) -> Observation:
        """Say whether a droplet is there. Raises ApiError when DigitalOcean can not be asked.

        Gone: no list has it, and its own address has answered "not found" twice, APART seconds
        apart. One that was never seen by this process may only be slow to show up: that is
        believed for YOUNG seconds. Until it is proven the answer is UNKNOWN.
        """
        now = self._monotonic()
        known = self._known.get(droplet_id)
        if known is None:
            known = self._known[droplet_id] = Sighting(Presence.UNKNOWN, float("-inf"), now)
        if known.presence is not Presence.GONE and now - known.looked_at >= LOOK:
            self._look(droplet_id, known, now)
        return Observation(known.presence, detail="its droplet is gone")

    def _look(self, droplet_id: int, known: Sighting, now: float) -> None:
        known.looked_at = now  # also when it fails: whoever says "too many calls" means it
        if self._exists(droplet_id):
            known.presence, known.was_seen, known.absent_since = Presence.RUNNING, True, None
            return
        if known.absent_since is None:
            known.absent_since = now
        may_come_up = not known.was_seen and now - known.first_looked_at < YOUNG
        is_proven = now - known.absent_since >= APART and not may_come_up
        known.presence = Presence.GONE if is_proven else Presence.UNKNOWN

    def _exists(self, droplet_id: int) -> bool:
        """Whether the list or the droplet's own address knows it."""
        if any(droplet.id == droplet_id for droplet in self._listing.all(LOOK / 2)):
            return True
        try:
            self._api.droplet(droplet_id)
        except NotFound:
            return False
        return True
