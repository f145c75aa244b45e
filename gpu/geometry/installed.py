"""Which learned methods this machine has. One is installed when its folder is there:

/mnt/splatbot/learned/<name>/code       its source, as its authors publish it
/mnt/splatbot/learned/<name>/weights    its weights, as its authors publish them

(or below /opt/splatbot without a volume, or below $SPLATBOT_LEARNED).
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from gpu.geometry.errors import MethodNotInstalled
from gpu.job.choices import LEARNED

#: The runtime volume, and the boot disk where there is none (cloud-init/provision.sh).
PLACES = ("/mnt/splatbot", "/opt/splatbot")


def folder_of(name: str) -> Path:
    """Return where a learned method is, or would be, installed."""
    given = os.environ.get("SPLATBOT_LEARNED")
    places = [Path(given)] if given else [Path(place) / "learned" for place in PLACES]
    return next((place / name for place in places if (place / name).is_dir()), places[0] / name)


def is_installed(name: str) -> bool:
    """Say whether a method's weights are there."""
    weights = folder_of(name) / "weights"
    return weights.is_dir() and any(weights.iterdir())


def check_installed(name: str) -> None:
    """Raise MethodNotInstalled for a learned method whose weights are absent."""
    if name in LEARNED and not is_installed(name):
        raise MethodNotInstalled(name)


def check_code(name: str) -> None:
    """Raise MethodNotInstalled for a learned method whose code can not be imported.

    That is tried in a process of its own: it takes seconds, and memory that training needs.
    """
    if name not in LEARNED:
        return
    command = [sys.executable, "-m", "gpu.geometry.learned", name]
    tried = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if tried.returncode != 0:
        why = tried.stdout or f"exit code {tried.returncode}"
        raise MethodNotInstalled(name, f"its code can not be imported ({why})")
