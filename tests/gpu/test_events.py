"""Events survive the way through a file, and half an event is never taken for a whole one."""

import pytest

from gpu.job import Event, InvalidValue, Stage, Status


def an_event(**changes: object) -> Event:
    values: dict[str, object] = {
        "job": "a1",
        "attempt": 1,
        "seq": 4,
        "stage": Stage.TRAIN,
        "status": Status.PROGRESS,
        "fraction": 0.5,
        "message": "Step 350 of 700",
        "time": 1_790_000_000.25,
        "metrics": {"loss": 0.04, "gaussians": 5000},
        "pictures": ("previews/train.jpg",),
    }
    return Event(**(values | changes))  # type: ignore[arg-type]


def test_an_event_survives_the_way_through_a_line() -> None:
    assert Event.from_json(an_event().to_json()) == an_event()
    assert "\n" not in an_event(message="two\nlines").to_json()


def test_a_torn_line_is_refused_wherever_it_was_cut() -> None:
    line = an_event().to_json()
    for length in range(len(line)):
        with pytest.raises(InvalidValue):
            Event.from_json(line[:length])


@pytest.mark.parametrize(
    "wrong", [{"fraction": 1.01}, {"fraction": -0.1}, {"seq": 0}, {"fraction": float("nan")}]
)
def test_an_impossible_figure_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidValue):
        an_event(**wrong)
