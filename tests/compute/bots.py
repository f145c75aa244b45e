"""Whole bots without Slack as processes of their own, to be raced and killed.

python -m tests.compute.bots FOLDER [Ledger.claim:after]

The bot works on until nothing is left to do, or kills itself with SIGKILL before or after the
named method.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bot.compute.local import LocalBackend
from bot.core.ledger import Ledger
from tests.compute.conftest import Bench


def die_at(point: str) -> None:
    """Make a method deadly."""
    name, moment = point.split(":")
    kind, method = name.split(".")
    owner = {"Ledger": Ledger, "LocalBackend": LocalBackend}[kind]
    setattr(owner, method, _deadly(getattr(owner, method), moment))


def _deadly(method: Callable[..., Any], moment: str) -> Callable[..., Any]:
    def deadly(*values: Any, **named: Any) -> None:
        if moment == "after":
            method(*values, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    return deadly


def main() -> None:
    folder, *points = sys.argv[1:]
    for point in points:
        die_at(point)
    bench = Bench(Path(folder))
    while bench.ledger.active() or bench.ledger.holders():
        bench.dispatcher.tick()
        time.sleep(0.01)


if __name__ == "__main__":
    main()
