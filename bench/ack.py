"""How fast slash commands are acknowledged while two processes keep both cores busy."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.fakes.bot import RunningBot, running_bot

#: Every kind of command; the last ones write to the ledger. Jobs fail at once: no photo is one.
COMMANDS = ("status", "help", "list", "datasets", "demo/parcl", "demo/parcel --iterations 50")
ROUNDS = 50

#: Commands a second: faster than people, slower than a queue that would only measure itself.
RATE = 10.0


@contextmanager
def busy(processes: int = 2) -> Iterator[None]:
    """Keep cores busy at the niceness that jobs of this machine have."""
    command = ["nice", "-n", "10", sys.executable, "-c", "while True: pass"]
    burners = [subprocess.Popen(command) for _ in range(processes)]
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


def acknowledgements(bot: RunningBot) -> dict[str, list[float]]:
    """Return the milliseconds of every answer, by command."""
    taken: dict[str, list[float]] = {command: [] for command in COMMANDS}
    for _ in range(ROUNDS):
        for command in COMMANDS:
            begin = time.perf_counter()
            answer = bot.slack.sender.command("/splat", command)
            seconds = time.perf_counter() - begin
            assert not answer.error, answer.error
            taken[command].append(seconds * 1000)
            time.sleep(max(0.0, 1 / RATE - seconds))
    return taken


def row(name: str, milliseconds: list[float]) -> str:
    ordered = sorted(milliseconds)
    p50, p95 = (ordered[int(share * (len(ordered) - 1))] for share in (0.5, 0.95))
    return f"| {name} | {len(ordered)} | {p50:.0f} | {p95:.0f} | {ordered[-1]:.0f} |"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        photos = Path(folder) / "store" / "demo" / "parcel"
        photos.mkdir(parents=True)
        for number in range(100):
            (photos / f"{number}.jpg").write_bytes(b"no photo")
        with running_bot(Path(folder)) as bot, busy():
            taken = acknowledgements(bot)
    print("| `/splat …` | n | p50 ms | p95 ms | max ms |\n|---|---|---|---|---|")
    for name, milliseconds in taken.items():
        print(row(f"`{name}`", milliseconds))
    print(row("all", [one for each in taken.values() for one in each]))


if __name__ == "__main__":
    main()
