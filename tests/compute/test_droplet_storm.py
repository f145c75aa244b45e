"""No storm costs a second droplet, forgets one, or tells an end twice.

SPLATBOT_STORM sets the number of histories, other ones every time; the default is for CI.
"""

import os

import pytest

from tests.compute.storm import Storm, rage

#: Histories, and steps in each.
HISTORIES = int(os.environ.get("SPLATBOT_STORM", "0")) or 460
STEPS = 50


@pytest.mark.slow
@pytest.mark.timeout(12 * 3600 if "SPLATBOT_STORM" in os.environ else 1200)
def test_no_storm_costs_a_second_droplet_or_forgets_one() -> None:
    Storm.steps = Storm.histories = 0
    rage(HISTORIES, STEPS, is_random="SPLATBOT_STORM" in os.environ)
    print(f"{Storm.histories} histories, {Storm.steps} steps")
    assert Storm.steps >= 20_000 * HISTORIES / 460
