"""How the machine is: used percent of the GPU, its memory, the memory and the disk."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from gpu.agent.clock import Clock
from gpu.job.messages import Figures

#: Name, and used percent of the time, MiB used, MiB; one line a GPU.
NVIDIA_SMI = (
    "nvidia-smi", "--query-gpu=name,utilization.gpu,memory.used,memory.total",
    "--format=csv,noheader,nounits",
)  # fmt: skip

#: Seconds for nvidia-smi; a GPU that hangs takes it with it.
PATIENCE = 5.0

#: Seconds between two measurements at least, and after which figures are too old to be told.
PERIOD, STALE = 5.0, 60.0

Run = Callable[[Sequence[str]], str]


def run(command: Sequence[str]) -> str:
    """Return what a program printed; raises OSError and subprocess.SubprocessError."""
    return subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=PATIENCE
    ).stdout


def figures(folder: Path, *, run: Run = run, meminfo: Path = Path("/proc/meminfo")) -> Figures:
    """Measure what can be measured; what can not is left out."""
    return {**_gpu(run), **_memory(meminfo), **_disk(folder)}


def _gpu(run: Run) -> dict[str, float | str]:
    try:
        [first, *_] = run(NVIDIA_SMI).splitlines()
        name, used, memory, total = (part.strip() for part in first.rsplit(",", 3))
        return {
            "gpu_name": name[:100],
            "gpu": float(used),
            "gpu_memory": round(100 * float(memory) / float(total), 1),
        }
    except (OSError, subprocess.SubprocessError, ValueError, ZeroDivisionError):
        return {}  # there is none, or it says "[N/A]"


def _memory(meminfo: Path) -> dict[str, float]:
    try:
        lines = (line.split() for line in meminfo.read_text().splitlines())
        kilobytes = {words[0]: float(words[1]) for words in lines if len(words) > 1}
        total, free = kilobytes["MemTotal:"], kilobytes["MemAvailable:"]
        return {"memory": round(100 * (1 - free / total), 1)}
    except (OSError, ValueError, KeyError, ZeroDivisionError):
        return {}


def _disk(folder: Path) -> dict[str, float]:
    """Used percent of what is not kept for root, as `df` counts."""
    try:
        disk = os.statvfs(folder)
        used = disk.f_blocks - disk.f_bfree
        return {"disk": round(100 * used / (used + disk.f_bavail), 1)}
    except (OSError, ZeroDivisionError):
        return {}


class Sampler:
    """Measures beside the loop, and says what it has: one that asks a GPU may never return.

    A driver that hangs keeps nvidia-smi from being ended, even with SIGKILL.
    """

    def __init__(self, measure: Callable[[], Figures], clock: Clock) -> None:
        self._measure, self._clock = measure, clock
        self._thread: threading.Thread | None = None
        self._begun = float("-inf")
        self._latest: tuple[float, Figures] = (float("-inf"), {})

    def __call__(self) -> Figures:
        """Return the latest figures, none if they are too old; have newer ones measured."""
        now = self._clock.monotonic()
        is_free = self._thread is None or not self._thread.is_alive()
        if is_free and now - self._begun >= PERIOD:
            self._begun = now
            self._thread = threading.Thread(target=self._sample, daemon=True)
            self._thread.start()
        at, figures = self._latest
        return figures if now - at < STALE else {}

    def _sample(self) -> None:
        self._latest = (self._clock.monotonic(), dict(self._measure()))
