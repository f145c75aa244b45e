"""Links to splats lead to where the bot is now, wherever it was when it made them."""

from collections.abc import Callable

import pytest

from bot.core.ledger import Ledger
from bot.core.viewer import viewer_url

BEFORE, NOW = "http://127.0.0.1:41234", "http://127.0.0.1:3000"
BUCKET = "https://splats.ams3.digitaloceanspaces.com"

Ask = Callable[..., str]


@pytest.fixture
def made(ledger: Ledger, ask: Ask) -> Callable[[str, str], str]:
    """Make a splat whose manifest has an address, by a bot at another; return the job's id."""

    def made(bot: str, manifest: str) -> str:
        job = ask("a")
        ledger.claim()
        ledger.succeed(job, viewer_url=viewer_url(bot, manifest), manifest_url=manifest)
        return job

    return made


def test_a_splat_of_a_bot_on_another_port_is_linked_on_this_one(
    ledger: Ledger, made: Callable[[str, str], str]
) -> None:
    job = made(BEFORE, f"{BEFORE}/files/splats/a/manifest.json")
    for _ in range(2):  # a second time changes nothing
        ledger.links.move_to(f"{NOW}/")
        assert ledger.job(job).manifest_url == f"{NOW}/files/splats/a/manifest.json"
        assert ledger.job(job).viewer_url == viewer_url(NOW, ledger.job(job).manifest_url)


def test_a_splat_in_a_bucket_stays_there_and_its_viewer_moves(
    ledger: Ledger, made: Callable[[str, str], str]
) -> None:
    job = made("https://old.example.com", f"{BUCKET}/splats/a/manifest.json")
    ledger.links.move_to("https://splat.example.com")
    assert ledger.job(job).manifest_url == f"{BUCKET}/splats/a/manifest.json"
    assert ledger.job(job).viewer_url == viewer_url(
        "https://splat.example.com", ledger.job(job).manifest_url
    )


def test_a_job_without_a_splat_gets_no_link(ledger: Ledger, ask: Ask) -> None:
    job = ask("a")
    ledger.links.move_to(NOW)
    assert ledger.job(job).viewer_url == ""
