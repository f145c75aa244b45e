"""From Enter on `/splat demo/parcel aerial` to the viewer link, in the sandbox, all stages real."""

import json
import tempfile
import time
from pathlib import Path

from tests.e2e.workspace import Workspace, chromium, running_demo

COMMAND = "/splat demo/parcel aerial --job-id bench"


def seconds_to_link(slack: Workspace, command: str, patience: float) -> float:
    """Type a command that ends with the job's name; return the seconds until its splat is ready."""
    start = time.monotonic()
    slack.say(command)
    slack.wait_for_splat(command.rsplit(maxsplit=1)[-1], seconds=patience)
    return time.monotonic() - start


def describe(folder: Path, seconds: float) -> str:
    """One row of the table from the metrics that a job left."""
    m = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    stages = ", ".join(f"{name} {taken:.0f}" for name, taken in m["seconds"].items())
    likeness = f"{m['psnr']:.2f} dB, {m['ssim']:.3f} | {m['image_size']} px"
    photos = f"{m['photos_registered']} of {m['photos']}"
    return f"| {photos} | {m['gaussians']:,} | {likeness} | {seconds:.0f} s | {stages} |"


HEADER = """| photos | Gaussians | held-out | measured at | Enter to link | seconds per stage |
|---|---|---|---|---|---|"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        data = Path(folder) / "data"
        with running_demo(data) as address:
            slack = Workspace(browser.new_page(), address)
            seconds = seconds_to_link(slack, COMMAND, patience=900)
        print(HEADER)
        print(describe(data / "jobs" / "bench", seconds))


if __name__ == "__main__":
    main()
