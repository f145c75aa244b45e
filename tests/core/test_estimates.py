"""Estimates come from our own history; without one there is none."""

from dataclasses import replace

import pytest

from bot.core.efforts import PRESETS
from bot.core.estimates import Estimate, longer, overall_fraction, remaining, whole
from bot.core.jobs import Job, Options, State
from gpu.job import Pipeline, Stage, stages_of

PAST_SECONDS = {stage.value: 10.0 for stage in Stage if stage is not Stage.PREPARE}


def a_job(**changes: object) -> Job:
    job = Job(
        id="a", team="T", channel="C", user="U", dataset="d", pipeline=Pipeline.AERIAL, options={},
        state=State.RUNNING, attempt=1, created_at=0.0, version=1, started_at=0.0,
    )  # fmt: skip
    return replace(job, **changes)  # type: ignore[arg-type]


def an_earlier_job(options: Options | None = None, **seconds: float) -> Job:
    """One that has succeeded: every stage took ten seconds but those that are named."""
    return a_job(
        options=options or {}, state=State.SUCCEEDED, stage_seconds=PAST_SECONDS | seconds,
        metrics={"iterations": 1000},
    )  # fmt: skip


PAST = an_earlier_job()


def test_without_history_there_is_no_estimate() -> None:
    assert remaining(a_job(), []) is None
    assert whole(Pipeline.AERIAL, {}, []) is None


def test_a_stage_that_no_job_has_run_leaves_no_estimate() -> None:
    assert remaining(a_job(), [a_job(stage_seconds={"fetch": 1.0})]) is None


def test_few_jobs_give_a_wider_range_than_many() -> None:
    one, many = remaining(a_job(), [PAST]), remaining(a_job(), [PAST] * 5)
    assert one is not None
    assert many == Estimate(70.0, 70.0)
    assert one.low < 70.0 < one.high


def test_the_range_spans_what_was_seen() -> None:
    slow = an_earlier_job(**dict.fromkeys(PAST_SECONDS, 20.0))
    assert remaining(a_job(), [PAST, PAST, slow]) == Estimate(70.0, 140.0)
    assert whole(Pipeline.AERIAL, {}, [PAST, PAST, slow]) == Estimate(70.0, 140.0)


def test_a_job_that_has_not_begun_counts_the_preparation_of_its_machine() -> None:
    past = an_earlier_job(prepare=30.0)
    assert whole(Pipeline.AERIAL, {}, [past] * 3) == Estimate(100.0, 100.0)
    one = whole(Pipeline.AERIAL, {}, [past])
    assert one is not None
    assert (one.low, one.high) == pytest.approx((75.0, 125.0))  # one job says little


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


def test_a_stage_whose_progress_moves_in_jumps_is_judged_by_earlier_jobs_alone() -> None:
    """Compressing says little on the way: right after a jump its own speed would be far too high,
    and before the next one far too low."""
    done = {s: 10.0 for s in PAST_SECONDS if s not in ("compress", "publish")}
    job = a_job(stage=Stage.COMPRESS, fraction=0.45, stage_seconds=done)
    for elapsed, left in ((1.0, 9.0 + 10.0), (8.0, 2.0 + 10.0), (30.0, 0.0 + 10.0)):
        assert remaining(job, [PAST] * 3, elapsed) == Estimate(left, left)


# -- what the training is asked -------------------------------------------------------------------


def estimated(options: Options, history: list[Job]) -> Estimate:
    found = whole(Pipeline.AERIAL, options, history)
    assert found is not None
    return found


def test_a_draft_takes_less_than_what_one_gets_and_best_seldom_does() -> None:
    history = [PAST] * 3
    draft, best = estimated({"preset": "draft"}, history), estimated({"preset": "best"}, history)
    assert draft.high == pytest.approx(60.0)
    assert 60.0 < best.low < 70.0
    assert best.high == pytest.approx(70.0 + 5.0 * (10.0 + 10.0))  # train and descend


def test_best_after_jobs_of_best_takes_what_those_took() -> None:
    best = an_earlier_job({"preset": "best"}, train=60.0)
    history = [PAST] * 5 + [best] * 3
    assert estimated({"preset": "best"}, history) == Estimate(120.0, 120.0, alike=True)
    assert estimated({"preset": "fast"}, history) == Estimate(70.0, 70.0, alike=True)


def test_of_two_jobs_of_best_nobody_is_sure_and_the_others_are_asked_too() -> None:
    best = an_earlier_job({"preset": "best"}, train=30.0, descend=30.0)
    found = estimated({"preset": "best"}, [PAST, PAST, best])
    assert not found.alike
    assert found.low < 110.0 < found.high


def test_a_job_of_best_is_scaled_down_for_one_that_asks_for_less() -> None:
    best = an_earlier_job({"preset": "best"}, train=60.0)
    found = estimated({}, [best] * 3)
    assert not found.alike
    trained = PRESETS["best"]  # train and descend took 70 s, all else 50 s
    assert found.low == pytest.approx(50.0 + 70.0 / trained.high)
    assert found.high == pytest.approx(50.0 + 70.0 / trained.low)


def test_what_best_takes_longer_is_its_training_alone() -> None:
    past = [an_earlier_job(geometry=500.0, compress=300.0)] * 3
    plain, best = estimated({}, past), estimated({"preset": "best"}, past)
    assert best.high - plain.high == pytest.approx(5.0 * (10.0 + 10.0))  # train and descend


def test_the_time_left_shrinks_to_what_does_not_train_once_that_is_over() -> None:
    trained = {s: 60.0 for s in PAST_SECONDS if s not in ("compress", "publish")}
    job = a_job(options={"preset": "best"}, stage_seconds=trained)
    assert remaining(job, [PAST] * 3) == Estimate(20.0, 20.0, alike=False)


def test_the_speed_of_best_at_work_says_more_than_how_presets_scale() -> None:
    before = {s: 10.0 for s in PAST_SECONDS if s in ("fetch", "preprocess", "geometry")}
    job = a_job(options={"preset": "best"}, stage=Stage.TRAIN, fraction=0.5, stage_seconds=before)
    job = replace(job, pipeline=Pipeline.SPLAT)
    found = remaining(job, [PAST] * 3, elapsed_in_stage=20.0)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((20.0 + 20.0, 20.0 + 20.0))


def test_jobs_of_another_number_of_steps_leave_only_those_to_judge_by_that_say_something() -> None:
    wished = an_earlier_job({"iterations": 30_000}, train=300.0)
    assert whole(Pipeline.AERIAL, {}, [wished]) is None
    assert estimated({}, [wished, PAST, PAST, PAST]) == Estimate(70.0, 70.0, alike=True)


def test_a_job_of_best_is_longer_than_another_by_a_middle_of_what_may_be() -> None:
    assert longer({}, PAST) == 0.0
    assert 2 * 10.0 < longer({"preset": "best"}, PAST) < 2 * 50.0
    assert longer({"preset": "draft"}, PAST) < 0.0


# -- the bar --------------------------------------------------------------------------------------


HISTORIES: list[list[Job]] = [
    [], [PAST], [PAST] * 3, [an_earlier_job({"preset": "best"}, train=60.0)] * 3,
    [an_earlier_job(**dict.fromkeys(PAST_SECONDS, 0.0))],
]  # fmt: skip


@pytest.mark.parametrize("options", [{}, {"preset": "best"}, {"iterations": 9}, {"more": 9}])
@pytest.mark.parametrize("history", HISTORIES)
@pytest.mark.parametrize("pipeline", list(Pipeline))
def test_the_bar_grows_with_every_stage_and_is_full_only_at_the_end(
    pipeline: Pipeline, history: list[Job], options: Options
) -> None:
    job = a_job(pipeline=pipeline, options=options, stage=Stage.PREPARE, fraction=0.5)
    seen = [0.0, overall_fraction(job, history)]
    done: dict[str, float] = {}
    for stage in stages_of(pipeline):
        job = replace(job, stage=stage, fraction=0.5, stage_seconds=done)
        seen.append(overall_fraction(job, history))
        done = {**done, stage.value: 1.0}
        seen.append(overall_fraction(replace(job, fraction=1.0, stage_seconds=done), history))
    assert seen == sorted(seen)
    assert seen[-1] == 0.99


def trained_half(options: Options, history: list[Job]) -> float:
    """Where the bar is in the middle of the stage `train` of a job for an aerial scene."""
    before = dict.fromkeys(("fetch", "preprocess", "geometry"), 1.0)
    job = a_job(options=options, stage=Stage.TRAIN, fraction=0.5, stage_seconds=before)
    return overall_fraction(job, history)


def test_the_bar_gives_stages_what_earlier_jobs_took() -> None:
    assert trained_half({}, [PAST]) == pytest.approx((30 + 5) / 70)
    slow = an_earlier_job(geometry=100.0)
    assert trained_half({}, [PAST, slow, slow]) == pytest.approx((120 + 5) / 160)


def test_the_bar_gives_training_what_the_preset_asks_of_it() -> None:
    for history in ([], [PAST]):
        at = {name: trained_half({"preset": name}, history) for name in ("draft", "fast", "best")}
        assert at["draft"] > at["fast"] == trained_half({}, history) > at["best"]
    longer_by = PRESETS["best"].middle
    assert trained_half({"preset": "best"}, [PAST]) == pytest.approx(
        (30 + 5 * longer_by) / (50 + 20 * longer_by)
    )


def test_steps_that_are_asked_for_widen_the_part_of_training_once_an_earlier_job_had_some() -> None:
    assert trained_half({"iterations": 5000}, [PAST]) == pytest.approx((30 + 25) / (50 + 100))
    assert trained_half({"iterations": 5000}, []) == trained_half({}, [])
