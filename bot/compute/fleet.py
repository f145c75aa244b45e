"""Which GPU droplets exist on the account, as DigitalOcean's own lists say."""

from __future__ import annotations

from collections.abc import Callable

from bot.compute.digitalocean import DigitalOcean, Droplet
from bot.compute.tags import Label, install_tag, label_of


class Listing:
    """The newest list, read again when it is older than the caller allows.

    All GPU droplets of the account, and whatever else carries `tag`. That is one or two calls,
    whatever their number: DigitalOcean allows 250 a minute for all that the account does.
    """

    def __init__(self, api: DigitalOcean, tag: str, *, monotonic: Callable[[], float]) -> None:
        self._api = api
        self._tag = tag
        self._monotonic = monotonic
        self._droplets: list[Droplet] = []
        self._read_at = float("-inf")

    def all(self, max_age: float) -> list[Droplet]:
        """Return the droplets, oldest first. `max_age` seconds of the list."""
        if self._monotonic() - self._read_at >= max_age:
            begun = self._monotonic()
            self._droplets = self._api.gpu_droplets(self._tag)
            self._read_at = begun  # not the end: what came about while it was read is not in it
        return self._droplets


class Fleet(Listing):
    """The list as one bot sees it: its own droplets, and the account's others."""

    def __init__(self, api: DigitalOcean, install: str, *, monotonic: Callable[[], float]) -> None:
        super().__init__(api, install_tag(install), monotonic=monotonic)
        self._install = install

    def labelled(self, max_age: float) -> list[tuple[Droplet, Label]]:
        """Return the droplets of this bot with what their tags say, oldest first."""
        read = ((droplet, label_of(droplet, self._install)) for droplet in self.all(max_age))
        return [(droplet, label) for droplet, label in read if label]

    def ours(self, max_age: float) -> list[Droplet]:
        """Return the droplets of this bot, oldest first. `max_age` seconds of the list."""
        return [droplet for droplet, _ in self.labelled(max_age)]

    def foreign(self, max_age: float) -> list[Droplet]:
        """Return the GPU droplets of the account that are not this bot's, oldest first."""
        return [d for d in self.all(max_age) if not label_of(d, self._install)]

    def of_job(self, job_id: str, max_age: float) -> list[Droplet]:
        """Return the droplets of one job; more than one is an accident."""
        return [droplet for droplet, label in self.labelled(max_age) if label.job == job_id]
