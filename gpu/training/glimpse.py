"""A scene that several processes still train, brought together once for its preview."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import torch

from gpu.export.ply import write_ply
from gpu.export.preview import MOST, Due, seen_first
from gpu.gaussians import Gaussians
from gpu.training.shards import Shards


class Glimpse:
    """Writes the most important Gaussians of all processes to a file, and says that it is there.

    Whoever started the processes hears it and publishes them (`gpu.training.launch`).
    """

    def __init__(
        self,
        file: Path,
        device: torch.device,
        say: Callable[[Mapping[str, float | str]], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._file, self._device, self._say = file, device, say
        self._due = Due(clock)

    def offer(self, shards: Shards, done: float, gaussians: Gaussians) -> None:
        """Write the file if a part of `done` makes it time to.

        All processes have to call it at the same steps, each with its own Gaussians: the first
        one's clock says whether it is worth it, and the others wait for what it says.
        """
        was_open, is_due = self._due.is_open, self._due.at(done)
        if self._due.is_open or not was_open or not shards.agreed(is_due, self._device):
            return
        whole = shards.gathered(seen_first(gaussians, MOST // shards.world))
        if shards.rank == 0:
            write_ply(whole, self._file)
            self._say({"glimpse": str(self._file), "done": round(done, 4)})
