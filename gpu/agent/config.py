"""What a droplet is told at its birth, in a file that only root can read."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gpu.job import SplatError
from gpu.job.choices import JOB_ID, RANGES

ROOT, FOLDER = "/opt/splatbot", "/var/lib/splatbot/job"


class BadConfig(SplatError):
    """The agent's file can not be read, or a field of it is missing or wrong."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"The agent's configuration {problem}.", hint=_REMEDY)


_REMEDY = "It is written at boot from cloud-init's template: compare that with gpu/agent/config.py."


@dataclass(frozen=True)
class Config:
    """One attempt of one job on one machine.

    `key` signs what the agent says (gpu.job.signing). `deadline` is Unix time in seconds.
    `volume` is the name of the volume with the runtime, or empty. `root` holds the bundle
    (`pipeline/`) and `runtime.env`; `folder` is the job's.
    """

    job: str
    fence: int
    key: str = field(repr=False)
    bot_url: str
    deadline: float
    volume: str = ""
    root: Path = Path(ROOT)
    folder: Path = Path(FOLDER)

    @property
    def bundle(self) -> Path:
        """The pipeline's code, as the bot packed it."""
        return self.root / "pipeline"

    @classmethod
    def read(cls, file: Path) -> Config:
        """Read a file; raises BadConfig that names the field."""
        try:
            raw = json.loads(file.read_text(encoding="utf-8"))
        except OSError as wrong:
            raise BadConfig(f"{file} can not be read ({wrong.strerror})") from None
        except ValueError:
            raise BadConfig(f"{file} is not JSON") from None
        if not isinstance(raw, dict):
            raise BadConfig(f"{file} is not a JSON object")
        return cls(
            job=_job(raw),
            fence=RANGES["attempt"].check("fence", raw.get("fence")),
            key=_text(raw, "key"),
            bot_url=_address(raw),
            deadline=_deadline(raw),
            volume=_text(raw, "volume", ""),
            root=Path(_text(raw, "root", ROOT)),
            folder=Path(_text(raw, "folder", FOLDER)),
        )


def _text(raw: dict[str, Any], name: str, default: str | None = None) -> str:
    value = raw.get(name, default)
    if not isinstance(value, str) or (not value and default is None):
        raise BadConfig(f"has no `{name}`, or one that is no text")
    return value


def _job(raw: dict[str, Any]) -> str:
    if not JOB_ID.fullmatch(_text(raw, "job")):
        raise BadConfig("has a `job` that is no job's id")
    return str(raw["job"])


def _address(raw: dict[str, Any]) -> str:
    address = _text(raw, "bot_url").rstrip("/")
    try:
        parts = urlsplit(address)
        whole = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        whole = False
    if not whole:
        raise BadConfig("has a `bot_url` that is no address such as https://bot.example.com")
    return address


def _deadline(raw: dict[str, Any]) -> float:
    value = raw.get("deadline")
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value):  # type: ignore[arg-type]
        raise BadConfig("has no `deadline` in Unix seconds")
    return float(value)  # type: ignore[arg-type]
