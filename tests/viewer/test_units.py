"""The viewer's own unit tests run with everything else."""

import os
import subprocess

from tests.conftest import NODE, REPOSITORY

VIEWER = REPOSITORY / "viewer"


def test_the_unit_tests_pass() -> None:
    run = subprocess.run(
        [NODE, "node_modules/vitest/vitest.mjs", "run"],
        cwd=VIEWER,
        env=os.environ | {"NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
