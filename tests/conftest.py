"""What every test may use."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from playwright.sync_api import Browser

# Machines are shared and noisy: how long one example takes says nothing about the code.
settings.register_profile("splatbot", deadline=None, max_examples=40)
settings.load_profile("splatbot")

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for all tests: a process can drive only one Playwright at a time."""
    from tests.e2e.workspace import chromium

    with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def datasets() -> Path:
    """The folder of real photo sets beside the checkout; skips the test where it is absent."""
    folder = REPOSITORY.parent / "shared" / "datasets"
    if not folder.is_dir():
        pytest.skip(f"needs the real photo sets in {folder}")
    return folder
