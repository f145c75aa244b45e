"""Training's kernels are compiled while the cameras are being found."""

import os
import sys
from pathlib import Path

import pytest

from gpu.geometry.errors import GeometryCrashed
from gpu.geometry.stage import run_geometry
from gpu.training import ahead
from tests.gpu.photographed import job
from tests.waiting import await_that

#: What compiles starts a compiler, and notes the numbers of both processes.
LONG = """
import os, pathlib, subprocess, sys, time
compiler = subprocess.Popen(["sleep", "3600"])
pathlib.Path(sys.argv[1]).write_text(f"{os.getpid()} {compiler.pid}")
"""


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """On a droplet with a GPU, where compiling takes forever: the file that says its processes."""
    file = tmp_path / "started"
    (tmp_path / "kernels").mkdir()
    (tmp_path / "kernels" / ".ready").touch()
    monkeypatch.setenv("TORCH_EXTENSIONS_DIR", str(tmp_path / "kernels"))
    command = (sys.executable, "-c", f"{LONG}time.sleep(3600)", str(file))
    monkeypatch.setattr(ahead, "COMMAND", command)
    return file


def running(file: Path) -> list[int]:
    """Return which of the processes whose numbers are in the file still run."""
    return [number for number in map(int, file.read_text().split()) if is_running(number)]


def is_running(number: int) -> bool:
    try:
        status = Path(f"/proc/{number}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] not in "ZX"  # Nobody may have asked for its end.


def written(file: Path) -> bool:
    return file.is_file() and file.read_text() != ""


@pytest.mark.parametrize("fails", [False, True])
def test_it_ends_with_what_it_runs_beside(started: Path, *, fails: bool, tmp_path: Path) -> None:
    class Failed(Exception):
        pass

    try:
        with ahead.compiling(tmp_path / "log", os.environ):
            await_that(lambda: written(started), "the process that compiles")
            assert len(running(started)) == 2
            if fails:
                raise Failed
    except Failed:
        assert fails
    await_that(lambda: not running(started), "the end of both")


@pytest.mark.parametrize("kernels", [None, "elsewhere"])
def test_where_no_droplet_was_provisioned_with_a_gpu_nothing_is_started(
    started: Path, kernels: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TORCH_EXTENSIONS_DIR")
    if kernels is not None:
        monkeypatch.setenv("TORCH_EXTENSIONS_DIR", str(tmp_path / kernels))
    with ahead.compiling(tmp_path / "log", os.environ):
        pass
    assert not started.exists() and not (tmp_path / "log").exists()


def test_one_that_fails_costs_nothing_but_a_line_in_the_log(
    started: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = (sys.executable, "-c", "import sys; sys.exit('no compiler')", str(started))
    monkeypatch.setattr(ahead, "COMMAND", command)
    log = tmp_path / "log"
    with ahead.compiling(log, os.environ):
        await_that(lambda: log.is_file() and "no compiler" in log.read_text(), "its word")


def test_it_runs_while_the_cameras_are_found(started: Path, tmp_path: Path) -> None:
    """The cameras are found only once the other process is seen."""
    ctx = job(tmp_path / "job")
    waits = "while not (file.exists() and file.read_text()): time.sleep(0.01)"
    program = (
        f"import os, pathlib, sys, time\nfile = pathlib.Path(sys.argv[1])\n{waits}\nos.abort()"
    )
    worker = (sys.executable, "-c", program, str(started))
    with pytest.raises(GeometryCrashed):
        run_geometry(ctx, worker=worker)
    await_that(lambda: not running(started), "the end of both")


def test_what_is_rehearsed_is_a_training_as_a_job_has_it() -> None:
    assert ahead.rehearse("cpu") == ahead.POINTS
