"""Two bots on one folder would end each other's jobs, and each would hear half of the news."""

from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from bot import cli, relay
from bot.core.errors import SplatError
from bot.folder import kept

FIRST = "demo is running already, at http://127.0.0.1:3001/"


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Those of a bot without a bucket, with its files in `tmp_path`."""
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-secret")
    monkeypatch.setenv("SLACK_SIGNING_SECRET", "secret")
    monkeypatch.setenv("SPLATBOT_DATA", str(tmp_path))
    monkeypatch.delenv("DIGITALOCEAN_TOKEN", raising=False)
    monkeypatch.delenv("SPACES_BUCKET", raising=False)
    return monkeypatch


def bucket(settings: pytest.MonkeyPatch) -> None:
    for name in ("BUCKET", "KEY", "SECRET", "REGION"):
        settings.setenv(f"SPACES_{name}", "ams3")


def serve(settings: pytest.MonkeyPatch) -> list[str]:
    """Start `splatbot serve`, which would work at once; return what has begun to."""
    begun: list[str] = []

    class Worker:
        def __init__(self, *_: object) -> None:
            pass

        def run(self) -> None:
            begun.append(type(self).__name__)

    for name in ("Service", "Relay"):
        settings.setattr(relay, name, type(name, (Worker,), {}))
    for module, name in ((relay.gc, "freeze"), (relay.sys, "setswitchinterval")):
        settings.setattr(module, name, lambda *_: None)  # this process is none of the bot
    cli.main(["serve"])
    return begun


def refused(who: str) -> AbstractContextManager[object]:
    return pytest.raises(SplatError, match=who)


def test_a_second_demo_of_a_folder_says_where_the_first_is(tmp_path: Path) -> None:
    with kept(tmp_path, FIRST):
        with refused("A demo is running already, at http://127.0.0.1:3001/"), kept(tmp_path, "x"):
            pytest.fail("two demos work on one folder")
        with kept(tmp_path / "other", "x"):
            pass
    with kept(tmp_path, "x"):
        pass


@pytest.mark.parametrize("has_bucket", [False, True])
def test_no_bot_begins_beside_a_demo(
    settings: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    has_bucket: bool,
) -> None:  # fmt: skip
    if has_bucket:
        bucket(settings)
    with kept(tmp_path, FIRST):
        assert serve(settings) == []
    assert f"splatbot: A {FIRST}, with its files in {tmp_path}. End it" in capsys.readouterr().err
    assert serve(settings) == ["Relay" if has_bucket else "Service"]


def test_a_bot_that_works_on_its_own_disk_is_alone_there(
    settings: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for together in (False, True):
        with kept(tmp_path, "bot is running already, at https://a", together=together):
            assert serve(settings) == []
    bucket(settings)
    with kept(tmp_path, "bot is running already, at https://a"):
        assert serve(settings) == []


def test_a_new_version_begins_beside_the_old_one_where_a_bucket_says_who_acts(
    settings: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bucket(settings)
    with kept(tmp_path, "bot is running already, at https://a", together=True):
        assert serve(settings) == ["Relay"]
        with refused("A bot is running already, at"), kept(tmp_path, FIRST):
            pytest.fail("a demo works on the folder of a bot")
