"""A wait ends with what it waits for, with the process that it depends on, or in words."""

import subprocess
import sys

import pytest

from tests.waiting import await_that


def test_it_ends_when_what_it_waits_for_holds_and_lets_others_work_until_then() -> None:
    worked: list[int] = []
    await_that(lambda: len(worked) == 3, "three", meanwhile=lambda: worked.append(1), pause=0)
    assert len(worked) == 3


def test_it_ends_with_the_process_and_says_what_was_waited_for_and_what_was_said() -> None:
    with subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"]) as process:
        wrong = pytest.raises(AssertionError, match=r"an answer: the process ended with 3\nits log")
        with wrong:
            await_that(lambda: False, "an answer", process=process, said=lambda: "its log")


def test_what_a_process_did_before_its_end_counts() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        looks: list[int] = []

        def holds() -> bool:  # the process ends between two looks
            process.wait()
            looks.append(1)
            return len(looks) > 1

        await_that(holds, "its work", process=process)


def test_in_the_end_it_says_that_it_waited_in_vain() -> None:
    with pytest.raises(AssertionError, match=r"a miracle: not in 0 s\nnothing yet"):
        await_that(lambda: False, "a miracle", said=lambda: "nothing yet", patience=0)
