"""`splatbot reap`: what a lost bot left behind goes, and nothing else does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.cli import main
from bot.compute.droplet import OVERDUE
from bot.compute.tags import tags_of
from bot.core.limits import DEADLINE
from bot.reap import BAD_SETTINGS, LEFT_OVER, LONGEST, NOTHING_LEFT, PATIENCE, run
from tests.compute.lab import IN_MEMORY, INSTALL, Lab
from tests.conftest import REPOSITORY
from tests.core.conftest import Clock
from tests.fakes.digitalocean.api import Api
from tests.fakes.digitalocean.server import serving
from tests.fakes.digitalocean.transport import transport_to
from tests.fakes.digitalocean.world import SIZES, Droplet, Fault, World

CPU, H100 = SIZES[0], SIZES[5]

LIST, DROPLET = "/v2/droplets", "/v2/droplets/"


class Elsewhere:
    """Another host than the bot's, with a token and no more."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.world = World(self.clock)
        self.said: list[str] = []
        self.noted: list[str] = []

    def reap(self, install: str | None = None, *, dry_run: bool = False, token: str = "") -> int:
        return run(
            token=token or self.world.token, api_url=IN_MEMORY, install=install, dry_run=dry_run,
            say=self.said.append, note=self.noted.append, transport=transport_to(Api(self.world)),
            clock=self.clock, monotonic=self.clock, sleep=self.clock.move,
        )  # fmt: skip

    def droplet(self, job: str, *, expires_in: float, install: str = "lab") -> Droplet:
        tags = tags_of(install, job, 1, self.clock() + expires_in)
        return self.world.create(f"splat-{job}-1", H100, "tor1", tags=tuple(tags))

    def tagged(self, *tags: str, name: str = "splat-x-1") -> Droplet:
        return self.world.create(name, H100, "tor1", tags=tags)

    def alive(self) -> list[str]:
        self.world.settle()
        return [droplet.name for droplet in self.world.existing()]

    def deletes(self) -> list[str]:
        return [path for _, method, path in self.world.requests if method == "DELETE"]

    @property
    def text(self) -> str:
        return "\n".join(self.said + self.noted)


@pytest.fixture
def elsewhere() -> Elsewhere:
    return Elsewhere()


# -- which ----------------------------------------------------------------------------------------


def test_an_expired_droplet_is_destroyed_and_its_absence_confirmed(elsewhere: Elsewhere) -> None:
    elsewhere.droplet("old", expires_in=-60)
    begun = elsewhere.clock()
    assert elsewhere.reap() == NOTHING_LEFT
    assert elsewhere.alive() == []
    assert elsewhere.clock() - begun >= elsewhere.world.dying + 10  # two answers, ten seconds apart
    assert (
        "splat-old-1 (droplet 1000, gpu-h100x1-80gb in tor1, $3.39/h): expired at"
        in (elsewhere.said[0])
    )
    assert elsewhere.said[1].endswith("destroyed, and confirmed gone.")
    assert "1 destroyed, 0 left over, 0 in use, 0 foreign." in elsewhere.noted


def test_a_droplet_in_use_is_left_alone_until_it_expires(elsewhere: Elsewhere) -> None:
    elsewhere.droplet("new", expires_in=60)
    assert elsewhere.reap() == NOTHING_LEFT
    assert elsewhere.alive() == ["splat-new-1"]
    assert elsewhere.said == []
    elsewhere.clock.move(60)
    assert elsewhere.reap() == NOTHING_LEFT
    assert elsewhere.alive() == []


@pytest.mark.parametrize("tag_lists_gpus", [True, False])
def test_gpu_droplets_are_found_whatever_the_list_by_tag_holds(
    elsewhere: Elsewhere, tag_lists_gpus: bool
) -> None:
    """The plain list hides them; the one by tag may."""
    elsewhere.world.tag_lists_gpus = tag_lists_gpus
    elsewhere.droplet("old", expires_in=-60)
    assert elsewhere.reap() == NOTHING_LEFT
    assert elsewhere.alive() == []


def test_more_droplets_than_fit_on_a_page(elsewhere: Elsewhere) -> None:
    elsewhere.world.tag_lists_gpus = False
    for number in range(201):
        elsewhere.tagged(name=f"node-{number}")
    elsewhere.droplet("old", expires_in=-60)
    assert elsewhere.reap() == NOTHING_LEFT
    assert len(elsewhere.alive()) == 201
    assert "splat-old-1" not in elsewhere.alive()


def test_foreign_gpu_droplets_are_named_and_never_touched(elsewhere: Elsewhere) -> None:
    elsewhere.tagged("team-a", name="training-box")
    elsewhere.tagged("splatbot", name="by-hand")  # the tag alone does not make it ours
    elsewhere.clock.move(10 * LONGEST)
    assert elsewhere.reap() == NOTHING_LEFT
    assert elsewhere.alive() == ["training-box", "by-hand"]
    assert "training-box (droplet 1000" in elsewhere.noted[0]
    assert "not ours, left alone" in elsewhere.noted[0]
    assert elsewhere.said == []


def test_the_bots_own_host_is_not_even_mentioned(elsewhere: Elsewhere) -> None:
    """Its owner may well have tagged it `splatbot`; it has no GPU and no job."""
    elsewhere.world.create("bot", CPU, "ams3", tags=("splatbot",))
    elsewhere.clock.move(10 * LONGEST)
    assert elsewhere.reap() == NOTHING_LEFT
    assert elsewhere.alive() == ["bot"]
    assert "bot (" not in elsewhere.text


def test_only_the_droplets_of_one_installation(elsewhere: Elsewhere) -> None:
    elsewhere.droplet("mine", expires_in=-60, install="lab")
    elsewhere.droplet("theirs", expires_in=-60, install="lab2")
    assert elsewhere.reap("lab") == NOTHING_LEFT
    assert elsewhere.alive() == ["splat-theirs-1"]
    assert elsewhere.reap() == NOTHING_LEFT
    assert elsewhere.alive() == []


@pytest.mark.parametrize("expiry", [(), ("splatbot-exp:",), ("splatbot-exp:tomorrow",)])
def test_a_droplet_of_ours_that_does_not_say_when_it_expires(
    elsewhere: Elsewhere, expiry: tuple[str, ...]
) -> None:
    """It is reported, and goes once no job can be that old: unreadable never means for ever."""
    elsewhere.tagged("splatbot", "splatbot-install:lab", "splatbot-job:x", *expiry)
    assert elsewhere.reap() == LEFT_OVER
    assert elsewhere.alive() == ["splat-x-1"]
    assert "its tags do not say when it expires" in elsewhere.said[0]
    elsewhere.clock.move(DEADLINE + OVERDUE)
    assert elsewhere.reap() == NOTHING_LEFT
    assert elsewhere.alive() == []


def test_an_expiry_of_nothing_is_past(elsewhere: Elsewhere) -> None:
    elsewhere.tagged("splatbot", "splatbot-exp:0")
    assert elsewhere.reap() == NOTHING_LEFT
    assert elsewhere.alive() == []


def test_a_dry_run_changes_nothing(elsewhere: Elsewhere) -> None:
    elsewhere.droplet("old", expires_in=-60)
    assert elsewhere.reap(dry_run=True) == LEFT_OVER
    assert elsewhere.deletes() == []
    assert elsewhere.said[-1].endswith("would be destroyed.")


def test_what_a_bot_has_left_behind_goes_when_no_job_can_need_it(
    elsewhere: Elsewhere, tmp_path: Path
) -> None:
    """A real bot has created and tagged it, and was then lost with its host."""
    lab = Lab(tmp_path, elsewhere.world, clock=elsewhere.clock)
    lab.ask("a")
    lab.tick()
    elsewhere.clock.move(DEADLINE + OVERDUE - 60)
    assert elsewhere.reap() == NOTHING_LEFT
    assert elsewhere.alive() == ["splat-a-1"]
    elsewhere.clock.move(60)
    assert elsewhere.reap(INSTALL) == NOTHING_LEFT
    assert elsewhere.alive() == []


# -- what goes wrong ------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["429", "500", "503", "drop", "hang", "refuse"])
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(("method", "path"), [("GET", LIST), ("GET", DROPLET), ("DELETE", DROPLET)])
def test_any_call_may_fail_once(
    elsewhere: Elsewhere, method: str, path: str, moment: str, what: str
) -> None:
    elsewhere.droplet("old", expires_in=-60)
    elsewhere.world.faults = [Fault(method, path, what, moment)]
    assert elsewhere.reap() == NOTHING_LEFT
    assert elsewhere.alive() == []
    assert elsewhere.world.faults == []


def test_a_locked_droplet_is_asked_for_again_until_it_goes(elsewhere: Elsewhere) -> None:
    """A destroy that is under way is answered "422 already has a pending event"."""
    droplet = elsewhere.droplet("old", expires_in=-60)
    droplet.destroy_asked_at = elsewhere.clock()
    elsewhere.world.dying = 100.0
    assert elsewhere.reap() == NOTHING_LEFT
    assert elsewhere.alive() == []
    assert "pending event" in elsewhere.text


def test_a_droplet_that_does_not_go_is_left_over(elsewhere: Elsewhere) -> None:
    elsewhere.droplet("old", expires_in=-60)
    elsewhere.droplet("older", expires_in=-600)
    elsewhere.world.dying = 10 * PATIENCE
    begun = elsewhere.clock()
    assert elsewhere.reap() == LEFT_OVER
    assert elsewhere.clock() - begun <= PATIENCE + 30
    assert len([line for line in elsewhere.said if "could not be destroyed" in line]) == 2
    assert "0 destroyed, 2 left over" in elsewhere.noted[-1]


def test_absence_is_not_believed_at_once(elsewhere: Elsewhere) -> None:
    """One look without it, and then it is there again."""
    droplet = elsewhere.droplet("old", expires_in=-60)
    elsewhere.world.dying = 10 * PATIENCE
    hide, show = elsewhere.clock() + 25, elsewhere.clock() + 32

    def sleep(seconds: float) -> None:
        elsewhere.clock.move(seconds)
        droplet.visible_at = 9e9 if hide <= elsewhere.clock() < show else 0.0

    code = run(
        token=elsewhere.world.token, api_url=IN_MEMORY, install=None, dry_run=False,
        say=elsewhere.said.append, transport=transport_to(Api(elsewhere.world)),
        clock=elsewhere.clock, monotonic=elsewhere.clock, sleep=sleep,
    )  # fmt: skip
    assert code == LEFT_OVER
    assert "destroyed, and confirmed gone" not in elsewhere.text


def test_while_digitalocean_is_down_nothing_is_claimed(elsewhere: Elsewhere) -> None:
    elsewhere.droplet("old", expires_in=-60)
    elsewhere.world.faults = [Fault("GET", LIST, "503") for _ in range(100)]
    begun = elsewhere.clock()
    assert elsewhere.reap() == LEFT_OVER
    assert elsewhere.clock() - begun <= PATIENCE
    assert elsewhere.said[-1].startswith("DigitalOcean did not answer the list of GPU droplets")


def test_a_token_that_is_no_good(elsewhere: Elsewhere) -> None:
    assert elsewhere.reap(token="dop_v1_old") == BAD_SETTINGS
    assert "DIGITALOCEAN_TOKEN has to be valid" in elsewhere.said[0]
    assert "dop_v1_old" not in elsewhere.text


@pytest.mark.parametrize(("method", "path"), [("GET", LIST), ("DELETE", DROPLET)])
def test_a_token_that_lacks_a_scope(elsewhere: Elsewhere, method: str, path: str) -> None:
    elsewhere.droplet("old", expires_in=-60)
    elsewhere.world.faults = [Fault(method, path, "403")]
    assert elsewhere.reap() == BAD_SETTINGS
    assert elsewhere.said[-1].endswith("with droplet:read, droplet:delete and tag:read.")


# -- the command ----------------------------------------------------------------------------------


def test_the_command_needs_nothing_but_the_token() -> None:
    """A new process with an empty environment, and no folder of its own."""
    world = World(Clock(1_790_000_000.0))
    old = tags_of("lab", "old", 1, 1_000.0)  # long ago by any clock
    world.create("splat-old-1", H100, "tor1", tags=tuple(old))
    world.dying = 0.0
    with serving(world) as url:
        environment = {"PATH": os.environ["PATH"], "DIGITALOCEAN_API_URL": url}
        command = [sys.executable, "-m", "bot.cli", "reap", "--dry-run", "--install", "lab"]
        without = subprocess.run(
            command, check=False, env=environment, cwd=REPOSITORY, capture_output=True, text=True
        )
        ran = subprocess.run(
            command, check=False, env=environment | {"DIGITALOCEAN_TOKEN": world.token},
            cwd=REPOSITORY, capture_output=True, text=True,
        )  # fmt: skip
    assert without.returncode == BAD_SETTINGS
    assert without.stderr.startswith("splatbot: DIGITALOCEAN_TOKEN is not set.")
    assert ran.returncode == LEFT_OVER, ran.stderr
    assert "splat-old-1" in ran.stdout
    assert "would be destroyed" in ran.stdout
    assert ran.stdout.isascii()


@pytest.mark.parametrize("install", ["", "no spaces", "x" * 201])
def test_a_name_that_no_installation_has_is_refused(
    install: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """An unset variable in a crontab must not mean "all of them", or "none"."""
    with pytest.raises(SystemExit) as ended:
        main(["reap", "--install", install])
    assert ended.value.code == BAD_SETTINGS
    assert "is no name of an installation" in capsys.readouterr().err


@pytest.mark.parametrize("options", [[], ["--quiet"]])
def test_quiet_says_nothing_while_all_is_well(
    options: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world = World(Clock())
    world.create("training-box", H100, "tor1")
    with serving(world) as url:
        monkeypatch.setenv("DIGITALOCEAN_TOKEN", world.token)
        monkeypatch.setenv("DIGITALOCEAN_API_URL", url)
        assert main(["reap", *options]) == NOTHING_LEFT
    assert bool(capsys.readouterr().out) is not bool(options)


def test_an_entry_that_can_not_be_read_is_said_and_fails_the_run(
    elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere.droplet("a", expires_in=-60)

    def unreadable(raw: dict[str, object]) -> None:
        raise KeyError("created_at")

    monkeypatch.setattr("bot.compute.digitalocean.client.Droplet.read", unreadable)
    assert elsewhere.reap() == LEFT_OVER
    assert "its answer can not be read" in "\n".join(elsewhere.said)
