"""Drives the product as a person does: `splatbot demo`, a browser, a keyboard and a mouse."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, BrowserType, Locator, Page, expect, sync_playwright

from tests.conftest import REPOSITORY
from tests.waiting import PATIENCE, await_that

#: Software WebGL, and no calls home (a machine without a way out answers those with errors).
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
#: The one without windows first: a page of it costs three fifths of the processor's time.
CHROMIUM_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


@contextmanager
def chromium() -> Iterator[Browser]:
    """The distribution's Chromium, headless, with a new and empty profile."""
    with sync_playwright() as playwright:
        browser = launch(playwright.chromium)
        yield browser
        browser.close()


def launch(kind: BrowserType, *more: str) -> Browser:
    """Start the distribution's Chromium, with more flags than usual where a test asks for them."""
    program = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    assert program, "Chromium is missing: run scripts/browser.sh"
    milliseconds = PATIENCE * 1000
    expect.set_options(timeout=milliseconds)
    browser = kind.launch(
        executable_path=program, args=[*CHROMIUM_FLAGS, *more], timeout=milliseconds
    )
    browser.on("context", lambda context: context.set_default_timeout(milliseconds))
    return browser


@contextmanager
def running_demo(data: Path, photos: Path | None = None) -> Iterator[str]:
    """Start `splatbot demo` with its files under `data`; yield the sandbox's address.

    Ends it as Ctrl-C does, and fails when a process of it is left.
    """
    command = [sys.executable, "-m", "bot.cli", "demo", "--no-browser"]
    command += ["--photos", str(photos)] if photos else []
    environment = os.environ | {"SPLATBOT_DATA": str(data), "PYTHONUNBUFFERED": "1"}
    log = data.parent / "demo.log"
    with log.open("wb") as output:
        demo = subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            yield _address(demo, log)
        finally:
            demo.send_signal(signal.SIGINT)
            demo.wait(PATIENCE)


def _address(demo: subprocess.Popen[bytes], log: Path) -> str:
    """Read the sandbox's address from what the demo printed."""

    def found() -> list[str]:
        said = log.read_text(encoding="utf-8")
        return re.findall(r"[Ss]andbox\S*\s.*?(http://127\.0\.0\.1:\d+/?)", said)

    await_that(found, "the sandbox's address", process=demo, said=log.read_text, patience=180)
    return found()[0]


class Workspace:
    """The sandbox's page, with the words of a person."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        page.goto(address)
        page.get_by_test_id("message-input").wait_for()

    def say(self, text: str) -> None:
        """Type a message or a command and press Enter."""
        box = self.page.get_by_test_id("message-input").first
        box.fill(text)
        box.press("Enter")

    def message(self, text: str) -> Locator:
        """The newest message of the channel or the open thread that contains a text."""
        return self.page.get_by_test_id("message").filter(has_text=text).last

    def wait_for(self, text: str, seconds: float = PATIENCE) -> Locator:
        """Wait until a message says a text."""
        found = self.message(text)
        found.wait_for(timeout=seconds * 1000)
        return found

    def wait_for_splat(self, job: str, seconds: float) -> Locator:
        """Wait until a job's message says that its splat is ready, and return the message."""
        of_job = self.page.get_by_test_id("message").filter(has_text=f"#{job}")
        ready = of_job.filter(has_text="Your splat is ready").last
        ready.wait_for(timeout=seconds * 1000)
        return ready

    def press(self, message: Locator, button: str) -> None:
        """Press a message's button and confirm the dialog that asks back."""
        message.get_by_role("button", name=button).click()
        self.page.get_by_test_id("confirm-ok").click()
