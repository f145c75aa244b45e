"""What may befall a machine: a full disk, a GPU or a store that hangs, a shut-down."""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gpu import report
from gpu.agent import uploads
from gpu.agent.agent import GOODBYE
from gpu.agent.child import GRACE
from gpu.agent.heartbeat import PERIOD, STALE, Sampler
from gpu.agent.prepare import Said
from gpu.agent.silence import LONGEST
from gpu.agent.transport import Response, Unreachable
from gpu.job import Stage
from gpu.job.messages import HEARTBEAT
from tests.gpu.agent.conftest import Boot
from tests.gpu.agent.machine import FakeTime, Machine
from tests.gpu.agent.test_telling import append, gaps
from tests.waiting import PATIENCE

AWAY = dict.fromkeys(("report", "uploads", "spec"), "drop")


def is_full(*_args: object, **_named: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_disk_that_fills_while_the_machine_is_prepared_is_told(
    boot: Boot, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = boot("ok")
    machine.provision("echo Installing; sleep 600")
    machine.until(lambda: len(machine.bot.told) == 2)
    monkeypatch.setattr(Said, "listen", is_full)
    monkeypatch.setattr(report, "_append", is_full)
    machine.finish()
    [failure] = machine.bot.failures
    assert failure.stage is Stage.PREPARE
    assert "No space left on device" in failure.message
    assert failure.seq == len(machine.events) + 1  # it is in memory alone
    assert machine.bot.reports[-1].leaving
    assert machine.runs == 0


def test_a_pipeline_that_ends_on_a_full_disk_is_told(
    boot: Boot, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = boot("wait")
    machine.until(lambda: machine.runs)
    monkeypatch.setattr(report, "_append", is_full)
    machine.clock.now = machine.bot.deadline
    machine.finish()
    [failure] = machine.bot.failures
    assert "No space left on device" in failure.message
    assert machine.bot.store["events.jsonl"].decode().endswith(failure.to_json() + "\n")


def test_nothing_of_the_job_runs_when_it_has_failed(
    boot: Boot, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = boot("ok")
    machine.provision('echo Installing; echo $$ >"$SPLATBOT_ROOT/pid"; sleep 600')
    machine.until(lambda: len(machine.bot.told) == 2)
    monkeypatch.setattr(Said, "listen", is_full)
    machine.until(lambda: machine.agent.work.over)
    assert not machine.agent.work._provision.is_running()


def test_an_agent_starts_again_on_a_full_disk(
    busy: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = len(busy.bot.reports)
    monkeypatch.setattr("gpu.agent.folder.write", is_full)
    busy.start()
    busy.until(lambda: len(busy.bot.reports) > heard)


def test_a_job_that_says_nothing_for_half_an_hour_is_stopped(busy: Machine) -> None:
    begin = busy.clock.now
    busy.until(lambda: busy.bot.failures, step=5)
    assert LONGEST <= busy.clock.now - begin < LONGEST + 60
    [failure] = busy.bot.failures
    assert failure.stage is Stage.FETCH
    assert "nothing was heard" in failure.message
    assert failure.hint


def test_a_machine_that_stood_still_for_hours_may_go_on(busy: Machine) -> None:
    busy.clock.now += 2 * LONGEST
    busy.for_seconds(60)
    assert not busy.agent.work.over


def test_provisioning_that_says_nothing_for_half_an_hour_is_stopped(boot: Boot) -> None:
    machine = boot("ok")
    machine.provision("sleep 7200")
    machine.until(lambda: machine.bot.failures, step=5)
    assert "nothing was heard" in machine.bot.failures[0].message


def test_a_job_that_talks_is_left_alone(busy: Machine) -> None:
    for _ in range(4):
        append(busy, 1)
        busy.until(lambda end=busy.clock.now + LONGEST - 60: busy.clock.now >= end, step=5)  # type: ignore[misc]
    assert not busy.agent.work.over


@contextmanager
def blocked() -> Iterator[threading.Event]:
    """An event that is set at the end, whatever happens."""
    event = threading.Event()
    try:
        yield event
    finally:
        event.set()


def test_a_gpu_that_hangs_holds_up_nothing(busy: Machine) -> None:
    with blocked() as released:
        asked: list[None] = []

        def hangs() -> dict[str, float]:
            asked.append(None)
            released.wait()
            return {}

        busy.agent.courier._measure = Sampler(hangs, busy.clock)
        append(busy, 1)
        busy.until(lambda: busy.bot.seq == len(busy.events))
        busy.bot.times.clear()
        busy.for_seconds(60)
        assert max(gaps(busy)) <= HEARTBEAT
        assert len(asked) == 1


def test_figures_that_are_too_old_are_not_told() -> None:
    clock, measured = FakeTime(), [{"gpu": 1.0}]
    sampler = Sampler(measured.pop, clock)
    sampler()
    assert sampler._thread is not None
    sampler._thread.join(PATIENCE)
    assert sampler() == {"gpu": 1.0}
    clock.sleep(PERIOD / 2)
    assert sampler() == {"gpu": 1.0}
    with blocked() as released:
        sampler._measure = lambda: {"gpu": float(released.wait())}
        clock.sleep(STALE)
        assert sampler() == {}


def test_systemd_hears_of_every_round(
    boot: Boot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine, address = boot("ok"), str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(address)
        systemd.settimeout(PATIENCE)
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        for _ in range(3):
            machine.agent.step()
            assert systemd.recv(100) == b"WATCHDOG=1"


def test_a_store_that_hangs_does_not_silence_the_machine(
    busy: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hangs(*_args: object, **_named: object) -> Response:
        busy.clock.sleep(30)
        raise Unreachable("it hangs")

    monkeypatch.setattr(uploads, "request_once", hangs)
    (busy.job / "previews").mkdir()
    for number in range(20):
        (busy.job / "previews" / f"{number}.jpg").write_bytes(b"a picture")
    append(busy, 1, pictures=tuple(f"previews/{n}.jpg" for n in range(20)))
    busy.bot.times[:] = [busy.clock.now]
    busy.until(lambda: busy.bot.seq == len(busy.events))
    busy.for_seconds(300)
    assert max(gaps(busy)) < 180  # seconds after which the bot warns
    assert busy.bot.told[-1].pictures == ()


def test_a_machine_that_shuts_down_does_not_wait_long_for_an_absent_bot(busy: Machine) -> None:
    busy.bot.down = dict(AWAY)
    busy.agent.stop()
    begin = busy.clock.now
    while not busy.agent.step():
        busy.clock.sleep(0.5)
    assert busy.clock.now - begin < GRACE + GOODBYE + 5
    assert "shuts down" in busy.events[-1].message
    assert not busy.bot.failures


def test_progress_goes_on_when_the_clock_is_set_back(boot: Boot) -> None:
    machine = boot("ok")
    told: list[str] = []
    reporter = report.Reporter(
        machine.bot.spec, machine.paths, clock=machine.clock.time,
        listeners=[lambda event: told.append(event.message)],
    )  # fmt: skip
    reporter.progress(Stage.TRAIN, 0.1, "before")
    machine.clock.now -= 3600
    reporter.progress(Stage.TRAIN, 0.2, "after")
    assert told == ["before", "after"]
