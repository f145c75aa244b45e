"""The machine prepares itself, runs the pipeline, and says how it ended, whatever happens."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gpu.agent.child import GRACE
from gpu.job import Event, Stage, Status
from gpu.job.messages import EVENTS, LOG
from tests.conftest import REPOSITORY
from tests.gpu.agent.conftest import Boot


def steps(events: list[Event]) -> list[tuple[str, str]]:
    return [(event.stage, event.status) for event in events]


def test_a_job_is_prepared_run_and_told_in_order(boot: Boot) -> None:
    machine = boot("ok")
    machine.finish()
    assert machine.bot.told == machine.events
    done = [step for step in steps(machine.bot.told) if step[1] != "progress"]
    assert done == [
        ("prepare", "started"), ("prepare", "done"), ("fetch", "started"),
        ("train", "done"), ("publish", "done"),
    ]  # fmt: skip
    assert [report.leaving for report in machine.bot.reports].index(True) == (
        len(machine.bot.reports) - 1
    )


def test_what_provisioning_says_is_told_while_it_goes_on(boot: Boot) -> None:
    machine = boot("ok")
    machine.provision('echo Compiling; while [ ! -e "$SPLATBOT_ROOT/go" ]; do :; done; echo Ready')
    machine.until(lambda: len(machine.bot.told) == 2)
    (machine.root / "go").touch()
    machine.finish()
    assert [event.message for event in machine.bot.told[:3]] == ["", "Compiling", "Ready"]
    [done] = [e for e in machine.bot.told if (e.stage, e.status) == (Stage.PREPARE, Status.DONE)]
    assert done.message == "Ready"
    assert isinstance(done.metrics["seconds"], float)


def test_the_log_has_what_people_are_told_and_what_tools_say(boot: Boot) -> None:
    machine = boot("ok")
    machine.finish()
    log = machine.paths.log.read_text()
    for line in ("Looking for the GPU", "a tool's chatter", "the pipeline says hello"):
        assert log.count(line) == 1


def test_the_pipeline_finds_the_runtime_and_nothing_of_the_agents(
    boot: Boot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "1")
    machine = boot("ok")
    machine.finish()
    env = json.loads((machine.job / "environment").read_text())
    assert env["TORCH_CUDA_ARCH_LIST"] == "9.0"
    assert env["PYTHONPATH"] == str(machine.root / "pipeline")
    assert "WATCHDOG_USEC" not in env
    assert machine.config.key not in env.values()


def test_the_jobs_files_are_for_root_alone(boot: Boot) -> None:
    machine = boot("ok")
    machine.finish()
    assert machine.paths.spec.stat().st_mode & 0o777 == 0o600
    assert machine.job.stat().st_mode & 0o777 == 0o700


def test_a_failure_of_the_pipeline_is_told_as_it_said_it(boot: Boot) -> None:
    machine = boot("fail")
    machine.finish()
    [failure] = machine.bot.failures
    assert (failure.message, failure.hint) == ("The photos do not connect.", "Take more.")


def test_a_pipeline_that_ends_without_a_word_is_given_one(boot: Boot) -> None:
    machine = boot("mute")
    machine.finish()
    [failure] = machine.bot.failures
    assert failure.stage is Stage.FETCH
    assert failure.seq == len(machine.bot.told)
    assert "ended with exit code 1" in failure.message
    assert "something broke" in failure.message
    assert failure.hint


def test_a_pipeline_that_the_kernel_ended_probably_wanted_too_much_memory(boot: Boot) -> None:
    machine = boot("full")
    machine.finish()
    [failure] = machine.bot.failures
    assert "SIGKILL" in failure.message
    assert "memory was full" in failure.message


def test_provisioning_that_fails_ends_the_job_with_its_own_remedy(boot: Boot) -> None:
    machine = boot("ok")
    machine.provision(
        'echo "Failed: Looking for the GPU (nvidia-smi shows none). Use a size with one."\nexit 1'
    )
    machine.finish()
    [failure] = machine.bot.failures
    assert failure.stage is Stage.PREPARE
    assert failure.message == (
        "The machine could not be prepared: Looking for the GPU (nvidia-smi shows none)."
    )
    assert failure.hint == "Use a size with one."
    assert machine.runs == 0


def test_provisioning_that_fails_without_a_reason_is_quoted(boot: Boot) -> None:
    machine = boot("ok")
    machine.provision("echo one; echo two; exit 7")
    machine.finish()
    [failure] = machine.bot.failures
    assert "exit code 7" in failure.message
    assert "one / two" in failure.message
    assert "log.txt" in failure.hint


@pytest.mark.parametrize("runtime", ["", "PYTHON=/nowhere/python", "nonsense"])
def test_a_runtime_without_a_python_is_a_failure(boot: Boot, runtime: str) -> None:
    machine = boot("ok")
    machine.provision("true", runtime)
    machine.finish()
    [failure] = machine.bot.failures
    assert "PYTHON" in failure.message


def test_a_bundle_without_provisioning_is_a_failure(boot: Boot) -> None:
    machine = boot("ok")
    (machine.root / "pipeline" / "cloud-init" / "provision.sh").unlink()
    machine.finish()
    assert "provision.sh" in machine.bot.failures[0].message


def test_a_cancelled_job_stops_and_says_so_without_failing(boot: Boot) -> None:
    machine = boot("wait")
    machine.until(lambda: machine.runs and machine.bot.events)
    machine.bot.cancel = True
    machine.finish()
    last = machine.bot.told[-1]
    assert (last.status, last.message) == (Status.PROGRESS, "The job was stopped, as asked.")
    assert machine.bot.reports[-1].leaving
    assert not machine.bot.failures


def test_a_job_that_is_cancelled_while_the_machine_is_prepared_never_starts(boot: Boot) -> None:
    machine = boot("ok")
    machine.provision("sleep 600")
    machine.until(lambda: machine.bot.events)
    machine.bot.cancel = True
    machine.finish()
    assert machine.runs == 0
    assert not machine.bot.failures


def test_what_does_not_stop_when_asked_is_made_to_after_the_grace(boot: Boot) -> None:
    machine = boot("stubborn")
    machine.until((machine.job / "grandchild").exists)
    machine.until(lambda: any(e.status is Status.DONE for e in machine.events[3:]))
    grandchild = int((machine.job / "grandchild").read_text())
    machine.bot.cancel = True
    begin = machine.clock.now
    machine.finish()
    assert machine.clock.now - begin >= GRACE
    assert is_gone(grandchild)


def is_gone(pid: int) -> bool:
    """Whether a process is gone, or only its record is left."""
    try:
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_a_job_that_takes_too_long_is_stopped_at_its_deadline(boot: Boot) -> None:
    machine = boot("wait")
    machine.until(lambda: machine.runs)
    machine.clock.now = machine.bot.deadline
    machine.finish()
    [failure] = machine.bot.failures
    assert failure.message == "The job took longer than its deadline."
    assert failure.hint


def test_the_earlier_of_two_deadlines_counts(boot: Boot) -> None:
    machine = boot("wait")
    machine.bot.deadline, late = machine.bot.deadline - 7200, machine.bot.deadline
    machine.until(lambda: machine.runs)
    assert machine.agent.deadline == late - 7200


def test_a_machine_that_is_told_to_shut_down_leaves_the_job_unfinished(boot: Boot) -> None:
    machine = boot("gate")
    machine.until(lambda: machine.runs)
    machine.agent.stop()
    machine.until(lambda: False if not machine.agent.work.over else machine.agent.courier.is_told)
    assert not machine.bot.failures
    assert not any(report.leaving for report in machine.bot.reports)
    (machine.job / "go").touch()
    machine.start()
    machine.finish()
    assert machine.bot.told == machine.events
    assert machine.bot.told[-1].stage is Stage.PUBLISH


def test_a_bot_that_has_no_work_is_quoted(boot: Boot) -> None:
    machine = boot("ok")
    machine.provision("sleep 600")
    machine.bot.down["spec"] = "409"
    machine.finish()
    assert "Told to fail." in machine.bot.failures[0].message


def test_a_pipeline_that_always_brings_the_agent_down_is_started_three_times(boot: Boot) -> None:
    machine = boot("wait")
    (machine.job / "starts").write_bytes(b"...")
    machine.finish()
    [failure] = machine.bot.failures
    assert "each time" in failure.message
    assert machine.runs == 0


def test_what_another_attempt_left_in_the_folder_is_none_of_ours(boot: Boot) -> None:
    machine = boot("ok")
    machine.paths.events.write_text("an older event\n")
    (machine.job / "attempt").write_text("another 1")
    machine.start()
    assert not machine.paths.events.exists()
    machine.finish()
    assert machine.bot.told == machine.events


def test_the_real_pipeline_says_through_the_agent_that_there_are_no_photos(boot: Boot) -> None:
    machine = boot("ok")
    fake = machine.root / "pipeline" / "gpu"
    fake.rename(machine.root / "unused")
    fake.symlink_to(REPOSITORY / "gpu")
    photos = machine.folder / "photos"
    photos.mkdir()
    machine.bot.spec = type(machine.bot.spec)(
        "b1", "none", type(machine.bot.spec.source)(path=str(photos)), attempt=2
    )
    machine.finish()
    [failure] = machine.bot.failures
    assert failure.stage in {Stage.FETCH, Stage.PREPROCESS}
    assert "photo" in failure.message
    assert failure.hint
    assert machine.bot.told == machine.events
    assert {LOG, EVENTS} <= set(machine.bot.store)
