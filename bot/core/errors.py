"""Errors of the bot.

SplatError (gpu.job)
├── InvalidValue (gpu.job)
├── UnknownDataset       no photos under that name; carries the nearest names
├── NothingReadable      captures are there, and nothing here reads any
├── UnknownJob           no such job
├── UnknownDrop          no such photos were dropped
├── UnknownMachine       no such machine on the account
├── UnknownCommand       words that are no command; carries the nearest one
├── IllegalMove          a job can not go from that state to this one
├── BackendError         the machine that runs jobs did not do what it should
│   └── NotYet           it is not known, or not possible yet: the same call again later
│       └── MachineExists    a job has a machine already, or may have
├── NotInstalled         no machine of this bot's can have what a job asks for
├── NotAllowed           this person may not do that here
├── BudgetSpent          this month's budget does not allow another start
├── StorageError         the store of photos and results did not answer as it should
└── UnreadableLedger     the ledger or its snapshots are damaged, or of a later version
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from gpu.job import InvalidValue, SplatError

__all__ = [
    "BackendError",
    "BudgetSpent",
    "IllegalMove",
    "InvalidValue",
    "MachineExists",
    "NotAllowed",
    "NotInstalled",
    "NotYet",
    "NothingReadable",
    "SplatError",
    "StorageError",
    "UnknownCommand",
    "UnknownDataset",
    "UnknownDrop",
    "UnknownJob",
    "UnknownMachine",
    "UnreadableLedger",
]


class UnknownDataset(SplatError):
    """There are no photos under this name. `suggestions` are the nearest names that exist."""

    lasting = True
    #: How names begin that somebody's own computer has for a folder.
    _OWN_COMPUTER = re.compile(r"/|~|\.\.?/|\\|[A-Za-z]:")

    def __init__(self, name: str, suggestions: Sequence[str] = ()) -> None:
        nearest = ", ".join(f"`{s}`" for s in suggestions)
        if nearest:
            hint = f"Did you mean {nearest}?"
        elif self._OWN_COMPUTER.match(name):
            hint = "I do not see the folders of your computer: `/splat upload` takes their photos."
        else:
            hint = "`/splat datasets` lists what is there."
        super().__init__(f"There are no photos under `{name}`.", hint=hint)
        self.name = name
        self.suggestions = tuple(suggestions)


class NothingReadable(SplatError):
    """All that is under this name are captures that nothing here reads; the hint is the remedy."""

    def __init__(self, name: str, remedy: str) -> None:
        super().__init__(f"There is nothing under `{name}` that can be read here.", hint=remedy)


class UnknownJob(SplatError):
    """No job has this id."""


class UnknownDrop(SplatError):
    """Nobody has dropped photos under this number."""


class UnknownMachine(SplatError):
    """No machine on the account has this id, as of the last look."""


class UnknownCommand(SplatError):
    """The words after `/splat` are no command that we know."""


class IllegalMove(SplatError):
    """A job was asked to go from one state to another that does not follow it."""


class BackendError(SplatError):
    """The machine that runs jobs did not do what it should."""


class NotYet(BackendError):
    """It is not known yet, or not possible yet: nothing is wrong, and the caller asks again."""


class MachineExists(NotYet):
    """A job has a machine already, or may have one: no other may be created for it."""


class NotInstalled(SplatError):
    """A job asks for a network, and no machine of this bot's can have one. `option` asked."""

    def __init__(self, option: str, name: str, chapter: str) -> None:
        super().__init__(
            f"`--{option} {name}` needs a network that is not installed: it would be on a volume,"
            " and this bot's droplets have none.",
            hint=f"Leave `--{option}` away, or have the operator set SPLATBOT_VOLUME and put the"
            f" network there (operator guide, *{chapter}*).",
        )


class NotAllowed(SplatError):
    """The operator has not allowed this person to do that here."""


class BudgetSpent(SplatError):
    """What this month's machines cost leaves no room for another start."""


class StorageError(SplatError):
    """The store of photos and results did not answer as it should."""


class UnreadableLedger(SplatError):
    """There is a ledger, or snapshots of one, and none that this version of the bot can read."""
