"""Sizes of files, as people say them."""

import pytest

from gpu.job.sizes import human_size


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 kB"), (1, "1 kB"), (48_600, "49 kB"), (999_000, "999 kB"),
        (1_000_000, "1.0 MB"), (57_940_000, "57.9 MB"), (2_345_000_000, "2.3 GB"),
    ],
)  # fmt: skip
def test_a_size_is_said_in_the_unit_that_people_would_take(count: int, said: str) -> None:
    assert human_size(count) == said
