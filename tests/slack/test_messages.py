"""What the channel sees: one message that edits itself, a thread, one end."""

from typing import Any
from urllib.parse import quote

import pytest

from bot.core.rush import RUSH
from bot.sandbox.web_api import Reply
from bot.slack import job_wording
from bot.slack.standing import standing_of
from gpu.job import Pipeline, Stage, Status, stages_of
from tests.core.conftest import a_request, an_event
from tests.fakes.slack import buttons, text_of
from tests.slack.conftest import PICTURE, Bot, closing, finish, replies


def test_one_message_tells_the_way_from_the_queue_to_the_link(bot: Bot) -> None:
    bot.slack.person.type("/splat demo/parcel aerial --job-id a")
    bot.drain(4)
    assert "Waiting in the queue: number 1" in text_of(bot.status())
    bot.ledger.claim()
    bot.ledger.set_handle("a", {})
    bot.tell(1, Stage.FETCH, Status.DONE)
    bot.tell(2, Stage.TRAIN, Status.PROGRESS, message="Step 350 of 700")
    bot.drain(4)
    shown = text_of(bot.status())
    assert "✓ Fetch photos (2 s)" in shown
    assert "▸ *Train* 50%" in shown
    assert "Step 350 of 700" in shown
    assert "no estimate yet" in shown
    bot.ledger.succeed("a", viewer_url="http://v", manifest_url="http://m")
    bot.drain()
    assert "Your splat is ready" in text_of(bot.status())
    assert buttons(bot.status())["Open viewer"]["url"] == "http://v"


def test_a_bar_does_not_move_back_when_another_job_ends_meanwhile(bot: Bot) -> None:
    bot.start()
    seconds = {Stage.FETCH: 1.0, Stage.PREPROCESS: 1.0, Stage.GEOMETRY: 20.0, Stage.TRAIN: 20.0}
    for seq, (stage, took) in enumerate(seconds.items(), start=1):
        bot.tell(seq, stage, Status.DONE, metrics={"seconds": took})
    standing = standing_of(bot.ledger, bot.ledger.job("a"), bot.clock)
    bot.clock.move(60)
    another_job_that_takes_long_to_compress(bot)
    later = standing_of(bot.ledger, bot.ledger.job("a"), bot.clock)
    assert later.done == standing.done > 0.5
    bot.slack.person.type("/splat demo/parcel aerial --job-id c")
    assert bot.ledger.claim(slots=3) is not None
    assert bot.ledger.history(Pipeline.AERIAL, {}) != []
    began = standing_of(bot.ledger, bot.ledger.job("c"), bot.clock)
    assert began.estimate is not None  # what starts afterwards knows of it


def another_job_that_takes_long_to_compress(bot: Bot) -> None:
    bot.slack.person.type("/splat demo/parcel aerial --job-id b")
    assert bot.ledger.claim(slots=2) is not None
    bot.ledger.set_handle("b", {})
    for seq, stage in enumerate(stages_of(Pipeline.AERIAL), start=1):
        took = {"seconds": 500.0 if stage is Stage.COMPRESS else 1.0}
        bot.ledger.record(an_event("b", seq, stage, Status.DONE, metrics=took))
    bot.ledger.succeed("b", viewer_url="http://v", manifest_url="http://m")


def test_the_end_mentions_the_person_once_with_link_and_figures(bot: Bot) -> None:
    bot.start()
    finish(bot)
    bot.drain()
    [end] = closing(bot)
    assert "<http://v|open it>" in end.text
    said = text_of(end)
    for figure in ("36 of 36 photos", "5,000 Gaussians", "24.3 dB on 5 held-out", "160 kB"):
        assert figure in said


def test_a_stage_that_has_said_nothing_yet_is_named(bot: Bot) -> None:
    bot.start()
    bot.drain(4)
    assert "Started." in text_of(bot.status())
    bot.tell(1, Stage.GEOMETRY, Status.STARTED, message="")
    bot.drain()
    assert "Find cameras." in text_of(bot.status())
    assert "Started." not in text_of(bot.status())


@pytest.mark.parametrize(
    ("held_out", "said"),
    [(5, "5 held-out photos, before they joined"), (1, "1 held-out photo, before it joined")],
)
def test_figures_from_before_the_held_out_photos_joined_say_so(
    bot: Bot, held_out: int, said: str
) -> None:
    bot.start()
    figures = {"seconds": 1.0, "psnr": 24.31, "held_out": held_out, "joined": held_out}
    bot.tell(1, Stage.TRAIN, Status.DONE, metrics=figures)
    bot.ledger.succeed("a", viewer_url="http://v", manifest_url="http://m")
    bot.drain()
    assert f"24.3 dB on {said}" in text_of(closing(bot)[0])


def test_a_preview_has_a_button_until_the_splat_is_ready(bot: Bot) -> None:
    bot.start()
    bot.tell(1, Stage.TRAIN, Status.PROGRESS, metrics={"gaussians": 7})
    bot.drain()
    assert job_wording.PREVIEW not in buttons(bot.status())
    bot.tell(2, Stage.TRAIN, Status.PROGRESS, metrics={"preview": True})
    bot.drain()
    address = buttons(bot.status())[job_wording.PREVIEW]["url"]
    manifest = quote(f"{bot.settings.public_url}/files/splats/a/manifest.json", safe="")
    assert address == f"{bot.settings.public_url}/viewer/?manifest={manifest}"
    bot.ledger.succeed("a", viewer_url=address, manifest_url="http://m")
    bot.drain()
    assert list(buttons(bot.status())) == ["Open viewer"]


def test_a_figure_that_was_not_measured_is_not_said(bot: Bot) -> None:
    bot.start()
    bot.tell(1, Stage.PUBLISH, Status.DONE, metrics={"seconds": 1.0, "gaussians": 7, "psnr": None})
    bot.ledger.succeed("a", viewer_url="http://v", manifest_url="http://m")
    bot.drain()
    assert "dB" not in text_of(closing(bot)[0])


@pytest.mark.parametrize(("likeness", "is_unlike"), [(16.9, True), (17.0, False), (None, False)])
def test_a_splat_that_hardly_looks_like_its_photos_is_not_said_to_be_fine(
    bot: Bot, likeness: float | None, is_unlike: bool
) -> None:
    bot.start()
    bot.tell(1, Stage.COMPRESS, Status.DONE, metrics={"seconds": 1.0, "psnr": likeness})
    bot.ledger.succeed("a", viewer_url="http://v", manifest_url="http://m")
    bot.drain()
    for said in (text_of(bot.status()), text_of(closing(bot)[0])):
        assert ("It looks little like the photos: 16.9 dB" in said) == is_unlike
        assert (":warning:" in said) == is_unlike
    assert (":white_check_mark: Your splat" in text_of(bot.status())) != is_unlike


@pytest.mark.parametrize(("likeness", "is_unlike"), [(22.3, True), (22.4, False)])
def test_a_splat_no_closer_than_a_thumbnail_is_not_said_to_be_fine(
    bot: Bot, likeness: float, is_unlike: bool
) -> None:
    bot.start()
    bot.tell(1, Stage.TRAIN, Status.DONE, metrics={"seconds": 1.0, "thumbnail_psnr": 22.4})
    bot.tell(2, Stage.COMPRESS, Status.DONE, metrics={"seconds": 1.0, "psnr": likeness})
    bot.ledger.succeed("a", viewer_url="http://v", manifest_url="http://m")
    bot.drain()
    said = "photos: 22.3 dB, where thumbnails of them, 4 pixels wide, have 22.4."
    assert (said in text_of(closing(bot)[0])) == is_unlike


def test_a_splat_that_was_asked_to_be_less_is_said_to_be_better_without_that(bot: Bot) -> None:
    bot.start("/splat demo/parcel --max-views 4 --iterations 50 --seed 3 --job-id a")
    bot.tell(1, Stage.COMPRESS, Status.DONE, metrics={"seconds": 1.0, "psnr": 16.4})
    bot.ledger.succeed("a", viewer_url="http://v", manifest_url="http://m")
    bot.drain()
    better = "Without `--max-views 4 --iterations 50` it may look better."
    assert better in text_of(closing(bot)[0])


def test_every_finished_stage_and_its_pictures_are_in_the_thread(bot: Bot) -> None:
    bot.start()
    bot.tell(1, Stage.FETCH, Status.DONE, message="36 photos.")
    bot.tell(2, Stage.TRAIN, Status.DONE, pictures=("previews/train.jpg",))
    bot.drain()
    texts = [m.text for m in replies(bot)]
    assert ":white_check_mark: *Fetch photos* (2 s) 36 photos." in texts
    [picture] = [m for m in replies(bot) if m.files]
    assert bot.slack.workspace.files[picture.files[0]].content == PICTURE


def test_a_stage_whose_picture_would_say_it_has_a_line_where_there_is_none(bot: Bot) -> None:
    """Such as a descent that was asked for, and that these photos do not allow."""
    bot.start()
    bot.tell(1, Stage.PREPROCESS, Status.DONE, message="x", pictures=("previews/train.jpg",))
    bot.tell(2, Stage.DESCEND, Status.DONE, message="Not taken from above: no descent.")
    bot.drain()
    lines = [m.text for m in replies(bot) if m.text]
    assert lines == [":white_check_mark: *Descend* (2 s) Not taken from above: no descent."]


def test_a_picture_says_what_it_shows_and_how_alike_it_is(bot: Bot) -> None:
    names = ("photos", "geometry", "train-1")
    bot.pictures = {f"previews/{name}.jpg": PICTURE for name in names}
    bot.start()
    chosen, figures = {"photos_usable": 20, "photos_dropped": 16}, {"preview_psnr": 21.37}
    bot.tell(1, Stage.PREPROCESS, Status.DONE, pictures=("previews/photos.jpg",), metrics=chosen)
    bot.tell(2, Stage.GEOMETRY, Status.DONE, pictures=("previews/geometry.jpg",))
    bot.tell(3, Stage.TRAIN, Status.PROGRESS, pictures=("previews/train-1.jpg",), metrics=figures)
    bot.drain()
    shown = [bot.slack.workspace.files[file].title for m in replies(bot) for file in m.files]
    assert shown == [
        "20 of 36 photos are used", "Cameras and points, from above",
        "A held-out photo, and its render: 21.4 dB",
    ]  # fmt: skip


def test_all_jobs_together_stay_within_slacks_limit(bot: Bot) -> None:
    """Twenty jobs that all have news every second: no minute has more edits than Slack takes."""
    for n in range(20):
        bot.slack.person.type(f"/splat demo/parcel --job-id j{n}")
    bot.drain(60)
    jobs = [bot.ledger.claim(20) for _ in range(20)]
    for job in jobs:
        assert job is not None
        bot.ledger.set_handle(job.id, {})
    before = len(bot.slack.calls("chat.update"))
    for second in range(60):
        for job in jobs:
            assert job is not None
            event = an_event(job.id, second + 1, Stage.TRAIN, Status.PROGRESS, message=str(second))
            bot.ledger.record(event)
        bot.outbox.drain()
        bot.clock.move(1)
    assert 20 <= len(bot.slack.calls("chat.update")) - before <= 45
    jobs_shown = [m for m in bot.slack.channel() if "Waiting" not in text_of(m)]
    assert len(jobs_shown) == 20  # each new state was shown, and none waits for ever


def test_stages_can_be_slacks_own_list_of_tasks(bot: Bot) -> None:
    bot.outbox._drainer._refresher.with_plan = True
    bot.start()
    bot.tell(1, Stage.FETCH, Status.DONE)
    bot.tell(2, Stage.PREPROCESS, Status.PROGRESS)
    bot.drain()
    [plan] = [block for block in bot.status().blocks if block["type"] == "plan"]
    assert [(task["title"], task["status"]) for task in plan["tasks"]][:3] == [
        ("Fetch photos 2 s", "complete"), ("Prepare photos 50%", "in_progress"),
        ("Find cameras", "pending"),
    ]  # fmt: skip
    assert all("type" not in task for task in plan["tasks"])


def test_a_slack_without_such_lists_gets_text(bot: Bot, monkeypatch: Any) -> None:
    real = bot.slack.api.answer

    def old(method: str, *rest: Any) -> Reply:
        if "'type': 'plan'" in str(rest) or '"type": "plan"' in str(rest):
            return Reply(200, {"ok": False, "error": "invalid_blocks"})
        return real(method, *rest)

    monkeypatch.setattr(bot.slack.api, "answer", old)
    bot.outbox._drainer._refresher.with_plan = True
    bot.start()
    bot.tell(1, Stage.FETCH, Status.DONE)
    bot.drain()
    assert "✓ Fetch photos" in text_of(bot.status())


def test_a_failure_says_what_and_why_and_can_only_be_run_again(bot: Bot) -> None:
    bot.start()
    bot.ledger.fail("a", error="The photos do not connect.", hint="Take more in between.")
    bot.drain()
    for message in (bot.status(), closing(bot)[0]):
        assert "The photos do not connect." in text_of(message)
        assert "Take more in between." in text_of(message)
        assert list(buttons(message)) == ["Run again"]


def test_edits_are_spaced_out_but_a_new_stage_is_shown_at_once(bot: Bot) -> None:
    bot.start()
    before = len(bot.slack.calls("chat.update"))
    for n in range(1, 31):
        bot.tell(n, Stage.TRAIN, Status.PROGRESS, fraction=n / 31, message=f"Step {n}")
        bot.drain(1, step=0.5)
    assert len(bot.slack.calls("chat.update")) - before <= 30 / 3 + 2
    bot.tell(31, Stage.COMPRESS, Status.STARTED)
    bot.outbox.drain()
    assert "▸ *Compress*" in text_of(bot.status())


def test_nothing_is_sent_when_nothing_changed(bot: Bot) -> None:
    bot.start()
    bot.drain()
    before = len(bot.slack.api.calls)
    bot.drain()
    assert len(bot.slack.api.calls) == before


def test_a_message_that_needs_no_edit_is_not_made_anew_at_every_pass(
    bot: Bot, monkeypatch: Any
) -> None:
    refresher = bot.outbox._drainer._refresher
    made: list[str] = []
    render = refresher.render
    monkeypatch.setattr(refresher, "render", lambda job: made.append(job.id) or render(job))
    bot.slack.person.type("/splat demo/parcel")
    bot.drain(30)
    made.clear()
    bot.drain(30, step=0.5)
    assert 5 <= len(made) <= 11


def test_silence_is_said(bot: Bot) -> None:
    bot.start()
    bot.tell(1, Stage.TRAIN, Status.PROGRESS)
    bot.drain(60)
    assert "last word" not in text_of(bot.status())
    bot.drain(200)
    assert "last word from the job" in text_of(bot.status())


def test_the_end_is_shown_with_a_picture_of_the_splat(bot: Bot) -> None:
    bot.start()
    finish(bot)
    bot.drain()
    [end] = closing(bot)
    for message in (bot.status(), end):
        [picture] = pictures(message.blocks)
        assert picture["image_url"].endswith("/files/splats/a/thumbnail.jpg")


def pictures(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    candidates = [*blocks, *(block.get("accessory", {}) for block in blocks)]
    return [each for each in candidates if each.get("type") == "image"]


def test_a_job_that_waits_has_no_machine_to_destroy(bot: Bot) -> None:
    bot.slack.person.type("/splat demo/parcel")
    bot.drain(4)
    assert list(buttons(bot.status())) == ["Cancel"]
    bot.press(bot.status(), "Cancel")
    bot.drain(4)
    assert "Cancelled by <@U0YOU>" in text_of(bot.status())
    assert buttons(bot.status()) == {}


def test_a_job_that_nobody_in_slack_is_told_of_is_done_without_a_message(bot: Bot) -> None:
    bot.ledger.submit(a_request("a", channel=""), backend="local", price_per_hour=0.0)
    bot.ledger.claim()
    bot.ledger.set_handle("a", {})
    bot.tell(1, Stage.TRAIN, Status.DONE, pictures=("previews/train.jpg",))
    finish(bot, first=2)
    bot.drain(120)
    assert bot.slack.channel() == []
    assert bot.ledger.is_told("a")  # so that its slot is not kept for a message
    assert bot.slack.api.calls == []


def test_a_pass_over_messages_lets_those_go_first_who_wait_for_an_answer(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "ab":
        bot.slack.person.type(f"/splat demo/parcel --job-id {name}")
    way: list[None] = []
    monkeypatch.setattr(RUSH, "give_way", lambda: way.append(None))
    bot.outbox.drain()
    assert len(way) == 2
