"""What every test may use."""

from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def datasets() -> Path:
    """The folder of real photo sets beside the checkout; skips the test where it is absent."""
    folder = REPOSITORY.parent / "shared" / "datasets"
    if not folder.is_dir():
        pytest.skip(f"needs the real photo sets in {folder}")
    return folder
