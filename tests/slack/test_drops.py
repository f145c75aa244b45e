"""Photos that people drop into Slack: fetched, looked at and offered; started only when asked."""

import io
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image, ImageFilter

from bot.core.drops import DroppedFile, slug
from bot.core.jobs import State
from bot.sandbox import state
from bot.sandbox.state import Message
from bot.slack.files import MOST_BYTES, NotFetched, SlackFiles, check_bounds, usable
from bot.slack.manifest import SHORTCUT
from bot.storage.names import file_names
from gpu.job import Pipeline
from tests.fakes.slack import buttons, text_of
from tests.slack.conftest import Bot

LATITUDE = {1: "N", 2: (57.0, 2.0, 1.0), 3: "E", 4: (10.0, 3.0, 2.0)}


def photo(number: int = 0, *, gps: bool = False, blurred: bool = False) -> bytes:
    """A JPEG of a checkerboard, of a size that tells it from the others."""
    image = Image.effect_noise((640, 480 + number), 80).convert("RGB")
    image = image.filter(ImageFilter.GaussianBlur(3)) if blurred else image
    exif = Image.Exif()
    if gps:
        exif.get_ifd(0x8825).update(LATITUDE)
    written = io.BytesIO()
    image.save(written, "JPEG", exif=exif)
    return written.getvalue()


def send(bot: Bot, files: dict[str, bytes], text: str = "", channel: str = state.CHANNEL) -> str:
    """Send a message with files; return its time stamp."""
    kept = [bot.slack.workspace.keep(name, data).id for name, data in files.items()]
    bot.slack.person.share(kept, text, channel)
    return [m for m in bot.slack.workspace.messages if m.user == state.PERSON][-1].ts


def drop(bot: Bot, files: dict[str, bytes], text: str = "The old shed") -> Message:
    """Use the shortcut on a message with files; return our answer in its thread."""
    ts = send(bot, files, text)
    bot.slack.person.shortcut(ts, SHORTCUT)
    bot.intake.work()
    return bot.slack.workspace.thread(state.CHANNEL, ts)[-1]


def three(**more: bytes) -> dict[str, bytes]:
    return {f"IMG_{n}.jpg": photo(n, gps=True) for n in range(3)} | more


def test_the_shortcut_keeps_photos_and_offers_a_job(bot: Bot) -> None:
    answer = drop(bot, three())
    said = text_of(answer)
    assert "*3 photos*" in said
    assert "*GPS:* in every photo, and believable: the splat should be in metres" in said
    assert "all look sharp." in said
    assert "20 photos or more make a good splat" in said
    assert "three photos at least" not in said
    [name] = [d.name for d in bot.desk.datasets("datasets/")]
    assert name.startswith("datasets/the-old-shed-")
    assert f"`{name}`" in said
    assert list(buttons(answer)) == ["Make a splat", "It was a drone flight", "More options"]
    [told] = [b["elements"][0]["text"] for b in answer.blocks if "Machine: " in str(b)]
    assert "Time: not known yet" in told
    assert "Cost: " in told
    assert bot.ledger.jobs() == []  # nothing starts by itself


def test_of_fewer_photos_than_a_splat_needs_the_number_is_said(bot: Bot) -> None:
    said = text_of(drop(bot, {f"IMG_{n}.jpg": photo(n) for n in range(2)}))
    assert "A splat needs three photos at least. 20 photos or more make a good splat" in said


def test_the_person_is_answered_at_once(bot: Bot) -> None:
    ts = send(bot, three())
    bot.slack.person.shortcut(ts, SHORTCUT)
    bot.wait_until(lambda: bool(bot.slack.whispers()), "nothing was said")
    assert "I am fetching 3 files" in bot.slack.whispers()[-1].text


def test_the_offer_starts_one_job_however_often_it_is_pressed(bot: Bot) -> None:
    answer = drop(bot, three())
    pressed = buttons(answer)
    bot.press(answer, "It was a drone flight")
    again = {k: pressed["Make a splat"][k] for k in ("type", "action_id", "value", "text")}
    bot.slack.person.press(answer.ts, again | {"block_id": "b"})
    [job] = bot.ledger.jobs()
    assert (job.pipeline, job.state, job.user) == (Pipeline.AERIAL, State.QUEUED, state.PERSON)
    bot.wait_until(lambda: buttons(answer) == {}, "the offer keeps its buttons")
    assert f"<@{state.PERSON}> started `#{job.id}` from it." in text_of(answer)
    assert [a["action"] for a in bot.ledger.audit_log(limit=5)][:2] == ["submit", "drop"]


def test_more_options_opens_the_dialog_with_the_photos_chosen(bot: Bot) -> None:
    answer = drop(bot, three())
    bot.press(answer, "More options")
    bot.wait_until(lambda: "Machine:" in str(bot.slack.workspace.modal), "no outlook")
    [picker] = [
        b for b in (bot.slack.workspace.modal or {})["blocks"] if b["block_id"] == "dataset"
    ]
    assert picker["element"]["initial_option"]["text"]["text"].endswith("· 3 photos")


def test_files_in_a_direct_message_need_no_shortcut(bot: Bot) -> None:
    ts = send(bot, three(), "garden", state.DIRECT)
    bot.wait_until(lambda: bool(bot.ledger.drops.due()), "nothing was noted")
    bot.intake.work()
    answer = bot.slack.workspace.thread(state.DIRECT, ts)[-1]
    assert "*3 photos*" in text_of(answer)
    bot.press(answer, "Make a splat")
    assert bot.ledger.jobs()[0].channel == state.DIRECT


def test_blurred_photos_and_damaged_ones_are_named(bot: Bot) -> None:
    files = {f"{n}.jpg": photo(n) for n in range(5)}
    answer = drop(bot, files | {"soft.jpg": photo(9, blurred=True), "broken.jpg": b"no photo"})
    said = text_of(answer)
    assert "1 of 6 may be blurred (`soft.jpg`)." in said
    assert "1 can not be read here (`broken.jpg`)." in said
    assert "*GPS:* none" in said


def test_an_archive_is_a_dataset_of_its_own(bot: Bot) -> None:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, data in three().items():
            archive.writestr(f"DCIM/{name}", data)
        archive.writestr("__MACOSX/._IMG_0.jpg", b"x")
    answer = drop(bot, {"flight.zip": written.getvalue()})
    assert "*3 photos*" in text_of(answer)
    bot.press(answer, "Make a splat")
    assert bot.ledger.jobs()[0].dataset.endswith(".zip")


def test_a_damaged_archive_is_refused_with_the_remedy(bot: Bot) -> None:
    said = text_of(drop(bot, {"flight.zip": b"PK not a zip"}))
    assert "`flight.zip` is damaged" in said
    assert "Make the .zip again" in said
    assert bot.desk.datasets("datasets/") == []


def test_a_message_without_photos_is_answered_so(bot: Bot) -> None:
    ts = send(bot, {"notes.txt": b"hello"})
    bot.slack.person.shortcut(ts, SHORTCUT)
    bot.wait_until(lambda: bool(bot.slack.whispers()), "nothing was said")
    assert "There are no photos, no video and no .zip" in bot.slack.whispers()[-1].text
    assert "`notes.txt`" in bot.slack.whispers()[-1].text
    assert bot.ledger.drops.due() == []


def test_a_video_is_taken_like_photos(bot: Bot) -> None:
    answer = drop(bot, {"walk.mp4": b"moving pictures"})
    assert text_of(answer).startswith("*1 video*, 1 kB, kept as")
    assert "the sharpest frames are taken" in text_of(answer)
    assert "Make a splat" in buttons(answer)
    (dataset,) = bot.desk.datasets("datasets/")
    assert (dataset.photos, dataset.videos) == (0, 1)


def test_what_is_fetched_twice_is_kept_once_and_nothing_is_overwritten(bot: Bot) -> None:
    ts = send(bot, three())
    for _ in range(2):
        bot.slack.person.shortcut(ts, SHORTCUT)
        bot.intake.work()
    assert len(bot.desk.datasets("datasets/")) == 1
    [offer] = bot.slack.workspace.thread(state.CHANNEL, ts)[1:]
    assert "*3 photos*" in text_of(offer)


def test_a_new_bot_goes_on_where_the_last_one_was_stopped(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[str] = []
    real = SlackFiles.fetch

    def stopped(self: SlackFiles, file: DroppedFile, target: Path, token: str) -> None:
        if len(fetched) == 2:
            raise KeyboardInterrupt
        fetched.append(file.name)
        real(self, file, target, token)

    monkeypatch.setattr(SlackFiles, "fetch", stopped)
    ts = send(bot, three())
    bot.slack.person.shortcut(ts, SHORTCUT)
    with pytest.raises(KeyboardInterrupt):
        bot.intake.work()
    fetched.pop(0)  # from now on the next one works
    bot.restart()
    bot.intake.work()
    assert fetched == ["IMG_1.jpg", "IMG_2.jpg"]
    [offer] = bot.slack.workspace.thread(state.CHANNEL, ts)[1:]
    assert "*3 photos*" in text_of(offer)


def test_a_slack_that_does_not_answer_is_asked_again(bot: Bot) -> None:
    bot.slack.fail("chat.update", status=503, times=1)
    ts = send(bot, three())
    bot.slack.person.shortcut(ts, SHORTCUT)
    bot.intake.work()
    bot.clock.move(60)
    bot.intake.work()
    [offer] = bot.slack.workspace.thread(state.CHANNEL, ts)[1:]
    assert "*3 photos*" in text_of(offer)


def test_where_the_bot_may_not_write_the_person_is_told_directly(bot: Bot) -> None:
    bot.slack.workspace.closed[state.CHANNEL] = "not_in_channel"
    ts = send(bot, three())
    bot.slack.person.shortcut(ts, SHORTCUT)
    bot.intake.work()
    [offer] = [m for m in bot.slack.workspace.messages if m.channel == state.DIRECT]
    assert "*3 photos*" in text_of(offer)


def test_who_may_not_start_jobs_fills_no_storage(bot: Bot) -> None:
    object.__setattr__(bot.desk.roles, "starters", ("U0ELSE",))
    ts = send(bot, three())
    bot.slack.person.shortcut(ts, SHORTCUT)
    bot.wait_until(lambda: bool(bot.slack.whispers()), "nothing was said")
    assert "You may not start jobs here." in bot.slack.whispers()[-1].text
    assert bot.ledger.drops.due() == []


# -- what the bot fetches, and from where ---------------------------------------------------------


def fetcher(answer: Any, seen: list[httpx.Request] | None = None) -> SlackFiles:
    def handle(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(request)
        return answer if isinstance(answer, httpx.Response) else answer(request)

    transport = httpx.MockTransport(handle)
    return SlackFiles("https://slack.com/api/", transport=transport)


@pytest.mark.parametrize(
    "url",
    [
        "https://files.slack.com.evil.example/a.jpg", "https://evil.example/files.slack.com/a.jpg",
        "http://files.slack.com/a.jpg", "https://files.slack.com@evil.example/a.jpg",
        "https://files.slack.com:444/a.jpg", "file:///etc/passwd", "http://169.254.169.254/",
    ],
)  # fmt: skip
def test_the_token_goes_to_slacks_file_server_alone(url: str, tmp_path: Path) -> None:
    seen: list[httpx.Request] = []
    with pytest.raises(NotFetched, match="not on Slack's file server"):
        fetcher(httpx.Response(200), seen).fetch(
            DroppedFile("a.jpg", url, 1), tmp_path / "a", "xoxb-1"
        )
    assert seen == []


GOOD = "https://files.slack.com/files-pri/T1-F1/download/a.jpg"


def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    seen: list[httpx.Request] = []
    away = httpx.Response(302, headers={"Location": "https://evil.example/"})
    with pytest.raises(NotFetched, match="does not give me"):
        fetcher(away, seen).fetch(DroppedFile("a.jpg", GOOD, 1), tmp_path / "a", "xoxb-1")
    assert len(seen) == 1


def test_a_page_to_log_in_at_is_no_photo(tmp_path: Path) -> None:
    page = httpx.Response(200, html="<title>Sign in</title>")
    with pytest.raises(NotFetched, match="files:read"):
        fetcher(page).fetch(DroppedFile("a.jpg", GOOD, 99), tmp_path / "a", "xoxb-1")


def test_no_more_is_written_than_slack_said(tmp_path: Path) -> None:
    with pytest.raises(NotFetched, match="larger than Slack said"):
        fetcher(httpx.Response(200, content=b"x" * 100)).fetch(
            DroppedFile("a.jpg", GOOD, 10), tmp_path / "a", "xoxb-1"
        )


def test_a_file_that_ends_early_is_fetched_again(tmp_path: Path) -> None:
    with pytest.raises(httpx.HTTPError):
        fetcher(httpx.Response(200, content=b"x")).fetch(
            DroppedFile("a.jpg", GOOD, 10), tmp_path / "a", "xoxb-1"
        )


def test_a_drop_has_bounds() -> None:
    with pytest.raises(NotFetched, match="/splat upload"):
        check_bounds([DroppedFile("a.zip", GOOD, MOST_BYTES + 1)])


def test_only_files_that_slack_keeps_are_taken() -> None:
    kept = {"name": "a.jpg", "url_private_download": GOOD, "size": 3}
    files, others = usable({"files": [
        kept, {**kept, "is_external": True}, {"id": "F1", "mode": "tombstone"},
        {**kept, "name": "evil.exe"},
    ]})  # fmt: skip
    assert files == [DroppedFile("a.jpg", GOOD, 3)]
    assert others == ["a.jpg", "a file that is gone", "evil.exe"]


def test_names_are_safe_and_unlike_each_other() -> None:
    given = ["../../etc/passwd.jpg", "a b.JPG", "A_B.jpg", ".hidden.png", "Ünï.jpeg", "\0.jpg", "x"]
    names = file_names(given)
    assert names == [
        "passwd.jpg", "a_b.jpg", "A_B-2.jpg", "hidden.png", "Ünï.jpeg", "photo.jpg", "x",
    ]  # fmt: skip
    assert slug("<@U1> Grüße aus dem *Garten*!") == "grue-aus-dem-garten"
