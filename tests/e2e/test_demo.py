"""What a newcomer does, with everything real: a command, a cancel, a link, a walk."""

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.pictures import share_of_background
from tests.e2e.workspace import Workspace
from tests.viewer.pictures import picture

pytestmark = [pytest.mark.slow, pytest.mark.alone]


def test_the_first_message_is_about_ones_own_photos(browser: Browser, demo: str) -> None:
    """Runs first: the suggestion is gone once the bot has said anything to all."""
    page = browser.new_page()
    page.goto(demo)
    expect(page.get_by_test_id("suggestion")).to_contain_text("/splat datasets/miniature")


def test_a_job_can_be_cancelled_and_the_slot_is_free_again(browser: Browser, demo: str) -> None:
    slack = Workspace(browser.new_page(), demo)
    slack.say("/splat datasets/miniature --job-id first")
    status = slack.wait_for("#first")
    slack.press(status, "Cancel")
    expect(slack.message("#first")).to_contain_text("ancelled by")
    slack.say("/splat datasets/miniature --job-id second --iterations 5000")
    slack.wait_for("#second")
    expect(slack.message("#second")).not_to_contain_text("queue")
    slack.press(slack.message("#second"), "Destroy")
    expect(slack.message("#second")).to_contain_text("ancelled by")


def test_an_unknown_dataset_is_answered_with_the_nearest_names(browser: Browser, demo: str) -> None:
    slack = Workspace(browser.new_page(), demo)
    slack.say("/splat datasets/minature aerial")
    answer = slack.wait_for("Did you mean")
    expect(answer).to_contain_text("datasets/miniature")
    expect(answer).to_contain_text("Only visible to you")


def test_the_way_from_a_command_to_a_walk_in_the_splat(browser: Browser, demo: str) -> None:
    slack = Workspace(browser.new_page(), demo)
    slack.say("/splat datasets/miniature aerial --job-id walk --iterations 250")
    slack.wait_for("#walk")
    ready = slack.wait_for_splat("walk", seconds=240)  # before, a link may be to a preview
    link = ready.get_by_test_id("viewer-link").last
    expect(ready).to_contain_text(re.compile(r"\d+\.\d dB on \d+ held-out photos"))

    viewer = browser.new_page()
    viewer.goto(link.get_attribute("href") or "")
    viewer.evaluate("() => window.splatViewer.ready")
    assert share_of_background(picture(viewer)) < 0.9
    before = viewer.evaluate("() => window.splatViewer.camera().position")
    viewer.evaluate("() => window.splatViewer.setMode('walk')")
    viewer.keyboard.down("w")
    viewer.wait_for_function(
        "(before) => splatViewer.camera().position.some((v, i) => v !== before[i])", arg=before
    )
    viewer.keyboard.up("w")
