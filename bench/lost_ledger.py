"""The ledger is deleted while a job runs: simulated minutes until the new bot has mended it."""

import logging
import tempfile
from pathlib import Path

from tests.compute.losing import Loss, Recovery, lose_and_recover
from tests.compute.test_lost_ledger import LOSSES


def main() -> None:
    logging.disable(logging.WARNING)  # what the bot says of it
    print("Worst of a droplet that still reports and of one that left its events in the bucket.\n")
    print(
        "| snapshot of when the job | its document | minutes without a bot | droplet | min", end=""
    )
    print(" | the end told | min |\n|---|---|---|---|---|---|---|")
    for loss in LOSSES:
        if loss.speaks:
            silent = Loss(loss.snapshot, loss.register, loss.away, speaks=False)
            print(_line(loss, [_recover(loss), _recover(silent)]))


def _recover(loss: Loss) -> Recovery:
    with tempfile.TemporaryDirectory() as folder:
        return lose_and_recover(Path(folder), loss)


def _line(loss: Loss, found: list[Recovery]) -> str:
    was_kept = all(each.kept is not None for each in found)
    droplet = max(each.gone if each.kept is None else each.kept for each in found)
    told = [each.told for each in found if each.told is not None]
    document = "there" if loss.register else "missing"
    end = (
        f"{found[0].job.state} | {max(told) / 60:.1f}" if found[0].job else "nobody knows of it | "
    )
    fate = "kept" if was_kept else "destroyed"
    known = f"{loss.snapshot} | {document} | {loss.away / 60:.1f}"
    return f"| {known} | {fate} | {droplet / 60:.1f} | {end} |"


if __name__ == "__main__":
    main()
