"""The grammar: any order, phone typography, and the nearest word for every mistake."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.commands import (
    VERBS,
    Cancel,
    Destroy,
    Help,
    ListDatasets,
    ListJobs,
    OpenDialog,
    ShowStatus,
    Start,
    parse,
)
from gpu.job import Pipeline, SplatError


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("", OpenDialog()),
        ("help", Help()),
        ("LIST", ListJobs()),
        ("datasets demo/", ListDatasets("demo/")),
        ("status", ShowStatus()),
        ("status #a1b2", ShowStatus("a1b2")),
        ("cancel a1b2", Cancel("a1b2")),
        ("destroy", Destroy()),
        ("demo/parcel", Start("demo/parcel")),
        ("demo/parcel aerial", Start("demo/parcel", Pipeline.AERIAL)),
        ("aerial demo/parcel/", Start("demo/parcel", Pipeline.AERIAL)),
        ("demo/parcel splat", Start("demo/parcel", Pipeline.SPLAT)),
    ],
)
def test_what_people_type(text: str, command: object) -> None:
    assert parse(text) == command


@pytest.mark.parametrize(
    "text",
    [
        "my/set aerial --iterations 700 --job-id first",
        "--iterations=700 my/set --job-id=first aerial",
        "—iterations 700 aerial –job-id first my/set",
        "“my/set” aerial ―iterations ７００ —job-id first",
        "ｍｙ/ｓｅｔ　AERIAL --Iterations 700 --job_id 'first'",
    ],
)
def test_order_and_a_phones_typography_do_not_matter(text: str) -> None:
    assert parse(text) == Start("my/set", Pipeline.AERIAL, {"iterations": 700}, "first")


def test_a_name_with_spaces_is_quoted() -> None:
    assert parse('"my house" aerial') == Start("my house", Pipeline.AERIAL)


def test_the_echo_of_a_start_starts_the_same() -> None:
    start = parse("aerial my/set --seed 3 --max-views 24 --job-id x1")
    assert isinstance(start, Start)
    assert parse(start.text.removeprefix("/splat")) == start


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("helo", "`help`"),
        ("cancle", "`cancel`"),
        ("demo/parcel aeriel", "`aerial`"),
        ("demo/parcel --iteration 500", "`--iterations`"),
        ("demo/parcel --iterations 5", "from 50 to 100000"),
        ("demo/parcel --iterations many", "from 50 to 100000"),
        ("demo/parcel --iterations", "from 50 to 100000"),
        ("demo/parcel --job-id A!", "63 characters"),
        ("one two three", "`/splat help`"),
    ],
)
def test_a_mistake_is_answered_with_the_remedy(text: str, hint: str) -> None:
    with pytest.raises(SplatError) as refused:
        parse(text)
    assert hint in refused.value.hint


@given(st.text(max_size=60))
def test_any_text_is_a_command_or_a_clear_refusal(text: str) -> None:
    try:
        parse(text)
    except SplatError as refused:
        assert refused.user_message
        assert refused.hint


@given(st.sampled_from(sorted(VERBS)))
def test_no_verb_is_taken_for_a_dataset(verb: str) -> None:
    assert not isinstance(parse(verb), Start)
