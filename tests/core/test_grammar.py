"""The grammar: any order, phone typography, and the nearest word for every mistake."""

import shlex
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.commands import (
    Cancel,
    Destroy,
    Help,
    ListDatasets,
    ListJobs,
    OpenDialog,
    Rerun,
    ShowAudit,
    ShowCost,
    ShowDoctor,
    ShowLogs,
    ShowQueue,
    ShowStatus,
    Start,
    View,
)
from bot.core.grammar import FLAGS, VERBS, parse
from gpu.job import RANGES, Pipeline, SplatError
from gpu.job.choices import JOB_ID


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("", OpenDialog()),
        ("help", Help()),
        ("LIST", ListJobs()),
        ("/splat list", ListJobs()),
        ("/splat my/set aerial", Start("my/set", Pipeline.AERIAL)),
        ("datasets demo/", ListDatasets("demo/")),
        ("status", ShowStatus()),
        ("status #a1b2", ShowStatus("a1b2")),
        ("cancel a1b2", Cancel("a1b2")),
        ("Cancel #A1B2", Cancel("a1b2")),
        ("help aerial", Help("aerial")),
        ("HELP --Max-Views", Help("--max-views")),
        ("s3://my-splats/datasets/house", Start("s3://my-splats/datasets/house")),
        ("https://h.org/a.zip aerial", Start("https://h.org/a.zip", Pipeline.AERIAL)),
        ("<https://h.org/a.zip|h.org/a.zip>", Start("https://h.org/a.zip")),
        ("my/house.zip", Start("my/house.zip")),
        ("my/set --iterations 10,000", Start("my/set", options={"iterations": 10_000})),
        ("my/set --geometry COLMAP", Start("my/set", options={"geometry": "colmap"})),
        ("my/set --preset Best", Start("my/set", options={"preset": "best"})),
        ("my/set --photos publish", Start("my/set", options={"photos": "publish"})),
        ("my/set --lens bent", Start("my/set", options={"lens": "bent"})),
        ("my/set --use-all-photos No", Start("my/set", options={"use_all_photos": "no"})),
        ("--size gpu-h100x1-80gb my/set", Start("my/set", options={"size": "gpu-h100x1-80gb"})),
        ("rerun --size=gpu-l40sx1-48gb", Rerun(None, {"size": "gpu-l40sx1-48gb"})),
        ("helper/ aerial", Start("helper", Pipeline.AERIAL)),
        ("destroy", Destroy()),
        ("cost", ShowCost("30d")),
        ("cost 7D", ShowCost("7d")),
        ("cost month", ShowCost("month")),
        ("doctor", ShowDoctor()),
        ("queue", ShowQueue()),
        ("audit", ShowAudit()),
        ("view", View()),
        ("logs #A1", ShowLogs("a1")),
        ("rerun", Rerun()),
        ("rerun a1 --more 3000", Rerun("a1", {"more": 3_000})),
        ("rerun a1 --iterations 700", Rerun("a1", {"iterations": 700})),
        ("rerun --dry-run a1", Rerun("a1", dry_run=True)),
        ("rerun --job-id second #a1", Rerun("a1", {}, "second")),
        ("demo/parcel --dry-run", Start("demo/parcel", dry_run=True)),
        ("--dry-run demo/parcel aerial", Start("demo/parcel", Pipeline.AERIAL, dry_run=True)),
        ("demo/parcel", Start("demo/parcel")),
        ("demo/parcel aerial", Start("demo/parcel", Pipeline.AERIAL)),
        ("/demo/parcel/", Start("/demo/parcel")),
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


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('"my house" aerial', "my house"),
        ("‘my house’ aerial", "my house"),
        ('"o\'brien" aerial', "o'brien"),
        ("o’brien aerial", "o'brien"),
        ("gärten/süd aerial", "gärten/süd"),
    ],
)
def test_a_name_with_spaces_is_quoted_and_an_apostrophe_is_no_quote(text: str, name: str) -> None:
    assert parse(text) == Start(name, Pipeline.AERIAL)


def test_every_number_that_a_job_may_have_can_be_typed() -> None:
    for flag, allowed in RANGES.items():
        if flag in FLAGS:
            for number in (allowed.low, allowed.high):
                written = f"--{flag.replace('_', '-')} {number}"
                asked = parse(f"rerun {written}" if flag == "more" else f"my/set {written}")
                assert isinstance(asked, Rerun if flag == "more" else Start)
                assert asked.options == {flag: number}


words = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1)
names = st.lists(words, min_size=2, max_size=3).map("/".join)
numbers = st.fixed_dictionaries(
    {},
    optional={
        name: st.integers(RANGES[name].low, RANGES[name].high)
        for name in FLAGS
        if name in RANGES and name != "more"
    },
)


@given(names, st.sampled_from(Pipeline), numbers, st.none() | st.from_regex(JOB_ID, fullmatch=True))
def test_the_echo_of_a_start_starts_the_same(
    name: str, pipeline: Pipeline, options: dict[str, int], job_id: str | None
) -> None:
    try:
        start = parse(f"{shlex.quote(name)} {pipeline}")
    except SplatError:
        return
    assert isinstance(start, Start)
    full = replace(start, options=options, job_id=job_id)
    assert parse(full.text.removeprefix("/splat")) == full


@given(st.permutations(["my/set", "aerial", "--seed 3", "--job-id=x1", "--max-views 24"]))
def test_any_order_means_the_same(parts: list[str]) -> None:
    expected = Start("my/set", Pipeline.AERIAL, {"seed": 3, "max_views": 24}, "x1")
    assert parse(" ".join(parts)) == expected


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("helo", "`help`"),
        ("cancle", "`cancel`"),
        ("cancle a1b2", "`cancel`"),
        ("stop", "`cancel`"),
        ("stop a1b2", "`cancel`"),
        ("Retry a1b2", "`rerun`"),
        ("start demo/parcel", "`/splat` alone lets you choose photos"),
        ("make me a splat of my garden", "`/splat datasets/myparcel` starts with those"),
        ("cancel a1b2 now", "`/splat cancel [job]`"),
        ("list all", "`/splat list`"),
        ("/", "`/splat help`"),
        ("demo/parcel aeriel", "`aerial`"),
        ("datasets/kermit areal", "`aerial`"),
        ("demo/parcel --iteration 500", "`--iterations`"),
        ("demo/parcel --iterations 5", "from 50 to 100,000"),
        ("demo/parcel --iterations many", "from 50 to 100,000"),
        ("demo/parcel --geometry colmpa", "Allowed: colmap"),
        ("demo/parcel --geometry", "Allowed: colmap"),
        ("demo/parcel --preset better", "draft, fast or best"),
        ("demo/parcel --photos yes", "private or publish"),
        ("demo/parcel --use-all-photos", "yes or no"),
        ("demo/parcel --lens wide", "straight or bent"),
        ("demo/parcel --size 'a b'", "gpu-h100x1-80gb"),
        ("demo/parcel --siz x", "`--size`"),
        ("demo/parcel --iterations", "from 50 to 100,000"),
        ("demo/parcel --iterations 1,00", "from 50 to 100,000"),
        ("demo/parcel --job-id A!", "63 characters"),
        ("one two three", "`/splat help`"),
        ("upload New Garden", "Use `/splat upload new-garden`."),
        ("upload !! ??", "Use `/splat upload [name]`."),
    ],
)
def test_a_mistake_is_answered_with_the_remedy(text: str, hint: str) -> None:
    with pytest.raises(SplatError) as refused:
        parse(text)
    assert hint in refused.value.hint


def test_an_option_without_its_value_is_told_so() -> None:
    with pytest.raises(SplatError, match=r"^--iterations has no value"):
        parse("demo/parcel --iterations")


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
