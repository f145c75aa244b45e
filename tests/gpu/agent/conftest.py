"""A machine for tests that need one; its job is the test's marker, or `ok`."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.gpu.agent.machine import Machine, machine

Boot = Callable[[str], Machine]


@pytest.fixture
def boot(tmp_path: Path) -> Iterator[Boot]:
    """Boots a machine whose pipeline does what a word says (see pipeline.py)."""
    with ExitStack() as stack:

        def boot(dataset: str = "ok") -> Machine:
            made = stack.enter_context(machine(tmp_path, dataset))
            made.start()
            return made

        yield boot


@pytest.fixture
def busy(boot: Boot) -> Machine:
    """A machine whose pipeline runs and says nothing more, so that a test may write its events."""
    return boot("wait").until_busy()
