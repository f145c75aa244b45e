"""What an earlier job has left is brought to this one, or done without."""

import http.server
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from gpu.ingest.earlier import bring_earlier
from gpu.job import JobPaths, Source
from gpu.job.paths import KEPT
from gpu.stage import Context
from tests.gpu.photos_on_disk import context


def left_by_an_earlier_job(root: Path) -> JobPaths:
    paths = JobPaths(root)
    for name in KEPT:
        paths.kept(name).parent.mkdir(parents=True, exist_ok=True)
        paths.kept(name).write_text(f"earlier {name}")
    return paths


def going_on(root: Path, kept: Source) -> Context:
    ctx = context(root, root / "photos")
    return replace(ctx, spec=replace(ctx.spec, earlier="a", kept=kept))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """A store that has the files of the earlier job under their names, but not the checkpoint."""
    folder = tmp_path / "store"
    for name in KEPT[:-1]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"earlier {name}")
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as serving:
        threading.Thread(target=serving.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{serving.server_address[1]}"
        serving.shutdown()


def test_files_of_this_machine_are_copied(tmp_path: Path) -> None:
    earlier = left_by_an_earlier_job(tmp_path / "a")
    ctx = going_on(tmp_path / "b", Source(path=str(earlier.root)))
    bring_earlier(ctx)
    assert ctx.paths.checkpoint.read_text() == "earlier checkpoint.npz"
    record = ctx.paths.earlier / "geometry/geometry.json"
    assert record.read_text() == "earlier geometry/geometry.json"
    assert earlier.checkpoint.exists()


def test_files_by_address_are_fetched_and_what_is_missing_is_done_without(
    tmp_path: Path, server: str
) -> None:
    ctx = going_on(tmp_path / "b", Source(urls={name: f"{server}/{name}" for name in KEPT}))
    bring_earlier(ctx, wait=lambda seconds: None)
    assert (ctx.paths.earlier / "geometry/images.bin").read_text() == "earlier geometry/images.bin"
    assert not ctx.paths.checkpoint.exists()


def test_who_takes_over_cameras_alone_is_brought_no_state_of_a_training(tmp_path: Path) -> None:
    """Or a training that was asked for more care would go on from one that is over."""
    earlier = left_by_an_earlier_job(tmp_path / "a")
    ctx = going_on(tmp_path / "b", Source(path=str(earlier.root)))
    bring_earlier(replace(ctx, spec=replace(ctx.spec, earlier=None, cameras="a")))
    assert not ctx.paths.checkpoint.exists()
    assert (ctx.paths.earlier / "geometry/images.bin").read_text() == "earlier geometry/images.bin"


def test_nobody_there_fails_nothing(tmp_path: Path) -> None:
    ctx = going_on(tmp_path / "b", Source(urls={n: f"http://127.0.0.1:9/{n}" for n in KEPT}))
    bring_earlier(ctx, wait=lambda seconds: None)
    assert list(ctx.paths.earlier.rglob("*.bin")) == []


def test_a_checkpoint_of_its_own_is_newer_and_stays(tmp_path: Path) -> None:
    earlier = left_by_an_earlier_job(tmp_path / "a")
    ctx = going_on(tmp_path / "b", Source(path=str(earlier.root)))
    ctx.paths.work.mkdir(parents=True, exist_ok=True)
    ctx.paths.checkpoint.write_text("ours")
    bring_earlier(ctx)
    assert ctx.paths.checkpoint.read_text() == "ours"
