"""What people can ask of the bot, one class each; grammar.py reads them from what is typed."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field

from bot.core.costs import DEFAULT_PERIOD
from bot.core.jobs import ORIGINS, Options
from gpu.job import Pipeline


@dataclass(frozen=True)
class Start:
    """Make a splat of a dataset; with `dry_run` only say what that would mean."""

    dataset: str
    pipeline: Pipeline = Pipeline.SPLAT
    options: Options = field(default_factory=dict)
    job_id: str | None = None
    dry_run: bool = False

    @property
    def text(self) -> str:
        """The command in its normal form, to be echoed."""
        flags = _flags(self.options, self.job_id, self.dry_run)
        plain = re.fullmatch(r"[\w./:@?=+-]+", self.dataset)
        name = self.dataset if plain else shlex.quote(self.dataset)
        return " ".join(["/splat", name, self.pipeline.value, *flags])


def _flags(options: Options, job_id: str | None, dry_run: bool) -> list[str]:
    """Return options as they are typed, without what only doing a job again sets."""
    given = {name: value for name, value in options.items() if name not in ORIGINS}
    flags = [f"--{name.replace('_', '-')} {value}" for name, value in given.items()]
    flags += [f"--job-id {job_id}"] if job_id else []
    return flags + (["--dry-run"] if dry_run else [])


@dataclass(frozen=True)
class OpenDialog:
    """Let the person choose in a dialog."""


@dataclass(frozen=True)
class Help:
    """Say what there is to say, on one topic when it is named: a command, an option, a word."""

    topic: str = ""


@dataclass(frozen=True)
class ListJobs:
    """Show the newest jobs."""


@dataclass(frozen=True)
class ShowQueue:
    """Show what runs and what waits."""


@dataclass(frozen=True)
class ShowAudit:
    """Show who did what, newest first."""


@dataclass(frozen=True)
class ListDatasets:
    """Show which photos are there."""

    prefix: str = ""


@dataclass(frozen=True)
class ShowStatus:
    """Show a job; the running one when none is named."""

    job_id: str | None = None


@dataclass(frozen=True)
class View:
    """Say where a splat can be seen; the newest one when none is named."""

    job_id: str | None = None


@dataclass(frozen=True)
class ShowLogs:
    """Show the end of a job's log; the running or newest one's when none is named."""

    job_id: str | None = None


@dataclass(frozen=True)
class Rerun:
    """Do a job again, the newest that is over when none is named, with other options if any."""

    job_id: str | None = None
    options: Options = field(default_factory=dict)
    new_id: str | None = None
    dry_run: bool = False

    @property
    def text(self) -> str:
        """The command in its normal form, to be echoed."""
        flags = _flags(self.options, self.new_id, self.dry_run)
        return " ".join(["/splat rerun", *([self.job_id] if self.job_id else []), *flags])


@dataclass(frozen=True)
class Cancel:
    """Stop a job; the running one when none is named."""

    job_id: str | None = None


@dataclass(frozen=True)
class Destroy:
    """Stop a job at once and remove its machine."""

    job_id: str | None = None


@dataclass(frozen=True)
class ShowCost:
    """Show what machines have cost in a period that ends now: `7d`, `30d`, `month`."""

    period: str = DEFAULT_PERIOD


@dataclass(frozen=True)
class Upload:
    """Give a page on which many photos are uploaded, under this name."""

    name: str = ""


@dataclass(frozen=True)
class ShowDoctor:
    """Show what the last examination of the bot's surroundings found."""


Command = (
    Start | OpenDialog | Help | ListJobs | ListDatasets | ShowStatus | View | ShowLogs | Rerun
    | Cancel | Destroy | Upload | ShowQueue | ShowAudit | ShowCost | ShowDoctor
)  # fmt: skip
