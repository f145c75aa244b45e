"""`python -m gpu job.json [--root DIR]`: run one job in a process of its own.

Exit code 0: all stages are complete; 1: the last event says why not; 143: told to stop.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import NoReturn

from gpu.job import JobPaths, JobSpec, SplatError, Stage
from gpu.pipeline import Stopped, find_stage, run_job
from gpu.report import Diary, Reporter
from gpu.stage import StageFunction

STOPPED = 128 + signal.SIGTERM


def main(arguments: list[str] | None = None) -> int:
    """Run the job that a file specifies; return the exit code."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it would write presigned URLs to the log
    signal.signal(signal.SIGTERM, _stop)
    try:
        return _run(options.job, options.root or options.job.resolve().parent)
    except Stopped:
        return STOPPED
    except (SplatError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _run(job: Path, root: Path) -> int:
    spec, paths = JobSpec.from_json(job.read_text(encoding="utf-8")), JobPaths(root)
    root.mkdir(parents=True, exist_ok=True)
    return run_job(spec, paths, Reporter(spec, paths, listeners=[Diary()]), find=find)


def find(stage: Stage) -> StageFunction:
    """Import and return a stage's function; SIGTERM still means what `main` has said.

    pycolmap, which some stages bring, takes it for a crash: no `finally` ran, and a stack trace
    was the end of the log.
    """
    function = find_stage(stage)
    signal.signal(signal.SIGTERM, _stop)
    return function


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise Stopped


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m gpu", description="Run one job of the pipeline.")
    parser.add_argument("job", type=Path, help="the specification, job.json")
    parser.add_argument("--root", type=Path, help="the job's folder (default: where job.json is)")
    return parser


def leave(code: int) -> NoReturn:
    """End the process without waiting for threads, which may wait for a silent server."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    leave(main())
