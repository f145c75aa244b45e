"""Runs a job: its stages in order, each once, however often the process is started again."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module

from gpu.errors import DiskFull, OutOfMemory, is_disk_full, no_room_left
from gpu.job import JobPaths, JobSpec, SplatError, Stage
from gpu.report import Reporter
from gpu.stage import Context, StageFunction
from gpu.stamps import keys, read_stamp, write_stamp

#: Where each stage's function is. Imported when it is its turn: torch takes seconds and memory.
STAGES: Mapping[Stage, str] = {
    Stage.FETCH: "gpu.ingest.fetch:run_fetch",
    Stage.PREPROCESS: "gpu.ingest.preprocess:run_preprocess",
    Stage.GEOMETRY: "gpu.geometry.stage:run_geometry",
    Stage.TRAIN: "gpu.training.stage:run_train",
    Stage.DESCEND: "gpu.training.descend:run_descend",
    Stage.COMPRESS: "gpu.export.compress:run_compress",
    Stage.PUBLISH: "gpu.export.publish:run_publish",
}

Find = Callable[[Stage], StageFunction]

logger = logging.getLogger(__name__)


class Stopped(BaseException):
    """Somebody asked the process to end: not an error, so nothing but the exit code says it."""


def find_stage(stage: Stage) -> StageFunction:
    """Import and return a stage's function."""
    module, _, name = STAGES[stage].partition(":")
    function: StageFunction = getattr(import_module(module), name)
    return function


def run_job(
    spec: JobSpec,
    paths: JobPaths,
    reporter: Reporter,
    *,
    find: Find = find_stage,
    clock: Callable[[], float] = time.monotonic,
) -> int:
    """Run every stage that is not complete. Return 0, or 1 after a `failed` event.

    Once a stage runs, all stages after it do, since they may have read what it now replaces.
    """
    redo = False
    for stage, key in keys(spec).items():
        stamp = None if redo else read_stamp(paths, stage, key)
        if stamp is not None:
            reporter.was_done(stage, stamp.outcome, stamp.seconds)
            continue
        redo = True
        try:
            _run_stage(stage, key, spec, paths, reporter, find, clock)
        except Exception as error:  # noqa: BLE001 - the edge: whatever it was becomes an event
            _fail(stage, error, paths, reporter)
            return 1
    reporter.close()
    return 0


def _run_stage(
    stage: Stage,
    key: str,
    spec: JobSpec,
    paths: JobPaths,
    reporter: Reporter,
    find: Find,
    clock: Callable[[], float],
) -> None:
    """Run one stage and leave its stamp before its event: what is told done is done."""
    reporter.started(stage)
    paths.stamp(stage).unlink(missing_ok=True)
    begin = clock()
    context = Context(spec, paths, partial(reporter.progress, stage))
    outcome = find(stage)(context)
    seconds = clock() - begin
    write_stamp(paths, stage, key, seconds, outcome)
    reporter.done(stage, outcome, seconds)


def _fail(stage: Stage, error: Exception, paths: JobPaths, reporter: Reporter) -> None:
    """Say in one sentence why the job ends; the log has the rest."""
    told = explain(stage, error, paths)
    if told is error:
        logger.error("%s: %s", stage, error)
    else:
        logger.error("%s failed", stage, exc_info=error)
    reporter.failed(stage, told.user_message, told.hint, lasting=told.lasting)


def explain(stage: Stage, error: Exception, paths: JobPaths) -> SplatError:
    """Turn any error into one that a person can act upon."""
    if isinstance(error, SplatError):
        return error
    if is_disk_full(error) or no_room_left(paths.root):
        return DiskFull()
    if isinstance(error, MemoryError) or "out of memory" in str(error).lower():
        return OutOfMemory()
    text = " ".join(f"{type(error).__name__}: {error}".split())[:200]
    return SplatError(
        f"An unexpected error in {stage}: {text}.",
        hint="Start the job again; if it repeats, report it with the end of log.txt.",
    )
