"""A job's specification: it survives a round trip, and refuses what is not allowed."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu.job import RANGES, InvalidValue, JobSpec, Pipeline, Source, Stage, Target, stages_of


def a_job(**changes: object) -> JobSpec:
    values: dict[str, object] = {
        "job_id": "a1b2",
        "dataset": "demo/parcel",
        "source": Source(path="/photos"),
    }
    return JobSpec(**(values | changes))  # type: ignore[arg-type]


def test_a_specification_survives_the_way_through_json() -> None:
    job = a_job(
        source=Source(urls={"a.jpg": "https://example.org/a"}),
        target=Target(path="/results"),
        pipeline=Pipeline.AERIAL,
        iterations=700,
        max_views=24,
        image_size=512,
        seed=3,
    )
    assert JobSpec.from_json(job.to_json()) == job


def test_only_an_aerial_job_descends() -> None:
    assert Stage.DESCEND in stages_of(Pipeline.AERIAL)
    assert Stage.DESCEND not in stages_of(Pipeline.SPLAT)
    assert list(stages_of(Pipeline.AERIAL)) == [s for s in Stage if s is not Stage.PREPARE]


@pytest.mark.parametrize("name", sorted(RANGES))
def test_both_ends_of_a_range_are_allowed(name: str) -> None:
    for value in (RANGES[name].low, RANGES[name].high):
        assert getattr(a_job(**{name: value}), name) == value


@pytest.mark.parametrize("name", sorted(RANGES))
def test_a_value_outside_its_range_is_refused_with_the_range(name: str) -> None:
    low, high = RANGES[name].low, RANGES[name].high
    for value in (low - 1, high + 1, True, 1.5, "7"):
        with pytest.raises(InvalidValue) as refused:
            a_job(**{name: value})
        assert refused.value.field == name
        assert f"from {low:,} to {high:,}" in refused.value.hint


@pytest.mark.parametrize("job_id", ["", "Ab", "../x", "a b", "-a", "a" * 64])
def test_a_job_id_that_could_be_a_path_or_a_flag_is_refused(job_id: str) -> None:
    with pytest.raises(InvalidValue, match="job_id"):
        a_job(job_id=job_id)


def test_an_unknown_field_is_named() -> None:
    raw = json.loads(a_job().to_json()) | {"iteration": 5}
    with pytest.raises(InvalidValue, match="'iteration'"):
        JobSpec.from_dict(raw)


def test_an_unknown_pipeline_names_the_two_that_exist() -> None:
    raw = json.loads(a_job().to_json()) | {"pipeline": "nerf"}
    with pytest.raises(InvalidValue, match="splat or aerial"):
        JobSpec.from_dict(raw)


@pytest.mark.parametrize("text", ["", "[]", "3", "{}", '{"job_id": 5}', "{nonsense"])
def test_a_damaged_document_is_refused_in_words(text: str) -> None:
    with pytest.raises(InvalidValue):
        JobSpec.from_json(text)


@pytest.mark.parametrize(
    "source", [{}, {"path": "/a", "urls": {"a": "https://b"}}, {"folder": "/a"}]
)
def test_photos_come_from_exactly_one_place(source: dict[str, object]) -> None:
    raw = json.loads(a_job().to_json()) | {"source": source}
    with pytest.raises(InvalidValue, match="source"):
        JobSpec.from_dict(raw)


@given(st.text(max_size=80))
def test_any_text_is_a_job_id_or_a_clear_refusal(text: str) -> None:
    try:
        job = a_job(job_id=text)
    except InvalidValue as refused:
        assert refused.hint
    else:
        assert "/" not in job.job_id and "." not in job.job_id
