"""The app's manifest says what the listeners listen to, and what our calls need."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from bot.core.errors import InvalidValue
from bot.slack.listeners import actions, commands, drops, events, links, removals, views
from bot.slack.manifest import COMMAND, EVENTS, SCOPES, manifest
from tests.conftest import REPOSITORY

HISTORY = {"channels:history", "groups:history"}

#: The methods of the Web API that we call, by slack_sdk's names, and the bot scopes that
#: docs.slack.dev/reference/methods lists for them.
METHODS: dict[str, set[str]] = {
    "apps_connections_open": set(),  # with a token of the app's own: connections:write
    "auth_revoke": set(),
    "auth_test": set(),
    "chat_getPermalink": set(),
    "chat_postEphemeral": {"chat:write"},
    "chat_postMessage": {"chat:write"},
    "chat_unfurl": {"links:write"},
    "chat_update": {"chat:write"},
    "conversations_history": HISTORY,
    "conversations_replies": HISTORY,
    "entity_presentDetails": {"links.embed:write"},
    "files_upload_v2": {"files:write"},
    "usergroups_users_list": {"usergroups:read"},
    "views_open": set(),
    "views_publish": set(),
    "views_update": set(),
}

#: What docs.slack.dev/reference/events and /scopes/commands ask for.
OF_LISTENERS = {
    "app_mention": {"app_mentions:read"},
    "app_home_opened": set(),
    "entity_details_requested": set(),
    "link_shared": {"links:read"},
    "message.im": {"im:history"},
    "/splat": {"commands"},
}


class Recorder:
    """Stands where the Bolt app would; knows nothing but what the manifest may ask for."""

    def __init__(self) -> None:
        self.heard: dict[str, list[str]] = {
            "command": [], "event": [], "options": [], "shortcut": [],
        }  # fmt: skip

    def command(self, name: str) -> Callable[[Any], Any]:
        return self._note("command", name)

    def event(self, name: str) -> Callable[[Any], Any]:
        # Messages are subscribed to by the kind of conversation; ours are direct ones.
        return self._note("event", "message.im" if name == "message" else name)

    def shortcut(self, name: str) -> Callable[[Any], Any]:
        return self._note("shortcut", name)

    def options(self, name: str) -> Callable[[Any], Any]:
        return self._note("options", name)

    def action(self, _: str) -> Callable[[Any], Any]:
        return lambda listener: listener

    view = action

    def _note(self, kind: str, name: str) -> Callable[[Any], Any]:
        self.heard[kind].append(name)
        return lambda listener: listener


@pytest.fixture
def heard() -> dict[str, list[str]]:
    app = Recorder()
    for room in (commands, actions, links):
        room.register(app, None)  # type: ignore[arg-type]
    for room in (views, drops, events):
        room.register(app, None, None)  # type: ignore[arg-type]
    return app.heard


def test_every_command_and_event_that_we_hear_is_in_the_manifest(
    heard: dict[str, list[str]],
) -> None:
    app = manifest("https://splat.example.com")
    commands_of = [command["command"] for command in app["features"]["slash_commands"]]
    assert heard["command"] == commands_of == [COMMAND]
    assert sorted(heard["event"]) == sorted(app["settings"]["event_subscriptions"]["bot_events"])
    assert heard["options"]  # so there has to be an address that Slack asks for options
    assert app["settings"]["interactivity"]["message_menu_options_url"]
    assert heard["shortcut"] == [each["callback_id"] for each in app["features"]["shortcuts"]]


def test_the_scopes_are_those_that_our_calls_and_listeners_need(
    heard: dict[str, list[str]],
) -> None:
    files = [*(REPOSITORY / "bot" / "slack").rglob("*.py"), *(REPOSITORY / "bot/doctor").glob("*")]
    source = "\n".join(file.read_text() for file in files if file.suffix == ".py")
    called = set(re.findall(r"\b_?client(?:\([\w.]*\))?\.([a-z]+_\w+)", source))
    assert called == set(METHODS)
    needed = set().union(*METHODS.values()) | {"files:read"}  # to fetch what is dropped
    needed |= set().union(*(OF_LISTENERS[name] for name in heard["command"] + heard["event"]))
    assert needed == set(SCOPES)
    assert manifest("https://splat.example.com")["oauth_config"]["scopes"]["bot"] == sorted(needed)


def test_every_address_is_the_one_at_which_the_bot_listens() -> None:
    app = manifest("https://splat.example.com/")
    addresses = re.findall(r"https?://[^'\"]+", str(app))
    assert set(addresses) == {"https://splat.example.com/slack/events"}
    assert len(addresses) == 4
    assert set(EVENTS) == {
        "app_mention", "app_home_opened", "entity_details_requested", "link_shared", "message.im",
    }  # fmt: skip


def test_with_socket_mode_slack_calls_no_address_of_ours() -> None:
    app = manifest("", socket=True)
    assert re.findall(r"https?://[^'\"]+", str(app)) == []
    assert app["settings"]["socket_mode_enabled"]
    assert not app["settings"]["token_rotation_enabled"]
    assert app["settings"]["event_subscriptions"] == {"bot_events": list(EVENTS)}


@pytest.mark.parametrize("socket", [True, False])
def test_an_app_for_several_workspaces_comes_back_to_us_and_changes_its_tokens(
    socket: bool,
) -> None:
    app = manifest("https://splat.example.com", socket=socket, several=True)
    assert app["oauth_config"]["redirect_urls"] == [
        "https://splat.example.com/slack/oauth_redirect"
    ]
    assert app["settings"]["token_rotation_enabled"]
    assert app["settings"]["socket_mode_enabled"] == socket
    recorder = Recorder()
    removals.register(recorder, None)  # type: ignore[arg-type]
    heard = app["settings"]["event_subscriptions"]["bot_events"]
    assert set(heard) == {*EVENTS, *recorder.heard["event"]}
    with pytest.raises(InvalidValue, match="https"):
        manifest("", socket=socket, several=True)


@pytest.mark.parametrize("url", ["http://splat.example.com", "splat.example.com", "", "https://"])
def test_slack_calls_encrypted_addresses_only(url: str) -> None:
    with pytest.raises(InvalidValue, match="https"):
        manifest(url)
