"""Takes the pictures of docs/slack.md: every surface, in the sandbox, of a job that really ran.

    splatbot run PHOTOS --out RUN --pipeline aerial
    python scripts/screenshots.py PHOTOS RUN

The job's own events are played to the bot, so that every figure and picture is what it measured.
"""

from __future__ import annotations

import io
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, Route

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from bot.core.costs import Budget  # noqa: E402
from bot.sandbox import state  # noqa: E402
from bot.slack.manifest import SHORTCUT  # noqa: E402
from gpu.job import Event  # noqa: E402
from tests.e2e.workspace import chromium  # noqa: E402
from tests.fakes.slack import buttons, fake_slack, serving  # noqa: E402
from tests.ports import HOST, held_port  # noqa: E402
from tests.slack.conftest import Bot  # noqa: E402

OUT = REPOSITORY / "docs" / "slack"
QUALITY = 82

#: Name, width and height, colours, and pixels of the screen per pixel of the page.
LOOKS = (
    ("light", 1120, 760, "light", 1.0),
    ("dark", 1120, 760, "dark", 1.0),
    ("phone", 390, 780, "light", 1.5),
)


class Studio:
    """Three windows on one workspace."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.pages: dict[str, Page] = {}
        for name, width, height, colours, scale in LOOKS:
            context = browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme=colours,  # type: ignore[arg-type]
                device_scale_factor=scale,
            )
            self.pages[name] = context.new_page()
            self.pages[name].goto(address)

    def take(self, surface: str, prepare: Callable[[Page], object] = lambda page: None) -> None:
        """Take a picture of every window."""
        for name, page in self.pages.items():
            prepare(page)
            page.wait_for_timeout(2_000)  # pictures load, and the list scrolls to its end
            save(page.screenshot(), OUT / f"{surface}-{name}.webp")


def save(png: bytes, file: Path) -> None:
    """Write a picture as WebP: a fifth of the bytes."""
    Image.open(io.BytesIO(png)).convert("RGB").save(file, quality=QUALITY, method=6)
    print(f"{file.name} {file.stat().st_size // 1024} KB")


def main(photos: Path, run: Path) -> None:
    """Play the job and take the pictures."""
    OUT.mkdir(parents=True, exist_ok=True)
    events = [Event.from_json(line) for line in (run / "events.jsonl").read_text().splitlines()]
    with tempfile.TemporaryDirectory() as folder, chromium() as browser, bot_at(folder) as bot:
        shutil.copytree(photos, bot.storage.root / "datasets" / "myparcel")
        bot.catalogue.refresh()
        bot.market.look()
        results = bot.storage.root / "splats" / "a1b2"
        results.mkdir(parents=True)
        shutil.copy(run / "thumbnail.jpg", results)
        bot.pictures = {
            f"previews/{file.name}": file.read_bytes() for file in (run / "previews").iterdir()
        }
        play(bot, Studio(browser, bot.slack.url), browser, events, photos)


@contextmanager
def bot_at(folder: str) -> Iterator[Bot]:
    """A bot and a workspace on loopback, whose jobs run on its own machine."""
    with held_port() as port, fake_slack(f"http://{HOST}:{port}") as slack:
        slack.workspace.suggestion = "/splat datasets/myparcel aerial"  # as with PHOTOS=
        bot = Bot(slack, port, Path(folder))
        bot.clock.now = time.time()
        bot.desk.budget = Budget(bot.ledger, 0.0, bot.clock)  # as the service has it then
        with serving(bot.web, port):
            yield bot


def earlier(bot: Bot, events: list[Event]) -> None:
    """Jobs of before: one to estimate from, and one that failed."""
    bot.slack.person.type("/splat datasets/myparcel aerial --job-id e0e0")
    bot.ledger.claim()
    bot.ledger.set_handle("e0e0", {})
    for event in events:
        if event.status == "done":
            told = {**vars(event), "job": "e0e0", "attempt": 1, "time": bot.clock()}
            bot.ledger.record(Event(**told))
    bot.ledger.fail("e0e0", error="", hint="")
    bot.ledger.release("e0e0")
    with bot.ledger._file.writing() as db:  # it has succeeded, and nobody is told of it here
        db.execute("UPDATE jobs SET state = 'succeeded'")
        db.execute("UPDATE outbox SET closed_at = 0")
    bot.slack.person.type("/splat datasets/myparcel --job-id f1f1")
    work(bot, "f1f1")
    lose(bot, "f1f1")
    for message in bot.slack.workspace.messages:
        message.deleted = True


def play(bot: Bot, studio: Studio, browser: Browser, events: list[Event], photos: Path) -> None:
    """Bring the workspace from one moment to the next."""
    person = bot.slack.person
    earlier(bot, events)
    studio.take("start", lambda page: page.get_by_test_id("message-input").fill("/splat"))
    dialog(bot, studio)
    person.type("/splat datasets/myparcel aerial --job-id a1b2")
    person.type("/splat datasets/myparcel --job-id c3d4")
    half = next(n for n, e in enumerate(events) if e.stage == "train" and e.fraction > 0.5)
    bot.ledger.claim()
    bot.ledger.set_handle("a1b2", {})
    tell(bot, events[: half + 1])
    dismiss(bot)
    studio.take("status", lambda page: page.get_by_test_id("message-input").fill(""))
    studio.take("thread", lambda page: page.get_by_test_id("thread-open").first.click())
    studio.take("home-running", lambda page: page.get_by_test_id("home-tab").click())
    for page in studio.pages.values():
        page.get_by_test_id("channel-tab").click()
    tell(bot, events[half + 1 :])
    finish(bot)
    studio.take("done", lambda page: page.get_by_test_id("thread-open").first.click())
    for page in studio.pages.values():
        page.get_by_test_id("thread-close").click()
    link = bot.ledger.job("a1b2").viewer_url
    person.type(f"Have a look at this: {link}")
    studio.take("link")
    drop(bot, studio, photos)
    studio.take("home", lambda page: page.get_by_test_id("home-tab").click())
    plan(bot, studio)
    bot.outbox._drainer._refresher.with_plan = False
    failed(bot, studio)
    upload(bot, browser, photos)


def dialog(bot: Bot, studio: Studio) -> None:
    """The start dialog, with photos chosen: what is chosen stays in the window that chose."""
    for name, page in studio.pages.items():
        page.get_by_test_id("message-input").fill("")
        bot.slack.workspace.show_modal(None)
        bot.slack.person.type("/splat")
        page.wait_for_timeout(900)  # an earlier window's dialog goes, and ours comes
        page.get_by_test_id("field-dataset").click()
        page.get_by_test_id("option").first.click()
        page.get_by_text("Machine:").wait_for()
        page.wait_for_timeout(600)
        save(page.screenshot(), OUT / f"dialog-{name}.webp")
    bot.slack.person.close_modal()


def tell(bot: Bot, events: list[Event]) -> None:
    """Play events, in the time that they took."""
    for event in events:
        moved = Event(**{**vars(event), "job": "a1b2", "attempt": 1, "time": bot.clock()})
        bot.ledger.record(moved)
        took = float(event.metrics.get("seconds", 0) or 0) if event.status == "done" else 0
        bot.drain(max(4.0, min(took, 30.0)))


def finish(bot: Bot) -> None:
    """End the job well, as the dispatcher does."""
    base, took = bot.settings.public_url, sum(bot.ledger.job("a1b2").stage_seconds.values())
    with bot.ledger._file.writing() as db:  # as long as it really took, not as our clock went
        db.execute("UPDATE jobs SET started_at = ? WHERE id = 'a1b2'", (bot.clock() - took,))
    manifest = f"{base}/files/splats/a1b2/manifest.json"
    bot.ledger.succeed(
        "a1b2", viewer_url=f"{base}/viewer/?manifest={manifest}", manifest_url=manifest
    )
    bot.ledger.release("a1b2")
    bot.drain()


def drop(bot: Bot, studio: Studio, photos: Path) -> None:
    """Photos in a message, the shortcut, and our offer in its thread."""
    files = sorted(photos.glob("*.jpg"))[:6]
    kept = [bot.slack.workspace.keep(file.name, file.read_bytes()).id for file in files]
    bot.slack.person.share(kept, "The parcel from above, this morning")
    [ts] = [m.ts for m in bot.slack.workspace.messages if m.user == state.PERSON and m.files]
    bot.slack.person.shortcut(ts, SHORTCUT)
    bot.intake.work()
    dismiss(bot)
    studio.take("drop", lambda page: page.get_by_test_id("thread-open").last.click())
    offer = bot.slack.workspace.thread(state.CHANNEL, ts)[-1]
    assert "Make a splat" in buttons(offer)
    for page in studio.pages.values():
        page.get_by_test_id("thread-close").click()


def work(bot: Bot, job: str) -> None:
    """Have a job train; its figures are made up."""
    bot.ledger.claim(slots=2)
    bot.ledger.set_handle(job, {})
    for number, stage in enumerate(("fetch", "preprocess", "geometry"), 1):
        done = {"stage": stage, "status": "done", "fraction": 1.0, "message": "Done.",
                "metrics": {"seconds": 3.0 * number**3}}  # fmt: skip
        told = {"job": job, "attempt": 1, "seq": number, "time": bot.clock(), **done}
        bot.ledger.record(Event.from_json(json.dumps(told)))
    working = {"job": job, "attempt": 1, "seq": 4, "time": bot.clock(), "stage": "train",
               "status": "progress", "fraction": 0.3, "message": "Step 360 of 1,200."}  # fmt: skip
    bot.ledger.record(Event.from_json(json.dumps(working)))
    bot.drain()


def lose(bot: Bot, job: str) -> None:
    """Have a job fail, as when its machine is lost."""
    error = "The job's machine has been silent for ten minutes."
    bot.ledger.fail(job, error=error, hint="It is destroyed. Start the job again.")
    bot.ledger.release(job)
    bot.drain()


def failed(bot: Bot, studio: Studio) -> None:
    """A job whose machine was lost, and the same again."""
    for message in bot.slack.workspace.messages:
        message.deleted = True
    bot.slack.person.type("/splat datasets/myparcel --job-id e5f6")
    dismiss(bot)
    work(bot, "e5f6")
    lose(bot, "e5f6")

    def show(page: Page) -> None:
        page.get_by_test_id("channel-tab").click()
        page.get_by_test_id("thread-open").last.click()

    studio.take("failed", show)
    ends = [m for m in bot.slack.workspace.messages if "did not work" in m.text]
    bot.press(ends[-1], "Run again")
    bot.drain()
    dismiss(bot)
    studio.take("again")


def plan(bot: Bot, studio: Studio) -> None:
    """The stages as Slack's own list of tasks."""
    bot.outbox._drainer._refresher.with_plan = True
    work(bot, "c3d4")

    def show(page: Page) -> None:
        page.get_by_test_id("channel-tab").click()
        page.wait_for_timeout(600)
        page.locator(".plan").scroll_into_view_if_needed()

    studio.take("plan", show)


def upload(bot: Bot, browser: Browser, photos: Path) -> None:
    """The upload page, half way."""
    bot.slack.person.type("/splat upload myparcel-east")
    link = str(buttons(bot.slack.whispers()[-1])["Upload photos"]["url"])
    files = sorted(photos.glob("*.jpg"))[:14]
    for name, width, height, colours, scale in LOOKS:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=colours,  # type: ignore[arg-type]
            device_scale_factor=scale,
            has_touch=name == "phone",
            is_mobile=name == "phone",
        )
        page = context.new_page()
        held: list[str] = []
        page.route("**/pieces/1*", partial(hold, held))
        page.goto(link)
        page.locator("#files").set_input_files(files)
        page.wait_for_timeout(2500)
        save(page.screenshot(), OUT / f"upload-{name}.webp")
        context.close()


def hold(held: list[str], route: Route) -> None:
    """Let some pieces pass and hold the others, so that the picture shows both."""
    held.append("")
    if len(held) <= 3:
        route.continue_()


def dismiss(bot: Bot) -> None:
    """Make what only the person sees go away."""
    for message in bot.slack.whispers():
        bot.slack.person.dismiss(message.ts)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
