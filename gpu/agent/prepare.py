"""Provisioning (cloud-init/provision.sh): how it is run, what it says, what it leaves."""

from __future__ import annotations

import os
import re
from pathlib import Path

from gpu.agent.config import Config
from gpu.agent.scrub import Scrubber, read_tail
from gpu.job import SplatError

#: What belongs to systemd and the agent, and is none of a child's business.
OURS = ("NOTIFY_SOCKET", "WATCHDOG_", "CREDENTIALS_DIRECTORY", "INVOCATION_ID", "JOURNAL_STREAM")

#: Bytes of the log in which last lines are looked for, and characters of a line that people see.
TAIL, LINE = 16_384, 200

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x09\x0b\x0c\x0e-\x1f\x7f]")
_SETTING = re.compile(r"([A-Z_][A-Z0-9_]*)=(.+)")
_FAILED = re.compile(r"Failed: (?P<what>.+\))\. (?P<remedy>.+)")


class NotPrepared(SplatError):
    """The machine has not what the pipeline needs."""

    def __init__(self, problem: str, hint: str = "") -> None:
        super().__init__(f"The machine could not be prepared: {problem}", hint=hint or _AGAIN)


_AGAIN = "Start the job again; if it repeats, the operator should read the job's log.txt."


def provisioning(config: Config) -> tuple[list[str], dict[str, str]]:
    """Return the command that prepares the machine, and its environment. Raises NotPrepared."""
    script = config.bundle / "cloud-init" / "provision.sh"
    if not script.is_file():
        raise NotPrepared("the bundle has no cloud-init/provision.sh.")
    names = {"SPLATBOT_ROOT": str(config.root), "SPLATBOT_VOLUME": config.volume}
    return ["/bin/bash", str(script)], _environment() | names


def pipeline(config: Config, job: Path) -> tuple[list[str], dict[str, str]]:
    """Return the command that runs the pipeline, and its environment. Raises NotPrepared."""
    env = _environment() | read_runtime(config.root / "runtime.env")
    python = env.pop("PYTHON")
    env |= {"PYTHONPATH": str(config.bundle), "PYTHONUNBUFFERED": "1"}
    return [python, "-m", "gpu", str(job)], env


def read_runtime(file: Path) -> dict[str, str]:
    """Read what provisioning left: PYTHON, and what that needs around it. Raises NotPrepared."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, ValueError):
        raise NotPrepared("provisioning left no runtime.env.") from None
    found = (_SETTING.fullmatch(line.strip()) for line in text.splitlines())
    values = {match[1]: match[2] for match in found if match}
    if not os.access(values.get("PYTHON", ""), os.X_OK):
        raise NotPrepared("the PYTHON that runtime.env names can not be run.")
    return values


class Said:
    """The plain lines for people on provisioning's standard output; they go to the log as well."""

    def __init__(self, file: Path, log: Path, scrubber: Scrubber) -> None:
        self._file, self._log, self._scrubber = file, log, scrubber
        self._offset = file.stat().st_size if file.exists() else 0
        self.lines: list[str] = []

    def listen(self) -> bool:
        """Take in what is new; False when there is nothing."""
        with self._file.open("rb") as file:
            file.seek(self._offset)
            data = file.read()
        data = data[: data.rfind(b"\n") + 1]
        self._offset += len(data)
        with self._log.open("ab") as log:
            log.write(data)
        lines = meaningful(data.decode("utf-8", errors="replace"), self._scrubber)
        self.lines += lines
        return bool(lines)

    def failure(self, how: str) -> NotPrepared:
        """Say why provisioning failed, in its own words if it found some."""
        found = _FAILED.fullmatch(self.lines[-1]) if self.lines else None
        if found:
            return NotPrepared(f"{found['what']}.", found["remedy"])
        return NotPrepared(f"provisioning {how}.{in_words(self.lines[-3:])}")


def last_words(log: Path, scrubber: Scrubber, count: int = 3) -> str:
    """Return the last lines of the log that say something, as the end of a sentence."""
    return in_words(meaningful(read_tail(log, TAIL), scrubber)[-count:])


def in_words(lines: list[str]) -> str:
    """Return lines as the end of a sentence."""
    return f" Its last words were: {' / '.join(lines)[-400:]}" if lines else ""


def meaningful(text: str, scrubber: Scrubber) -> list[str]:
    """Return the lines that say something, short, without control characters and secrets."""
    parts = (_CONTROL.sub("", part).strip() for part in re.split(r"[\r\n]", text))
    return [scrubber.text(part)[:LINE] for part in parts if part]


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
