"""Both stores behave alike: names of datasets, near names, results apart, photos untouched."""

import re
from pathlib import Path

import boto3
import httpx
import pytest

from bot.core.config import Settings, SpacesSettings
from bot.core.errors import InvalidValue, StorageError, UnknownDataset
from bot.storage import LocalStorage, Storage, names, open_storage
from bot.storage.spaces import SpacesStorage
from gpu.export.publish import headers_for
from gpu.ingest import names as pipeline_names
from gpu.job import captures
from gpu.job.captures import left_out
from gpu.job.paths import PREVIEW, PREVIEW_MANIFEST
from tests.conftest import REPOSITORY

PHOTOS = {
    "demo/parcel/a.jpg": b"aa",
    "demo/parcel/b.JPEG": b"bbb",
    "demo/parcel/notes.txt": b"n",
    "demo/parcel/._a.jpg": b"mac",
    "datasets/house.zip": b"zip",
    "splats/j1/thumbnail.jpg": b"t",
    "stray.jpg": b"s",
}


def spaces(url: str, name: str) -> SpacesStorage:
    keys = {"aws_access_key_id": "k", "aws_secret_access_key": "s"}
    boto3.client("s3", endpoint_url=url, region_name="us-east-1", **keys).create_bucket(Bucket=name)
    return SpacesStorage(SpacesSettings(name, "us-east-1", url, "k", "s"))


@pytest.fixture(params=["local", "spaces"])
def store(request: pytest.FixtureRequest, tmp_path: Path, s3_server: str) -> Storage:
    if request.param == "local":
        storage: Storage = LocalStorage(tmp_path / "store", "http://bot")
    else:
        storage = spaces(s3_server, f"b{abs(hash(request.node.name))}")
    for key, data in PHOTOS.items():
        storage.put(key, data, "image/jpeg")
    return storage


def test_datasets_are_folders_of_photos_and_archives(store: Storage) -> None:
    found = {d.name: (d.photos, d.bytes) for d in store.datasets()}
    assert found == {"demo/parcel": (2, 5), "datasets/house.zip": (0, 3)}
    assert [d.name for d in store.datasets("demo")] == ["demo/parcel"]


def test_a_mistyped_dataset_is_answered_with_near_names(store: Storage) -> None:
    for typed in ("demo/parcl", "parcel", "Demo/Parcel2"):
        with pytest.raises(UnknownDataset) as refused:
            store.source(typed)
        assert refused.value.suggestions[0] == "demo/parcel"


def test_masks_and_other_programs_cameras_go_along_with_the_photos(s3_server: str) -> None:
    storage = spaces(s3_server, "beside")
    beside = {"masks/a.png", "transforms.json", "sparse/images.bin", "cameras/17.json"}
    for name in {"a.jpg", "notes.txt", "other/17.json"} | beside:
        storage.put(f"my/set/{name}", b"x", "")
    assert set(storage.source("my/set").urls) == {"a.jpg"} | beside


def test_what_was_put_is_read_again(store: Storage) -> None:
    assert store.get("demo/parcel/a.jpg") == b"aa"
    assert store.keys("demo/parcel/a") == ["demo/parcel/a.jpg"]
    with pytest.raises(KeyError):
        store.get("demo/parcel/none.jpg")


def test_a_part_of_an_object_is_read(store: Storage) -> None:
    store.put("demo/parts.jpg", b"0123456789", "")
    assert store.part("demo/parts.jpg", 0, 4) == b"0123"
    assert store.part("demo/parts.jpg", 8, 100) == b"89"
    assert store.part("demo/parts.jpg", 10, 4) == b""
    with pytest.raises(KeyError):
        store.part("demo/none.jpg", 0, 4)


def test_raw_files_are_told_unless_their_photo_is_there(store: Storage) -> None:
    for name in ("a.DNG", "c.nef", "d.cr2", "._c.nef", "e.avi"):
        store.put(f"demo/parcel/{name}", b"raw", "")
    store.put("demo/raw/a.dng", b"raw", "")
    assert store.unread("demo/raw") == ["a.dng"] and not store.unread("demo/nothing")
    assert not store.unread("../raw") and not store.unread("")
    [parcel] = store.datasets("demo/")
    assert parcel.unread == ("c.nef", "d.cr2", "e.avi")
    assert (parcel.photos, parcel.bytes) == (2, 5)
    assert left_out(parcel.unread) == (
        "2 raw files were left out: export them as JPEG."
        " 1 AVI, MKV or WebM video was left out: export it as MP4."
    )


def test_bot_upload_page_and_pipeline_take_the_same_photos_and_videos() -> None:
    page = (REPOSITORY / "bot/web/upload/page/src/dropped.ts").read_text(encoding="utf-8")
    [pattern] = re.findall(r"USABLE = /(.*)/i", page)
    for suffix in captures.PHOTOS | captures.VIDEOS | {".zip"}:
        assert re.search(pattern, f"a{suffix}"), suffix
    for suffix in captures.PHOTOS:
        assert names.is_photo(f"a{suffix}")
        assert pipeline_names.is_photo(f"a{suffix}")


def test_what_is_too_large_is_not_read_into_memory(
    s3_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that was broken into may write whatever it likes to the address of its log."""
    monkeypatch.setattr("bot.storage.spaces.MOST", 8)
    store = spaces(s3_server, "large")
    store.put("eight", b"12345678", "text/plain")
    store.put("nine", b"123456789", "text/plain")
    assert store.get("eight") == b"12345678"
    with pytest.raises(StorageError, match="`nine` is larger"):
        store.get("nine")


def test_a_local_dataset_is_read_in_place_even_through_a_link(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "a.jpg").write_bytes(b"a")
    store = LocalStorage(tmp_path / "store", "http://bot")
    (tmp_path / "store" / "datasets").mkdir()
    (tmp_path / "store" / "datasets" / "mine").symlink_to(mine)
    assert store.source("datasets/mine").path == str(tmp_path / "store" / "datasets" / "mine")
    assert store.url("splats/j 1/x.json") == "http://bot/files/splats/j%201/x.json"


def test_a_link_to_nowhere_or_in_a_circle_hides_no_dataset(tmp_path: Path) -> None:
    store = LocalStorage(tmp_path / "store", "http://bot")
    store.put("demo/parcel/a.jpg", b"aa", "image/jpeg")
    folder = tmp_path / "store" / "demo" / "parcel"
    (folder / "gone.jpg").symlink_to(tmp_path / "gone.jpg")
    (folder / "gone.zip").symlink_to(tmp_path / "gone.zip")
    (folder / "again").symlink_to(tmp_path / "store")
    (folder / "myself").symlink_to(folder)
    assert [(d.name, d.photos, d.bytes) for d in store.datasets()] == [("demo/parcel", 1, 2)]


@pytest.mark.parametrize("suffix", ["jpg", "JPEG", "png", "webp", "tif", "TIFF", "heic", "HEIC"])
def test_these_are_photos(tmp_path: Path, suffix: str) -> None:
    store = LocalStorage(tmp_path / "store", "http://bot")
    store.put(f"x/a.{suffix}", b"a", "")
    assert [d.photos for d in store.datasets()] == [1]


def test_results_and_photos_outside_a_folder_are_no_dataset(store: Storage) -> None:
    for name in ("splats/j1", "splats", "", "stray.jpg"):
        with pytest.raises(UnknownDataset):
            store.source(name)


def test_a_folder_of_folders_is_read_with_all_that_is_in_it(store: Storage) -> None:
    for key in ("card/dcim/100/a.jpg", "card/dcim/101/a.jpg", "card/dcim/notes.txt"):
        store.put(key, b"x", "image/jpeg")
    source = store.source("card/dcim")
    assert source.path or sorted(source.urls) == ["100/a.jpg", "101/a.jpg"]


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("s3://mine/datasets/house", "datasets/house"),
        ("S3://mine/datasets/house.zip", "datasets/house.zip"),
        ("https://mine.ams3.digitaloceanspaces.com/my%20set/a.zip", "my set/a.zip"),
        ("https://MINE.ams3.digitaloceanspaces.com/a.zip?X-Amz-Signature=1", "a.zip"),
        ("https://ams3.digitaloceanspaces.com/mine/datasets/house/", "datasets/house/"),
        ("https://mine.ams3.cdn.digitaloceanspaces.com/a/b", "a/b"),
        ("s3://theirs/datasets/house", None),
        ("https://theirs.ams3.digitaloceanspaces.com/mine/a.zip", None),
        ("https://ams3.digitaloceanspaces.com/mine2/a.zip", None),
        ("https://mine.ams3.digitaloceanspaces.com.evil.org/a.zip", None),
    ],
)
def test_an_address_of_the_bucket_is_a_key(address: str, key: str | None, tmp_path: Path) -> None:
    place = "https://ams3.digitaloceanspaces.com"
    assert SpacesStorage(SpacesSettings("mine", "ams3", place, "k", "s")).key_of(address) == key
    assert LocalStorage(tmp_path, "http://bot").key_of(address) is None


def test_an_archive_is_a_dataset(store: Storage) -> None:
    source = store.source("datasets/house.zip")
    assert source.path or list(source.urls) == ["house.zip"]


def test_a_write_that_fails_leaves_the_old_object_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = LocalStorage(tmp_path / "store", "http://bot")
    store.put("a/x.json", b"old", "application/json")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        store.put("a/x.json", b"new", "application/json")
    assert store.get("a/x.json") == b"old"
    assert store.keys("") == ["a/x.json"]


@pytest.mark.parametrize("key", ["../x", "a/../../x", "/etc/passwd", "", "a\0b"])
def test_a_key_never_leads_outside(tmp_path: Path, key: str) -> None:
    store = LocalStorage(tmp_path / "store", "http://bot")
    for act in (store.get, store.path, lambda k: store.put(k, b"", "")):
        with pytest.raises(InvalidValue):
            act(key)


def test_the_pipeline_gets_urls_that_work_without_a_key_of_ours(s3_server: str) -> None:
    store = spaces(s3_server, "presigned")
    store.put("demo/parcel/a.jpg", b"aa", "image/jpeg")
    urls = store.source("demo/parcel").urls
    assert httpx.get(urls["a.jpg"], trust_env=False).content == b"aa"
    target = store.target("j1").urls
    assert httpx.put(target["metrics.json"], content=b"{}", trust_env=False).status_code == 200
    assert store.get("splats/j1/metrics.json") == b"{}"
    assert "manifest.json" in target


def test_only_a_job_that_was_asked_for_photos_may_publish_them(s3_server: str) -> None:
    store = spaces(s3_server, "photos")
    assert not any(name.startswith("photos/") for name in store.target("j1").urls)
    urls = store.target("j1", photos=True).urls
    httpx.put(urls["photos/000.jpg"], content=b"photo", trust_env=False).raise_for_status()
    store.reveal("j1")
    address = store.url("splats/j1/photos/000.jpg")
    assert httpx.get(address, trust_env=False).headers["content-type"] == "image/jpeg"


def test_a_result_is_for_everybody_once_it_is_revealed_and_has_its_type(s3_server: str) -> None:
    store = spaces(s3_server, "public")
    for name in set(store.target("j 1").urls) - {PREVIEW, PREVIEW_MANIFEST}:
        url = store.target("j 1").urls[name]
        httpx.put(url, content=name.encode(), trust_env=False).raise_for_status()
    assert httpx.get(store.url("splats/j 1/thumbnail.jpg"), trust_env=False).status_code == 403
    for _ in range(2):
        store.reveal("j 1")
    for name, kind in (("thumbnail.jpg", "image/jpeg"), ("manifest.json", "application/json")):
        answer = httpx.get(store.url(f"splats/j 1/{name}"), trust_env=False)
        assert (answer.content, answer.headers["content-type"]) == (name.encode(), kind)
    assert "geometry/images.bin" in store.target("j 1").urls


def test_a_preview_is_for_everybody_at_once_and_the_result_in_its_place_is_not(
    s3_server: str,
) -> None:
    store = spaces(s3_server, "previews")
    urls, place = store.target("j1").urls, store.url("splats/j1/manifest.json")
    for name in (PREVIEW, PREVIEW_MANIFEST):
        headers = headers_for(urls[name], 5)
        httpx.put(urls[name], content=b"early", headers=headers, trust_env=False)
    for address in (place, store.url(f"splats/j1/{PREVIEW}")):
        assert httpx.get(address, trust_env=False).content == b"early"
    httpx.put(urls["manifest.json"], content=b"final", trust_env=False)
    assert httpx.get(place, trust_env=False).status_code == 403
    store.reveal("j1")
    assert httpx.get(place, trust_env=False).content == b"final"


def test_what_a_bucket_refuses_is_said_without_a_key(s3_server: str) -> None:
    refused = SpacesStorage(SpacesSettings("no-such", "us-east-1", s3_server, "key-1", "secret-1"))
    silent = SpacesStorage(SpacesSettings("b", "us-east-1", "http://127.0.0.1:1", "key-1", "s"))
    for store, why in ((refused, "NoSuchBucket"), (silent, "EndpointConnectionError")):
        with pytest.raises(StorageError, match=why) as said:
            store.datasets()
        assert "SPACES_" in said.value.hint
        assert "key-1" not in str(said.value)


def test_the_settings_choose_the_store(tmp_path: Path, s3_server: str) -> None:
    local = Settings("t", "s", data=tmp_path)
    assert isinstance(open_storage(local), LocalStorage)
    bucket = SpacesSettings("b", "us-east-1", s3_server, "k", "s")
    assert isinstance(open_storage(Settings("t", "s", spaces=bucket)), SpacesStorage)
