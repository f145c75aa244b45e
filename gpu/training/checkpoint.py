"""Checkpoints: the whole state of a training run in one file, so that a kill costs a minute.

The file is a NumPy .npz archive without pickled objects, so that reading one runs no code, and
with a checksum of every tensor (CRC-32, as every zip has), so that damage is seen. Besides the
tensors it has a `header`, JSON, that says what the state is of.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import threading
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
import torch
from torch import Tensor

from gpu.job import SplatError
from gpu.training.dataset import View

VERSION = 2
EVERY = 60.0  #: seconds between two checkpoints
HEADER = "header"
STEPS = "run/steps"  #: of a run's state: the steps taken, and the Gaussians that it began with

#: Of a state of twins (gpu.training.twins): the number of the scene that it is of, from 0, and how
#: many there are; as many as the number says, once they are one.
PIECE = "run/piece"
#: What there are one to three of, in words.
SCENES = ("no scene", "one scene", "two scenes", "three scenes")

#: Tensors by name: all that a part of a training run has to know to go on.
State: TypeAlias = dict[str, Tensor]

log = logging.getLogger(__name__)


class UnusableCheckpoint(SplatError):
    """A checkpoint is damaged, or of something else. Training starts anew."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"The checkpoint can not be used: {reason}.", hint="Training starts from the beginning."
        )


@dataclass(frozen=True)
class Header:
    """What a state is of: `step` of `iterations` of a job's training on a scene's photos.

    `continued`: the iterations are more than the job's config says, as `--more` has added some.
    """

    job: str
    scene: str
    iterations: int
    step: int
    continued: bool = False
    version: int = VERSION

    @property
    def is_finished(self) -> bool:
        return self.step >= self.iterations


@dataclass(frozen=True)
class Checkpoint:
    """A state, and what it is of."""

    header: Header
    state: State

    def check_scene(self, scene: str) -> None:
        """Raise UnusableCheckpoint unless the state is of the scene."""
        if self.header.scene != scene:
            raise UnusableCheckpoint("it is of other photos, cameras or another seed")

    @property
    def piece(self) -> tuple[int, int]:
        """The piece of the run that the state is of, and how many scenes it is to make one."""
        number, scenes = self.state[PIECE].tolist() if PIECE in self.state else (1, 1)
        return number, scenes

    def check_scene_count(self, scenes: int) -> None:
        """Raise UnusableCheckpoint unless it is of a run that trains so many scenes."""
        _, were = self.piece
        if were != scenes:
            now = SCENES[scenes].split()[0]
            raise UnusableCheckpoint(f"it is of {SCENES[were]}, and now {now} will be trained")

    def check_is_one(self) -> None:
        """Raise UnusableCheckpoint where several scenes were not one yet."""
        number, scenes = self.piece
        if number != scenes:
            raise UnusableCheckpoint(f"its {SCENES[scenes]} were not one yet")

    def check_iterations(self, iterations: int) -> None:
        """Raise UnusableCheckpoint unless the state is of a run of so many iterations."""
        if self.header.iterations != iterations:
            raise UnusableCheckpoint(f"it is of a run of {self.header.iterations:,} iterations")


def scene_digest(views: Sequence[View], sh_degree: int, seed: int) -> str:
    """Return what tells apart states that can not be exchanged: other cameras, another seed."""
    digest = hashlib.sha256(json.dumps([sh_degree, seed]).encode())
    for view in views:
        digest.update(json.dumps([view.name, view.width, view.height]).encode())
        digest.update(view.viewmat.numpy().tobytes() + view.K.numpy().tobytes())
        if view.lens is not None:
            digest.update(view.lens.bends.numpy().tobytes())
    return digest.hexdigest()


def write_checkpoint(file: Path, checkpoint: Checkpoint) -> None:
    """Write the file, whole or not at all."""
    header = np.frombuffer(json.dumps(asdict(checkpoint.header)).encode(), np.uint8)
    arrays = {name: tensor.numpy() for name, tensor in checkpoint.state.items()}
    partial = file.with_name(f".{file.name}.partial")
    file.parent.mkdir(parents=True, exist_ok=True)
    with partial.open("wb") as out:
        np.savez(out, **{HEADER: header, **arrays})  # type: ignore[arg-type]
        out.flush()
        os.fsync(out.fileno())
    partial.replace(file)


def read_checkpoint(file: Path) -> Checkpoint | None:
    """Return what the file has, None when there is no file; raises UnusableCheckpoint."""
    try:
        with np.load(file, allow_pickle=False) as archive:
            header = Header(**json.loads(archive[HEADER].tobytes()))
            if header.version != VERSION:
                raise UnusableCheckpoint(f"its format is {header.version}, not {VERSION}")
            names = [name for name in archive.files if name != HEADER]
            return Checkpoint(header, {name: torch.from_numpy(archive[name]) for name in names})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile) as wrong:
        raise UnusableCheckpoint("it is damaged") from wrong


class Keeps(Protocol):
    """What a run asks of whoever keeps its states: a `Keeper`, or what stands for one."""

    @property
    def found(self) -> Checkpoint | None: ...

    def offer(self, step: int, iterations: int, state: Callable[[], State]) -> None: ...

    def keep(self, step: int, iterations: int, state: State) -> None: ...


class Keeper:
    """Keeps a run's newest state in a file: written beside the loop, at most once a minute.

    `found` is the state to go on from. `clock` gives seconds. A state that can not be written is
    logged, and costs nothing but what a kill would: no job fails for it.
    """

    def __init__(
        self,
        file: Path,
        job: str,
        scene: str,
        *,
        found: Checkpoint | None = None,
        continued: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.found = found
        self.file, self.job, self.scene, self.continued = file, job, scene, continued
        self._clock, self._kept_at = clock, clock()
        self._writing: threading.Thread | None = None

    @property
    def begin(self) -> int:
        """The number of steps that were taken before."""
        return self.found.header.step if self.found else 0

    @property
    def is_due(self) -> bool:
        """Whether it is time to keep a state, and the one before has been written."""
        is_writing = self._writing is not None and self._writing.is_alive()
        return self._clock() - self._kept_at >= EVERY and not is_writing

    def offer(self, step: int, iterations: int, state: Callable[[], State]) -> None:
        """Keep the state after a step if it is time to."""
        if self.is_due:
            self.keep(step, iterations, state())

    def keep(self, step: int, iterations: int, state: State) -> None:
        """Copy the state and have it written; nothing waits for the GPU or the disk."""
        self.wait()
        self._kept_at = self._clock()
        copies = {name: _copied(tensor) for name, tensor in state.items()}
        copied = _event() if any(tensor.is_cuda for tensor in state.values()) else None
        header = Header(self.job, self.scene, iterations, step, self.continued)
        work = (Checkpoint(header, copies), copied)
        self._writing = threading.Thread(target=self._write, args=work, daemon=True)
        self._writing.start()

    def wait(self) -> None:
        """Return once the last state is on the disk."""
        if self._writing is not None:
            self._writing.join()

    def _write(self, checkpoint: Checkpoint, copied: torch.cuda.Event | None) -> None:
        if copied is not None:
            copied.synchronize()
        try:
            write_checkpoint(self.file, checkpoint)
        except OSError as wrong:
            log.warning("no checkpoint at step %d: %s", checkpoint.header.step, wrong.strerror)


def _copied(tensor: Tensor) -> Tensor:
    """Return a copy on the CPU; one of the GPU's is under way, into pinned memory."""
    tensor = tensor.detach()
    return tensor.to("cpu", non_blocking=True) if tensor.is_cuda else tensor.clone()


def _event() -> torch.cuda.Event:
    """Return what says when all that the GPU was asked for until now is done."""
    event: torch.cuda.Event = torch.cuda.Event()  # type: ignore[no-untyped-call]
    event.record()
    return event


def part_of(state: State, part: str) -> State:
    """Return the tensors whose names start with `part/`, without it."""
    start = f"{part}/"
    return {name[len(start) :]: value for name, value in state.items() if name.startswith(start)}
