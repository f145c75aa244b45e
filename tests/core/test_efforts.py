"""What training takes beside an earlier job's, by what both asked of it."""

import pytest

from bot.core.efforts import A_STEP, PRESETS, TAKEN_OVER, USUAL, Span, effort, is_alike, lasts
from bot.core.jobs import Job, Options
from gpu.job import Stage, choices
from tests.core.test_estimates import a_job

#: An earlier job whose stage `train` took ten seconds, eight of them for a thousand steps.
FIGURES = {"iterations": 1000, "iterations_per_second": 125.0}


def past(**options: int | str) -> Job:
    seconds = {"geometry": 30.0, "train": 10.0, "descend": 6.0}
    return a_job(options=options, stage_seconds=seconds, metrics=FIGURES)


def test_every_preset_is_known_and_fast_is_what_one_gets() -> None:
    assert set(PRESETS) == set(A_STEP) == set(choices.PRESETS)
    assert effort({"preset": USUAL}, past()) == effort({}, past()) == Span(1.0, 1.0)


#: Seconds of training and steps a second on one GPU, of the sets at the ends (bench/results.md):
#: of a preset, and of `fast` in the same run, but for brighton_beach's draft.
MEASURED = {
    ("draft", "fox"): ((1.5, 391), (4.9, 279)),
    ("draft", "caliterra"): ((2.0, 343), (4.1, 356)),
    ("draft", "brighton_beach"): ((0.8, 507), (6.9, 450)),
    ("best", "fox"): ((25.4, 217), (4.8, 283)),
    ("best", "caliterra"): ((18.5, 304), (4.1, 374)),
    ("best", "brighton_beach"): ((5.0, 455), (6.9, 450)),
}


@pytest.mark.parametrize(("preset", "photos"), MEASURED)
def test_what_was_measured_of_a_preset_is_within_what_is_said_of_it(
    preset: str, photos: str
) -> None:
    (took, rate), (usually, usual_rate) = MEASURED[preset, photos]
    assert PRESETS[preset].low <= took / usually <= PRESETS[preset].high
    assert A_STEP[preset].low <= usual_rate / rate <= A_STEP[preset].high


def test_a_draft_beside_best_is_as_unsure_as_both() -> None:
    found = effort({"preset": "draft"}, past(preset="best"))
    assert found == PRESETS["draft"] / PRESETS["best"]
    assert found.high / found.low > PRESETS["best"].high / PRESETS["best"].low


def test_only_what_trains_takes_another_time() -> None:
    assert lasts(Stage.GEOMETRY, {"preset": "best"}, past()) == Span(30.0, 30.0)
    assert lasts(Stage.DESCEND, {"preset": "best"}, past()) == PRESETS["best"].times(6.0)


def test_reading_photos_and_measuring_take_best_no_longer() -> None:
    assert lasts(Stage.TRAIN, {"preset": "best"}, past()) == Span(2.0, 2.0) + PRESETS["best"].times(
        8.0
    )


def test_a_job_that_did_not_say_how_fast_it_trained_has_trained_all_the_while() -> None:
    silent = a_job(stage_seconds={"train": 10.0})
    assert lasts(Stage.TRAIN, {"preset": "best"}, silent) == PRESETS["best"].times(10.0)


@pytest.mark.parametrize(("steps", "seconds"), [(500, 2.0 + 4.0), (7000, 2.0 + 56.0)])
def test_training_takes_as_long_as_the_steps_that_are_asked_for(steps: int, seconds: float) -> None:
    assert lasts(Stage.TRAIN, {"iterations": steps}, past()) == Span(seconds, seconds)


def test_so_many_steps_of_best_take_longer_than_as_many_of_fast() -> None:
    asked: Options = {"iterations": 1000, "preset": "best"}
    assert effort(asked, past()) == A_STEP["best"]
    assert effort(asked, past(iterations=500)) == A_STEP["best"].times(2.0)
    assert is_alike(asked, past(iterations=1000, preset="best"))


def test_a_number_of_steps_that_somebody_wished_says_nothing_of_who_wishes_none() -> None:
    assert effort({}, past(iterations=1000)) is None


def test_what_went_on_says_nothing_of_a_job_from_the_start() -> None:
    for went_on in (past(more=500, earlier="x"), past(earlier="x")):
        assert lasts(Stage.TRAIN, {}, went_on) is None
        assert lasts(Stage.GEOMETRY, {}, went_on) is None
        assert lasts(Stage.PUBLISH, {}, went_on) is not None


def test_cameras_that_are_taken_over_take_less_and_all_of_it_where_they_are_not_there() -> None:
    takes_over: Options = {"cameras": "x"}
    assert lasts(Stage.GEOMETRY, takes_over, past()) == TAKEN_OVER.times(30.0)
    assert lasts(Stage.GEOMETRY, takes_over, past(cameras="y")) == Span(30.0, 30.0)
    assert lasts(Stage.GEOMETRY, {}, past(cameras="y")) is None
    assert lasts(Stage.TRAIN, {}, past(cameras="y")) == Span(10.0, 10.0)


def test_going_on_takes_the_further_steps_and_at_most_all_of_it_anew() -> None:
    assert lasts(Stage.TRAIN, {"more": 500}, past()) == Span(2.0 + 4.0, 2.0 + 8.0 + 4.0)
    assert lasts(Stage.TRAIN, {"more": 500}, a_job(stage_seconds={"train": 10.0})) is None
