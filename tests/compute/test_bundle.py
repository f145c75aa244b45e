"""The bundle: the bot's own pipeline, the same bytes for the same files, uploaded once."""

import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from bot.compute.bundle import CLOUD_INIT, GPU, build, publish
from bot.storage.local import LocalStorage
from tests.conftest import REPOSITORY


class CountingStorage(LocalStorage):
    """A store that remembers what was written to it, and whether it was private."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, "http://127.0.0.1")
        self.written: list[tuple[str, bool]] = []

    def put(self, key: str, data: bytes, content_type: str, *, private: bool = False) -> None:
        self.written.append((key, private))
        super().put(key, data, content_type, private=private)


def entries(data: bytes) -> list[tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return archive.getmembers()


def test_it_has_the_pipeline_and_what_provisions_its_machine() -> None:
    names = [entry.name for entry in entries(build())]
    assert {"gpu/__main__.py", "gpu/job/spec.py"} <= set(names)
    assert {"cloud-init/provision.sh", "cloud-init/runtime.lock"} <= set(names)
    assert names == sorted(names)
    assert not [name for name in names if name.startswith("bot") or "__pycache__" in name]
    assert all(name.endswith(".py") for name in names if name.startswith("gpu/"))


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(GPU, copy / "gpu")
    shutil.copytree(CLOUD_INIT, copy / "cloud-init")
    for file in copy.rglob("*"):
        os.utime(file, (1, 1))
    (copy / "gpu" / "job" / "spec.py").chmod(0o777)
    (copy / "gpu" / "__pycache__").mkdir(exist_ok=True)
    (copy / "gpu" / "__pycache__" / "cli.cpython-311.pyc").write_bytes(b"cache")
    assert build(copy / "gpu", copy / "cloud-init") == build()
    with (copy / "gpu" / "cli.py").open("a") as file:
        file.write("\n")
    assert build(copy / "gpu", copy / "cloud-init") != build()


def test_it_says_nothing_of_the_machine_that_made_it() -> None:
    data = build()
    assert data[4:8] == bytes(4)  # the time in gzip's header (RFC 1952)
    for entry in entries(data):
        assert (entry.mtime, entry.uid, entry.gid, entry.uname, entry.gname) == (0, 0, 0, "", "")
        assert entry.isreg()


def test_it_is_published_once_under_its_digest_for_the_bot_alone(tmp_path: Path) -> None:
    storage = CountingStorage(tmp_path)
    bundle = publish(storage)
    assert publish(storage) == bundle
    assert storage.written == [(f".splatbot/bundles/{bundle.sha256}.tar.gz", True)]
    assert hashlib.sha256(storage.get(bundle.key)).hexdigest() == bundle.sha256


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bot's wheel, unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    leave_out = shutil.ignore_patterns("__pycache__", "node_modules", "static", "page")
    for room in ("bot", "gpu", "cloud-init"):
        shutil.copytree(REPOSITORY / room, source / room, symlinks=True, ignore=leave_out)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, source)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index"]
    command += ["--no-build-isolation", "--wheel-dir", str(folder), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        archive.extractall(folder / "installed")
    return folder / "installed"


def test_an_installed_bot_has_the_same_bundle_and_template(wheel: Path) -> None:
    code = (
        "import hashlib; from bot.compute import bundle, userdata;"
        "print(bundle.__file__, hashlib.sha256(bundle.build()).hexdigest(),"
        " userdata.TEMPLATE.is_file())"
    )
    command = [sys.executable, "-c", code]
    told = subprocess.run(
        command,
        cwd=wheel,
        env={"PYTHONPATH": str(wheel)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.split() == [
        str(wheel / "bot" / "compute" / "bundle.py"),
        hashlib.sha256(build()).hexdigest(),
        "True",
    ]
