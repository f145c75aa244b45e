"""What the bot alone needs: seconds until it answers, and memory at rest and at work."""

import tempfile
import time
from pathlib import Path

from tests.fakes.bot import running_bot

STARTS, COMMANDS, REST = 5, 100, 5.0


def main() -> None:
    ready, rest, work = [], [], []
    for _ in range(STARTS):
        with tempfile.TemporaryDirectory() as folder, running_bot(Path(folder)) as bot:
            time.sleep(REST / STARTS)
            ready.append(bot.ready)
            rest.append(bot.most_memory())
            for _ in range(COMMANDS):
                bot.slack.sender.command("/splat", "list")
            work.append(bot.most_memory())
    print(f"Worst of {STARTS} starts.\n")
    print(f"| ready s | MB at rest | MB after {COMMANDS} commands |\n|---|---|---|")
    print(f"| {max(ready):.2f} | {max(rest):.0f} | {max(work):.0f} |")


if __name__ == "__main__":
    main()
