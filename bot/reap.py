"""`splatbot reap`: destroys the droplets that a lost bot has left behind.

The last line of defence, for cron or scheduled CI on another host. It knows nothing but the
account's token: each droplet says by its tags whose it is and when nobody needs it any more.

    expired      its expiry has passed: destroyed, until it is proven to be gone
    needed       it has not: left alone
    unreadable   ours, but without a readable expiry: reported, and destroyed once it is older
                 than any job's droplet may be
    foreign      no droplet of Splatbot's, or not of the one asked for: never touched
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from bot.compute.base import Presence
from bot.compute.digitalocean import DigitalOcean, Droplet, NotFound, Refused, Unreachable
from bot.compute.digitalocean.errors import Ambiguous, ApiError, RateLimited
from bot.compute.droplet import DESTROY_AGAIN, OVERDUE
from bot.compute.fleet import Listing
from bot.compute.sightings import LOOK, Sightings
from bot.compute.tags import INSTALL, JOB, SPLATBOT, expiry_of, install_tag
from bot.core.config import DropletSettings
from bot.core.limits import DEADLINE
from bot.core.since import Since

#: Exit codes.
NOTHING_LEFT, LEFT_OVER, BAD_SETTINGS = 0, 1, 2

#: What DigitalOcean answers to a token that is wrong, or lacks a scope.
FORBIDDEN = {401, 403}

#: Seconds that a droplet of ours may live: a job's deadline, and what it has to tidy up.
LONGEST = DEADLINE + OVERDUE

#: Seconds for which DigitalOcean is asked again when it does not answer, and for which droplets
#: are looked at that it was asked to destroy.
PATIENCE = 300.0

Say = Callable[[str], None]


class Fate(StrEnum):
    """What is to be done with a droplet."""

    EXPIRED = "expired"
    NEEDED = "needed"
    UNREADABLE = "unreadable"
    FOREIGN = "foreign"


def fate_of(droplet: Droplet, install: str | None, now: float) -> Fate:
    """Say what is to be done with a droplet; `install` None means those of every Splatbot.

    The tag `splatbot` alone does not make it ours: somebody may have tagged the bot's own host.
    """
    if install is not None and install_tag(install) not in droplet.tags:
        return Fate.FOREIGN
    expires = expiry_of(droplet)
    if expires is not None:
        return Fate.EXPIRED if expires <= now else Fate.NEEDED
    if not (droplet.tag(INSTALL) and droplet.tag(JOB)):
        return Fate.FOREIGN
    return Fate.EXPIRED if droplet.created_at + LONGEST <= now else Fate.UNREADABLE


def run(
    *,
    token: str,
    api_url: str,
    install: str | None,
    dry_run: bool,
    say: Say,
    note: Say | None = None,
    transport: Any = None,
    clock: Callable[[], float] = time.time,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Destroy what has expired and return the exit code.

    `say` gets a line about everything that was done or is wrong, `note` (or `say`) about
    everything that is as it should be.
    """
    api = DigitalOcean(DropletSettings(token=token, api_url=api_url), transport=transport)
    reaper = Reaper(api, say=say, note=note or say, clock=clock, monotonic=monotonic, sleep=sleep)
    try:
        return reaper.reap(install, dry_run=dry_run)
    except ApiError as wrong:
        is_forbidden = _status(wrong) in FORBIDDEN
        say(f"{wrong.user_message} {_NEEDS if is_forbidden else wrong.hint}")
        return BAD_SETTINGS if is_forbidden else LEFT_OVER


class Reaper:
    """One round over all droplets of the account."""

    def __init__(
        self,
        api: DigitalOcean,
        *,
        say: Say,
        note: Say,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._api = api
        self._say = say
        self._note = note
        self._clock = clock
        self._monotonic = monotonic
        self._sleep = sleep
        self._listing = Listing(api, SPLATBOT, monotonic=monotonic)
        self._sightings = Sightings(api, self._listing, monotonic=monotonic)
        self._since = Since(monotonic)

    def reap(self, install: str | None, *, dry_run: bool) -> int:
        """Do the round. Raises an ApiError when the droplets can not be listed."""
        droplets = self._look()
        now = self._clock()
        fates = [(each, fate_of(each, install, now)) for each in droplets]
        for droplet, fate in fates:
            self._describe(droplet, fate, now)
        expired = [droplet for droplet, fate in fates if fate is Fate.EXPIRED]
        left = expired if dry_run else self._destroy(expired)
        for droplet in left:
            self._say(f"{_name(droplet)}: {_WOULD_BE if dry_run else _LEFT_OVER}")
        counts = {fate: sum(f is fate for _, f in fates) for fate in Fate}
        self._note(
            f"{len(expired) - len(left)} destroyed, {len(left) + counts[Fate.UNREADABLE]} left"
            f" over, {counts[Fate.NEEDED]} in use, {counts[Fate.FOREIGN]} foreign."
        )
        return LEFT_OVER if left or counts[Fate.UNREADABLE] else NOTHING_LEFT

    def _look(self) -> list[Droplet]:
        """List the droplets; DigitalOcean may need a moment to answer."""
        until = self._monotonic() + PATIENCE
        while True:
            try:
                found = self._listing.all(max_age=0.0)
            except (Ambiguous, Unreachable, RateLimited) as passing:
                pause = _pause(passing)
                if self._monotonic() + pause > until:
                    raise
                self._sleep(pause)
            else:
                # The tag alone may be on anything; only GPU droplets cost what matters here.
                return [d for d in found if d.is_gpu or fate_of(d, None, 0.0) is not Fate.FOREIGN]

    def _describe(self, droplet: Droplet, fate: Fate, now: float) -> None:
        match fate:
            case Fate.EXPIRED:
                expires = expiry_of(droplet)
                since = f"expired at {_moment(expires)}" if expires is not None else _TOO_OLD
                self._say(f"{_name(droplet)}: {since}.")
            case Fate.UNREADABLE:
                until = _moment(droplet.created_at + LONGEST)
                self._say(f"{_name(droplet)}: {_UNREADABLE}, destroyed after {until}.")
            case Fate.NEEDED:
                self._note(f"{_name(droplet)}: in use until {_moment(expiry_of(droplet) or now)}.")
            case Fate.FOREIGN:
                self._note(f"{_name(droplet)}: a GPU droplet that is not ours, left alone.")

    def _destroy(self, droplets: list[Droplet]) -> list[Droplet]:
        """Destroy droplets until they are proven to be gone; return those that are not."""
        left = list(droplets)
        for droplet in left:
            self._presence(droplet)  # it is listed: from now on, absence is no mere lateness
        until = self._monotonic() + PATIENCE
        while left and self._monotonic() < until:
            pauses = [self._push(droplet) for droplet in left]
            left = [each for each in left if not self._is_gone(each)]
            if left:
                self._sleep(max(pauses))
        return left

    def _push(self, droplet: Droplet) -> float:
        """Ask for a droplet's end, now and then; return the seconds until the next look.

        Raises Refused when the token is not allowed to.
        """
        if not self._since.is_due(droplet.id, DESTROY_AGAIN):
            return LOOK
        try:
            self._api.destroy_droplet(droplet.id)
        except NotFound:
            return LOOK
        except ApiError as wrong:
            if _status(wrong) in FORBIDDEN:
                raise
            # It may be locked, or being destroyed already. What counts is whether it is gone.
            self._note(f"{_name(droplet)}: {wrong.user_message}")
            return _pause(wrong)
        self._note(f"{_name(droplet)}: DigitalOcean was asked to destroy it.")
        return LOOK

    def _is_gone(self, droplet: Droplet) -> bool:
        is_gone = self._presence(droplet) is Presence.GONE
        if is_gone:
            self._say(f"{_name(droplet)}: destroyed, and confirmed gone.")
        return is_gone

    def _presence(self, droplet: Droplet) -> Presence:
        try:
            return self._sightings.observe(droplet.id).presence
        except ApiError:
            return Presence.UNKNOWN  # it is looked at again


def _pause(wrong: ApiError) -> float:
    """Seconds to wait after an error."""
    return max(wrong.retry_after, LOOK) if isinstance(wrong, RateLimited) else LOOK


def _status(wrong: ApiError) -> int:
    return wrong.status if isinstance(wrong, Refused) else 0


def _name(droplet: Droplet) -> str:
    place = f"{droplet.size} in {droplet.region}, ${droplet.price_hourly:.2f}/h"
    return f"{droplet.name} (droplet {droplet.id}, {place})"


def _moment(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"


_TOO_OLD = "ours without a readable expiry, and older than any job's droplet may be"
_UNREADABLE = "ours, but its tags do not say when it expires"
_WOULD_BE = "would be destroyed."
_LEFT_OVER = (
    "could not be destroyed, or not confirmed gone. It may still be billed:"
    " look at https://cloud.digitalocean.com/droplets."
)
_NEEDS = "DIGITALOCEAN_TOKEN has to be valid, with droplet:read, droplet:delete and tag:read."
