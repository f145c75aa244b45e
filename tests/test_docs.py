"""The guides name everything that there is: commands, options, states, settings."""

import re

import pytest

from bot.cli import main
from bot.core.commands import FLAGS, SWITCHES, VERBS
from bot.core.jobs import State
from bot.slack.wording import HELP
from tests.conftest import REPOSITORY

USER_GUIDE = (REPOSITORY / "docs" / "user-guide.md").read_text(encoding="utf-8")
OPERATOR_GUIDE = (REPOSITORY / "docs" / "operator.md").read_text(encoding="utf-8")
EXAMPLE = (REPOSITORY / ".env.example").read_text(encoding="utf-8")
CONFIG = (REPOSITORY / "bot" / "core" / "config.py").read_text(encoding="utf-8")

_SETTING = r"\"((?:SLACK|SPLATBOT|SPACES|DIGITALOCEAN)_[A-Z_]+|PORT)\""
SETTINGS = sorted(set(re.findall(_SETTING, CONFIG)))


def test_the_settings_are_found_where_they_are_read() -> None:
    assert {"SLACK_BOT_TOKEN", "SPACES_SECRET", "PORT"} <= set(SETTINGS)


@pytest.mark.parametrize("setting", SETTINGS)
def test_every_setting_is_explained(setting: str) -> None:
    assert f"`{setting}`" in OPERATOR_GUIDE
    assert f"{setting}=" in EXAMPLE


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_command_is_explained(verb: str) -> None:
    assert f"`/splat {verb}" in USER_GUIDE
    assert verb == "help" or f"/splat {verb}" in HELP


@pytest.mark.parametrize("flag", [*FLAGS, *SWITCHES])
def test_every_option_is_explained(flag: str) -> None:
    name = "--" + flag.replace("_", "-")
    assert name in USER_GUIDE
    assert name in HELP


@pytest.mark.parametrize("state", list(State))
def test_every_state_is_explained(state: State) -> None:
    assert f"| `{state}` |" in USER_GUIDE


def test_every_command_of_the_command_line_is_explained(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    commands = re.findall(r"^ {4}(\w+) {2,}", capsys.readouterr().out, re.MULTILINE)
    assert set(commands) >= {"serve", "demo", "run", "doctor"}
    for command in commands:
        assert f"`splatbot {command}" in OPERATOR_GUIDE
