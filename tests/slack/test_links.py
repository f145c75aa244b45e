"""Links to splats that somebody shares: a card with a picture, and the splat inside Slack."""

from typing import Any

import pytest
from slack_sdk.models.metadata import EntityMetadata, EventAndEntityMetadata

from bot.sandbox import state
from bot.sandbox.state import Message
from bot.slack import links
from tests.slack.conftest import Bot, finish


@pytest.fixture
def link(bot: Bot) -> str:
    """The link to the splat of a job that is done."""
    bot.start()
    finish(bot)
    manifest = f"{bot.settings.public_url}/files/splats/a/manifest.json"
    viewer = f"{bot.settings.public_url}/viewer/?manifest={manifest}"
    with bot.ledger._file.writing() as db:
        db.execute("UPDATE jobs SET viewer_url = ?, manifest_url = ?", (viewer, manifest))
    return viewer


def share(bot: Bot, url: str) -> Message:
    bot.slack.person.type(f"Look: {url}")
    [message] = [m for m in bot.slack.workspace.messages if m.user == state.PERSON]
    return message


def test_a_link_to_a_splat_becomes_a_work_object_with_its_picture(bot: Bot, link: str) -> None:
    message = share(bot, link)
    bot.wait_until(lambda: bool(message.unfurls), "no card")
    entity = message.unfurls[0]["entity"]
    assert entity["app_unfurl_url"] == link
    payload = entity["entity_payload"]
    assert payload["attributes"]["title"] == {"text": "demo/parcel"}
    assert payload["fields"]["preview"]["image_url"].endswith("splats/a/thumbnail.jpg")
    assert "24.3 dB" in payload["custom_fields"][0]["value"]
    EntityMetadata(**entity).validate_json()
    EventAndEntityMetadata(entities=[entity]).validate_json()


def test_a_splat_opens_inside_slack(bot: Bot, link: str) -> None:
    message = share(bot, link)
    bot.wait_until(lambda: bool(message.unfurls), "no card")
    bot.slack.person.open_entity(message.ts)
    bot.wait_until(lambda: bot.slack.workspace.opened is not None, "nothing opens")
    opened: dict[str, Any] = bot.slack.workspace.opened or {}
    frame = opened["entity_payload"]["attributes"]["full_size_preview"]
    assert frame["preview_url"] == f"{link}&embed=1"


def test_without_work_objects_a_link_gets_an_ordinary_card(bot: Bot, link: str) -> None:
    bot.slack.workspace.entities = False
    message = share(bot, link)
    bot.wait_until(lambda: bool(message.unfurls), "no card")
    assert "24.3 dB" in str(message.unfurls[0]["blocks"])


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/viewer/?manifest={manifest}",
        "{base}.evil.example/viewer/?manifest={manifest}",
        "{base}/viewer/?manifest=https://evil.example/manifest.json",
        "{base}/viewer/",
    ],
)
def test_other_links_are_none_of_our_business(bot: Bot, link: str, url: str) -> None:
    job, base = bot.ledger.job("a"), bot.settings.public_url
    given = url.format(base=base, manifest=job.manifest_url)
    assert links.job_of(given, base, [job]) is None
    assert links.job_of(link, base, [job]) == job
