"""A new version starts on another disk while the old one runs: nothing is lost, nothing twice."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot import cli, relay
from bot.core.jobs import State
from bot.core.snapshots import Snapshots
from bot.core.succession import LEASE, RENEWAL, TTL
from bot.storage.local import LocalStorage
from tests.aside import aside
from tests.compute.lab import TAG
from tests.fakes.slack import fake_slack, text_of
from tests.ports import held_port
from tests.service.rolling import Line, Platform, Version

TAKEN_OVER = "A new version of the bot is taking over; try again in a few seconds."


@pytest.fixture
def platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    with fake_slack("http://bot") as slack:
        platform = Platform(tmp_path, slack, monkeypatch)
        yield platform
        for version in platform.versions:
            version.http.close()


def with_two_jobs(platform: Platform) -> Version:
    """Deploy a version that has a job on a droplet and one that waits."""
    old = platform.deploy()
    old.person.type("/splat demo/parcel --job-id first")
    old.person.type("/splat demo/parcel --job-id second")
    platform.await_that(lambda: old.states() == waiting_for_first(), old)
    platform.pass_time(LEASE, old)  # until a snapshot has both
    return old


def waiting_for_first() -> dict[str, State]:
    return {"first": State.RUNNING, "second": State.QUEUED}


def both_succeed_once(platform: Platform, *versions: Version) -> None:
    """Both jobs end well, each on its one droplet, and people are told once."""
    new = versions[-1]
    platform.await_that(lambda: not new.ledger.active() and not new.ledger.holders(), *versions)
    platform.pass_time(LEASE, *versions)  # one message a second, and all of the story
    assert set(new.states().values()) == {State.SUCCEEDED}
    assert platform.world.creates() == len(platform.world.droplets) == 2
    assert platform.world.most_at_once(TAG) == 1
    assert platform.world.existing() == []
    assert len(platform.finals()) == 2


# -- one goes, the next one comes -----------------------------------------------------------------


def test_the_new_version_goes_on_with_the_jobs_while_the_old_one_still_runs(
    platform: Platform,
) -> None:
    old = with_two_jobs(platform)
    new = platform.deploy()
    assert (new.standing, new.acts, old.acts) == ("waiting", False, True)
    platform.pass_time(2 * RENEWAL, old, new)
    assert (old.acts, new.acts) == (False, True)
    assert old.health() == {"ok": True, "standing": "retired"}
    assert new.states() == waiting_for_first()
    both_succeed_once(platform, old, new)


def test_a_command_to_the_old_version_is_answered_and_changes_nothing(platform: Platform) -> None:
    old = with_two_jobs(platform)
    new = platform.deploy()
    platform.pass_time(2 * RENEWAL, old, new)
    old.person.type("/splat demo/parcel --job-id third")
    assert TAKEN_OVER in [text_of(message).strip() for message in platform.slack.whispers()]
    assert "third" not in {**old.states(), **new.states()}


def test_a_command_that_is_being_taken_is_waited_for_and_not_lost(platform: Platform) -> None:
    old = with_two_jobs(platform)
    old.relay.front.under_way += 1
    new = platform.deploy()
    platform.pass_time(6 * RENEWAL, old, new)
    assert (old.standing, old.acts, new.acts) == ("retiring", False, False)
    old.ledger.request_cancel("second", "U0YOU")
    old.relay.front.under_way -= 1
    platform.pass_time(2 * RENEWAL, old, new)
    assert new.states()["second"] is State.CANCELLED


def test_a_version_that_was_told_to_stop_is_followed_at_once(platform: Platform) -> None:
    old = with_two_jobs(platform)
    old.ledger.request_cancel("second", "U0YOU")
    old.relay.close()
    new = platform.deploy()
    assert new.acts
    assert new.states() == {"first": State.RUNNING, "second": State.CANCELLED}


def test_a_version_that_crashed_is_followed_when_it_surely_can_not_act(platform: Platform) -> None:
    with_two_jobs(platform)
    new = platform.deploy()
    platform.pass_time(TTL - RENEWAL, new)
    assert not new.acts
    platform.pass_time(RENEWAL, new)
    assert new.acts
    both_succeed_once(platform, new)


def test_when_the_new_version_fails_the_old_one_goes_on_with_what_was_done(
    platform: Platform,
) -> None:
    old = with_two_jobs(platform)
    new = platform.deploy()
    platform.pass_time(2 * RENEWAL, old, new)
    new.ledger.request_cancel("second", "U0YOU")
    platform.pass_time(LEASE, old, new)
    platform.await_that(lambda: old.acts, old)
    assert old.states()["second"] is State.CANCELLED


# -- never two at once ----------------------------------------------------------------------------


@pytest.mark.parametrize("moment", ["before it is noted", "before it is created"])
def test_a_version_that_wakes_after_it_was_replaced_creates_and_says_nothing(
    platform: Platform, moment: str
) -> None:
    """In the worst moments, and though no list shows a new droplet yet."""
    platform.world.unseen = 25.0
    old = platform.deploy()
    platform.pass_time(RENEWAL, old)
    old.person.type("/splat demo/parcel --job-id first")
    platform.clock.move(LEASE / 2)
    old.look()  # a snapshot has the job; before it is started, the process is frozen
    new = platform.deploy()
    if moment == "before it is noted":
        new.line.before_put[".splatbot/active/"] = old.work
    else:
        platform.account.before["POST /v2/droplets"] = old.work
    platform.await_that(lambda: new.states() == {"first": State.RUNNING}, new)
    assert not new.line.before_put
    assert not platform.account.before
    assert platform.world.creates() == platform.world.most_at_once(TAG) == 1
    assert old.states() == {"first": State.QUEUED}
    assert len(platform.slack.channel()) == 1


def test_a_version_that_is_frozen_in_the_middle_of_a_create_has_its_droplet_adopted(
    platform: Platform,
) -> None:
    """It looked whether it may act, and longer than that is worth it does not go on."""
    old = platform.deploy()
    old.person.type("/splat demo/parcel --job-id first")
    platform.clock.move(LEASE / 2)
    old.look()
    new = platform.deploy()
    platform.account.before["GET /v2/sizes"] = lambda: platform.pass_time(TTL + LEASE, new)
    old.work()
    assert new.states() == {"first": State.LAUNCHING}
    platform.await_that(lambda: new.states() == {"first": State.SUCCEEDED}, new)
    assert platform.world.creates() == platform.world.most_at_once(TAG) == 1


def test_a_version_that_is_cut_off_from_the_bucket_stops_and_then_hands_over(
    platform: Platform,
) -> None:
    old = with_two_jobs(platform)
    old.line.is_cut = True
    new = platform.deploy()
    platform.pass_time(LEASE, old, new)
    assert (old.acts, new.acts) == (False, False)
    assert old.health() == {"ok": False, "standing": "acting"}
    platform.pass_time(TTL, old, new)
    assert new.acts
    old.line.is_cut = False
    both_succeed_once(platform, old, new)
    assert old.standing == "retired"


def test_trouble_with_a_copy_of_the_ledger_ends_no_bot_that_works(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = platform.deploy()

    def full(_: Snapshots) -> bool:
        raise OSError("no space left")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="no space"):
        patch.setattr(Snapshots, "save_if_due", full)
        bot.look()  # the clockwork would log it
    assert not bot.relay._server.should_exit
    platform.pass_time(LEASE, bot)
    assert bot.acts


# -- no start without the ledger ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        ("silent", "The bucket did not answer."),
        ("damaged", "none can be read"),
        ("no disk", "can not be kept"),
    ],
)
def test_a_bot_that_can_not_have_its_ledger_says_so_and_ends(
    tmp_path: Path,
    broken: str,
    expected: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`splatbot serve` itself, with its server and its clockwork."""
    line = Line(tmp_path / "bucket")
    line.is_cut = broken == "silent"
    if broken == "damaged":
        key = ".splatbot/ledger/20261120T120000.000000Z-00000001-0a0b0c0d.db.gz"
        LocalStorage.put(line, key, b"damaged", "application/gzip")
    data = tmp_path / "data"
    if broken == "no disk":
        data.write_text("a file where the folder should be")
    monkeypatch.setattr(relay, "open_storage", lambda _: line)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    settings = {
        "SLACK_BOT_TOKEN": "xoxb-test", "SLACK_SIGNING_SECRET": "secret", "SPACES_BUCKET": "b",
        "SPACES_KEY": "k", "SPACES_SECRET": "s", "SPLATBOT_HOOK_SECRETS": "hook-secret",
        "SPACES_ENDPOINT_URL": "http://bucket", "SPLATBOT_DATA": str(data),
    }  # fmt: skip
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    with held_port() as port:
        monkeypatch.setenv("PORT", str(port))
        assert aside(lambda: cli.main(["serve"])) == 1
    [sentence] = [x for x in capsys.readouterr().err.splitlines() if x.startswith("splatbot:")]
    assert expected in sentence
    assert not (data / "ledger.db").exists()
