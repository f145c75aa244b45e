"""What copying the ledger to the bucket costs, by the number of jobs that it remembers."""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bot.core.restoring import restore
from bot.core.snapshots import Snapshots
from tests.fakes.bucket import Bucket
from tests.fakes.history import grow

LENGTHS, EVENTS = (10, 100, 1000, 5000), 300


def main() -> None:
    print(f"{EVENTS} events a job; the bucket is in memory.\n")
    print("| jobs | ledger MB | snapshot MB | save ms | more memory MB | restore ms |")
    print("|---|---|---|---|---|---|")
    for jobs in LENGTHS:  # each in a process of its own: memory is the most that it ever had
        command = [sys.executable, "-m", "bench.snapshots", str(jobs)]
        print(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())


def measure(jobs: int) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path, bucket = Path(folder) / "ledger.db", Bucket()
        grow(path, jobs, events=EVENTS)
        snapshots = Snapshots(bucket, path, "00000001-00000000")
        before, begin = most_memory(), time.perf_counter()
        snapshots.save()
        saved, memory = time.perf_counter() - begin, most_memory() - before
        begin = time.perf_counter()
        restore(bucket, Path(folder) / "elsewhere" / "ledger.db", "00000002-00000000")
        restored = time.perf_counter() - begin
        size = sum(map(len, bucket.objects.values())) / 1e6
        ledger = path.stat().st_size / 1e6
    figures = f"{jobs:,} | {ledger:.1f} | {size:.2f} | {saved * 1e3:.0f} | {memory:.0f}"
    return f"| {figures} | {restored * 1e3:.0f} |"


def most_memory() -> float:
    """The most memory that this process ever had, MB (1e6 bytes, resident)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


if __name__ == "__main__":
    print(measure(int(sys.argv[1])))
