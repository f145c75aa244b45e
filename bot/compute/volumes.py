"""The volume on which droplets find the runtime ready, so that they need not install it.

It belongs to a region. A droplet in another one goes without: that one takes some minutes longer,
and a size that is sold out here can still be had there.
"""

from __future__ import annotations

import logging

from bot.compute.digitalocean import DigitalOcean, Volume
from bot.compute.digitalocean.errors import ApiError
from bot.core.config import DropletSettings

log = logging.getLogger(__name__)


class RuntimeVolume:
    """Finds or makes the volume that the settings name.

    A volume is a nicety: no error here keeps a job from starting.
    """

    def __init__(self, api: DigitalOcean, settings: DropletSettings) -> None:
        self._api = api
        self._settings = settings

    def find(self) -> Volume | None:
        """Return a volume of that name that no droplet has; None when there is none."""
        if not self._settings.volume:
            return None
        try:
            found = self._api.volumes(self._settings.volume)
        except ApiError as wrong:
            log.warning("the volume %s is not used: %s", self._settings.volume, wrong)
            return None
        return next((volume for volume in found if not volume.droplet_ids), None)

    def make(self, region: str) -> Volume | None:
        """Create the volume, empty, where the first droplet is going to be."""
        if not self._settings.volume:
            return None
        try:
            if self._api.volumes(self._settings.volume):
                return None  # another droplet has it
            return self._api.create_volume(self._settings.volume, region, self._settings.volume_gb)
        except ApiError as wrong:
            log.warning("the volume %s can not be made: %s", self._settings.volume, wrong)
            return None
