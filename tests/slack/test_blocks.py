"""Whatever a job is like, Slack takes what we send, and people read what is true."""

from dataclasses import asdict
from typing import Any

from hypothesis import given
from hypothesis import strategies as some
from slack_sdk.models.blocks import Block, PlanBlock, TaskCardBlock
from slack_sdk.models.metadata import EntityMetadata
from slack_sdk.models.views import View

from bot.compute.base import Plan
from bot.core.drops import Drop
from bot.core.estimates import Estimate
from bot.core.jobs import TERMINAL, Job, State
from bot.core.machines import Machine, Outcome
from bot.core.quotes import Quote
from bot.sandbox import blocks_check
from bot.slack import blocks, job_wording, links, offers, outlooks, reports
from bot.slack.blocks import Standing
from bot.slack.dialog import dataset_options, start_dialog
from bot.slack.home import Home, view
from bot.slack.parts import said
from bot.storage.base import Dataset
from bot.storage.flight import Doubt, Flight
from bot.storage.found import Found
from gpu.job import Pipeline, Stage, stages_of

#: Texts as photos, folders and libraries may bring them: long, empty, with Slack's own signs.
words = some.one_of(
    some.text(max_size=40),
    some.sampled_from(["", "x" * 5000, "<!channel> & <@U1>", "`*_~>", "\n" * 9]),
)
seconds = some.floats(0, 1e6)
figures = some.fixed_dictionaries(
    {},
    optional={
        "photos": some.integers(0, 9999), "photos_registered": some.integers(0, 9999),
        "gaussians": some.integers(0, 10**8), "psnr": some.none() | some.floats(0, 60),
        "held_out": some.integers(0, 999), "splat_bytes": some.integers(0, 10**10),
        "lasting": some.booleans(),
    },
)  # fmt: skip


@some.composite
def jobs(draw: some.DrawFn) -> Job:
    pipeline = draw(some.sampled_from(Pipeline))
    done = draw(some.integers(0, len(stages_of(pipeline))))
    return Job(
        id="a" * draw(some.integers(1, 63)),
        team="T1", channel="C1", user="U1", dataset=draw(words.filter(str.strip)),
        pipeline=pipeline, options={}, state=draw(some.sampled_from(State)), attempt=1,
        created_at=0.0, version=1, started_at=draw(some.none() | seconds),
        finished_at=draw(some.none() | seconds), stage=draw(some.none() | some.sampled_from(Stage)),
        fraction=draw(some.floats(0, 1)), message=draw(words),
        stage_seconds={s.value: draw(seconds) for s in stages_of(pipeline)[:done]},
        metrics=draw(figures), error=draw(words), hint=draw(words),
        cancelled_by=draw(some.sampled_from(["", "U2", "the end of the demo"])),
        backend=draw(some.sampled_from(["local", "droplet"])),
        heartbeat_at=draw(some.none() | seconds),
        heartbeat=draw(some.sampled_from([{}, {"gpu": 97.4, "gpu_name": "<!here>", "disk": "?"}])),
        viewer_url="http://127.0.0.1:3000/viewer/?manifest=m",
    )  # fmt: skip


machines = some.builds(
    Machine, number=some.just(1), job=some.just("a"), attempt=some.just(1), name=words, size=words,
    region=words, price_per_hour=some.floats(0, 30), sent_at=seconds,
    outcome=some.sampled_from([Outcome.SENT, Outcome.CREATED]), machine_id=some.just("7"),
    gone_at=some.none() | seconds,
)  # fmt: skip
standings = some.builds(
    Standing,
    now=seconds,
    done=some.floats(0, 0.99),
    estimate=some.none() | some.builds(Estimate, low=seconds, high=seconds),
    position=some.integers(0, 99),
    last_word=some.none() | seconds,
    machine=some.none() | machines,
    spent=some.floats(0, 1e4),
    deadline=seconds,
    given_up_at=some.none() | seconds,
    again=some.none() | jobs(),
    again_link=some.sampled_from(["", "https://x.slack.com/archives/C1/p1790000000000100"]),
)


picture_urls = some.sampled_from(["", "http://127.0.0.1:3000/files/t.jpg"])
datasets = some.builds(
    Dataset, name=words.filter(str.strip), photos=some.integers(0, 10**6),
    bytes=some.integers(0, 10**12),
)  # fmt: skip
names = some.lists(words, max_size=40).map(tuple)
parts = some.floats(0, 1)
looks = some.builds(
    Found, photos=some.integers(0, 10**6), bytes=some.integers(0, 10**12),
    unread=some.lists(some.sampled_from(["a.dng", "b.insv", "c.avi"]), max_size=9).map(tuple),
    looked_at=some.integers(0, 24), gps=some.integers(0, 24), blurred=names, unreadable=names,
    doubt=some.none() | some.builds(
        Doubt, some.sampled_from(["one place", "close", "wild", "drift"]), seconds,
        some.integers(0, 9),
    ),
    flight=some.none() | some.builds(Flight, seconds, seconds, parts, some.none() | parts),
    every=some.none() | seconds, opened=some.integers(0, 24),
)  # fmt: skip
plans = some.builds(Plan, machine=words, price_per_hour=some.floats(0, 30))
quotes = some.builds(
    Quote, dataset=datasets, pipeline=some.sampled_from(Pipeline), plan=some.none() | plans,
    problem=words, estimate=some.none() | some.builds(Estimate, low=seconds, high=seconds),
    ahead=some.integers(0, 99), budget_left=some.none() | some.floats(0, 1e4),
    found=some.none() | looks,
)  # fmt: skip
drops = some.builds(
    Drop, id=some.integers(1, 10**9), key=some.just("k"), team=some.just("T1"),
    channel=some.just("C1"), user=some.just("U1"), thread=some.just(""), dataset=words,
    files=some.just(()), created_at=seconds, error=words,
    found=looks.map(lambda look: asdict(look) | {"videos": 1}),
)  # fmt: skip


def checked(shown: list[dict[str, Any]], limit: int) -> None:
    """Slack's own models and our copy of its rules find no fault."""
    assert blocks_check.problems(shown, limit=limit) == []
    for block in shown:
        if block["type"] == "plan":
            # The documented tasks have no type; the model can not be made without one.
            tasks = [TaskCardBlock(**task) for task in block["tasks"]]
            PlanBlock(title=block["title"], tasks=tasks).validate_json()
        else:
            parsed = Block.parse(block)
            assert parsed is not None
            parsed.validate_json()
            assert not parsed.to_dict().keys() - block.keys()


def accepted(post: blocks.Post) -> None:
    checked(post.blocks, 50)
    assert 0 < len(post.text) <= 4000


def accepted_view(shown: dict[str, Any]) -> None:
    checked(shown["blocks"], 100)
    assert blocks_check.view_problems(shown) == []
    View(**shown).validate_json()


@given(jobs(), standings, picture_urls, some.booleans())
def test_slack_takes_the_status_message_of_any_job(
    job: Job, standing: Standing, picture: str, with_plan: bool
) -> None:
    post = blocks.status(job, standing, thumbnail_url=picture, with_plan=with_plan)
    accepted(post)
    pressed = [e["action_id"] for b in post.blocks if b["type"] == "actions" for e in b["elements"]]
    if job.state in TERMINAL:
        assert not {"cancel_job", "destroy_job"} & set(pressed)
    else:
        assert set(pressed) <= {"cancel_job", "destroy_job"}
        assert pressed


@given(jobs(), standings, picture_urls)
def test_slack_takes_the_end_of_any_job(job: Job, standing: Standing, picture: str) -> None:
    post = blocks.final(job, standing, thumbnail_url=picture)
    accepted(post)
    assert post.text.startswith("<@U1>")
    assert "<!channel>" not in post.text


@given(some.sampled_from(Stage), words, seconds)
def test_slack_takes_a_line_for_any_stage(stage: Stage, message: str, took: float) -> None:
    accepted(blocks.stage_done({"stage": stage, "message": message, "metrics": {"seconds": took}}))


@given(
    some.lists(some.tuples(jobs(), standings), max_size=8), some.lists(jobs(), max_size=60),
    some.lists(words, max_size=4),
)  # fmt: skip
def test_slack_takes_any_home(
    running: list[tuple[Job, Standing]], others: list[Job], notes: list[str]
) -> None:
    pictures = dict.fromkeys((job.id for job in others), "https://x.example/a.jpg")
    accepted_view(view(Home(running, others, others[:10], notes, notes, pictures)))


@given(words, some.none() | datasets, some.sampled_from(Pipeline), quotes, picture_urls)
def test_slack_takes_the_dialog_and_the_quote_of_any_choice(
    channel: str, dataset: Dataset | None, pipeline: Pipeline, quoted: Quote, picture: str
) -> None:
    outlook = outlooks.outlook(quoted)
    accepted_view(
        start_dialog(channel[:20], dataset=dataset, pipeline=pipeline, outlook=outlook,
                     picture=picture)
    )  # fmt: skip
    accepted(reports.quote(quoted))


@given(drops, jobs())
def test_slack_takes_any_offer(drop: Drop, job: Job) -> None:
    for post in (offers.offer(drop), offers.started(drop, job), offers.failed(drop),
                 offers.fetching(drop, 3)):  # fmt: skip
        accepted(post)
        assert "<!channel>" not in post.text


@given(jobs(), picture_urls)
def test_slack_takes_the_card_below_any_link(job: Job, picture: str) -> None:
    checked(links.blocks_of(job, picture)["blocks"], 50)
    EntityMetadata(**links.entity(job, "https://x.example", picture)).validate_json()


@given(some.lists(jobs(), max_size=60), jobs(), words)
def test_slack_takes_any_list_and_log(shown: list[Job], job: Job, text: str) -> None:
    accepted(said(job_wording.queue(shown, len(shown))))
    accepted(said("\n".join(map(job_wording.job_line, shown)) or "none"))
    accepted(reports.log(job, text))
    accepted(reports.view(job))


def test_a_long_queue_says_how_many_are_not_shown() -> None:
    waiting = [running(id=f"j{n}", state=State.QUEUED) for n in range(job_wording.QUEUE)]
    assert job_wording.queue(waiting, 143).splitlines()[-1] == "… and 123 more"


def test_a_dataset_picker_offers_at_most_what_slack_takes() -> None:
    many = [Dataset(f"{'long/' * 20}{n}", n, 1) for n in range(200)] + [Dataset("x" * 200, 1, 1)]
    options = dataset_options(many)
    assert len(options) == 100
    assert all(len(o["text"]["text"]) <= 75 and len(o["value"]) <= 150 for o in options)


def running(**changes: Any) -> Job:
    values: dict[str, Any] = {
        "id": "a", "team": "T1", "channel": "C1", "user": "U1", "dataset": "demo/parcel",
        "pipeline": Pipeline.SPLAT, "options": {}, "state": State.RUNNING, "attempt": 1,
        "created_at": 0.0, "version": 1, "started_at": 100.0, "stage": Stage.TRAIN, "fraction": 0.5,
        "stage_seconds": {"fetch": 1.0, "preprocess": 2.0, "geometry": 75.0},
    }  # fmt: skip
    return Job(**(values | changes))


def shown(job: Job, standing: Standing) -> str:
    return "\n".join(str(block) for block in blocks.status(job, standing).blocks)


def test_the_stages_the_bar_and_the_time_left() -> None:
    text = shown(running(), Standing(now=200.0, done=0.6, estimate=Estimate(50.0, 130.0)))
    assert "✓ Find cameras (1 min 15 s)" in text
    assert "▸ *Train* 50%" in text
    assert "· Compress" in text
    assert "Descend" not in text  # a stage of aerial jobs alone
    assert f"{'▰' * 12}{'▱' * 8} 60%" in text
    assert "50 s to 2 min left" in text


def test_the_time_left_is_as_rough_as_the_estimate() -> None:
    for low, high, left in (
        (20, 45, "20 to 45 s left"), (30, 30, "30 s left"), (50, 130, "50 s to 2 min left"),
        (463, 720, "8 to 12 min left"), (170, 185, "3 min left"),
    ):  # fmt: skip
        assert job_wording.eta(Estimate(low, high)) == left


def test_a_job_that_is_at_work_is_never_said_to_need_no_time() -> None:
    text = shown(running(), Standing(now=200.0, estimate=Estimate(0.2, 0.4)))
    assert "· nearly done" in text
    assert "0 s left" not in text


def test_without_history_there_is_no_estimate() -> None:
    assert "no estimate yet" in shown(running(), Standing(now=101.0))


def test_a_job_on_our_own_machine_is_free() -> None:
    assert "free, on the bot's own machine" in shown(running(), Standing(now=1900.0))
    assert "free" not in blocks.final(running(state=State.FAILED), Standing(now=1900.0)).text


def test_the_dialogs_before_a_job_is_stopped_say_what_is_lost() -> None:
    assert "Your photos stay" in job_wording.confirm_cancel(running())
    assert "leaves the queue" in job_wording.confirm_cancel(running(state=State.QUEUED))
    said = job_wording.confirm_destroy(running())
    assert "is lost" in said and "droplet" not in said  # the bot's own machine stays
    assert "its droplet is removed" in job_wording.confirm_destroy(running(backend="droplet"))
