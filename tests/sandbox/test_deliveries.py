"""What the bot is sent has Slack's signature and shape; slack_sdk and Bolt themselves check it."""

from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from slack_bolt import App, BoltRequest
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.signature import Clock, SignatureVerifier

from bot.sandbox import state
from bot.sandbox.person import Person
from bot.sandbox.sender import Sender
from tests.sandbox.conftest import SECRET, Bot, Slack, button, open_modal, section

COMMAND_FIELDS = {
    "token", "team_id", "team_domain", "channel_id", "channel_name", "user_id", "user_name",
    "command", "text", "api_app_id", "is_enterprise_install", "response_url", "trigger_id",
}  # fmt: skip
INTERACTION_FIELDS = {"type", "team", "user", "api_app_id", "token", "trigger_id"}


class SdkClock(Clock):
    """The workspace's clock as slack_sdk wants it."""

    def __init__(self, slack: Slack) -> None:
        self._slack = slack

    def now(self) -> float:
        return self._slack.clock()


def test_every_request_is_signed_as_slack_signs(bot: Bot, person: Person, slack: Slack) -> None:
    person.type("/splat help")
    [request] = bot.requests
    verifier = SignatureVerifier(SECRET, clock=SdkClock(slack))
    assert verifier.is_valid_request(request.content, dict(request.headers))
    assert not verifier.is_valid_request(request.content + b"x", dict(request.headers))


def test_a_command_is_a_form_with_slacks_fields(bot: Bot, person: Person) -> None:
    person.type("/splat  demo/parcel aerial ")
    form = bot.form()
    assert form.keys() == COMMAND_FIELDS
    assert (form["command"], form["text"]) == ("/splat", "demo/parcel aerial")
    assert form["response_url"].startswith("http://sandbox/response/")


def test_a_press_carries_the_message_and_what_was_pressed(
    bot: Bot, person: Person, slack: Slack
) -> None:
    first = slack.post()["ts"]
    slack.post(blocks=[button()], thread_ts=first)
    message = slack.last()
    action = {"type": "button", "action_id": "go", "block_id": "row", "value": "7"}
    person.press(message.ts, action)
    payload = bot.payload()
    assert payload.keys() > INTERACTION_FIELDS | {"response_url", "state"}
    assert payload["type"] == "block_actions"
    assert payload["actions"][0].items() > action.items()
    assert payload["container"] == {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": state.CHANNEL,
        "is_ephemeral": False,
        "thread_ts": first,
    }
    assert payload["message"]["blocks"] == message.blocks
    assert payload["message"]["bot_id"] == state.BOT_ID


def test_a_press_of_an_ephemeral_message_carries_no_message(
    bot: Bot, person: Person, slack: Slack
) -> None:
    slack.call("chat.postEphemeral", channel=state.CHANNEL, user=state.PERSON, blocks=[button()])
    person.press(slack.last().ts, {"action_id": "go"})
    assert bot.payload()["container"]["is_ephemeral"]
    assert "message" not in bot.payload()


def test_a_press_of_a_message_that_is_gone_is_not_sent(bot: Bot, person: Person) -> None:
    person.press("1.1", {"action_id": "go"})
    assert bot.requests == []


def test_a_press_in_a_view_carries_the_view_and_no_response_url(
    bot: Bot, person: Person, slack: Slack
) -> None:
    slack.call("views.publish", user_id=state.PERSON, view={"type": "home", "blocks": [button()]})
    person.press_in_view("home", {"action_id": "go"})
    payload = bot.payload()
    assert payload["container"] == {"type": "view", "view_id": payload["view"]["id"]}
    assert "response_url" not in payload
    assert "channel" not in payload


def test_a_submission_has_the_values_by_block_and_action(
    bot: Bot, person: Person, slack: Slack
) -> None:
    view = open_modal(slack, private_metadata="C1")
    values = {"n": {"n": {"type": "plain_text_input", "value": "5"}}}
    person.submit(values)
    payload = bot.payload()
    assert payload.keys() > INTERACTION_FIELDS | {"response_urls"}
    assert payload["type"] == "view_submission"
    assert payload["view"] == view | {"state": {"values": values}}


def test_a_suggestion_says_what_was_typed_and_where(bot: Bot, person: Person, slack: Slack) -> None:
    open_modal(slack)
    option = {"text": {"type": "plain_text", "text": "a"}, "value": "a"}
    bot.says({"options": [option]})
    assert person.options("n", "pick", "par") == [option]
    payload = bot.payload()
    asked = {k: payload[k] for k in ("type", "block_id", "action_id", "value")}
    assert asked == {
        "type": "block_suggestion",
        "block_id": "n",
        "action_id": "pick",
        "value": "par",
    }


def test_a_closed_dialog_is_told_to_who_wants_to_know(
    bot: Bot, person: Person, slack: Slack
) -> None:
    open_modal(slack)
    person.close_modal()
    assert bot.requests == []
    open_modal(slack, notify_on_close=True)
    person.close_modal()
    assert (bot.payload()["type"], bot.payload()["is_cleared"]) == ("view_closed", False)
    assert slack.workspace.modal is None


def test_a_mention_is_an_event_in_its_thread(bot: Bot, person: Person, slack: Slack) -> None:
    first = slack.post()["ts"]
    person.type("@splat status", first)
    [body] = bot.events()
    assert body["type"] == "event_callback"
    assert body["authorizations"][0]["user_id"] == state.BOT
    event = body["event"]
    assert (event["type"], event["thread_ts"]) == ("app_mention", first)
    assert event["text"] == f"<@{state.BOT}> status"
    assert event["ts"] == event["event_ts"] == slack.last().ts


def test_in_a_direct_message_a_mention_is_a_message_and_nothing_else(
    bot: Bot, person: Person
) -> None:
    person.type("@splat status", channel=state.DIRECT)
    assert [body["event"]["type"] for body in bot.events()] == ["message"]


def test_messages_are_sent_only_to_an_app_that_subscribes_to_them(
    bot: Bot, sender: Sender, slack: Slack
) -> None:
    Person(slack.workspace, sender).type("hello")
    assert bot.requests == []
    Person(slack.workspace, sender, events={"message.channels"}).type("hello")
    [body] = bot.events()
    assert body["event"].items() > {"type": "message", "channel_type": "channel"}.items()


def test_an_event_keeps_its_id_when_it_is_delivered_again(bot: Bot, sender: Sender) -> None:
    event = {"type": "app_mention", "event_ts": "1.5", "text": "x"}
    sender.event(event)
    sender.event(event, retry=1)
    sender.event(event | {"event_ts": "2.5"})
    first, second, other = (body["event_id"] for body in bot.events())
    assert first == second != other
    assert bot.requests[1].headers["X-Slack-Retry-Num"] == "1"
    assert "X-Slack-Retry-Num" not in bot.requests[0].headers


def test_the_home_tab_is_an_event_with_the_view_that_is_shown(
    bot: Bot, person: Person, slack: Slack
) -> None:
    person.open_home()
    slack.call("views.publish", user_id=state.PERSON, view={"type": "home", "blocks": [section()]})
    person.open_home()
    first, second = (body["event"] for body in bot.events())
    assert (first["type"], first["tab"], "view" in first) == ("app_home_opened", "home", False)
    assert second["view"] == slack.workspace.home


@pytest.fixture
def bolt() -> App:
    itself = AuthorizeResult(
        enterprise_id=None, team_id=state.TEAM, bot_user_id=state.BOT, bot_token="xoxb-1"
    )
    return App(
        signing_secret=SECRET,
        authorize=lambda: itself,
        process_before_response=True,
        request_verification_enabled=False,
    )


def test_bolt_finds_a_listener_for_everything_that_is_sent(
    bolt: App, bot: Bot, person: Person, slack: Slack
) -> None:
    heard: list[str] = []

    def listener(name: str) -> Any:
        def listen(ack: Any, body: Mapping[str, Any]) -> None:
            heard.append(name)
            ack()

        return listen

    bolt.command("/splat")(listener("command"))
    bolt.action("go")(listener("action"))
    bolt.options("pick")(listener("options"))
    bolt.view("start")(listener("view"))
    bolt.event("app_mention")(listener("mention"))
    bolt.event("app_home_opened")(listener("home"))
    bot.answer = lambda request: dispatched(bolt, request)

    person.type("/splat help")
    slack.post(blocks=[button()])
    person.press(slack.last().ts, {"type": "button", "action_id": "go", "block_id": "row"})
    open_modal(slack, callback_id="start")
    person.options("n", "pick", "")
    person.submit({})
    person.type("@splat help")
    person.open_home()
    assert heard == ["command", "action", "options", "view", "mention", "home"]


def dispatched(bolt: App, request: httpx.Request) -> httpx.Response:
    headers: dict[str, Any] = dict(request.headers)
    answer = bolt.dispatch(BoltRequest(body=request.content.decode(), headers=headers))
    return httpx.Response(answer.status, text=answer.body)
