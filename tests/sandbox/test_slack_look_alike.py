"""The sandbox refuses what Slack refuses, in Slack's words; else it would prove nothing."""

from typing import Any

import pytest

from bot.sandbox import state
from bot.sandbox.blocks_check import problems
from bot.sandbox.state import Workspace
from bot.sandbox.web_api import Fault, Reply, WebApi
from tests.core.conftest import Clock

TOKEN = "xoxb-1"


class Slack:
    def __init__(self) -> None:
        self.clock = Clock()
        self.workspace = Workspace(self.clock)
        self.api = WebApi(self.workspace, TOKEN, lambda: "http://sandbox/")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        return self.api.answer(method, TOKEN, params).body

    def post(self, **params: Any) -> dict[str, Any]:
        return self.call("chat.postMessage", **({"channel": state.CHANNEL, "text": "x"} | params))


@pytest.fixture
def slack() -> Slack:
    return Slack()


def section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def button(**changes: Any) -> dict[str, Any]:
    element = {"type": "button", "text": {"type": "plain_text", "text": "Go"}, "action_id": "go"}
    return {"type": "actions", "elements": [element | changes]}


@pytest.mark.parametrize(
    "blocks",
    [
        [section("x" * 3001)],
        [section("")],
        [{"type": "sektion"}],
        [{"type": "section"}],
        [section("x")] * 51,
        [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}],
        [{"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}] * 11}],
        [button(text={"type": "plain_text", "text": "x" * 76})],
        [button(value="x" * 2001)],
        [{"type": "actions", "elements": button()["elements"] * 2}],
        [section("x") | {"block_id": "same"}] * 2,
        ["text"],
        "text",
    ],
)
def test_blocks_that_slack_refuses_are_refused(slack: Slack, blocks: Any) -> None:
    answer = slack.post(blocks=blocks)
    assert (answer["ok"], answer.get("error")) in {
        (False, "invalid_blocks"),
        (False, "invalid_blocks_format"),
    }
    assert slack.workspace.messages == []


def test_blocks_at_the_limits_are_taken(slack: Slack) -> None:
    assert problems([section("x" * 3000)] * 50) == []
    assert problems([button(value="x" * 2000)]) == []
    assert slack.post(blocks=[section("x")])["ok"]


def test_a_wrong_token_and_an_unknown_method_are_refused(slack: Slack) -> None:
    assert slack.api.answer("auth.test", None, {}).body["error"] == "not_authed"
    assert slack.api.answer("auth.test", "xoxb-2", {}).body["error"] == "invalid_auth"
    assert slack.call("chat.shout")["error"] == "unknown_method"


def test_an_unknown_channel_or_message_is_said_to_be(slack: Slack) -> None:
    assert slack.post(channel="C404")["error"] == "channel_not_found"
    gone = slack.call("chat.update", channel=state.CHANNEL, ts="1.2", text="x")
    assert gone["error"] == "message_not_found"
    assert slack.post(text="")["error"] == "no_text"
    assert slack.post(text="x" * 40_001)["error"] == "msg_too_long"


def test_a_person_message_can_not_be_edited_by_the_bot(slack: Slack) -> None:
    mine = slack.workspace.post(channel=state.CHANNEL, user=state.PERSON, text="mine")
    answer = slack.call("chat.update", channel=state.CHANNEL, ts=mine.ts, text="yours")
    assert answer["error"] == "cant_update_message"


def test_an_edit_with_text_alone_removes_the_blocks(slack: Slack) -> None:
    ts = slack.post(blocks=[section("x")])["ts"]
    slack.call("chat.update", channel=state.CHANNEL, ts=ts, text="y")
    [message] = slack.workspace.messages
    assert (message.text, message.blocks) == ("y", [])


def test_time_stamps_are_unique_even_when_the_clock_stands_still(slack: Slack) -> None:
    stamps = [slack.post()["ts"] for _ in range(20)]
    assert stamps == sorted(set(stamps))


def test_a_trigger_opens_one_dialog_within_three_seconds(slack: Slack) -> None:
    view = {"type": "modal", "title": {"type": "plain_text", "text": "T"}, "blocks": [section("x")]}
    trigger = slack.workspace.new_trigger()
    assert slack.call("views.open", trigger_id=trigger, view=view)["ok"]
    assert slack.call("views.open", trigger_id=trigger, view=view)["error"] == "exchanged_trigger_id"
    late = slack.workspace.new_trigger()
    slack.clock.move(3.1)
    assert slack.call("views.open", trigger_id=late, view=view)["error"] == "expired_trigger_id"


def test_a_response_url_takes_five_answers_within_half_an_hour(slack: Slack) -> None:
    key = slack.workspace.new_response_url(state.CHANNEL, state.PERSON)
    for _ in range(5):
        assert not isinstance(slack.workspace.use_response_url(key), str)
    assert slack.workspace.use_response_url(key) == "used_url"
    late = slack.workspace.new_response_url(state.CHANNEL, state.PERSON)
    slack.clock.move(1801)
    assert slack.workspace.use_response_url(late) == "expired_url"


def test_a_fault_is_answered_as_often_as_asked(slack: Slack) -> None:
    slack.api.faults["chat.postMessage"] = Fault(429, times=2, retry_after=7)
    params = {"channel": state.CHANNEL, "text": "x"}
    answers = [slack.api.answer("chat.postMessage", TOKEN, params) for _ in range(3)]
    assert [a.status for a in answers] == [429, 429, 200]
    assert answers[0].headers == {"Retry-After": "7"}
    assert isinstance(answers[0], Reply)


def test_a_file_must_be_uploaded_before_it_is_shared(slack: Slack) -> None:
    file = slack.call("files.getUploadURLExternal", filename="a.jpg", length="3")["file_id"]
    share = {"files": [{"id": file}], "channel_id": state.CHANNEL}
    assert slack.call("files.completeUploadExternal", **share)["error"] == "file_not_found"
    slack.workspace.files[file].content = b"abc"
    assert slack.call("files.completeUploadExternal", **share)["ok"]
    assert slack.workspace.messages[0].files == [file]


def test_a_bot_that_does_not_answer_is_said_not_to(slack: Slack) -> None:
    from bot.sandbox.person import Person
    from bot.sandbox.sender import Sender
    from tests.fakes.slack import free_port

    nobody = f"http://127.0.0.1:{free_port()}/slack/events"
    person = Person(slack.workspace, Sender(slack.workspace, nobody, "s", "http://sandbox/"))
    person.type("/splat help")
    assert "dispatch_failed" in slack.workspace.messages[-1].text
    person.type("/weather")
    assert "not a valid command" in slack.workspace.messages[-1].text
