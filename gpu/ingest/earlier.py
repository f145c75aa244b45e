"""What an earlier job has left: its cameras and the state of its training, brought to this one.

Everything that can not be had is done anew: nothing here fails a job.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from gpu.ingest.download import TIMEOUT
from gpu.job import JobPaths
from gpu.job.paths import CHECKPOINT, FOUND, KEPT
from gpu.stage import Context
from gpu.transfer import TransferFailed, retried

log = logging.getLogger(__name__)


def bring_earlier(ctx: Context, *, wait: Callable[[float], None] = time.sleep) -> None:
    """Bring the files of KEPT: the geometry to paths.earlier, the checkpoint to its place.

    A checkpoint of our own is newer, and stays. Where the cameras alone are taken over, none is
    brought: the training begins anew.
    """
    kept, paths = ctx.spec.kept, ctx.paths
    if kept is None or paths.earlier.exists():
        return
    partial = paths.work / ".earlier.partial"
    shutil.rmtree(partial, ignore_errors=True)
    for name in KEPT if ctx.spec.earlier else FOUND:
        target = partial / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            if kept.path is not None:
                shutil.copyfile(JobPaths(Path(kept.path)).kept(name), target)
            elif name in kept.urls:
                _download(kept.urls[name], target, wait)
        except (OSError, TransferFailed) as wrong:
            log.warning("%s of job %s was not brought: %s", name, ctx.spec.origin, wrong)
            target.unlink(missing_ok=True)
    if (partial / CHECKPOINT).exists() and not paths.checkpoint.exists():
        (partial / CHECKPOINT).replace(paths.checkpoint)
    partial.replace(paths.earlier)


def _download(url: str, target: Path, wait: Callable[[float], None]) -> None:
    def stream() -> None:
        with httpx.stream("GET", url, timeout=TIMEOUT) as answer, target.open("wb") as out:
            answer.raise_for_status()
            for chunk in answer.iter_bytes():
                out.write(chunk)

    retried(stream, wait)
