"""Fetching photos: from folders, archives and URLs, without touching what the user gave."""

import http.server
import logging
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from PIL import Image

from gpu.errors import DiskFull
from gpu.geometry.learned import MODULES
from gpu.ingest import archive
from gpu.ingest.archive import Limits, unpack
from gpu.ingest.download import download
from gpu.ingest.errors import BadArchive, DownloadFailed, NoPhotos
from gpu.ingest.fetch import keep_unread, kept_unread, run_fetch
from gpu.ingest.preprocess import run_preprocess
from gpu.job import Event, JobPaths, JobSpec, Source, Stage, Status
from gpu.job.choices import LEARNED
from gpu.job.sizes import human_size
from gpu.pipeline import run_job
from gpu.report import Reporter, read_events
from tests.gpu.photos_on_disk import (
    Said,
    context,
    fingerprint,
    jpeg,
    unrelated_photos,
    zipped,
)


def names(folder: Path) -> list[str]:
    return sorted(f.relative_to(folder).as_posix() for f in folder.rglob("*") if f.is_file())


def test_a_folder_is_fetched_without_a_change_to_it(tmp_path: Path) -> None:
    given = unrelated_photos(tmp_path / "given", count=3)
    (given / "notes.txt").write_text("not a photo")
    before = fingerprint(given)
    ctx = context(tmp_path / "job", given)
    outcome = run_fetch(ctx)
    assert outcome.metrics["photos"] == 3
    size = sum(photo.stat().st_size for photo in given.glob("*.jpg"))
    assert outcome.message == f"Fetched 3 photos ({human_size(size)})."
    assert size < 1e6, "of so few bytes nobody says megabytes"
    assert names(ctx.paths.photos) == ["photo_00.jpg", "photo_01.jpg", "photo_02.jpg"]
    assert fingerprint(given) == before


def refused(tmp_path: Path, options: dict[str, str]) -> Event:
    """Run a job that ends before it has fetched its photos; return its last event."""
    given = unrelated_photos(tmp_path / "given", count=3)
    paths = JobPaths(tmp_path / "job")
    spec = JobSpec("j", "photos", Source(path=str(given)), **options)  # type: ignore[arg-type]
    assert run_job(spec, paths, Reporter(spec, paths)) == 1
    assert not paths.photos.exists()
    [*_, last] = read_events(paths.events)
    assert (last.stage, last.status) == (Stage.FETCH, Status.FAILED)
    assert "operator guide" in last.hint
    return last


@pytest.mark.parametrize(
    "options", [*({"geometry": name} for name in LEARNED), {"remove": "people"}]
)
def test_a_machine_that_lacks_what_a_later_stage_needs_fetches_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, str]
) -> None:
    monkeypatch.setenv("SPLATBOT_LEARNED", str(tmp_path / "learned"))
    refused(tmp_path, options)


@pytest.mark.parametrize("name", LEARNED)
def test_a_network_whose_code_can_not_be_imported_fetches_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Its weights are there, and the first module of its code, which needs another one."""
    monkeypatch.setenv("SPLATBOT_LEARNED", str(tmp_path / "learned"))
    weights = tmp_path / "learned" / name / "weights" / "model.safetensors"
    weights.parent.mkdir(parents=True)
    weights.touch()
    module = MODULES[name][0].replace(".", "/")
    file = tmp_path / "learned" / name / "code" / f"{module}.py"
    file.parent.mkdir(parents=True)
    file.write_text("print('Loading.')\nimport nobody_has_this")
    last = refused(tmp_path, {"geometry": name})
    assert last.message == (
        f"The geometry {name} is not installed:"
        " its code can not be imported (No module named 'nobody_has_this')."
    )


def test_photos_in_subfolders_keep_their_paths(tmp_path: Path) -> None:
    unrelated_photos(tmp_path / "given" / "north", count=1)
    unrelated_photos(tmp_path / "given" / "south", count=1)
    ctx = context(tmp_path / "job", tmp_path / "given")
    run_fetch(ctx)
    assert names(ctx.paths.photos) == ["north/photo_00.jpg", "south/photo_00.jpg"]


def test_a_prefix_that_holds_a_zip_is_unpacked(tmp_path: Path) -> None:
    (tmp_path / "given").mkdir()
    photo = jpeg(1, tmp_path / "one.jpg")
    zipped(tmp_path / "given" / "parcel.zip", {"flight/a.jpg": photo})
    ctx = context(tmp_path / "job", tmp_path / "given")
    run_fetch(ctx)
    assert names(ctx.paths.photos) == ["flight/a.jpg"]


def test_a_macs_resource_forks_are_no_photos(tmp_path: Path) -> None:
    photo = jpeg(1, tmp_path / "one.jpg")
    members = {
        "p/a.jpg": photo,
        "__MACOSX/p/._a.jpg": b"fork",
        "p/.hidden.jpg": b"",
        "p/read.me": b"",
    }
    given = zipped(tmp_path / "mac.zip", members)
    ctx = context(tmp_path / "job", given)
    run_fetch(ctx)
    assert names(ctx.paths.photos) == ["p/a.jpg"]


def test_a_copy_is_made_where_links_can_not_reach(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def another_disk(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr("os.link", another_disk)
    given = unrelated_photos(tmp_path / "given", count=1)
    ctx = context(tmp_path / "job", given)
    run_fetch(ctx)
    photo = ctx.paths.photos / "photo_00.jpg"
    assert photo.read_bytes() == (given / "photo_00.jpg").read_bytes()
    assert photo.stat().st_nlink == 1


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("a.DNG", "raw files: export them as JPEG"),
        ("a.insp", "Insta360 files"),
        ("b.txt", ""),
    ],
)
def test_a_folder_without_photos_says_what_is_there_instead(
    tmp_path: Path, name: str, hint: str
) -> None:
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / name).touch()
    with pytest.raises(NoPhotos, match="given holds no photos") as refused:
        run_fetch(context(tmp_path / "job", tmp_path / "given"))
    assert hint in refused.value.hint
    assert refused.value.hint


RAW = "2 raw files were left out: export them as JPEG."


def test_raw_files_beside_photos_are_told_and_drawn_on_the_sheet(tmp_path: Path) -> None:
    given = unrelated_photos(tmp_path / "given", count=4)
    for name in ("a.CR2", "more/b.nef", "photo_01.dng", ".c.dng"):  # one has its JPEG, one hides
        (given / name).parent.mkdir(exist_ok=True)
        (given / name).write_bytes(b"raw")
    ctx = context(tmp_path / "job", given)
    assert run_fetch(ctx).message.endswith(RAW)
    with_note, without = run_preprocess(ctx).pictures, kept_unread(ctx.paths)
    assert without == ["a.CR2", "more/b.nef"]
    [sheet] = with_note
    with Image.open(ctx.paths.root / sheet) as drawn:
        tall = drawn.height
        assert drawn.convert("L").crop((0, tall - 24, drawn.width, tall)).getextrema()[1] > 150
    keep_unread(ctx.paths, [])
    run_preprocess(ctx)
    with Image.open(ctx.paths.root / sheet) as drawn:
        assert drawn.height < tall


def test_raw_files_in_archives_and_in_a_bucket_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = jpeg(1, tmp_path / "one.jpg")
    inner = zipped(tmp_path / "inner.zip", {"b.dng": b"raw"}).read_bytes()
    given = zipped(tmp_path / "set.zip", {"a.jpg": photo, "c.arw": b"raw", "inner.zip": inner})
    assert run_fetch(context(tmp_path / "job", given)).message.endswith(RAW)

    def download(urls: object, folder: Path, progress: object) -> None:
        folder.mkdir(parents=True)
        (folder / "a.jpg").write_bytes(photo)

    monkeypatch.setattr("gpu.ingest.fetch.download", download)
    source = Source(urls={"a.jpg": "http://b/a"}, unread=["x.dng", "y.dng"])
    assert run_fetch(context(tmp_path / "far", source)).message.endswith(RAW)
    spec = JobSpec("a", "photos", source)
    assert JobSpec.from_json(spec.to_json()) == spec


def test_a_zip_may_not_unpack_more_than_it_declared(tmp_path: Path) -> None:
    """A directory entry that lies about its size; Python's reader stops there by itself."""
    bomb = zipped(tmp_path / "liar.zip", {"a.jpg": bytes(100_000)})
    data = bytearray(bomb.read_bytes())
    at = data.rindex(b"PK\x01\x02") + 24
    data[at : at + 4] = (10).to_bytes(4, "little")
    bomb.write_bytes(data)
    (tmp_path / "out").mkdir()
    with pytest.raises(BadArchive, match="damaged"):
        unpack(bomb, tmp_path / "out")
    assert sum(f.stat().st_size for f in (tmp_path / "out").rglob("*")) <= 10


@pytest.mark.parametrize(
    "limits",
    [Limits(files=2), Limits(file_bytes=999), Limits(bytes=2_500), Limits(ratio=2, small_bytes=10)],
)
def test_every_limit_of_an_archive_holds(tmp_path: Path, limits: Limits) -> None:
    given = zipped(tmp_path / "big.zip", {f"{i}.jpg": bytes(1000) for i in range(3)})
    (tmp_path / "out").mkdir()
    assert len(unpack(given, tmp_path / "out").files) == 3
    (tmp_path / "again").mkdir()
    with pytest.raises(BadArchive, match="no set of photos"):
        unpack(given, tmp_path / "again", limits)
    assert names(tmp_path / "again") == []


def test_a_symbolic_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("a.jpg")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "link.zip", "w") as opened:
        opened.writestr(link, "/etc/passwd")
    (tmp_path / "out").mkdir()
    with pytest.raises(BadArchive, match=r"outside of it: a\.jpg"):
        unpack(tmp_path / "link.zip", tmp_path / "out")


def test_an_archive_that_would_not_fit_is_not_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = zipped(tmp_path / "p.zip", {"a.jpg": bytes(1000)})
    (tmp_path / "out").mkdir()
    monkeypatch.setattr(archive.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 999}))
    with pytest.raises(DiskFull):
        unpack(given, tmp_path / "out")
    assert names(tmp_path / "out") == []


class Shelf(http.server.SimpleHTTPRequestHandler):
    """Serves a folder on loopback; `flaky.jpg` is there at the third request only."""

    asked: dict[str, int]

    def do_GET(self) -> None:
        self.asked[self.path] = self.asked.get(self.path, 0) + 1
        if "flaky" in self.path and self.asked[self.path] < 3:
            self.send_error(503)
        else:
            super().do_GET()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[str]:
    unrelated_photos(tmp_path / "shelf", count=2)
    (tmp_path / "shelf" / "flaky.jpg").write_bytes(jpeg(7, tmp_path / "f.jpg"))
    handler = partial(type("OneShelf", (Shelf,), {"asked": {}}), directory=str(tmp_path / "shelf"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_photos_are_read_from_urls(tmp_path: Path, shelf: str) -> None:
    urls = {f"photo_0{i}.jpg": f"{shelf}/photo_0{i}.jpg?signature=secret" for i in range(2)}
    ctx = context(tmp_path / "job", Source(urls=urls))
    run_fetch(ctx)
    assert names(ctx.paths.photos) == ["photo_00.jpg", "photo_01.jpg"]
    assert not (ctx.paths.work / "downloads").exists()


def test_a_zip_behind_a_url_is_unpacked(tmp_path: Path, shelf: str) -> None:
    photo = jpeg(1, tmp_path / "one.jpg")
    zipped(tmp_path / "shelf" / "set.zip", {"x/a.jpg": photo})
    ctx = context(tmp_path / "job", Source(urls={"set.zip": f"{shelf}/set.zip"}))
    run_fetch(ctx)
    assert names(ctx.paths.photos) == ["x/a.jpg"]


def test_what_the_server_drops_is_asked_for_again(tmp_path: Path, shelf: str) -> None:
    waits: list[float] = []
    urls = {"flaky.jpg": f"{shelf}/flaky.jpg"}
    done = download(urls, tmp_path / "out", Said(), wait=waits.append)
    assert [f.name for f in done] == ["flaky.jpg"]
    assert waits == [2.0, 4.0]


def test_what_is_not_there_is_named_without_its_url(
    tmp_path: Path, shelf: str, caplog: pytest.LogCaptureFixture
) -> None:
    waits: list[float] = []
    with caplog.at_level(logging.WARNING), pytest.raises(DownloadFailed) as failed:
        download({"a.jpg": f"{shelf}/a.jpg?key=secret"}, tmp_path / "o", Said(), wait=waits.append)
    assert "a.jpg could not be fetched (the server answered 404)" in str(failed.value)
    assert "secret" not in str(failed.value) + repr(failed.value.__cause__) + caplog.text
    assert waits == []


def test_a_name_from_elsewhere_may_not_lead_outside(tmp_path: Path) -> None:
    with pytest.raises(BadArchive, match="not a file's name"):
        download({"../a.jpg": "http://127.0.0.1:9/"}, tmp_path / "out", Said())
