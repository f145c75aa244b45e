"""Real photos through `/splat`: registered, held-out PSNR, seconds. Needs ../shared/datasets."""

import shutil
import tempfile
from pathlib import Path

from bench.demo import HEADER, describe, seconds_to_link
from tests.conftest import REPOSITORY
from tests.e2e.workspace import Workspace, chromium, running_demo

PHOTOS = REPOSITORY.parent / "shared" / "datasets"

#: Set, pipeline, and how many of its photos are used: every n-th.
JOBS = (("fountain_p11", "splat", 1), ("brighton_beach", "aerial", 1), ("fox", "splat", 3))


def link_photos(name: str, every: int, folder: Path) -> None:
    """Make a dataset of every n-th photo, without copying any."""
    folder.mkdir(parents=True)
    photos = sorted((PHOTOS / name / "images").iterdir())
    for photo in photos[::every]:
        (folder / photo.name).symlink_to(photo)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        data = Path(folder) / "data"
        for name, _, every in JOBS:
            link_photos(name, every, data / "store" / "datasets" / name)
        print("| set " + HEADER.replace("\n|", "\n|---|"))
        with running_demo(data) as address:
            slack = Workspace(browser.new_page(), address)
            for name, pipeline, _ in JOBS:
                job = name.replace("_", "-")
                command = f"/splat datasets/{name} {pipeline} --job-id {job}"
                seconds = seconds_to_link(slack, command, patience=1800)
                print(f"| {name} {describe(data / 'jobs' / job, seconds)}", flush=True)
                # To be looked at: a render beside a held-out photo.
                kept = REPOSITORY / "data" / "bench" / job
                shutil.copytree(data / "jobs" / job / "previews", kept, dirs_exist_ok=True)


if __name__ == "__main__":
    main()
