"""Socket Mode: the same listeners, through a connection that the bot opens and keeps up."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import pytest
from slack_sdk.socket_mode.builtin.connection import Connection

from bot.sandbox import state
from bot.slack.app import create_app
from bot.slack.socket import Socket
from bot.slack.workspaces import OneWorkspace
from tests.core.conftest import Clock
from tests.fakes.socket_mode import APP_TOKEN, FakeSocketMode, socket_mode
from tests.slack.conftest import Bot


class Connected:
    """A bot whose Slack speaks through a socket."""

    def __init__(self, bot: Bot, slack: FakeSocketMode) -> None:
        self.bot, self.slack, self.acts = bot, slack, True
        settings = replace(bot.settings, slack_app_token=APP_TOKEN)
        app = create_app(settings, bot.desk, OneWorkspace(settings))
        self.socket = Socket(app, settings, may_act=lambda: self.acts)

    def type(self, text: str, trigger: str = "1.2") -> dict[str, object]:
        return self.slack.ask("slash_commands", {
            "command": "/splat", "text": text, "team_id": state.TEAM, "trigger_id": trigger,
            "channel_id": state.CHANNEL, "user_id": state.PERSON,
        })  # fmt: skip


@pytest.fixture
def connected(bot: Bot) -> Iterator[Connected]:
    with socket_mode(bot.slack) as slack:
        connected = Connected(bot, slack)
        connected.socket.keep()
        slack.wait(lambda: slack.connections)
        yield connected
        for connection in slack.connections:  # else slack_sdk waits three seconds for a word
            connection.close()
        connected.socket.close()


def test_a_command_is_answered_through_the_socket(connected: Connected) -> None:
    said = connected.type("demo/parcel aerial --job-id a")
    assert said["response_type"] == "ephemeral"
    assert "is job `#a`" in str(said["text"])
    assert connected.bot.ledger.job("a").dataset == "demo/parcel"


def test_a_button_and_a_dialog_work_as_over_http(connected: Connected) -> None:
    connected.type("demo/parcel --job-id a")
    body = {
        "type": "block_actions", "user": {"id": state.PERSON, "team_id": state.TEAM},
        "team": {"id": state.TEAM}, "channel": {"id": state.CHANNEL}, "trigger_id": "1.3",
        "actions": [{"type": "button", "action_id": "cancel_job", "value": "a", "block_id": "b"}],
    }  # fmt: skip
    assert connected.slack.ask("interactive", body) == {}
    assert connected.bot.ledger.job("a").is_over
    options = {
        "type": "block_suggestion", "action_id": "dataset", "block_id": "dataset", "value": "par",
        "user": {"id": state.PERSON}, "team": {"id": state.TEAM},
    }  # fmt: skip
    [option] = connected.slack.ask("interactive", options)["options"]
    assert option["value"] == "demo/parcel"


def test_a_repeated_event_is_acknowledged_and_heeded_once(connected: Connected) -> None:
    event = {
        "type": "event_callback", "team_id": state.TEAM, "event_id": "Ev1",
        "event": {
            "type": "app_mention", "user": state.PERSON, "text": f"<@{state.BOT}> status",
            "ts": "1790000001.000100", "channel": state.CHANNEL,
        },
    }  # fmt: skip
    for attempt in range(3):
        connected.slack.ask("events_api", event, retry_attempt=attempt, retry_reason="timeout")
    bot = connected.bot
    bot.wait_until(lambda: len(bot.slack.whispers()) == 1, "no answer")


def test_a_connection_that_breaks_is_opened_again(connected: Connected) -> None:
    connected.slack.connections[0].close()
    connected.bot.wait_until(lambda: not connected.slack.connections, "still there")
    connected.bot.wait_until(lambda: _keeps(connected), "not connected again")
    assert "#a" in str(connected.type("demo/parcel --job-id a")["text"])


def test_before_slack_ends_a_session_there_is_a_new_one(connected: Connected) -> None:
    connected.slack.send("disconnect", {}, reason="warning")
    connected.slack.wait(lambda: connected.slack.opened == 2 and connected.slack.connections)
    assert "#a" in str(connected.type("demo/parcel --job-id a")["text"])


def test_a_bot_that_may_not_act_says_so_and_lets_go(connected: Connected) -> None:
    connected.acts = False
    said = connected.type("demo/parcel --job-id a")
    assert "Nothing is lost" in str(said["text"])
    assert connected.bot.ledger.jobs() == []
    connected.socket.keep()
    connected.slack.wait(lambda: not connected.slack.connections)
    connected.socket.keep()
    assert connected.slack.opened == 1


class ClosedMeanwhile:
    """A lock of slack_sdk's connection: whoever gets it finds that Slack has closed."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def __enter__(self) -> None:
        if self.connection.sock is not None:
            self.connection.sock.close()
            self.connection.sock = None

    def __exit__(self, *_: object) -> None:
        pass


def test_a_connection_that_slack_closes_at_the_same_moment_is_let_go(connected: Connected) -> None:
    session = connected.socket._handler.client.current_session
    assert session is not None
    session.sock_send_lock = ClosedMeanwhile(session)  # type: ignore[assignment]
    connected.acts = False
    connected.socket.keep()
    connected.slack.wait(lambda: not connected.slack.connections)


def test_a_token_that_slack_refuses_is_logged_once_without_being_shown(
    bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    with socket_mode(bot.slack):
        settings = replace(bot.settings, slack_app_token="xapp-wrong")
        socket = Socket(create_app(settings, bot.desk, OneWorkspace(settings)), settings)
        socket.keep()
        socket.keep()
        socket.close()
    [line] = [r.getMessage() for r in caplog.records if "no connection" in r.getMessage()]
    assert "not_allowed_token_type" in line
    assert "xapp-wrong" not in caplog.text


def test_a_slack_that_can_not_be_reached_is_asked_less_and_less_often(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = replace(bot.settings, slack_app_token=APP_TOKEN, slack_api_url="http://[::1]:1/")
    app, clock, tries = create_app(settings, bot.desk, OneWorkspace(settings)), Clock(), []
    socket = Socket(app, settings, clock=clock)

    def fail(**_: object) -> None:
        tries.append(clock())
        raise OSError

    monkeypatch.setattr(socket._handler.client, "connect_to_new_endpoint", fail)
    for _ in range(200):
        socket.keep()
        clock.move(1)
    socket.close()
    assert [later - earlier for earlier, later in pairwise(tries)] == [2, 4, 8, 16, 32, 60, 60]


def _keeps(connected: Connected) -> bool:
    connected.socket.keep()
    return bool(connected.slack.connections)
