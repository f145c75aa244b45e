"""Addresses that people type: what is refused as written, and where no connection ever goes."""

import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import httpx
import pytest

from gpu.ingest import download
from gpu.ingest.errors import DownloadFailed
from gpu.job import InvalidValue, JobSpec, Source
from gpu.job.public import NotPublic, check_address, public_address
from gpu.job.public_client import public_client

PUBLIC = "93.184.215.14"
ZIP = "https://photos.example.org/set.zip"

Handler = Callable[[httpx.Request], httpx.Response]


def reading(handler: Handler, names: dict[str, str]) -> httpx.Client:
    """A client whose names lead to these addresses, and which connects to nothing."""

    def resolve(name: str) -> list[str]:
        if name not in names:
            raise OSError("no such name")
        return names[name].split()

    inner = httpx.MockTransport(handler)
    return public_client(httpx.Timeout(1), resolve=resolve, inner=inner)


# -- as it is written -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed",
    [
        ZIP, "https://photos.example.org:443/SET.ZIP", "https://h.org/a%20b/ü.zip",
        "https://www.dropbox.com/scl/fi/x/set.zip?dl=1",
    ],
)  # fmt: skip
def test_the_address_of_a_zip_is_taken_as_it_is(typed: str) -> None:
    assert check_address(typed) == typed


@pytest.mark.parametrize(
    "typed",
    [
        "http://h.org/a.zip", "ftp://h.org/a.zip", "file:///etc/a.zip", "https:///a.zip",
        "https://h.org/photos", "https://h.org/a.zip#x", "https://h.org:8443/a.zip",
        "https://h.org:x/a.zip", "https://user:pass@h.org/a.zip", "https://user@h.org/a.zip",
        "https://h.org/a.zip\n", "https://h.org\\@evil.org/a.zip", "https://[::1/a.zip",
        f"https://h.org/{'a' * 500}.zip",
    ],
)  # fmt: skip
def test_anything_else_is_refused_with_what_is_allowed(typed: str) -> None:
    with pytest.raises(InvalidValue, match="that anybody can read"):
        check_address(typed)


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "[::1]"])
def test_a_number_that_is_none_of_the_internets_is_refused_before_a_job_waits(host: str) -> None:
    with pytest.raises(NotPublic, match="not on the public internet"):
        check_address(f"https://{host}/a.zip")
    assert check_address("https://93.184.215.14/a.zip")


def test_an_address_with_a_key_in_it_is_refused_and_the_key_is_not_repeated() -> None:
    with pytest.raises(InvalidValue) as refused:
        check_address(f"{ZIP}?X-Amz-Signature=0123456789abcdef")
    assert "0123456789abcdef" not in str(refused.value)


def test_a_job_names_its_photos_in_one_way_and_survives_json() -> None:
    job = JobSpec("a", ZIP, Source(address=ZIP))
    assert JobSpec.from_json(job.to_json()) == job
    with pytest.raises(InvalidValue):
        Source(address=ZIP, path="/photos")
    with pytest.raises(InvalidValue):
        Source(address="https://h.org/photos")


# -- where it leads -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.5", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0",
        "fd00::1", "ff02::1", "::ffff:169.254.169.254", "::ffff:10.0.0.1", "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1", "2001:db8::1", "192.0.2.1", "198.18.0.1",
    ],
)  # fmt: skip
def test_no_address_of_a_network_of_our_own_is_public(address: str) -> None:
    for found in ([address], [PUBLIC, address], [address, PUBLIC]):
        with pytest.raises(NotPublic, match=r"rebind\.example"):
            public_address("rebind.example", lambda _, found=found: found)


def test_a_name_without_an_address_is_not_public() -> None:
    with pytest.raises(NotPublic):
        public_address("h.org", lambda _: [])


@pytest.mark.parametrize("address", [PUBLIC, "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_the_connection_goes_to_the_address_that_was_looked_at(address: str) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        assert request.url.host == address
        assert request.headers["Host"] == "photos.example.org"
        assert request.extensions["sni_hostname"] == "photos.example.org"
        assert "Authorization" not in request.headers
        assert "Cookie" not in request.headers
        return httpx.Response(200, content=b"zip")

    with reading(handler, {"photos.example.org": address}) as client:
        assert client.get(ZIP).content == b"zip"


@pytest.mark.parametrize(
    "where",
    [
        "https://inside.example.org/a.zip", "https://127.0.0.1/a.zip", "https://[::1]/a.zip",
        "http://photos.example.org/a.zip", "https://photos.example.org:8080/a.zip",
        "http://169.254.169.254/metadata/v1.json",
    ],
)  # fmt: skip
def test_a_redirect_leads_neither_inside_nor_away_from_https(where: str) -> None:
    asked = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        return httpx.Response(302, headers={"Location": where})

    names = {
        "photos.example.org": PUBLIC, "inside.example.org": "10.0.0.7",
        "127.0.0.1": "127.0.0.1", "::1": "::1",
    }  # fmt: skip
    with reading(handler, names) as client, pytest.raises(NotPublic):
        client.get(ZIP)
    assert asked == [PUBLIC]


def test_redirects_among_public_hosts_are_followed_but_not_for_ever() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        if request.headers["Host"] == "cdn.example.org":
            return httpx.Response(200, content=b"zip")
        return httpx.Response(302, headers={"Location": "https://cdn.example.org/1"})

    names = {"photos.example.org": PUBLIC, "cdn.example.org": "1.1.1.1"}
    with reading(handler, names) as client:
        assert client.get(ZIP).content == b"zip"
    turning = reading(lambda _: httpx.Response(302, headers={"Location": ZIP}), names)
    with turning as client, pytest.raises(httpx.TooManyRedirects):
        client.get(ZIP)


# -- how much -------------------------------------------------------------------------------------


def fetched(folder: Path, handler: Handler, address: str = ZIP) -> Path:
    client = reading(handler, {"photos.example.org": PUBLIC, "inside.example.org": "10.0.0.7"})
    return download.download_stranger(
        address, folder, lambda *_: None, client=client, wait=lambda _: None
    )


def test_a_strangers_zip_is_fetched_under_its_own_name(tmp_path: Path) -> None:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.jpg", b"photo")
    found = fetched(tmp_path, lambda _: httpx.Response(200, content=packed.getvalue()))
    assert found == tmp_path / "set.zip"
    assert zipfile.ZipFile(found).namelist() == ["a.jpg"]


@pytest.mark.parametrize("announced", [True, False])
def test_what_is_too_large_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, announced: bool
) -> None:
    monkeypatch.setattr(download, "MOST_FROM_STRANGERS", 1000)
    headers = {"Content-Length": "1001"} if announced else {}
    sent = []

    def handler(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers=headers, content=chunks())

    def chunks():
        for _ in range(100):
            sent.append(1)
            yield b"x" * 100

    with pytest.raises(DownloadFailed, match=r"set\.zip is too large"):
        fetched(tmp_path, handler)
    assert len(sent) <= (0 if announced else 11)


def test_a_host_inside_is_not_asked_at_all(tmp_path: Path) -> None:
    with pytest.raises(NotPublic, match=r"inside\.example\.org is not on the public internet"):
        fetched(tmp_path, lambda _: httpx.Response(200), "https://inside.example.org/a.zip")


def test_a_zip_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DownloadFailed, match=r"set\.zip could not be fetched.*404"):
        fetched(tmp_path, lambda _: httpx.Response(404))
