"""Finding the cameras: tried harder, rung by rung, until the gate is passed."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pycolmap

from gpu.geometry.connections import Connections, read_connections
from gpu.geometry.features import (
    Effort,
    Say,
    find_features,
    forget_matches,
    match,
    new_database,
)
from gpu.geometry.installed import is_installed
from gpu.geometry.learned import predict
from gpu.geometry.mapping import SHORT_STEPS, Mapper, is_credible, run_mapper
from gpu.geometry.pairs import ALIKE, EXHAUSTIVE, Pair, all_pairs, choose_pairs
from gpu.geometry.posed import from_poses, merged_poses
from gpu.geometry.quality import Quality, measure
from gpu.geometry.retrieval import similar_pairs
from gpu.geometry.steps import mapper_for
from gpu.ingest.photos import Photo
from gpu.job import MIN_PHOTOS
from gpu.job.choices import LEARNED

log = logging.getLogger(__name__)

#: Up to this many photos a harder try compares all pairs.
ALL_PAIRS = 120

USUAL = Effort(4096, 0.0067)
FINE = Effort(8192, 0.004, enlarged=True)
GUIDED = Effort(8192, 0.004, enlarged=True, guided=True)


@dataclass(frozen=True)
class Rung:
    """One way to try, and how people are told of it. Without a mapper the photos choose it;
    `learned` names the method that predicts the poses instead (gpu.geometry.learned)."""

    told: str
    effort: Effort
    mapper: Mapper | None = None
    thorough: bool = False
    learned: str | None = None

    @property
    def is_at_once(self) -> bool:
        """Whether all photos are placed in one step, which takes the longest then."""
        return self.learned is not None or (self.mapper is not None and self.mapper.at_once)


LADDER = (
    Rung("the usual way", USUAL, None),
    Rung("with short steps allowed", USUAL, SHORT_STEPS),
    Rung("with finer features and all pairs", FINE, SHORT_STEPS, thorough=True),
    Rung("with a second look for matches", GUIDED, SHORT_STEPS, thorough=True),
    Rung("with all photos placed at once", GUIDED, Mapper(at_once=True), thorough=True),
)
#: The learned method that may always be used, where it is installed: Apache-2.0.
LEARNED_RUNG = Rung(
    "with the poses of map-anything-apache", FINE, thorough=True, learned="map-anything-apache"
)
AT_ONCE = Rung("with all photos placed at once", USUAL, Mapper(at_once=True))
#: From this many photos all are placed at once first: one by one grows faster than the photos. At
#: 300 it is still less than half the work (bench/results.md).
LARGE = 600
#: The share of the progress that a rung takes, of what is left: few sets need a second one.
SHARE = 0.95
#: The share of a rung's progress in which features are found and compared, before photos are
#: placed: one after the other, and all at once (bench/results.md, the pace of stages and growth).
PREPARING, PREPARING_AT_ONCE = 0.9, 0.4


def rungs_for(geometry: str, photos: int) -> tuple[Rung, ...]:
    """Return the ladder of a geometry (gpu.job.GEOMETRIES) for so many photos."""
    if geometry in LEARNED:
        return (Rung(f"with the poses of {geometry}", FINE, learned=geometry),)
    if geometry == "colmap-incremental":
        return tuple(rung for rung in LADDER if not (rung.mapper and rung.mapper.at_once))
    first = (AT_ONCE,) if geometry == "colmap-global" or photos >= LARGE else ()
    last = (LEARNED_RUNG,) if LEARNED_RUNG.learned and is_installed(LEARNED_RUNG.learned) else ()
    return (*first, *LADDER, *last)


@dataclass(frozen=True)
class Try:
    """What one rung gave."""

    rung: int
    told: str
    quality: Quality

    def sentence(self) -> str:
        """Say what came of it."""
        short = self.quality.shortfalls()
        return f"{self.told}: {', '.join(short) if short else 'good'}"


@dataclass(frozen=True)
class Model:
    """A model and how good it is. `rung` counts from 1."""

    reconstruction: pycolmap.Reconstruction
    rung: int
    quality: Quality


@dataclass(frozen=True)
class Search:
    """What a search came to: the best model (None without any), every try, and the match graph."""

    model: Model | None
    tries: tuple[Try, ...]
    connections: Connections

    @property
    def registered(self) -> int:
        return self.model.quality.registered if self.model else 0


def needed(photos: int) -> int:
    """Return how many photos must be placed: half of them, but 12 are enough for a scene."""
    return max(MIN_PHOTOS, min(-(-photos // 2), 12))


def search(
    folder: Path,
    images: Path,
    photos: Sequence[Photo],
    *,
    seed: int,
    say: Say,
    geometry: str = "colmap",
) -> Search:
    """Climb the ladder until the gate is passed; `folder` is for COLMAP's own files."""
    solver = Solver(folder / "database.db", images, photos, seed)
    tries: list[Try] = []
    best: Model | None = None
    for number, (rung, tell) in enumerate(_rungs(geometry, len(photos), say), start=1):
        if rung == LADDER[1] and solver.mapper == rung.mapper:
            continue  # what the photos asked for from the start
        if tries:
            tell(0.0, f"Try {len(tries) + 1}, {rung.told}, as {tries[-1].sentence()}")
        try:
            found = solver.solve(rung, number, tell)
        except ImportError as absent:
            if not tries:
                raise
            log.warning("%s: not tried, since %s", rung.told, absent)
            break  # the last resort is a network whose code is not there: what is found counts
        tries.append(Try(number, rung.told, found.quality if found else Quality(len(photos))))
        best = _better(best, found)
        if not tries[-1].quality.shortfalls():
            break
    return Search(best, tuple(tries), read_connections(solver.file, photos))


def _rungs(geometry: str, photos: int, say: Say) -> Iterator[tuple[Rung, Say]]:
    """Yield each rung with its part of the progress: most jobs need only the first."""
    begin = 0.0
    for rung in rungs_for(geometry, photos):
        end = begin + SHARE * (1.0 - begin)
        yield rung, part_of(say, begin, end)
        begin = end


def _better(one: Model | None, other: Model | None) -> Model | None:
    """Return the model with more photos; among equals that with more points."""
    if one is None or other is None:
        return one or other
    size = [(m.quality.registered, m.reconstruction.num_points3D()) for m in (one, other)]
    return other if size[1] > size[0] else one


@dataclass
class Solver:
    """Runs rungs on one database, and finds and compares nothing twice."""

    file: Path
    images: Path
    photos: Sequence[Photo]
    seed: int
    effort: Effort | None = None
    mapper: Mapper | None = None
    compared: set[Pair] = field(default_factory=set)

    def solve(self, rung: Rung, number: int, say: Say) -> Model | None:
        """Run one rung; return its largest model."""
        prepared = PREPARING_AT_ONCE if rung.is_at_once else PREPARING
        self._prepare(rung, part_of(say, 0.0, prepared))
        placing, folder = part_of(say, prepared, 1.0), self.file.parent
        if rung.learned:
            return self._predicted(rung.learned, number, placing)
        self.mapper = rung.mapper or mapper_for(self.file)
        models = run_mapper(folder, self.images, self.mapper, len(self.photos), self.seed, placing)
        return self._best_of(models, number)

    def _predicted(self, method: str, number: int, say: Say) -> Model | None:
        """Place the photos where a learned method says, made exact; None where that is nowhere."""
        say(0.0, f"Asking {method} where {len(self.photos)} photos were taken")
        names = [photo.image for photo in self.photos]
        poses = predict(method, self.images, names)
        model = from_poses(self.file.parent, self.images, poses, seed=self.seed)
        return self._best_of([model] if is_credible(model) else [], number)

    def _prepare(self, rung: Rung, say: Say) -> None:
        """Find features of the rung's effort and compare its pairs, unless that is done."""
        if rung.effort != self.effort and rung.effort.finds_as(self.effort):
            forget_matches(self.file)
            self.effort, self.compared = rung.effort, set()
        elif rung.effort != self.effort:
            new_database(self.file, self.photos)
            looking = part_of(say, 0.0, 0.5)
            find_features(self.file, self.images, self.photos, rung.effort, looking)
            self.effort, self.compared = rung.effort, set()
        pairs = sorted(set(self._pairs(rung)) - self.compared)
        comparing = part_of(say, 0.5, 1.0)
        match(self.file, self.photos, pairs, rung.effort, self.seed, comparing)
        self.compared |= set(pairs)

    def _best_of(self, models: Sequence[pycolmap.Reconstruction], rung: int) -> Model | None:
        """Return the largest model, with those merged into it that share photos with it."""
        if not models:
            return None
        parts = [model.num_reg_images() for model in models]
        best = models[0]
        poses = merged_poses(models, seed=self.seed) if len(models) > 1 else {}
        if len(poses) > parts[0]:
            merged = from_poses(self.file.parent, self.images, poses, seed=self.seed)
            if merged.num_reg_images() > parts[0] and is_credible(merged):
                best, parts = merged, [merged.num_reg_images()]
        return Model(best, rung, measure(best, len(self.photos), tuple(parts)))

    def _pairs(self, rung: Rung) -> list[Pair]:
        count = len(self.photos)
        if count <= EXHAUSTIVE or (rung.thorough and count <= ALL_PAIRS):
            return all_pairs(count)
        most = 3 * ALIKE if rung.thorough else ALIKE
        return choose_pairs(self.photos, similar_pairs(self.file, self.photos, most, self.seed))


def part_of(say: Say, low: float, high: float) -> Say:
    """Return a `say` for a part of the work, of which `say` tells the whole."""

    def tell(fraction: float, text: str) -> None:
        say(low + (high - low) * min(fraction, 1.0), text)

    return tell
