"""The Web API answers as Slack does, in Slack's words; else it would prove nothing."""

from typing import Any

import pytest

from bot.sandbox import state
from bot.sandbox.state import ResponseUrl
from bot.sandbox.web_api import Fault
from tests.sandbox.conftest import TOKEN, Slack, button, modal, open_modal, plain, section


def test_wrong_blocks_are_refused_with_the_place_of_the_fault(slack: Slack) -> None:
    answer = slack.post(blocks=[section("x" * 3001)])
    fault = "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"
    assert answer == {
        "ok": False,
        "error": "invalid_blocks",
        "errors": [fault],
        "response_metadata": {"messages": [f"[ERROR] {fault}"]},
    }
    assert slack.workspace.messages == []


@pytest.mark.parametrize("blocks", ["text", "[{]", ["text"], {"type": "section"}])
def test_what_is_no_list_of_blocks_has_an_error_of_its_own(slack: Slack, blocks: Any) -> None:
    assert slack.post(blocks=blocks)["error"] == "invalid_blocks_format"


def test_forms_carry_blocks_as_json_text(slack: Slack) -> None:
    assert slack.post(blocks='[{"type": "divider"}]')["ok"]
    assert slack.last().blocks[0]["type"] == "divider"


def test_blocks_and_buttons_without_names_get_some(slack: Slack) -> None:
    nameless = {"type": "button", "text": plain("Go")}
    slack.post(blocks=[section(), {"type": "actions", "elements": [nameless]}])
    first, second = slack.last().blocks
    assert first["block_id"] != second["block_id"]
    assert second["elements"][0]["action_id"]


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


def test_an_edit_takes_less_text_than_a_post(slack: Slack) -> None:
    ts = slack.post(text="x" * 4001)["ts"]
    edit = {"channel": state.CHANNEL, "ts": ts}
    assert slack.call("chat.update", **edit, text="x" * 4001)["error"] == "msg_too_long"
    assert slack.call("chat.update", **edit, text="x" * 4000)["ok"]


def test_a_person_message_can_not_be_edited_by_the_bot(slack: Slack) -> None:
    mine = slack.workspace.post(channel=state.CHANNEL, user=state.PERSON, text="mine")
    answer = slack.call("chat.update", channel=state.CHANNEL, ts=mine.ts, text="yours")
    assert answer["error"] == "cant_update_message"
    answer = slack.call("chat.delete", channel=state.CHANNEL, ts=mine.ts)
    assert answer["error"] == "cant_delete_message"


def test_an_edit_with_text_alone_removes_the_blocks(slack: Slack) -> None:
    ts = slack.post(blocks=[section("x")])["ts"]
    slack.call("chat.update", channel=state.CHANNEL, ts=ts, text="y")
    [message] = slack.workspace.messages
    assert (message.text, message.blocks) == ("y", [])


def test_time_stamps_are_unique_even_when_the_clock_stands_still(slack: Slack) -> None:
    stamps = [slack.post()["ts"] for _ in range(20)]
    assert stamps == sorted(set(stamps))


def test_only_an_edit_of_text_alone_is_marked(slack: Slack) -> None:
    ts = slack.post()["ts"]
    slack.call("chat.update", channel=state.CHANNEL, ts=ts, text="y", blocks=[section()])
    assert not slack.last().edited
    slack.call("chat.update", channel=state.CHANNEL, ts=ts, text="z")
    assert slack.last().edited


def test_a_deleted_message_is_gone(slack: Slack) -> None:
    where = {"channel": state.CHANNEL, "ts": slack.post()["ts"]}
    assert slack.call("chat.delete", **where)["ok"]
    assert slack.call("chat.update", **where, text="y")["error"] == "message_not_found"
    assert slack.call("conversations.history", channel=state.CHANNEL)["messages"] == []


def test_threads_and_history_are_told_apart(slack: Slack) -> None:
    first = slack.post(text="1")["ts"]
    slack.post(text="2", thread_ts=first)
    slack.post(text="3")
    history = slack.call("conversations.history", channel=state.CHANNEL)["messages"]
    assert [m["text"] for m in history] == ["3", "1"]
    replies = slack.call("conversations.replies", channel=state.CHANNEL, ts=first)["messages"]
    assert [m["text"] for m in replies] == ["1", "2"]
    page = slack.call("conversations.history", channel=state.CHANNEL, limit="1")
    assert ([m["text"] for m in page["messages"]], page["has_more"]) == (["3"], True)
    lost = slack.call("conversations.replies", channel=state.CHANNEL, ts="1.1")
    assert lost["error"] == "thread_not_found"


def test_metadata_is_shown_to_who_asks_for_it(slack: Slack) -> None:
    mark = {"event_type": "e", "event_payload": {"key": "k"}}
    slack.post(metadata=mark)
    plain_read = slack.call("conversations.history", channel=state.CHANNEL)["messages"][0]
    assert "metadata" not in plain_read
    read = slack.call("conversations.history", channel=state.CHANNEL, include_all_metadata="1")
    assert read["messages"][0]["metadata"] == mark
    assert slack.post(metadata={"key": "k"})["error"] == "invalid_metadata_format"


def test_an_ephemeral_message_is_for_one_person_and_can_not_be_found(slack: Slack) -> None:
    said = {"channel": state.CHANNEL, "text": "psst"}
    ts = slack.call("chat.postEphemeral", user=state.PERSON, **said)["message_ts"]
    assert slack.last().visible_to == state.PERSON
    assert slack.call("conversations.history", channel=state.CHANNEL)["messages"] == []
    lost = slack.call("chat.update", channel=state.CHANNEL, ts=ts, text="x")
    assert lost["error"] == "message_not_found"
    stranger = slack.call("chat.postEphemeral", user="U404", **said)
    assert stranger["error"] == "user_not_in_channel"


def test_a_message_to_a_person_opens_the_direct_conversation(slack: Slack) -> None:
    assert slack.post(channel=state.PERSON)["channel"] == state.DIRECT
    assert slack.call("conversations.info", channel=state.DIRECT)["channel"]["is_im"]


@pytest.mark.parametrize("error", ["is_archived", "not_in_channel"])
def test_a_closed_channel_takes_nothing_but_can_be_read(slack: Slack, error: str) -> None:
    ts = slack.post()["ts"]
    slack.workspace.closed[state.CHANNEL] = error
    assert slack.post()["error"] == error
    assert slack.call("chat.update", channel=state.CHANNEL, ts=ts, text="y")["error"] == error
    assert slack.call("conversations.history", channel=state.CHANNEL)["ok"]
    assert slack.post(channel=state.PERSON)["ok"]


def test_a_reaction_is_added_once(slack: Slack) -> None:
    ask = {"channel": state.CHANNEL, "timestamp": slack.post()["ts"], "name": "eyes"}
    assert slack.call("reactions.add", **ask)["ok"]
    assert slack.call("reactions.add", **ask)["error"] == "already_reacted"
    lost = slack.call("reactions.add", **ask | {"timestamp": "1.1"})
    assert lost["error"] == "message_not_found"
    assert slack.last().reactions == ["eyes"]


def test_a_permalink_is_for_a_message_that_is_there(slack: Slack) -> None:
    ts = slack.post()["ts"]
    found = slack.call("chat.getPermalink", channel=state.CHANNEL, message_ts=ts)
    assert found["permalink"].endswith(ts)
    lost = slack.call("chat.getPermalink", channel=state.CHANNEL, message_ts="1.1")
    assert lost["error"] == "message_not_found"


def test_people_and_the_bot_are_known(slack: Slack) -> None:
    assert slack.call("auth.test")["user_id"] == state.BOT
    assert not slack.call("users.info", user=state.PERSON)["user"]["is_bot"]
    assert slack.call("users.info", user="U404")["error"] == "user_not_found"


def test_a_trigger_opens_one_dialog_within_three_seconds(slack: Slack) -> None:
    trigger = slack.workspace.new_trigger()
    ask = {"trigger_id": trigger, "view": modal()}
    assert slack.call("views.open", **ask)["ok"]
    assert slack.call("views.open", **ask)["error"] == "exchanged_trigger_id"
    late = slack.workspace.new_trigger()
    slack.clock.move(3.1)
    assert slack.call("views.open", **ask | {"trigger_id": late})["error"] == "expired_trigger_id"
    assert slack.call("views.open", **ask | {"trigger_id": "x"})["error"] == "invalid_trigger_id"


def test_a_wrong_view_is_refused_and_its_trigger_is_not_spent(slack: Slack) -> None:
    trigger = slack.workspace.new_trigger()
    wrong = slack.call("views.open", trigger_id=trigger, view=modal(title=plain("x" * 25)))
    assert wrong["error"] == "invalid_arguments"
    assert "/view/title/text" in wrong["response_metadata"]["messages"][0]
    assert slack.call("views.open", trigger_id=trigger, view=modal())["ok"]


def test_an_open_dialog_is_replaced_by_its_id_and_hash(slack: Slack) -> None:
    view = open_modal(slack, private_metadata="kept")
    assert (view["private_metadata"], view["state"]) == ("kept", {"values": {}})
    ask = {"view": modal(title=plain("New"))}
    assert slack.call("views.update", view_id="V404", **ask)["error"] == "not_found"
    old = slack.call("views.update", view_id=view["id"], hash="old", **ask)
    assert old["error"] == "hash_conflict"
    new = slack.call("views.update", view_id=view["id"], hash=view["hash"], **ask)["view"]
    assert (new["id"], new["title"]["text"]) == (view["id"], "New")
    assert slack.workspace.modal == new


def test_the_home_is_published_for_the_person(slack: Slack) -> None:
    home = {"type": "home", "blocks": [section("hello")]}
    assert slack.call("views.publish", user_id="U404", view=home)["error"] == "not_found"
    assert slack.call("views.publish", user_id=state.PERSON, view=home)["ok"]
    assert slack.workspace.home is not None
    assert slack.workspace.home["blocks"][0]["text"]["text"] == "hello"


def test_a_response_url_takes_five_answers_within_half_an_hour(slack: Slack) -> None:
    key = slack.workspace.new_response_url(state.CHANNEL, state.PERSON)
    for _ in range(5):
        assert not isinstance(slack.workspace.use_response_url(key), str)
    assert slack.workspace.use_response_url(key) == "used_url"
    late = slack.workspace.new_response_url(state.CHANNEL, state.PERSON)
    slack.clock.move(1801)
    assert slack.workspace.use_response_url(late) == "expired_url"


def test_a_response_url_answers_the_person_or_the_channel(slack: Slack) -> None:
    key = slack.workspace.new_response_url(state.CHANNEL, state.PERSON)
    assert slack.api.respond(key, {"text": "you"}).status == 200
    assert slack.last().visible_to == state.PERSON
    slack.api.respond(key, {"text": "all", "response_type": "in_channel"})
    assert slack.last().visible_to is None
    wrong = slack.api.respond(key, {"blocks": [{"type": "sektion"}]})
    assert (wrong.status, wrong.body["error"]) == (400, "invalid_blocks")


def test_a_response_url_of_a_button_may_change_its_message(slack: Slack) -> None:
    slack.post(text="old", blocks=[button()])
    origin = slack.last()
    key = slack.workspace.new_response_url(state.CHANNEL, state.PERSON, origin)
    slack.api.respond(key, {"text": "new", "replace_original": True})
    assert (origin.text, origin.blocks) == ("new", [])
    slack.api.respond(key, {"delete_original": "true"})
    assert slack.texts() == []
    assert isinstance(slack.workspace.use_response_url(key), ResponseUrl)


def test_a_spent_response_url_is_not_found(slack: Slack) -> None:
    key = slack.workspace.new_response_url(state.CHANNEL, state.PERSON)
    answers = [slack.api.respond(key, {"text": "x"}) for _ in range(6)]
    assert [a.status for a in answers] == [200] * 5 + [404]
    assert answers[5].body == {"ok": False, "error": "used_url"}


def test_a_fault_is_answered_as_often_as_asked(slack: Slack) -> None:
    slack.api.faults["chat.postMessage"] = Fault(429, times=2, retry_after=7)
    params = {"channel": state.CHANNEL, "text": "x"}
    answers = [slack.api.answer("chat.postMessage", TOKEN, params) for _ in range(3)]
    assert [a.status for a in answers] == [429, 429, 200]
    assert answers[0].headers == {"Retry-After": "7"}
    assert slack.texts() == ["x"]


def test_a_lost_answer_is_one_to_a_call_that_was_carried_out(slack: Slack) -> None:
    slack.api.faults["chat.postMessage"] = Fault(503, times=1, lost=True, delay=0.5)
    params = {"channel": state.CHANNEL, "text": "x"}
    answer = slack.api.answer("chat.postMessage", TOKEN, params)
    assert (answer.status, answer.headers, answer.delay) == (503, {}, 0.5)
    assert slack.texts() == ["x"]


def test_a_file_must_be_uploaded_before_it_is_shared(slack: Slack) -> None:
    file = upload(slack, b"")
    share = {"files": [{"id": file}], "channel_id": state.CHANNEL}
    assert slack.call("files.completeUploadExternal", **share)["error"] == "file_not_found"
    slack.workspace.files[file].content = b"abc"
    assert slack.call("files.completeUploadExternal", **share)["ok"]
    assert slack.last().files == [file]


def test_the_message_with_a_file_comes_after_the_upload_is_complete(slack: Slack) -> None:
    slack.workspace.file_seconds = 2.0
    file = upload(slack, b"abc")
    slack.call("files.completeUploadExternal", files=[{"id": file}], channel_id=state.CHANNEL)
    assert slack.workspace.messages == []
    assert slack.call("files.info", file=file)["file"]["shares"] == {}
    slack.clock.move(2.0)
    shares = slack.call("files.info", file=file)["file"]["shares"]
    assert shares == {"public": {state.CHANNEL: [{"ts": slack.last().ts}]}}
    slack.workspace.settle()
    assert len(slack.workspace.messages) == 1


def test_an_upload_names_a_file_and_its_length(slack: Slack) -> None:
    for wrong in (
        {"filename": "a.jpg"},
        {"filename": "a.jpg", "length": "0"},
        {"filename": "a.jpg", "length": "many"},
        {"length": "3"},
    ):
        assert slack.call("files.getUploadURLExternal", **wrong)["error"] == "invalid_arguments"
    assert slack.call("files.info", file="F404")["error"] == "file_not_found"


def upload(slack: Slack, content: bytes) -> str:
    file = slack.call("files.getUploadURLExternal", filename="a.jpg", length="3")["file_id"]
    slack.workspace.files[file].content = content
    return str(file)
