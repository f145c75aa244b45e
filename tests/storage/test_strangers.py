"""A look at a stranger's .zip before anything is paid for it."""

import threading
from collections.abc import Callable

import httpx
import pytest

from bot.storage import strangers
from bot.storage.strangers import NotThere, Strangers
from gpu.job.public import NotPublic
from gpu.job.public_client import public_client
from tests.waiting import PATIENCE

ZIP = "https://photos.example.org/set.zip"


def asking(
    handler: Callable[[httpx.Request], httpx.Response], address: str = "1.1.1.1"
) -> Strangers:
    inner = httpx.MockTransport(handler)
    return Strangers(
        lambda: public_client(httpx.Timeout(1), resolve=lambda _: [address], inner=inner)
    )


def test_a_file_that_is_there_has_a_size_and_is_not_read() -> None:
    def handler(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"Content-Length": "1500000"}, content=never())

    def never():
        raise AssertionError("the file was read")
        yield b""

    assert asking(handler).look(ZIP) == 1_500_000


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_what_is_not_there_for_everybody_is_said(status: int) -> None:
    with pytest.raises(NotThere, match=f"photos.example.org answers {status}"):
        asking(lambda _: httpx.Response(status)).look(ZIP)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_may_be_there_later_is_no_mistake(status: int) -> None:
    assert asking(lambda _: httpx.Response(status, content=b"12")).look(ZIP) is None


def test_a_server_that_does_not_answer_is_no_mistake_yet() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectTimeout("slow", request=request)

    assert asking(handler).look(ZIP) is None


def test_a_host_inside_is_refused() -> None:
    with pytest.raises(NotPublic):
        asking(lambda _: httpx.Response(200), "10.0.0.1").glance(ZIP)


def test_nobody_waits_long_for_a_slow_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strangers, "PATIENCE", 0.01)
    told = threading.Event()

    def handler(_: httpx.Request) -> httpx.Response:
        told.wait(PATIENCE)
        return httpx.Response(200)

    assert asking(handler).glance(ZIP) is None
    told.set()
