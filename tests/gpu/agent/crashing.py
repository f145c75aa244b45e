"""`python -m gpu.agent CONFIG` without waits, which ends when the bot has heard everything.

With more arguments, such as `CONFIG module:Class.method 2 after`, it is killed with SIGKILL after
(or before) the second call of that method.
"""

import importlib
import os
import signal
import sys
import time
from functools import partial
from typing import Any

import gpu.agent.__main__ as program
from gpu.agent.agent import Agent


class Quick:
    """Real time in which nobody waits long."""

    def time(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float, /) -> None:
        time.sleep(min(seconds, 0.005))


class Impatient(Agent):
    def step(self) -> bool:
        return super().step() or self.courier.is_told


def kill_at(target: str, count: int, when: str) -> None:
    """Have this process killed before or after a certain call."""
    module, _, path = target.partition(":")
    *owners, name = path.split(".")
    owner: Any = importlib.import_module(module)
    for each in owners:
        owner = getattr(owner, each)
    original, calls = getattr(owner, name), 0

    def killed(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if (calls, when) == (count, "before"):
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*args, **kwargs)
        if (calls, when) == (count, "after"):
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, killed)


if __name__ == "__main__":
    if len(sys.argv) > 2:
        kill_at(sys.argv[2], int(sys.argv[3]), sys.argv[4])
    vars(program)["Agent"] = partial(Impatient, clock=Quick(), measure=dict)
    sys.exit(program.main([sys.argv[1]]))
