"""What a job asks for that a machine has only where its operator has put it.

It is looked for before any photo is fetched: a droplet that lacks it is paid for by the minute.
"""

from __future__ import annotations

from gpu.geometry.installed import check_code, check_installed
from gpu.ingest.remove import open_remover
from gpu.job import JobSpec


def check_needs(spec: JobSpec) -> None:
    """Raise MethodNotInstalled or RemoverNotInstalled for what this machine does not have."""
    if spec.geometry is not None:
        check_installed(spec.geometry)
        check_code(spec.geometry)
    if spec.remove is not None:
        open_remover(spec.remove)
