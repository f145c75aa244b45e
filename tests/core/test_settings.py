"""Settings: what is missing is named with the remedy, and no secret shows."""

import pytest

from bot.core.config import Settings
from bot.core.environment import BadSetting

ENOUGH = {"SLACK_BOT_TOKEN": "xoxb-secret-1", "SLACK_SIGNING_SECRET": "secret-2"}
SPACES = {"SPACES_BUCKET": "b", "SPACES_KEY": "secret-3", "SPACES_SECRET": "secret-4"}


def test_two_secrets_are_enough() -> None:
    settings = Settings.from_env(ENOUGH)
    assert settings.public_url == "http://127.0.0.1:3000"
    assert settings.slack_api_url == "https://slack.com/api/"
    assert settings.spaces is None


@pytest.mark.parametrize("variable", [*ENOUGH, "SPACES_KEY", "SPACES_SECRET"])
@pytest.mark.parametrize("value", ["", "  "])
def test_what_is_missing_is_named(variable: str, value: str) -> None:
    with pytest.raises(BadSetting, match=variable) as refused:
        Settings.from_env(ENOUGH | SPACES | {variable: value})
    assert refused.value.hint


@pytest.mark.parametrize("port", ["http", "0", "70000", "-1"])
def test_an_impossible_port_is_refused(port: str) -> None:
    with pytest.raises(BadSetting, match="PORT"):
        Settings.from_env(ENOUGH | {"PORT": port})


@pytest.mark.parametrize(
    "variable", ["SLACK_API_URL", "SPLATBOT_PUBLIC_URL", "SPACES_ENDPOINT_URL"]
)
@pytest.mark.parametrize("value", ["bot.example.org", "ftp://x", "https://", "http://[::1"])
def test_an_address_that_no_browser_could_open_is_refused(variable: str, value: str) -> None:
    with pytest.raises(BadSetting, match=variable) as refused:
        Settings.from_env(ENOUGH | SPACES | {variable: value})
    assert "such as http" in refused.value.hint


def test_a_variable_that_is_there_but_empty_is_not_set() -> None:
    blank = dict.fromkeys(("PORT", "HOST", "SPLATBOT_PUBLIC_URL", "SLACK_API_URL"), "")
    assert Settings.from_env(ENOUGH | blank) == Settings.from_env(ENOUGH)


def test_the_endpoint_follows_the_region_unless_another_server_is_named() -> None:
    spaces = Settings.from_env(ENOUGH | SPACES | {"SPACES_REGION": "tor1"}).spaces
    assert spaces is not None
    assert spaces.endpoint_url == "https://tor1.digitaloceanspaces.com"
    other = Settings.from_env(ENOUGH | SPACES | {"SPACES_ENDPOINT_URL": "http://x"}).spaces
    assert other is not None
    assert other.endpoint_url == "http://x"


@pytest.mark.parametrize("name", ["My Bot", "MyBot", "büro", "a:b", "a" * 51])
def test_a_name_that_tags_do_not_keep_as_it_is_is_refused(name: str) -> None:
    """DigitalOcean's tags are the same in any case: a droplet might come back as another bot's."""
    droplets = {"DIGITALOCEAN_TOKEN": "secret-5", "SPLATBOT_INSTALL": name}
    with pytest.raises(BadSetting, match="SPLATBOT_INSTALL") as refused:
        Settings.from_env(ENOUGH | SPACES | droplets)
    assert refused.value.hint


def test_secrets_do_not_show() -> None:
    assert "secret-" not in repr(Settings.from_env(ENOUGH | SPACES))


@pytest.mark.parametrize(
    ("given", "is_bare"),
    [
        ({}, True),
        ({"SPLATBOT_IMAGE": "gpu-h100x8-base"}, True),
        ({"SPLATBOT_IMAGE": "123456789"}, False),
        ({"SPLATBOT_VOLUME": "splatbot-runtime"}, False),
    ],
)
def test_what_an_operator_installs_is_on_a_volume_or_in_a_snapshot(
    given: dict[str, str], *, is_bare: bool
) -> None:
    droplets = Settings.from_env(ENOUGH | SPACES | {"DIGITALOCEAN_TOKEN": "t"} | given).droplets
    assert droplets is not None
    assert droplets.is_bare is is_bare
