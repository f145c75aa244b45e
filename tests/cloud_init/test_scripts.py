"""The scripts and the lock file, as written."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib

import pytest

from tests.cloud_init.booting import files_of
from tests.cloud_init.machine import CLOUD_INIT, SHIMS
from tests.conftest import REPOSITORY

LOCK = (CLOUD_INIT / "runtime.lock").read_text(encoding="utf-8")
LOCKED = dict(re.findall(r"(?m)^([a-z0-9-]+)==(\S+)", LOCK))
TEMPLATE = (CLOUD_INIT / "user-data.yaml").read_text(encoding="utf-8")
SCRIPTS = {
    "provision.sh": (CLOUD_INIT / "provision.sh").read_text(encoding="utf-8"),
    **{path: f["content"] for path, f in files_of(TEMPLATE).items() if path.endswith(".sh")},
    **{f"shims/{each.name}": each.read_text(encoding="utf-8") for each in SHIMS.iterdir()},
}
#: Names of packages that are not those of what is imported.
PACKAGES = {"pi_heif": "pi-heif", "PIL": "pillow"}


@pytest.mark.parametrize("name", SCRIPTS)
def test_shellcheck_finds_nothing(name: str) -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("needs shellcheck: scripts/cloud-init.sh installs it")
    command = ["shellcheck", "--shell=bash", "-"]
    done = subprocess.run(command, input=SCRIPTS[name], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_script_prints_its_commands(name: str) -> None:
    """Their output goes to logs that people read."""
    assert not re.search(r"set -[a-z]*x|xtrace|bash -x", SCRIPTS[name])


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_runtime_has_the_versions_that_we_test_with() -> None:
    text = (REPOSITORY / "constraints.txt").read_text(encoding="utf-8")
    tested = {normal(name): version for name, version in re.findall(r"(?m)^(\S+)==(\S+)", text)}
    both = set(tested) & set(LOCKED)
    assert {name: LOCKED[name] for name in both} == {name: tested[name] for name in both}
    assert {"torch", "gsplat", "pycolmap", "numpy", "numba"} <= both


def test_the_runtime_has_what_the_pipeline_asks_for() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    asked = project["project"]["optional-dependencies"]["gpu"]
    assert {normal(re.split(r"[>=<\[]", each)[0]) for each in asked} <= set(LOCKED)


def test_the_runtime_has_what_the_pipeline_imports() -> None:
    modules = set()
    for file in (REPOSITORY / "gpu").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                modules.add(node.module.split(".")[0])
    foreign = modules - set(sys.stdlib_module_names) - {"gpu"}
    assert {PACKAGES.get(name, name) for name in foreign} <= set(LOCKED)


def test_every_package_is_pinned_by_its_hash() -> None:
    entries = re.split(r"(?m)^(?=[a-z])", LOCK)[1:]
    assert len(entries) == len(LOCKED)
    for entry in entries:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry


def test_the_cuda_compiler_is_of_the_cuda_that_torch_is_built_for() -> None:
    def release(package: str) -> list[str]:
        return LOCKED[package].split(".")[:2]

    assert release("nvidia-cuda-nvcc") == release("nvidia-cuda-runtime")
    assert release("nvidia-cuda-nvcc") == release("nvidia-cuda-cccl")


@pytest.mark.parametrize(
    ("pin", "form"),
    [
        ("uv", r"\d+\.\d+\.\d+"),
        ("uv-sha256", r"[0-9a-f]{64}"),
        ("python", r"3\.\d+\.\d+"),
        ("driver", r"\d+"),
    ],
)
def test_what_is_no_package_is_pinned_too(pin: str, form: str) -> None:
    assert re.search(rf"(?m)^#: {pin} {form}$", LOCK)
