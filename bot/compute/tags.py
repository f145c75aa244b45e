"""How a droplet says whose it is: in its name and tags, where it survives everything of ours."""

from __future__ import annotations

from dataclasses import dataclass

from bot.compute.digitalocean import Droplet

#: On every droplet of every Splatbot.
SPLATBOT = "splatbot"
INSTALL, JOB, FENCE, EXPIRES = (
    "splatbot-install:",
    "splatbot-job:",
    "splatbot-fence:",
    "splatbot-exp:",
)


def droplet_name(job_id: str, attempt: int) -> str:
    """Return the name of the one droplet that an attempt of a job may have."""
    return f"splat-{job_id}-{attempt}"


def install_tag(install: str) -> str:
    """Return the tag that all droplets of one bot have, and no other's."""
    return f"{INSTALL}{install}"


def tags_of(install: str, job_id: str, attempt: int, expires: float) -> list[str]:
    """Return all tags of a new droplet. `expires` is the Unix time after which nobody needs it."""
    mine = [f"{JOB}{job_id}", f"{FENCE}{attempt}", f"{EXPIRES}{int(expires)}"]
    return [SPLATBOT, install_tag(install), *mine]


@dataclass(frozen=True)
class Label:
    """What a droplet's tags say. `expires` is 0 when they do not say: then it is overdue."""

    job: str
    attempt: int
    expires: float


def label_of(droplet: Droplet, install: str) -> Label | None:
    """Read a droplet's tags; None when it is none of this bot's."""
    job = droplet.tag(JOB)
    if install_tag(install) not in droplet.tags or not job:
        return None
    return Label(job, _number(droplet.tag(FENCE)) or 0, float(_number(droplet.tag(EXPIRES)) or 0))


def expiry_of(droplet: Droplet) -> float | None:
    """Return when a droplet of any Splatbot expires; None for all others."""
    expires = _number(droplet.tag(EXPIRES)) if SPLATBOT in droplet.tags else None
    return None if expires is None else float(expires)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None
