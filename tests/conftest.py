"""What every test may use."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from moto.server import ThreadedMotoServer
from playwright.sync_api import Browser

# Machines are shared and noisy: how long one example takes says nothing about the code.
settings.register_profile("splatbot", deadline=None, max_examples=40)
settings.load_profile("splatbot")

REPOSITORY = Path(__file__).resolve().parent.parent

#: Node of the machine, else the one that the scripts have brought.
NODE = shutil.which("node") or str(REPOSITORY / ".node" / "bin" / "node")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the slow files, so that many short ones are left to share out at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(autouse=True)
def _looks_take_their_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is seen of photos does not depend on how busy this machine is."""
    monkeypatch.setattr("bot.storage.looks.PATIENCE", 120.0)


@pytest.fixture(autouse=True)
def _no_power_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger waits for no disk, which takes milliseconds at each commit, except where told to.

    What is lost by killing a process does not depend on it; that it is waited for, when, and what
    follows from a disk that fails is seen in tests/core/test_ledger.py.
    """
    monkeypatch.setattr("os.fdatasync", lambda _: None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for all tests: a process can drive only one Playwright at a time."""
    from tests.e2e.workspace import chromium

    with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The address of an S3 server on loopback. It is empty: a test makes its own buckets."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def datasets() -> Path:
    """The folder of real photo sets beside the checkout; skips the test where it is absent."""
    folder = REPOSITORY.parent / "shared" / "datasets"
    if not folder.is_dir():
        pytest.skip(f"needs the real photo sets in {folder}")
    return folder
