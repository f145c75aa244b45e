"""Whether this machine has what it needs: the viewer, and the pipeline where jobs run here."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

from bot.core.config import Settings
from bot.core.rounds import Finding
from bot.web.pages import VIEWER

PIPELINE = ("torch", "numba", "pycolmap", "PIL", "plyfile")


def findings(settings: Settings) -> Iterator[Finding]:
    """Look at what is installed."""
    built = (VIEWER / "index.html").is_file()
    what = "The viewer is built." if built else "The viewer is not built: links lead nowhere."
    yield Finding(built, what, "" if built else "Run `scripts/frontend.sh viewer`.")
    if settings.droplets:
        return
    missing = [name for name in PIPELINE if importlib.util.find_spec(name) is None]
    if missing:
        what = f"Jobs can not run on this machine: {', '.join(missing)} missing."
        remedy = "Install the extra `gpu`, or set DIGITALOCEAN_TOKEN to run jobs on droplets."
        yield Finding(False, what, remedy)
    else:
        yield Finding(True, "Jobs run on this machine; nothing is billed.")
