"""Publishing: everything arrives, whole, and the manifest last."""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpu.export import publish
from gpu.export.publish import PublishFailed, copy_all, run_publish, upload_all
from gpu.job import JobSpec, Source, Stage, Target
from gpu.job.paths import MANIFEST, OUTPUTS, JobPaths
from gpu.stage import Context, Outcome
from gpu.stamps import write_stamp
from tests.gpu.photos_on_disk import Said, fingerprint


@pytest.fixture
def finished(tmp_path: Path) -> JobPaths:
    """A job whose stages up to compress are complete."""
    paths = JobPaths(tmp_path / "job")
    for folder, file in ((paths.geometry, "images.bin"), (paths.previews, "train.jpg")):
        folder.mkdir(parents=True)
        (folder / file).write_bytes(b"of " + file.encode())
    for name in OUTPUTS:
        (paths.root / name).write_text("{}")
    write_stamp(paths, Stage.COMPRESS, "key", 2.5, Outcome("Done."))
    return paths


def job(paths: JobPaths, target: Target | None) -> Context:
    return Context(JobSpec("j", "p", Source(path="p"), target=target), paths, Said())


def test_a_job_without_a_target_keeps_its_results(finished: JobPaths) -> None:
    outcome = run_publish(job(finished, None))
    assert outcome.metrics["files"] == len(OUTPUTS) + 2


def test_results_are_copied_with_geometry_and_pictures(finished: JobPaths, tmp_path: Path) -> None:
    run_publish(job(finished, Target(path=str(tmp_path / "store" / "splats" / "j"))))
    target = tmp_path / "store" / "splats" / "j"
    names = sorted(f.relative_to(target).as_posix() for f in target.rglob("*") if f.is_file())
    assert names == sorted([*OUTPUTS, "geometry/images.bin", "previews/train.jpg"])
    assert (target / "geometry" / "images.bin").read_bytes() == b"of images.bin"


def test_photos_that_were_to_be_published_go_along(finished: JobPaths, tmp_path: Path) -> None:
    finished.published_photos.mkdir()
    (finished.published_photos / "000.jpg").write_bytes(b"photo")
    run_publish(job(finished, Target(path=str(tmp_path / "out"))))
    assert (tmp_path / "out" / "photos" / "000.jpg").read_bytes() == b"photo"


def test_the_seconds_of_every_stage_are_entered(finished: JobPaths) -> None:
    run_publish(job(finished, None))
    assert (finished.root / "metrics.json").read_text().count('"compress": 2.5') == 1


def test_the_manifest_is_the_last_to_arrive(
    finished: JobPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    really = publish.shutil.copyfile

    def copyfile(source: Path, target: Path) -> None:
        order.append(source.name)
        really(source, target)

    monkeypatch.setattr(publish.shutil, "copyfile", copyfile)
    run_publish(job(finished, Target(path=str(tmp_path / "out"))))
    assert order[-1] == MANIFEST


def test_a_copy_that_fails_leaves_the_old_file_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "new").write_text("new")
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "a").write_text("old")
    before = fingerprint(tmp_path / "store")

    def half(_: Path, target: Path) -> None:
        target.write_text("n")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(publish.shutil, "copyfile", half)
    with pytest.raises(OSError, match="No space"):
        copy_all({"a": tmp_path / "new"}, tmp_path / "store")
    assert fingerprint(tmp_path / "store") == before


class Bucket(http.server.BaseHTTPRequestHandler):
    """Takes what is put to it; /broken answers 503 twice, /forbidden always 403."""

    kept: dict[str, bytes]
    order: list[str]

    def do_PUT(self) -> None:
        path = self.path.partition("?")[0]
        self.order.append(path)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        early = path == "/broken" and self.order.count(path) < 3
        if not early:
            self.kept[path] = body
        self.send_response(403 if path == "/forbidden" else 503 if early else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def bucket() -> Iterator[tuple[str, type[Bucket]]]:
    handler = type("OneBucket", (Bucket,), {"kept": {}, "order": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", handler
    server.shutdown()
    thread.join()
    server.server_close()


def urls(base: str, **others: str) -> dict[str, str]:
    plain = {name: f"{base}/{name}?signature=secret" for name in OUTPUTS}
    return plain | {name.replace("_", "."): f"{base}/{path}" for name, path in others.items()}


def test_results_are_put_to_their_urls(
    finished: JobPaths, bucket: tuple[str, type[Bucket]]
) -> None:
    base, server = bucket
    run_publish(job(finished, Target(urls=urls(base))))
    assert set(server.kept) == {f"/{name}" for name in OUTPUTS}
    assert server.kept["/scene.splat"] == b"{}"
    assert server.order[-1] == f"/{MANIFEST}"


def test_a_server_that_stumbles_is_tried_again(
    finished: JobPaths, bucket: tuple[str, type[Bucket]]
) -> None:
    base, server = bucket
    waits: list[float] = []
    files = {name: finished.root / name for name in OUTPUTS}
    upload_all(files, urls(base, scene_ply="broken"), Said(), wait=waits.append)
    assert waits == [2.0, 4.0]
    assert server.kept["/broken"] == b"{}"


def test_a_refusal_names_the_file_and_never_its_url(
    finished: JobPaths, bucket: tuple[str, type[Bucket]]
) -> None:
    base, server = bucket
    with pytest.raises(PublishFailed, match=r"scene\.ply could not be published .*403") as failed:
        run_publish(job(finished, Target(urls=urls(base, scene_ply="forbidden?signature=secret"))))
    assert "secret" not in str(failed.value)
    assert f"/{MANIFEST}" not in server.kept


def test_a_promised_file_without_a_url_is_an_error(finished: JobPaths) -> None:
    with pytest.raises(PublishFailed, match="no URL"):
        run_publish(job(finished, Target(urls={"scene.splat": "http://127.0.0.1:9/"})))
