"""Estimates come from our own history; without one there is none."""

from dataclasses import replace

import pytest

from bot.core.estimates import overall_fraction, remaining
from bot.core.jobs import Job, State
from gpu.job import Pipeline, Stage, stages_of

PAST = {stage.value: 10.0 for stage in Stage}


def a_job(**changes: object) -> Job:
    job = Job(
        id="a", team="T", channel="C", user="U", dataset="d", pipeline=Pipeline.AERIAL, options={},
        state=State.RUNNING, attempt=1, created_at=0.0, version=1, started_at=0.0,
    )  # fmt: skip
    return replace(job, **changes)  # type: ignore[arg-type]


def test_without_history_there_is_no_estimate() -> None:
    assert remaining(a_job(), []) is None


def test_a_stage_that_no_job_has_run_leaves_no_estimate() -> None:
    assert remaining(a_job(), [{"fetch": 1.0}]) is None


def test_few_jobs_give_a_wider_range_than_many() -> None:
    one, many = remaining(a_job(), [PAST]), remaining(a_job(), [PAST] * 5)
    assert one is not None
    assert many is not None
    assert (many.low, many.high) == (70.0, 70.0)
    assert one.low < 70.0 < one.high


def test_the_range_spans_what_was_seen() -> None:
    slow = dict.fromkeys(PAST, 20.0)
    estimate = remaining(a_job(), [PAST, PAST, slow])
    assert estimate is not None
    assert (estimate.low, estimate.high) == (70.0, 140.0)


def test_finished_stages_count_no_more() -> None:
    done = {stage.value: 1.0 for stage in Stage if stage is not Stage.PUBLISH}
    estimate = remaining(a_job(stage_seconds=done), [PAST] * 3)
    assert estimate is not None
    assert estimate.low == pytest.approx(10.0)


def test_the_stage_at_work_is_judged_by_its_own_speed() -> None:
    done = {stage.value: 1.0 for stage in Stage if stage is not Stage.PUBLISH}
    job = a_job(stage=Stage.PUBLISH, fraction=0.5, stage_seconds=done)
    estimate = remaining(job, [PAST] * 3, elapsed_in_stage=40.0)
    assert estimate is not None
    assert estimate.low == pytest.approx(40.0)


@pytest.mark.parametrize("pipeline", list(Pipeline))
def test_the_bar_grows_with_every_stage_and_is_full_only_at_the_end(pipeline: Pipeline) -> None:
    seen = [0.0]
    done: dict[str, float] = {}
    for stage in stages_of(pipeline):
        job = a_job(pipeline=pipeline, stage=stage, fraction=0.5, stage_seconds=done)
        seen.append(overall_fraction(job))
        done = {**done, stage.value: 1.0}
        seen.append(overall_fraction(replace(job, fraction=1.0, stage_seconds=done)))
    assert seen == sorted(seen)
    assert seen[-1] == 0.99
