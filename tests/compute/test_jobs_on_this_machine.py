"""Jobs as processes: they end well or are said to have failed, and a slot is never freed early."""

import os
import shutil
import socket
from pathlib import Path

import pytest

from bot.compute import processes
from bot.compute.base import Presence
from bot.compute.local import LocalBackend
from bot.core.errors import BackendError
from bot.core.limits import DEADLINE
from gpu.job import JobSpec, Source
from tests.compute.conftest import Bench
from tests.waiting import PATIENCE


def test_a_job_runs_and_the_link_leads_to_its_manifest(bench: Bench) -> None:
    bench.ask("a", "ok")
    bench.tick_until(lambda: not bench.ledger.holders() and bench.state("a") == "succeeded")
    job = bench.ledger.job("a")
    assert job.manifest_url == "http://bot/files/splats/a/manifest.json"
    assert job.viewer_url == (
        "http://bot/viewer/?manifest=http%3A%2F%2Fbot%2Ffiles%2Fsplats%2Fa%2Fmanifest.json"
    )


def test_a_failure_says_what_the_pipeline_said(bench: Bench) -> None:
    bench.ask("a", "fail")
    bench.tick_until(lambda: not bench.ledger.holders() and bench.state("a") == "failed")
    job = bench.ledger.job("a")
    assert (job.error, job.hint) == ("The photos do not connect.", "Take more.")


def test_a_job_that_ends_without_a_word_fails_with_its_last_words(bench: Bench) -> None:
    bench.ask("a", "mute")
    bench.tick_until(lambda: bench.state("a") == "failed")
    assert "something broke" in bench.ledger.job("a").error
    assert "--image-size" in bench.ledger.job("a").hint


def test_a_job_killed_from_outside_is_said_to_have_been(bench: Bench) -> None:
    bench.ask("a", "wait")
    bench.tick_until(lambda: bench.is_working("a"))
    bench.backend.destroy(bench.ledger.job("a").handle or {})
    bench.tick_until(lambda: bench.state("a") == "failed")
    assert "SIGKILL" in bench.ledger.job("a").error


def test_the_pipeline_learns_no_secret_of_the_bot_and_people_none_of_its_own(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("SLACK_BOT_TOKEN", "SPACES_SECRET", "DIGITALOCEAN_TOKEN", "AWS_SECRET_ACCESS_KEY")
    for name in (*names, "SPLATBOT_HOOK_SECRETS", "SPLATBOT_LPIPS_WEIGHTS"):
        monkeypatch.setenv(name, "x")
    bench.ask("a", "secret")
    bench.tick_until(lambda: bench.state("a") == "failed")
    error = bench.ledger.job("a").error
    assert "SPLATBOT_JOB" in error and "SPLATBOT_LPIPS_WEIGHTS" in error  # this one is for it
    for name in ("SLACK", "SPACES", "DIGITALOCEAN", "AWS", "HOOK", "abc123"):
        assert name not in error


def test_a_job_gives_way_to_the_bot_and_keeps_none_of_its_sockets(bench: Bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        bench.ask("a", "wait")
        bench.tick_until(lambda: bench.is_working("a"))
        (pid,) = processes.marked((bench.ledger.job("a").handle or {})["mark"])
        opened = [str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()]
        ours = Path(f"/proc/self/fd/{server.fileno()}").readlink()
    assert str(ours) not in opened
    assert os.getpriority(os.PRIO_PROCESS, pid) >= 10


def test_a_process_without_its_mark_is_still_there(bench: Bench, tmp_path: Path) -> None:
    """While a process turns into another program, its environment reads as empty."""
    command = ("env", "-u", processes.VARIABLE, *bench.backend._command)
    backend = LocalBackend(tmp_path / "jobs", command=command)
    handle = backend.launch(JobSpec(job_id="a", dataset="ok", source=Source(path="/x")))
    after_restart = LocalBackend(tmp_path / "jobs")
    seen = []
    while backend._children[handle["mark"]].poll() is None:
        seen.append(after_restart.observe(handle).presence)
    assert Presence.GONE not in seen[:-1]
    assert after_restart.observe(handle).presence is Presence.GONE


def test_the_next_job_waits_until_the_first_is_gone(bench: Bench) -> None:
    bench.ask("a", "wait")
    bench.ask("b", "ok")
    bench.tick_until(lambda: bench.is_working("a"))
    assert bench.state("b") == "queued"
    bench.ledger.request_cancel("a", "U2")
    bench.tick_until(lambda: bench.state("b") == "succeeded")
    assert bench.state("a") == "cancelled"


def test_cancel_ends_the_whole_family_of_a_job(bench: Bench) -> None:
    bench.ask("a", "family")
    bench.tick_until(lambda: bench.is_working("a"))
    bench.ledger.request_cancel("a", "U2")
    bench.dispatcher.tick()
    assert bench.ledger.holders() == [(0, "a")]  # the stubborn child is still there
    bench.grace_clock.move(60)  # it had its time to end by itself
    bench.tick_until(lambda: not bench.ledger.holders())
    assert bench.state("a") == "cancelled"
    assert bench.backend.list_owned() == []


def test_destroy_does_not_ask_first(bench: Bench) -> None:
    bench.ask("a", "family")
    bench.tick_until(lambda: bench.is_working("a"))
    bench.ledger.request_destroy("a", "U2")
    bench.tick_until(lambda: not bench.ledger.holders())
    assert bench.state("a") == "cancelled"


def test_a_job_outlives_the_bot_and_is_found_again(bench: Bench) -> None:
    bench.ask("a", "wait")
    bench.tick_until(lambda: bench.is_working("a"))
    bench.restart()
    bench.dispatcher.tick()
    assert bench.state("a") == "running"
    assert bench.starts("a") == 1
    bench.ledger.request_cancel("a", "U2")
    bench.tick_until(lambda: not bench.ledger.holders())


def test_a_job_that_ended_while_the_bot_was_away_is_told_truly(bench: Bench) -> None:
    bench.ask("a", "ok")
    bench.dispatcher.tick()
    handle = bench.ledger.job("a").handle or {}
    bench.tick_until(lambda: bench.backend.observe(handle).presence is Presence.GONE)
    bench.restart()
    bench.tick_until(lambda: not bench.ledger.holders() and bench.state("a") == "succeeded")


@pytest.mark.parametrize("started", [False, True])
def test_a_crash_around_the_launch_leaves_one_process(bench: Bench, started: bool) -> None:
    """The bot dies after it took the slot: before the launch, or before it noted the handle."""
    bench.ask("a", "wait")
    job = bench.ledger.claim()
    assert job is not None
    if started:
        source = bench.storage.source("wait")
        bench.backend.launch(JobSpec(job_id="a", dataset="wait", source=source))
    bench.restart()
    bench.tick_until(lambda: bench.is_working("a"))
    bench.dispatcher.tick()
    assert bench.starts("a") == 1
    assert bench.state("a") == "running"


@pytest.mark.parametrize(("kind", "end"), [("ok", "succeeded"), ("fail", "failed")])
def test_a_job_that_ran_and_ended_unseen_is_not_run_again(
    bench: Bench, kind: str, end: str
) -> None:
    """The bot dies before it notes the handle, and comes back long after the job's end."""
    bench.ask("a", kind)
    assert bench.ledger.claim() is not None
    spec = JobSpec(job_id="a", dataset=kind, source=bench.storage.source(kind))
    handle = bench.backend.launch(spec)
    bench.backend._children[handle["mark"]].wait(PATIENCE)
    bench.restart()
    bench.tick_until(lambda: not bench.ledger.holders())
    assert (bench.state("a"), bench.starts("a")) == (end, 1)


def test_photos_that_vanish_while_a_job_waits_fail_it_in_words(bench: Bench) -> None:
    bench.ask("a", "ok")
    shutil.rmtree(bench.root / "store" / "ok")
    bench.tick_until(lambda: bench.state("a") == "failed" and not bench.ledger.holders())
    assert "no photos under `ok`" in bench.ledger.job("a").error


def test_no_job_runs_for_ever(bench: Bench) -> None:
    bench.ask("a", "wait")
    bench.tick_until(lambda: bench.is_working("a"))
    bench.clock.move(DEADLINE + 1)
    bench.tick_until(lambda: not bench.ledger.holders())
    assert "three hours" in bench.ledger.job("a").error


def test_half_a_line_of_events_is_no_event_yet(bench: Bench, tmp_path: Path) -> None:
    bench.ask("a", "wait")
    bench.tick_until(lambda: bench.is_working("a"))
    events = tmp_path / "jobs" / "a" / "events.jsonl"
    whole = events.read_text()
    second = whole.replace('"seq": 1', '"seq": 2')
    for length in range(len(second)):
        events.write_text(whole + second[:length])
        assert len(bench.backend.events("a", 1, after=0)) == 1
    events.write_text(whole + second)
    assert [e.seq for e in bench.backend.events("a", 1, after=1)] == [2]


def test_a_damaged_line_of_events_hides_no_other(bench: Bench, tmp_path: Path) -> None:
    bench.ask("a", "wait")
    bench.tick_until(lambda: bench.is_working("a"))
    events = tmp_path / "jobs" / "a" / "events.jsonl"
    whole = events.read_bytes()
    events.write_bytes(whole + b"\xff\xfe{\n" + whole.replace(b'"seq": 1', b'"seq": 3'))
    assert [e.seq for e in bench.backend.events("a", 1, after=0)] == [1, 3]


def test_a_folder_that_can_not_be_written_is_a_clear_failure(bench: Bench) -> None:
    (bench.root / "jobs").write_text("a file where a folder should be")
    with pytest.raises(BackendError, match="could not be started"):
        bench.backend.launch(JobSpec(job_id="a", dataset="x", source=Source(path="/x")))


def test_one_broken_job_does_not_stop_the_others(bench: Bench) -> None:
    bench.ask("a", "wait")
    bench.tick_until(lambda: bench.is_working("a"))
    (bench.root / "jobs" / "a" / "events.jsonl").unlink()
    (bench.root / "jobs" / "a" / "events.jsonl").mkdir()  # reading it raises an OSError
    bench.ask("b", "ok")
    bench.ledger.request_cancel("a", "U2")
    bench.tick_until(lambda: bench.state("b") == "succeeded")
    assert bench.state("a") == "cancelled"
