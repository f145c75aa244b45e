"""Messages survive the way between machine and bot; what is none is refused in words."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu.job import Event, InvalidValue, Stage, Status
from gpu.job.messages import EVENTS_LIMIT, Answer, Assignment, Report, may_upload
from gpu.job.paths import OUTPUTS

numbers = st.floats(-1e12, 1e12) | st.integers(-(2**53), 2**53)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
events = st.builds(
    Event,
    job=st.from_regex(r"[a-z0-9][a-z0-9-]{0,62}", fullmatch=True),
    attempt=st.integers(1, 1000),
    seq=st.integers(1, 10**6),
    stage=st.sampled_from(Stage),
    status=st.sampled_from(Status),
    fraction=st.floats(0, 1),
    message=texts,
    time=st.floats(0, 1e12),
    metrics=st.dictionaries(texts, numbers | texts | st.booleans() | st.none(), max_size=5),
    pictures=st.lists(texts, max_size=3).map(tuple),
    hint=texts,
)
figures = st.dictionaries(texts, numbers | texts, max_size=5)
reports = st.builds(Report, st.lists(events, max_size=4).map(tuple), figures, st.booleans())


@given(reports)
def test_a_report_survives_the_way(report: Report) -> None:
    assert Report.from_json(report.to_json()) == report
    assert Report.from_json(report.to_json().encode()) == report


@given(st.builds(Answer, st.booleans(), st.integers(0, 10**6)))
def test_an_answer_survives_the_way(answer: Answer) -> None:
    assert Answer(**json.loads(answer.to_json())) == answer


@given(
    st.builds(
        Assignment, texts, st.floats(0, 1e12), st.none() | st.dictionaries(texts, texts, max_size=2)
    )
)
def test_an_assignment_survives_the_way(assignment: Assignment) -> None:
    assert Assignment.from_json(assignment.to_json()) == assignment


@given(reports, st.data())
def test_half_a_report_is_never_taken_for_a_whole_one(report: Report, data: st.DataObject) -> None:
    text = report.to_json()
    with pytest.raises(InvalidValue):
        Report.from_json(text[: data.draw(st.integers(0, len(text) - 1))])


#: `{}` is none: a machine that has nothing to tell.
some_bytes = st.binary(max_size=60).filter(lambda body: b"".join(body.split()) != b"{}")


@given(some_bytes | st.recursive(st.none() | st.text(), st.lists).map(json.dumps))
def test_nonsense_is_refused_in_words(body: bytes | str) -> None:
    for message in (Report, Assignment):
        with pytest.raises(InvalidValue) as wrong:
            message.from_json(body)
        assert wrong.value.hint


def test_a_machine_may_have_nothing_to_tell() -> None:
    assert Report.from_json(b"{}") == Report()


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"events": 7}',
        b'{"events": [7]}',
        b'{"figures": {"gpu": NaN}}',
        b'{"figures": {"gpu": [1]}}',
        b'{"figures": 7}',
        b'{"more": 1}',
        b'{"events": [' + b",".join([b"{}"] * (EVENTS_LIMIT + 1)) + b"]}",
        b'{"figures": {"gpu": ' + b"9" * 5000 + b"}}",
    ],
)
def test_what_is_no_report_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidValue):
        Report.from_json(body)


def test_a_machine_may_write_what_the_bot_expects() -> None:
    assert all(map(may_upload, (*OUTPUTS, "geometry/images.bin", "previews/train-0700.jpg")))
    assert may_upload("log.txt")
    assert may_upload("events.jsonl")
    assert all(map(may_upload, ("checkpoint.npz", "geometry/geometry.json")))


@given(texts)
def test_and_nothing_else(name: str) -> None:
    allowed = {*OUTPUTS, "log.txt", "events.jsonl", "checkpoint.npz"}
    assert may_upload(name) is (name in allowed) or name.startswith(("previews/", "geometry/"))


@pytest.mark.parametrize(
    "name", ["previews/../x.jpg", "previews/x.jpg\n", "previews/X.jpg", "../log.txt", "previews/"]
)
def test_no_name_leads_elsewhere(name: str) -> None:
    assert not may_upload(name)
