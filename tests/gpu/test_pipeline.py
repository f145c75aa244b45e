"""Running a job: each stage once, every step told, every end explained."""

import errno
import json
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from gpu.geometry.errors import GeometryCrashed, MethodNotInstalled, PhotosDoNotConnect
from gpu.ingest.errors import DownloadFailed, PhotosAlike
from gpu.job import Event, JobPaths, JobSpec, Pipeline, Source, SplatError, Stage, Status
from gpu.job.events import LASTING
from gpu.pipeline import STAGES, find_stage, run_job
from gpu.report import PAUSE, Diary, Reporter, read_events
from gpu.stage import Context, Outcome, StageFunction
from gpu.stamps import LEAVES
from tests.conftest import REPOSITORY
from tests.gpu.photos_on_disk import unrelated_photos
from tests.waiting import PATIENCE, await_that

SPEC = JobSpec("job-1", "photos", Source(path="photos"))


class Stages:
    """Stages that only note that they ran; `acts` gives some of them something to do."""

    def __init__(self, **acts: Callable[[Context], object]) -> None:
        self.ran: list[str] = []
        self._acts = acts

    def __call__(self, stage: Stage) -> StageFunction:
        def function(ctx: Context) -> Outcome:
            self.ran.append(str(stage))
            for file in LEAVES[stage](ctx.paths):
                file.parent.mkdir(parents=True, exist_ok=True)
                file.touch()
            self._acts.get(str(stage), lambda _: None)(ctx)
            return Outcome(f"Did {stage}.", {"done": 1}, ("previews/x.jpg",))

        return function


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def run(root: Path, stages: Stages, spec: JobSpec = SPEC, clock: Clock | None = None) -> int:
    paths = JobPaths(root)
    reporter = Reporter(spec, paths, clock=clock or Clock())
    return run_job(spec, paths, reporter, find=stages)


def events(root: Path) -> list[Event]:
    return read_events(root / "events.jsonl")


def raising(error: BaseException) -> Callable[[Context], object]:
    def act(_: Context) -> object:
        raise error

    return act


ALL = [str(stage) for stage in SPEC.stages]


def test_every_stage_runs_once_in_order_and_is_told(tmp_path: Path) -> None:
    stages = Stages()
    assert run(tmp_path, stages) == 0
    assert stages.ran == ALL == ["fetch", "preprocess", "geometry", "train", "compress", "publish"]
    told = events(tmp_path)
    assert [e.seq for e in told] == list(range(1, 13))
    assert [(str(e.stage), e.status) for e in told[:2]] == [
        ("fetch", Status.STARTED),
        ("fetch", Status.DONE),
    ]
    assert told[1].pictures == ("previews/x.jpg",)
    assert set(told[1].metrics) == {"done", "seconds"}


def test_an_aerial_job_descends(tmp_path: Path) -> None:
    stages = Stages()
    run(tmp_path, stages, JobSpec("a", "p", Source(path="p"), pipeline=Pipeline.AERIAL))
    assert stages.ran == [str(stage) for stage in Stage if stage is not Stage.PREPARE]


def test_a_second_run_redoes_nothing_and_says_nothing_twice(tmp_path: Path) -> None:
    run(tmp_path, Stages())
    before = (tmp_path / "events.jsonl").read_bytes()
    again = Stages()
    assert run(tmp_path, again) == 0
    assert again.ran == []
    assert (tmp_path / "events.jsonl").read_bytes() == before


def test_a_job_goes_on_where_it_failed(tmp_path: Path) -> None:
    first = Stages(train=raising(SplatError("No.", hint="Yes.")))
    assert run(tmp_path, first) == 1
    second = Stages()
    assert run(tmp_path, second) == 0
    assert second.ran == ["train", "compress", "publish"]
    assert [e.seq for e in events(tmp_path)] == list(range(1, len(events(tmp_path)) + 1))


def test_another_attempt_tells_what_is_complete_from_its_own_number_one(tmp_path: Path) -> None:
    run(tmp_path, Stages(geometry=raising(SplatError("No."))))
    next_spec = JobSpec("job-1", "photos", Source(path="photos"), attempt=2)
    stages = Stages()
    run(tmp_path, stages, next_spec)
    told = [e for e in events(tmp_path) if e.attempt == 2]
    assert stages.ran[0] == "geometry"
    assert [(e.seq, str(e.stage), e.status) for e in told[:3]] == [
        (1, "fetch", Status.DONE),
        (2, "preprocess", Status.DONE),
        (3, "geometry", Status.STARTED),
    ]


@pytest.mark.parametrize(
    ("field", "value", "first"),
    [
        ("source", Source(path="others"), "fetch"),
        ("max_views", 5, "preprocess"),
        ("image_size", 640, "preprocess"),
        ("remove", "people", "preprocess"),
        ("seed", 3, "geometry"),
        ("iterations", 100, "train"),
        ("preset", "best", "train"),
        ("holdout", 4, "train"),
    ],
)
def test_a_changed_value_redoes_what_depends_on_it(
    tmp_path: Path, field: str, value: object, first: str
) -> None:
    run(tmp_path, Stages())
    values = {"job_id": "job-1", "dataset": "photos", "source": SPEC.source, field: value}
    again = Stages()
    run(tmp_path, again, JobSpec(**values))  # type: ignore[arg-type]
    assert again.ran == ALL[ALL.index(first) :]


def test_new_signatures_of_the_same_urls_change_nothing(tmp_path: Path) -> None:
    def signed(signature: str) -> JobSpec:
        return JobSpec("u", "p", Source(urls={"a.jpg": f"http://127.0.0.1/a?s={signature}"}))

    run(tmp_path, Stages(), signed("one"))
    again = Stages()
    run(tmp_path, again, signed("two"))
    assert again.ran == []


def test_a_stage_whose_results_are_gone_runs_again(tmp_path: Path) -> None:
    run(tmp_path, Stages())
    JobPaths(tmp_path).gaussians(Stage.TRAIN).unlink()
    again = Stages()
    run(tmp_path, again)
    assert again.ran == ["train", "compress", "publish"]


def test_a_damaged_stamp_is_no_stamp(tmp_path: Path) -> None:
    run(tmp_path, Stages())
    JobPaths(tmp_path).stamp(Stage.COMPRESS).write_text('{"key": "half')
    again = Stages()
    run(tmp_path, again)
    assert again.ran == ["compress", "publish"]


# Ends


def failure(tmp_path: Path, error: BaseException) -> Event:
    assert run(tmp_path, Stages(geometry=raising(error))) == 1
    last = events(tmp_path)[-1]
    assert (last.status, last.stage) == (Status.FAILED, Stage.GEOMETRY)
    return last


def test_an_error_for_people_is_told_with_its_remedy(tmp_path: Path) -> None:
    last = failure(tmp_path, SplatError("The photos are bad.", hint="Take others."))
    assert (last.message, last.hint) == ("The photos are bad.", "Take others.")


@pytest.mark.parametrize(
    ("error", "is_lasting"),
    [
        (PhotosAlike(5), True),
        (PhotosDoNotConnect(0, ["a.jpg"]), True),
        (MethodNotInstalled("mast3r"), True),
        (OSError(errno.ENOSPC, "No space left on device"), True),
        (DownloadFailed("a.jpg could not be fetched."), False),
        (GeometryCrashed(-11), False),
        (KeyError("who knows"), False),
    ],
)
def test_what_would_end_the_same_way_again_says_so(
    tmp_path: Path, error: BaseException, is_lasting: bool
) -> None:
    assert failure(tmp_path, error).metrics == ({LASTING: True} if is_lasting else {})


def test_an_unexpected_error_is_one_honest_sentence(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    last = failure(tmp_path, KeyError("what\nis this"))
    assert last.message.startswith("An unexpected error in geometry: KeyError: ")
    assert "\n" not in last.message
    assert "Traceback" not in last.message
    assert "Traceback" in caplog.text


def chained() -> Exception:
    error = RuntimeError("could not write")
    error.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    return error


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "full"), OSError(errno.EDQUOT, "q"), chained()]
)
def test_a_full_disk_is_named(tmp_path: Path, error: Exception) -> None:
    last = failure(tmp_path, error)
    assert "disk is full" in last.message
    assert "Free some space" in last.hint


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("CUDA out of memory. Tried 2 GiB")])
def test_exhausted_memory_is_named(tmp_path: Path, error: Exception) -> None:
    assert "out of memory" in failure(tmp_path, error).message


def test_the_last_event_finds_room_on_a_full_disk(tmp_path: Path) -> None:
    """The reserve is given back before the event is written."""
    reserve = tmp_path / "work" / ".reserve"
    reporter = Reporter(SPEC, JobPaths(tmp_path))
    assert reserve.stat().st_size > 10_000
    reporter.failed(Stage.FETCH, "The disk is full.", "Free some space.")
    assert not reserve.exists()


def test_after_a_job_nothing_is_reserved(tmp_path: Path) -> None:
    run(tmp_path, Stages())
    assert not (tmp_path / "work" / ".reserve").exists()


# Events


def test_progress_comes_no_faster_than_people_read(tmp_path: Path) -> None:
    clock = Clock()

    def work(ctx: Context) -> None:
        for i in range(100):
            clock.now += PAUSE / 10
            ctx.progress(i / 100, f"step {i}")
        ctx.progress(0.5, "a picture", pictures=("previews/a.jpg",))

    run(tmp_path, Stages(train=work), clock=clock)
    told = [e for e in events(tmp_path) if e.status is Status.PROGRESS]
    assert len(told) == 11
    assert told[-1].pictures == ("previews/a.jpg",)
    assert all(b.time - a.time >= PAUSE * 0.99 for a, b in pairwise(told[:-1]))


def test_a_line_that_a_crash_left_unfinished_is_cut_off(tmp_path: Path) -> None:
    run(tmp_path, Stages(train=raising(SplatError("No."))))
    count = len(events(tmp_path))
    with (tmp_path / "events.jsonl").open("ab") as file:
        file.write(b'{"job":"job-1","att')
    run(tmp_path, Stages())
    told = [Event.from_json(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert [e.seq for e in told] == list(range(1, count + 7))


def test_progress_out_of_range_is_no_error(tmp_path: Path) -> None:
    assert run(tmp_path, Stages(train=lambda ctx: ctx.progress(1.0000001, "nearly"))) == 0


def test_listeners_hear_every_event_after_it_is_written(tmp_path: Path) -> None:
    heard: list[int] = []

    def listen(event: Event) -> None:
        assert events(tmp_path)[-1] == event
        heard.append(event.seq)

    reporter = Reporter(SPEC, JobPaths(tmp_path), listeners=[listen])
    run_job(SPEC, JobPaths(tmp_path), reporter, find=Stages())
    assert heard == list(range(1, 13))


def test_the_log_tells_each_stage_and_every_tenth_of_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def train(ctx: Context) -> None:
        for percent in range(0, 30, 3):
            clock.append(clock[-1] + 1.0)
            ctx.progress(percent / 100, f"Step {percent}")
        raise SplatError("No.", hint="Do it.")

    clock, paths = [0.0], JobPaths(tmp_path)
    reporter = Reporter(SPEC, paths, listeners=[Diary()], clock=lambda: clock[-1])
    with caplog.at_level(logging.INFO, "gpu.report"):
        run_job(SPEC, paths, reporter, find=Stages(train=train))
    assert [message for message in caplog.messages if message.startswith("train")] == [
        "train, started.", "train, 12%. Step 12", "train, 21%. Step 21", "train: No. Do it.",
    ]  # fmt: skip


# The process


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_can_be_imported(stage: Stage) -> None:
    assert callable(find_stage(stage))


def test_the_pipeline_itself_needs_no_torch() -> None:
    """The first events of a job come at once, not after seconds of imports."""
    heavy = ("torch", "numpy", "pycolmap", "PIL", "httpx")
    code = f"import sys, gpu.__main__; assert not set({heavy!r}) & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=REPOSITORY)


def start(job: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "gpu", str(job)],
        cwd=REPOSITORY, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def test_a_job_as_a_process_fails_in_words(tmp_path: Path) -> None:
    photos = unrelated_photos(tmp_path / "photos", count=2)
    root = tmp_path / "job"
    root.mkdir()
    spec = JobSpec("two", "photos", Source(path=str(photos)))
    (root / "job.json").write_text(spec.to_json())
    job = start(root / "job.json")
    job.communicate(timeout=PATIENCE)
    assert job.returncode == 1
    assert "Only 2 photos are usable" in events(root)[-1].message


def test_a_damaged_specification_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "job.json").write_text('{"job_id": "x"')
    job = start(tmp_path / "job.json")
    _, said = job.communicate(timeout=PATIENCE)
    assert job.returncode == 1
    assert "Allowed: a JSON document" in said
    assert "Traceback" not in said


def test_a_job_told_to_stop_ends_without_a_word(tmp_path: Path) -> None:
    """Photos behind a server that never answers keep the job in its first stage."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/a.jpg"
        spec = JobSpec("stop", "photos", Source(urls={"a.jpg": url}))
        (tmp_path / "job.json").write_text(spec.to_json())
        job = start(tmp_path / "job.json")
        await_that(lambda: events(tmp_path), "the job's first word", process=job)
        caller, _ = silent.accept()
        os.kill(job.pid, signal.SIGTERM)
        caller.close()
        _, said = job.communicate(timeout=PATIENCE)
    assert job.returncode == 143
    assert "Traceback" not in said
    assert {e.status for e in events(tmp_path)} == {Status.STARTED}


def test_a_job_told_to_stop_tidies_up_whatever_its_stages_have_brought() -> None:
    """pycolmap, which comes with the geometry, would end the process on the spot."""
    program = """
import os, signal
from gpu.__main__ import find
from gpu.job import Stage
find(Stage.TRAIN)
try:
    os.kill(os.getpid(), signal.SIGTERM)
finally:
    print("tidied up", flush=True)
    os._exit(0)
"""
    command = [sys.executable, "-c", program]
    job = subprocess.run(command, cwd=REPOSITORY, text=True, capture_output=True, check=True)
    assert (job.stdout, job.stderr) == ("tidied up\n", "")


def test_stamps_are_readable_by_people(tmp_path: Path) -> None:
    run(tmp_path, Stages())
    stamp = json.loads(JobPaths(tmp_path).stamp(Stage.TRAIN).read_text())
    assert set(stamp) == {"key", "seconds", "message", "metrics", "pictures"}
