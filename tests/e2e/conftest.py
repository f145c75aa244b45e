"""One miniature of the demo for all end-to-end tests: sixteen small photos of the parcel."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gpu.parcel.render import generate
from tests.e2e.workspace import running_demo


@pytest.fixture(scope="session")
def miniature(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixteen photos of 480x360: few and small, yet their cameras really have to be found."""
    folder = tmp_path_factory.mktemp("photos") / "miniature"
    generate(folder, photos=16, size=(480, 360), seed=7, progress=lambda *_: None)
    return folder


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, miniature: Path) -> Iterator[str]:
    """The address of a running sandbox whose bot knows `datasets/miniature`."""
    data = tmp_path_factory.mktemp("demo") / "data"
    with running_demo(data, miniature) as address:
        yield address
