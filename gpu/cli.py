"""`splatbot run PHOTOS --out DIR`: the pipeline alone, with a progress bar for every stage."""

from __future__ import annotations

import argparse
import json
import logging
import re
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column

from gpu.job import Event, JobPaths, JobSpec, Pipeline, Source, SplatError, Stage, Status
from gpu.job.choices import ANSWERS, LENSES, PHOTOS, PRESETS, REMOVALS, choices
from gpu.job.paths import METRICS, SPLAT
from gpu.pipeline import run_job
from gpu.report import Diary, Reporter

INTERRUPTED = 130
#: Columns of a stage's line before what it says: its name, its bar, the time.
BESIDE = 10 + 24 + 7 + 3
_ONE_LINE = Column(ratio=1, no_wrap=True, overflow="ellipsis")
NEEDED = ("torch", "numpy", "PIL", "pycolmap", "numba", "plyfile")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `splatbot run`. Their ranges are checked by JobSpec."""
    parser.add_argument("photos", type=Path, metavar="PHOTOS", help="a folder, a .zip or a video")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="for the results")
    parser.add_argument(
        "--pipeline",
        choices=[str(pipeline) for pipeline in Pipeline],
        default=str(Pipeline.SPLAT),
        help="splat: any capture; aerial: a drone flight (default: splat)",
    )
    parser.add_argument("--iterations", type=int, metavar="N", help="training steps")
    parser.add_argument(
        "--holdout", type=int, default=8, metavar="N", help="keep every Nth photo to measure with"
    )
    parser.add_argument(
        "--image-size", type=int, metavar="PIXELS", help="longer side of the photos"
    )
    parser.add_argument("--max-views", type=int, metavar="N", help="use at most N photos")
    parser.add_argument(
        "--geometry", metavar="NAME", help="how to find cameras: " + choices("geometry")
    )
    parser.add_argument("--preset", choices=PRESETS, help="the care of training (default: fast)")
    parser.add_argument(
        "--remove", choices=REMOVALS, help="hide it in every photo, with a network of your own"
    )
    parser.add_argument(
        "--photos",
        dest="publish_photos",  # PHOTOS is where they are
        choices=PHOTOS,
        help="publish: the viewer shows them over the splat (default: private)",
    )
    parser.add_argument(
        "--use-all-photos",
        choices=ANSWERS,
        help="once all is measured, train on with the held-out photos too (default: yes)",
    )
    parser.add_argument(
        "--lens",
        choices=LENSES,
        help="bent: a GPU trains on photos through a wide lens as they are (default: straight)",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="makes a run repeatable")


def run(args: argparse.Namespace) -> int:
    """Run the pipeline; return 0, 1 after an error that stderr explains, 130 after Ctrl-C.

    The same command again goes on where the last one ended. Raises SplatError for arguments
    that can not be.
    """
    _check_installed()
    spec, paths = _spec(args), JobPaths(args.out.resolve())
    _prepare(paths, spec)
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        with StageBars(spec, errors) as bars:
            code = run_job(spec, paths, Reporter(spec, paths, listeners=[bars.hear, Diary()]))
        bars.tell_what_was_cut()
    except KeyboardInterrupt:
        errors.print("Stopped. The same command goes on from here.")
        return INTERRUPTED
    if bars.failure is not None:
        errors.print(f"splatbot: {bars.failure.message} {bars.failure.hint}".strip(), markup=False)
    elif code == 0:
        Console(highlight=False, soft_wrap=True).print(_summary(paths), markup=False)
    return code


def _spec(args: argparse.Namespace) -> JobSpec:
    photos, out = args.photos.resolve(), args.out.resolve()
    if out == photos or photos in out.parents:
        raise SplatError(
            f"{args.out} is inside the folder of the photos, which is left as it is.",
            hint="Choose another folder with --out.",
        )
    if out.exists() and not out.is_dir():
        raise SplatError(f"{args.out} is a file.", hint="Choose a folder with --out.")
    name = re.sub(r"[^a-z0-9-]+", "-", out.name.lower()).strip("-")[:63].strip("-")
    return JobSpec(
        job_id=name or "run",
        dataset=photos.stem,
        source=Source(path=str(photos)),
        pipeline=Pipeline(args.pipeline),
        iterations=args.iterations,
        max_views=args.max_views,
        image_size=args.image_size,
        holdout=args.holdout,
        seed=args.seed,
        geometry=args.geometry,
        preset=args.preset,
        remove=args.remove,
        photos=args.publish_photos,
        use_all_photos=args.use_all_photos,
        lens=args.lens,
    )


def _prepare(paths: JobPaths, spec: JobSpec) -> None:
    """Make the folder, keep the specification in it, and send the log there."""
    try:
        paths.root.mkdir(parents=True, exist_ok=True)
        paths.spec.write_text(spec.to_json(), encoding="utf-8")
        handler = logging.FileHandler(paths.log, encoding="utf-8")
    except OSError as wrong:
        raise SplatError(
            f"{paths.root} can not be written: {wrong.strerror}.", hint="Choose another --out."
        ) from wrong
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger("gpu")
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    root.propagate = False


def _check_installed() -> None:
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise SplatError(
            f"The pipeline needs {', '.join(missing)}, which is not installed.",
            hint="Install it with: pip install -c constraints.txt '.[gpu]'",
        )


class StageBars:
    """One line for each stage: its bar, what it does now, and how long it has taken."""

    def __init__(self, spec: JobSpec, console: Console) -> None:
        self.failure: Event | None = None
        self._console = console
        self._done: list[Event] = []
        self._progress = Progress(
            TextColumn("{task.description:>10}", table_column=Column(min_width=10, no_wrap=True)),
            BarColumn(bar_width=24),
            TimeElapsedColumn(table_column=Column(min_width=7, no_wrap=True)),
            TextColumn("{task.fields[message]}", table_column=_ONE_LINE),
            console=console,
            expand=True,
        )
        self._tasks: dict[Stage, TaskID] = {
            stage: self._progress.add_task(str(stage), start=False, total=1.0, message="")
            for stage in spec.stages
        }

    def __enter__(self) -> StageBars:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def hear(self, event: Event) -> None:
        """Show an event."""
        task = self._tasks[event.stage]
        self._progress.start_task(task)
        if event.status is Status.FAILED:
            self.failure = event
            self._progress.update(task, message="failed")
        else:
            self._progress.update(task, completed=event.fraction, message=event.message)
        if event.status in (Status.DONE, Status.FAILED):
            self._progress.stop_task(task)
        if event.status is Status.DONE:
            self._done.append(event)

    def tell_what_was_cut(self) -> None:
        """Print what a line had no room for: which photos were left out, and what to do."""
        room = self._console.width - BESIDE
        for event in self._done:
            if len(event.message) > room:
                self._console.print(f"{event.stage}: {event.message}", markup=False)


def _summary(paths: JobPaths) -> str:
    """Say where the scene is and how good it is."""
    figures = json.loads((paths.root / METRICS).read_text(encoding="utf-8"))
    psnr = "" if figures["psnr"] is None else f", held-out PSNR {figures['psnr']:.2f} dB"
    return (
        f"{paths.root / SPLAT}: {figures['photos_registered']} of {figures['photos']} photos, "
        f"{figures['gaussians']:,} Gaussians{psnr}, {sum(figures['seconds'].values()):.0f} s."
    )
