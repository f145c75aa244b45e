"""The rooms keep apart: what may import what, and what a bot host has to install."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

#: What only the pipeline needs; a bot host with 1 GB of memory does without.
HEAVY = ("torch", "numpy", "numba", "pycolmap", "PIL", "plyfile", "gsplat")


def imports_of(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def modules(room: str) -> list[Path]:
    return sorted((REPOSITORY / room).rglob("*.py"))


@pytest.mark.parametrize("file", modules("gpu"), ids=str)
def test_the_pipeline_knows_nothing_of_the_bot(file: Path) -> None:
    assert not [name for name in imports_of(file) if name.split(".")[0] == "bot"]


@pytest.mark.parametrize("file", modules("bot"), ids=str)
def test_the_bot_shares_only_the_job_specification(file: Path) -> None:
    from_gpu = {name for name in imports_of(file) if name.split(".")[0] == "gpu"}
    allowed = {name for name in from_gpu if name == "gpu.job" or name.startswith("gpu.job.")}
    if file == REPOSITORY / "bot" / "cli.py":
        allowed |= from_gpu & {"gpu.cli", "gpu"}  # `splatbot run` is the pipeline without the bot
    assert from_gpu == allowed


@pytest.mark.parametrize("file", modules("bot/core"), ids=str)
def test_the_core_knows_neither_slack_nor_a_cloud(file: Path) -> None:
    foreign = ("slack_sdk", "slack_bolt", "pydo", "boto3", "fastapi", "bot.slack", "bot.web")
    assert not [name for name in imports_of(file) if name.startswith(foreign)]


@pytest.mark.parametrize("file", modules("bot/slack"), ids=str)
def test_slack_never_calls_compute(file: Path) -> None:
    assert not [name for name in imports_of(file) if name.startswith("bot.compute")]


def test_the_bot_starts_without_the_pipelines_packages() -> None:
    """Imports all that `splatbot serve` imports, with the heavy packages made unimportable."""
    block = f"import sys; sys.modules.update(dict.fromkeys({HEAVY!r}))"
    code = f"{block}; import bot.cli, bot.service, bot.slack.app, bot.web.app, bot.compute.local"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=REPOSITORY)


def test_the_geometry_starts_without_a_network_client() -> None:
    """It is a process of its own for each job, and importing httpx is a third of its start."""
    code = "import sys; sys.modules['httpx'] = None; import gpu.geometry.worker"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=REPOSITORY)
