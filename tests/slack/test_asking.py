"""What people ask about jobs and before them: the link, the log, the queue, again, and how much."""

import re
import shutil
from dataclasses import dataclass, replace

import pytest

from bot.compute.base import Plan
from bot.core.errors import BackendError
from bot.core.jobs import Job, Options, State
from bot.core.jobs import again as again_of
from bot.core.orders import OPTIONS
from bot.sandbox import state
from bot.sandbox.state import Message
from gpu.job import JobSpec, Source, Stage, Status
from gpu.stamps import keys
from tests.fakes.slack import buttons, text_of
from tests.slack.conftest import Bot, finish
from tests.slack.test_drops import photo


def answer(bot: Bot, text: str) -> str:
    bot.slack.person.type(text)
    return text_of(bot.slack.whispers()[-1])


def done(bot: Bot) -> Job:
    """Play a job to its end, and free its slot."""
    bot.start("demo/parcel aerial --job-id a --iterations 700")
    finish(bot)
    bot.ledger.release("a")
    return bot.ledger.job("a")


# -- view, logs, queue, audit ---------------------------------------------------------------------


def test_the_link_of_the_newest_splat_and_of_a_named_one(bot: Bot) -> None:
    assert "No job has a splat yet" in answer(bot, "/splat view")
    done(bot)
    for text in ("/splat view", "/splat view a"):
        bot.slack.person.type(text)
        assert buttons(bot.slack.whispers()[-1])["Open viewer"]["url"] == "http://v"
    assert "24.3 dB" in answer(bot, "/splat view")


def test_where_nothing_ever_ran_the_way_to_a_first_job_is_said(bot: Bot) -> None:
    for command in ("view", "logs", "rerun", "cancel", "status", "destroy", "list"):
        assert "`/splat datasets` shows the photos" in answer(bot, f"/splat {command}")
    done(bot)
    assert "`/splat list` shows where each job stands" in answer(bot, "/splat cancel")


def test_where_there_are_no_photos_the_way_to_some_is_said(bot: Bot) -> None:
    assert "`/splat datasets` shows all" in answer(bot, "/splat datasets nope")
    assert "Did you mean `demo/parcel`?" in answer(bot, "/splat datasets parcel")
    shutil.rmtree(bot.storage.path("demo"))
    bot.catalogue.refresh()
    assert "There are no photos yet. `/splat upload`" in answer(bot, "/splat datasets")


def test_the_list_of_photos_says_how_to_go_on(bot: Bot) -> None:
    bot.storage.path("demo").rename(bot.storage.path("my demo"))
    bot.catalogue.refresh()
    said = answer(bot, "/splat datasets")
    assert "`/splat 'my demo/parcel' splat` makes a splat of the first." in said


def test_a_job_without_a_splat_has_no_link(bot: Bot) -> None:
    bot.start()
    assert "there is no splat of it yet" in answer(bot, "/splat view a")
    hint = "No job has a splat yet. `/splat list` shows where each job stands."
    assert hint in answer(bot, "/splat view")


def test_the_end_of_the_log_of_the_job_that_runs(bot: Bot) -> None:
    bot.start()
    assert "there is no log of it yet" in answer(bot, "/splat logs")
    bot.log = "step 1\nstep 2 <b> ``` & more"
    said = answer(bot, "/splat logs a")
    assert "`#a` demo/parcel" in said
    assert "step 1\nstep 2 &lt;b&gt; … &amp; more" in said


def test_the_queue_in_the_order_in_which_it_comes(bot: Bot) -> None:
    assert "Nothing runs, and nothing waits" in answer(bot, "/splat queue")
    bot.start()
    for name in "bc":
        bot.slack.person.type(f"/splat demo/parcel --job-id {name}")
    running, first, second = answer(bot, "/splat queue").splitlines()[:3]
    assert running.startswith("▸ `#a`")
    assert first.startswith("1. `#b`") and f"<@{state.PERSON}>" in first
    assert second.startswith("2. `#c`")


def test_who_did_what(bot: Bot) -> None:
    assert "Nobody has done anything" in answer(bot, "/splat audit")
    bot.start()
    bot.slack.person.type("/splat cancel")
    newest, first = answer(bot, "/splat audit").splitlines()[:2]
    assert f"<@{state.PERSON}>: cancel `#a` while running" in newest
    assert f"<@{state.PERSON}>: submit `#a` demo/parcel" in first


# -- again ----------------------------------------------------------------------------------------


def test_a_job_is_done_again_with_what_is_changed(bot: Bot) -> None:
    done(bot)
    said = answer(bot, "/splat rerun a --max-views 50 --job-id b")
    echo = "/splat demo/parcel aerial --iterations 700 --max-views 50 --job-id b"
    assert f"`{echo}` is job `#b`" in said
    again = bot.ledger.job("b")
    assert (again.state, again.dataset) == (State.QUEUED, "demo/parcel")
    assert again.options == {"iterations": 700, "max_views": 50}


def test_more_steps_go_on_from_what_the_job_has_left(bot: Bot) -> None:
    done(bot)
    assert "`/splat rerun a --more 3000` is job" in answer(bot, "/splat rerun a --more 3000")
    again = bot.ledger.jobs()[0]
    assert again.options == {"iterations": 700, "more": 3_000, "earlier": "a"}


def test_the_echo_of_more_steps_says_all_that_was_asked(bot: Bot) -> None:
    done(bot)
    said = answer(bot, "/splat rerun --job-id b a --size gpu-x --more 3,000")
    assert "`/splat rerun a --more 3000 --size gpu-x --job-id b` is job `#b`." in said


def test_who_types_that_a_job_that_was_stopped_runs_again_is_told_that_it_goes_on(
    bot: Bot,
) -> None:
    bot.start("demo/parcel --job-id a")
    bot.ledger.fail("a", error="It broke.", hint="")
    said = answer(bot, "/splat rerun a --job-id b")
    assert "is job `#b`. It goes on from what `#a` has computed, if that is kept." in said
    assert "goes on" not in answer(bot, "/splat demo/parcel --job-id c")


def test_more_steps_are_of_the_job_as_it_was(bot: Bot) -> None:
    done(bot)
    for change in ("--seed 4", "--lens bent"):
        refusal = answer(bot, f"/splat rerun a --more 3000 {change}")
        assert "`--more` goes on with a job as it was. Beside it only `--size` may" in refusal
    assert "Use `/splat rerun [job] --more N`" in answer(bot, "/splat demo/parcel --more 3000")
    assert len(bot.ledger.jobs()) == 1


def test_more_steps_are_of_a_job_that_has_succeeded(bot: Bot) -> None:
    assert "No job has a splat yet" in answer(bot, "/splat rerun --more 300")
    done(bot)
    bot.start("demo/parcel --job-id b")
    bot.slack.person.type("/splat cancel b")
    refusal = answer(bot, "/splat rerun b --more 300")
    assert "`--more` goes on with a job that has succeeded, and `#b` is cancelling." in refusal
    bot.ledger.fail("b", error="It broke.", hint="")
    assert "and `#b` has failed." in answer(bot, "/splat rerun b --more 300")
    assert "`/splat list` shows which have" in refusal
    assert "`/splat rerun a --more 300` is job" in answer(bot, "/splat rerun --more 300")


def test_a_job_that_did_not_succeed_goes_on_unless_what_it_depends_on_changes(bot: Bot) -> None:
    job = done(bot)
    lost = replace(job, state=State.FAILED)
    assert again_of(lost, {}) == {"iterations": 700, "earlier": "a"}
    assert again_of(lost, {"size": "gpu-x"}) == {"iterations": 700, "size": "gpu-x", "earlier": "a"}
    assert again_of(lost, {"seed": 3}) == {"iterations": 700, "seed": 3}
    assert again_of(replace(lost, state=State.SUCCEEDED), {}) == {"iterations": 700}


#: For every option that a job may have, another value than it has.
OTHERS: dict[str, int | str] = {
    "iterations": 900, "max_views": 9, "image_size": 900, "seed": 9, "geometry": "colmap",
    "preset": "best", "remove": "people", "photos": "publish", "use_all_photos": "no",
    "lens": "bent", "size": "gpu-x",
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_cameras_are_taken_over_whatever_else_than_what_they_depend_on_changes(
    bot: Bot, name: str
) -> None:
    """By what the pipeline itself says of its stages: cameras of something else are none."""
    assert set(OTHERS) == set(OPTIONS)
    spec, change = JobSpec("a", "demo", Source(path="/photos")), {name: OTHERS[name]}
    changed: JobSpec = replace(spec, **change)  # type: ignore[arg-type]
    depends = keys(spec)[Stage.GEOMETRY] != keys(changed)[Stage.GEOMETRY]
    options = again_of(done(bot), change)
    assert options == {"iterations": 700, **change, **({} if depends else {"cameras": "a"})}


def test_of_a_job_that_was_not_over_the_cameras_are_taken_over_for_another_training(
    bot: Bot,
) -> None:
    """Such as one that the GPU had no room for: only the cameras are as they were."""
    lost = replace(done(bot), state=State.FAILED, options={"earlier": "x"})
    assert again_of(lost, {"preset": "draft"}) == {"preset": "draft", "cameras": "x"}
    placed = replace(lost, stage_seconds={"geometry": 3.0})
    assert again_of(placed, {"preset": "draft"}) == {"preset": "draft", "cameras": "a"}
    bare = replace(lost, options={})
    assert again_of(bare, {"preset": "draft"}) == {"preset": "draft"}


def test_a_job_that_was_to_take_over_cameras_and_failed_before_it_is_asked_for_the_same(
    bot: Bot,
) -> None:
    asked: Options = {"preset": "best", "cameras": "x"}
    lost = replace(done(bot), state=State.FAILED, options=asked)
    assert again_of(lost, {}) == asked
    placed = replace(lost, stage_seconds={"geometry": 3.0})
    assert again_of(placed, {}) == {"preset": "best", "earlier": "a"}
    trained = replace(lost, state=State.SUCCEEDED)
    assert again_of(trained, {"more": 50}) == {"preset": "best", "more": 50, "earlier": "a"}


def test_who_orders_another_training_is_told_whose_cameras_it_takes_over(bot: Bot) -> None:
    done(bot)
    said = answer(bot, "/splat rerun a --preset best --dry-run")
    assert "the cameras of `#a` are taken over (found anew if they are not kept, or the" in said
    assert "the splat is trained anew" in said
    assert re.search(r"\*Time:\* .*; the least if the cameras are taken over", said)
    said = answer(bot, "/splat rerun a --preset best --job-id b")
    echo = "/splat demo/parcel aerial --iterations 700 --preset best --job-id b"
    assert f"`{echo}` is job `#b`" in said
    assert "It takes over the cameras of `#a` (found anew if they are not kept" in said
    assert "to take over the cameras of `#a`" in answer(bot, "/splat status b")


@pytest.mark.parametrize("changes", ["", "--seed 4"])
def test_where_nothing_is_taken_over_nothing_is_said_of_it(bot: Bot, changes: str) -> None:
    done(bot)
    for text in (f"/splat rerun a {changes} --dry-run", f"/splat rerun a {changes}"):
        assert "taken over" not in (said := answer(bot, text))
        assert "takes over" not in said
    assert "cameras" not in bot.ledger.jobs()[0].options


def test_a_job_that_left_nothing_hands_on_what_it_was_to_go_on_from(bot: Bot) -> None:
    """Or all that the first has computed would be lost when the second can have no machine."""
    lost = replace(done(bot), state=State.FAILED, options={"earlier": "x"})
    assert again_of(lost, {}) == {"earlier": "x"}
    assert again_of(replace(lost, stage_seconds={"geometry": 3.0}), {}) == {"earlier": "a"}


def test_a_job_that_was_to_train_longer_and_did_not_is_asked_for_the_same_again(bot: Bot) -> None:
    asked = {"iterations": 700, "more": 50, "earlier": "x"}
    lost = replace(done(bot), state=State.FAILED, options=asked)
    assert again_of(lost, {}) == asked
    assert again_of(lost, {"size": "gpu-x"}) == {**asked, "size": "gpu-x"}
    assert again_of(lost, {"seed": 3}) == {"iterations": 700, "seed": 3}


def test_the_newest_job_that_is_over_is_meant_when_none_is_named(bot: Bot) -> None:
    assert "No job is over yet" in answer(bot, "/splat rerun")
    done(bot)
    assert "is job `#" in answer(bot, "/splat rerun --seed 7")
    assert bot.ledger.jobs()[0].options == {"iterations": 700, "seed": 7}


def test_what_is_out_of_range_starts_nothing(bot: Bot) -> None:
    done(bot)
    assert "from 50 to 100,000" in answer(bot, "/splat rerun --iterations 1")
    assert len(bot.ledger.jobs()) == 1


# -- before a start -------------------------------------------------------------------------------


@dataclass
class Shop:
    """Where machines can be had; `plan` is an error when there are none."""

    plan: Plan | BackendError

    def __call__(self) -> Plan:
        if isinstance(self.plan, BackendError):
            raise self.plan
        return self.plan


def test_a_dry_run_says_what_would_happen_and_starts_nothing(bot: Bot) -> None:
    said = answer(bot, "/splat demo/parcel aerial --dry-run")
    assert "*demo/parcel* · aerial: 3 photos" in said
    assert "*Time:* not known yet" in said
    assert "free, on the bot's own machine" in said
    assert said.endswith("Nothing was started.")
    assert bot.ledger.jobs() == []
    assert bot.wakes == []


def test_a_dry_run_looks_at_the_photos_before_anything_exists(bot: Bot) -> None:
    for number in range(3):
        bot.storage.put(f"demo/shed/{number}.jpg", photo(number, gps=True), "")
    bot.storage.put("demo/shed/9.CR2", b"raw", "")
    bot.catalogue.refresh()
    said = answer(bot, "/splat demo/shed --dry-run")
    assert "1 raw file was left out: export it as JPEG." in said
    order = [
        said.index(what) for what in ("*Time:*", "*Cost:*", "*Machine:*", "left out", "*GPS:*")
    ]
    assert order == sorted(order), "what people decide by is first, where a phone shows it"
    assert "*GPS:* in every photo, and believable: the splat should be in metres, north up." in said
    assert "*Overlap:* not known" in said
    assert "all look sharp." in said
    assert "20 photos or more make a good splat" in said
    assert "*What happens:* poor photos are left out, cameras are found" in said


def test_a_dry_run_of_a_job_again_says_what_it_would_take_and_starts_nothing(bot: Bot) -> None:
    done(bot)
    bot.wakes.clear()
    for text in ("/splat rerun a --dry-run", "/splat rerun --dry-run --more 500"):
        said = answer(bot, text)
        assert "*demo/parcel* · aerial: 3 photos" in said
        assert said.endswith("Nothing was started.")
    assert "from 50 to 100,000" in answer(bot, "/splat rerun --dry-run --iterations 1")
    assert [job.id for job in bot.ledger.jobs()] == ["a"]
    assert bot.wakes == []


def test_a_dry_run_of_training_longer_says_what_is_not_done_again(bot: Bot) -> None:
    bot.market._ask = Shop(Plan("gpu-l40sx1-48gb in tor1", 3.6))
    bot.desk._price = 4.0
    bot.market.look()
    done(bot)
    said = answer(bot, "/splat rerun a --more 1500 --dry-run")
    assert "*What happens:* the training of `#a` goes on for 1,500 steps (all of it" in said
    assert re.search(
        r"\*Time:\* at most about \d+ s by earlier jobs, if all of it has to be done anew", said
    )
    assert "*Cost:* at most about $" in said
    bot.start("demo/parcel --job-id b")
    bot.ledger.claim()
    bot.ledger.fail("b", error="No.", hint="")
    assert "What `#b` has computed, if anything, is not computed again." in answer(
        bot, "/splat rerun b --dry-run"
    )


def test_a_way_for_non_commercial_use_alone_is_called_so(bot: Bot) -> None:
    note = "`mast3r` is for non-commercial use alone."
    assert note in answer(bot, "/splat demo/parcel --geometry mast3r --dry-run")
    assert note in answer(bot, "/splat demo/parcel --geometry mast3r")
    assert "non-commercial use: `mast3r`" in answer(bot, "/splat help geometry")
    assert "commercial" not in answer(bot, "/splat demo/parcel --dry-run")


def test_stopping_what_has_ended_says_that_nothing_was_stopped(bot: Bot) -> None:
    done(bot)
    for command in ("cancel", "destroy"):
        said = answer(bot, f"/splat {command} a")
        assert said.endswith("it was over already, so nothing was stopped.")


def test_a_dry_run_knows_what_earlier_jobs_took_and_what_the_machine_costs(bot: Bot) -> None:
    bot.market._ask = Shop(Plan("gpu-l40sx1-48gb in tor1", 3.6))
    bot.desk._price = 4.0
    bot.market.look()
    bot.start()
    bot.tell(1, Stage.PREPARE, Status.DONE, metrics={"seconds": 600.0})
    finish(bot, first=2)
    said = answer(bot, "/splat demo/parcel aerial --dry-run")
    assert "*Machine:* gpu-l40sx1-48gb in tor1, $3.60/h" in said
    assert re.search(r"\*Time:\* [78] to 1[23] min, as earlier jobs took", said)
    assert "*Cost:* about $0.45 to $0.75; $5.00 of this month's budget are left" in said


def test_a_dry_run_of_best_takes_longer_and_costs_more_than_the_jobs_of_before(bot: Bot) -> None:
    bot.market._ask = Shop(Plan("gpu-l40sx1-48gb in tor1", 3.6))
    bot.desk._price = 4.0
    bot.market.look()
    bot.start()
    trained = {"seconds": 100.0, "iterations": 1000, "iterations_per_second": 20.0}
    bot.tell(1, Stage.TRAIN, Status.DONE, metrics=trained)
    finish(bot, first=2)

    def time_and_cost(options: str) -> str:
        said = answer(bot, f"/splat demo/parcel aerial {options} --dry-run")
        return "\n".join(line for line in said.splitlines() if line.startswith(("*Time", "*Cost")))

    assert "1 to 2 min, as earlier jobs took" in time_and_cost("--preset fast")
    best = time_and_cost("--preset best")
    assert "1 to 7 min, scaled from earlier jobs that trained otherwise" in best
    assert "*Cost:* about $0.07 to $0.44" in best
    assert "43 s to 2 min, scaled" in time_and_cost("--preset draft")
    assert "5 to 8 min, scaled" in time_and_cost("--iterations 7000")
    smaller = time_and_cost("--image-size 800 --max-views 20")
    assert "and what `--max-views` and `--image-size` changes is not counted" in smaller


def test_a_dry_run_says_why_no_machine_can_be_had(bot: Bot) -> None:
    bot.market._ask = Shop(BackendError("No GPU droplet can be had now: all sold out."))
    bot.market.look()
    assert "*Machine:* No GPU droplet can be had now: all sold out." in answer(
        bot, "/splat demo/parcel --dry-run"
    )


def test_a_dry_run_of_what_is_not_there_says_so(bot: Bot) -> None:
    assert "Did you mean `demo/parcel`?" in answer(bot, "/splat demo/parcl --dry-run")


ZIP = "https://photos.example.org/set.zip"


@pytest.mark.parametrize(
    ("size", "said"), [(1_500_000, "1.5 MB"), (None, "whose size its server did not say")]
)
def test_a_dry_run_of_a_strangers_zip_says_how_large_it_is(
    bot: Bot, size: int | None, said: str
) -> None:
    bot.desk._size_of = {ZIP: size}.get
    assert f"*{ZIP}* · splat: a .zip, {said}" in answer(bot, f"/splat {ZIP} --dry-run")


def test_a_dry_run_says_what_the_size_costs_that_was_asked_for(bot: Bot) -> None:
    large = Plan("gpu-h100x1-80gb in nyc2", 3.4, "gpu-h100x1-80gb")
    bot.market._ask = Shop(Plan("gpu-l40sx1-48gb in tor1", 1.57, "gpu-l40sx1-48gb", (large,)))
    bot.market.look()
    said = answer(bot, "/splat demo/parcel --size gpu-h100x1-80gb --dry-run")
    assert "*Machine:* gpu-h100x1-80gb in nyc2, $3.40/h" in said
    said = answer(bot, "/splat demo/parcel --size gpu-h100x8 --dry-run")
    assert "Allowed: gpu-l40sx1-48gb or gpu-h100x1-80gb" in said


def test_a_job_that_waits_says_why_no_machine_can_be_had(bot: Bot) -> None:
    bot.market._ask = Shop(BackendError("DigitalOcean refused the list of sizes: the token"))
    bot.market.look()
    bot.slack.person.type("/splat demo/parcel --job-id a")
    assert "DigitalOcean refused the list of sizes" in answer(bot, "/splat status")


# -- in a thread ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("status", "demo/parcel · aerial · #a"),
        ("logs", "there is no log of it."),
        ("view", "24.3 dB"),
        ("rerun --seed 3", "/splat demo/parcel aerial --iterations 700 --seed 3"),
        ("lgos", "I do not understand `lgos`. Did you mean `logs`? `@splat help` explains."),
        ("logs it now", "Use `@splat logs [job]`."),
        ("status gone", "`@splat list` shows the jobs."),
        ("help", "`/splat datasets/myparcel aerial` a drone flight"),
        ("help", "`@splat datasets [prefix]`"),
        ("nonsense", "I do not understand `nonsense`. `@splat help` explains."),
        ("demo/parcel aerial", "Outside of threads, `/splat demo/parcel aerial` does."),
        ("", "*Make a splat*"),
    ],
)
def test_a_mention_in_a_jobs_thread_means_that_job(bot: Bot, words: str, said: str) -> None:
    done(bot)
    bot.drain()
    mention(bot, words, "1790000001.000100")
    assert said in text_of(bot.slack.whispers()[-1])
    assert len(bot.ledger.jobs()) == 1 + words.startswith("rerun")


def test_a_mention_is_answered_where_it_was_said(bot: Bot) -> None:
    bot.start()
    for thread in ("", bot.status().ts):
        bot.slack.person.type("@splat queue", thread)
        bot.wait_until(lambda: bool(bot.slack.calls("chat.postEphemeral")), "no answer")
        [answer] = bot.slack.calls("chat.postEphemeral")
        assert answer.get("thread_ts", "") == thread
        bot.slack.api.calls.clear()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("status", "demo/parcel · aerial · #a"),
        ("@splat status a", "demo/parcel · aerial · #a"),
        ("hello", "I do not understand `hello`. Did you mean `help`?"),
        ("demo/parcel aerial", "Words alone start no job."),
    ],
)
def test_the_bot_understands_words_in_its_direct_messages(bot: Bot, words: str, said: str) -> None:
    bot.start()
    bot.slack.person.type(words, channel=state.DIRECT)
    bot.wait_until(lambda: len(directly(bot)) > 1, "no answer")
    asked, answered = directly(bot)  # one answer alone, and none to what the bot says
    assert (asked.user, answered.user) == (state.PERSON, state.BOT)
    assert said in text_of(answered)
    assert len(bot.ledger.jobs()) == 1


def test_in_a_thread_of_direct_messages_the_job_of_the_thread_is_meant(bot: Bot) -> None:
    bot.slack.person.type("/splat demo/parcel aerial --job-id a", channel=state.DIRECT)
    bot.drain()
    [status] = [m for m in directly(bot) if not m.visible_to and not m.thread_ts]
    bot.slack.person.type("cancel", status.ts, channel=state.DIRECT)
    bot.wait_until(lambda: bot.ledger.job("a").is_over, "no cancel")
    bot.slack.person.type("lgos", status.ts, channel=state.DIRECT)

    def hints() -> list[Message]:  # what is said of the cancel may come before or after
        return [m for m in directly(bot) if "`@splat help`" in text_of(m)]

    bot.wait_until(lambda: bool(hints()), "no answer")
    assert hints()[-1].thread_ts == status.ts


def directly(bot: Bot) -> list[Message]:
    """What was said between the person and the bot."""
    return [m for m in bot.slack.workspace.messages if m.channel == state.DIRECT]


def test_a_mention_that_slack_delivers_twice_is_heeded_once(bot: Bot) -> None:
    done(bot)
    bot.drain()
    mention(bot, "rerun", "1790000001.000100")
    said = len(bot.slack.whispers())
    for retry in (1, 2):  # with another `event_id`, as it happens
        assert not bot.slack.sender.event(
            a_mention(bot, "rerun", "1790000001.000100"), retry=retry
        ).error
    assert len(bot.ledger.jobs()) == 2
    assert len(bot.slack.whispers()) == said


def mention(bot: Bot, words: str, ts: str) -> None:
    """Mention the bot in the thread of the only job, and await its answer."""
    before = len(bot.slack.whispers())
    bot.slack.sender.event(a_mention(bot, words, ts))
    bot.wait_until(lambda: len(bot.slack.whispers()) > before, "no answer")


def a_mention(bot: Bot, words: str, ts: str) -> dict[str, str]:
    return {
        "type": "app_mention", "user": state.PERSON, "text": f"<@{state.BOT}> {words}", "ts": ts,
        "channel": state.CHANNEL, "thread_ts": bot.status().ts, "event_ts": ts,
    }  # fmt: skip
