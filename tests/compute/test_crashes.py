"""kill -9 for the bot at every step, and several bots at once: each job runs exactly once."""

import signal
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bot.compute import processes
from bot.compute.local import LocalBackend
from gpu.job import JobSpec, Source
from tests.compute.conftest import Bench
from tests.waiting import PATIENCE, await_that

REPOSITORY = Path(__file__).resolve().parents[2]

STARTING = [
    "Ledger.claim:after",
    "LocalBackend.launch:before",
    "LocalBackend._start:before",
    "LocalBackend._start:after",
    "LocalBackend.launch:after",
    "Ledger.set_handle:before",
    "Ledger.set_handle:after",
]
ENDING = [
    "LocalBackend.events:after",
    "Ledger.record_all:before",
    "Ledger.record_all:after",
    "Ledger.succeed:before",
    "Ledger.succeed:after",
    "Ledger.release:before",
    "Ledger.release:after",
]


def bot(folder: Path, *points: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.compute.bots", str(folder), *points], cwd=REPOSITORY
    )


def killed_at(bench: Bench, point: str) -> None:
    """Run a bot until it kills itself; then be the next one."""
    assert bot(bench.root, point).wait(PATIENCE) == -signal.SIGKILL
    bench.restart()


def told(bench: Bench, kind: str) -> Sequence[str]:
    return [n.dedupe_key for n in bench.ledger.pending(1e12) if n.kind == kind]


@pytest.mark.parametrize("point", STARTING)
def test_a_bot_killed_while_it_starts_a_job_leaves_one_process(bench: Bench, point: str) -> None:
    bench.ask("a", "wait")
    killed_at(bench, point)
    bench.tick_until(lambda: bench.is_working("a"))
    for _ in range(3):
        bench.dispatcher.tick()
    mark = (bench.ledger.job("a").handle or {})["mark"]
    assert bench.starts("a") == len(processes.marked(mark)) == 1
    assert bench.state("a") == "running"
    bench.ledger.request_cancel("a", "U2")
    bench.tick_until(lambda: not bench.ledger.holders())
    assert (bench.state("a"), told(bench, "final")) == ("cancelled", ["final:a"])


@pytest.mark.parametrize("point", [*STARTING, *ENDING])
def test_a_bot_killed_at_any_step_ends_every_job_once(bench: Bench, point: str) -> None:
    bench.ask("a", "ok")
    bench.ask("b", "ok")
    killed_at(bench, point)
    bench.tick_until(lambda: not bench.ledger.active() and not bench.ledger.holders())
    assert [bench.state(job) for job in "ab"] == ["succeeded", "succeeded"]
    assert [bench.starts(job) for job in "ab"] == [1, 1]
    assert told(bench, "final") == ["final:a", "final:b"]
    assert len(told(bench, "stage")) == 4


def test_three_bots_on_one_ledger_run_every_job_once_and_one_at_a_time(bench: Bench) -> None:
    """Two too many, as when an operator starts the bot again while the old one still ends."""
    jobs = [bench.ask(f"job-{n}", "alone") for n in range(5)]
    bots = [bot(bench.root) for _ in range(3)]
    assert [each.wait(120) for each in bots] == [0, 0, 0]
    assert {bench.state(job) for job in jobs} == {"succeeded"}
    assert {bench.starts(job) for job in jobs} == {1}
    assert not (bench.root / "jobs" / "overlap").exists()


def test_of_many_launches_at_once_one_starts_the_job(bench: Bench) -> None:
    specification = JobSpec(job_id="a", dataset="wait", source=Source(path="/photos"))
    command = bench.backend._command
    backends = [LocalBackend(bench.root / "jobs", command=command) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        handles = list(pool.map(lambda backend: backend.launch(specification), backends))
    assert all(handle == handles[0] for handle in handles)
    # While `nice` turns into Python the process has no mark for a moment.
    await_that(lambda: bench.starts("a") > 0, "the job's start")
    assert bench.starts("a") == len(processes.marked(handles[0]["mark"])) == 1
