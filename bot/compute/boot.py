"""What a droplet is told when it boots, for one attempt of one job."""

from __future__ import annotations

from bot.compute import bundle
from bot.compute.userdata import UserData, render
from bot.core.config import Settings
from bot.storage.base import Storage
from gpu.job.signing import job_key

#: Seconds for which a droplet can fetch the pipeline: longer than any job, so that one that is
#: started anew by DigitalOcean can fetch it again.
FETCHABLE = 6 * 3600


class Boot:
    """Builds the user-data, and has the bundle of the pipeline in the bucket before."""

    def __init__(self, settings: Settings, storage: Storage) -> None:
        self._settings = settings
        self._storage = storage

    def __call__(self, job_id: str, attempt: int, volume: str, deadline: float) -> str:
        """Return the cloud-config. `deadline` is Unix time. Raises StorageError, SplatError."""
        code = bundle.publish(self._storage)
        return render(
            UserData(
                job=job_id,
                fence=attempt,
                key=job_key(self._settings.hook_secrets[0], job_id, attempt),
                bot_url=self._settings.public_url,
                bundle_url=self._storage.sign_get(code.key, FETCHABLE),
                bundle_sha256=code.sha256,
                deadline=int(deadline),
                volume=volume,
            )
        )
