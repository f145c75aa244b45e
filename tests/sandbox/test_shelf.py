"""A workspace that is opened again shows what was said, and what comes then is newer."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from bot.sandbox import state
from bot.sandbox.app import create_app
from bot.sandbox.shelf import MESSAGES, Shelf
from bot.sandbox.state import Message, Workspace
from tests.sandbox.conftest import SECRET, TOKEN, Slack, section


def kept(slack: Slack, folder: Path) -> Workspace:
    """Keep a workspace, and return another one that was filled from the folder."""
    Shelf(folder, slack.workspace).keep()
    workspace = Workspace(slack.clock)
    Shelf(folder, workspace).fill()
    return workspace


def uploaded(slack: Slack, content: bytes, **where: str) -> str:
    asked = slack.call("files.getUploadURLExternal", filename="a.jpg", length=len(content))
    slack.workspace.files[asked["file_id"]].content = content
    files = [{"id": asked["file_id"], "title": "The splat"}]
    slack.call("files.completeUploadExternal", files=files, channel_id=state.CHANNEL, **where)
    slack.workspace.settle()
    return str(asked["file_id"])


def test_messages_and_threads_are_as_they_were(slack: Slack, tmp_path: Path) -> None:
    first = slack.post(text="a job", blocks=[section()])["ts"]
    slack.post(text="a stage", thread_ts=first)
    slack.call("chat.update", channel=state.CHANNEL, ts=first, text="a job that is over")
    again = kept(slack, tmp_path)
    assert again.messages == slack.workspace.messages
    assert [m.text for m in again.thread(state.CHANNEL, first)] == ["a job that is over", "a stage"]


def test_pictures_are_shown_again(slack: Slack, tmp_path: Path) -> None:
    file = uploaded(slack, b"a picture")
    again = kept(slack, tmp_path)
    assert again.files == slack.workspace.files
    assert again.files[file].content == b"a picture"
    [shown] = again.snapshot()["messages"]
    assert shown["files"][0]["title"] == "The splat"


def test_what_one_person_alone_saw_and_what_was_deleted_is_gone(
    slack: Slack, tmp_path: Path
) -> None:
    slack.call("chat.postEphemeral", channel=state.CHANNEL, user=state.PERSON, text="an answer")
    gone = slack.post(text="a mistake")["ts"]
    slack.call("chat.delete", channel=state.CHANNEL, ts=gone)
    slack.post(text="a job")
    assert [m.text for m in kept(slack, tmp_path).messages] == ["a job"]


def test_a_new_message_is_newer_than_those_of_before_though_the_clock_went_back(
    slack: Slack, tmp_path: Path
) -> None:
    before = slack.post(text="before")["ts"]
    slack.clock.now -= 3600
    after = kept(slack, tmp_path).post(channel=state.CHANNEL, user=state.BOT, text="after")
    assert after.ts > before


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"messages": [{"of": "a later version"}]}'])
def test_what_is_damaged_leaves_an_empty_channel(slack: Slack, tmp_path: Path, damage: str) -> None:
    slack.post(text="a job")
    kept(slack, tmp_path)
    (tmp_path / MESSAGES).write_text(damage)
    workspace = Workspace(slack.clock)
    Shelf(tmp_path, workspace).fill()
    assert workspace.messages == []


def test_a_folder_that_can_not_be_written_costs_nothing_else(slack: Slack, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where the folder would be")
    slack.post(text="a job")
    assert kept(slack, tmp_path / "taken").messages == []


def test_what_is_as_it_was_is_not_written_again(slack: Slack, tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, slack.workspace)
    slack.post(text="a job")
    shelf.keep()
    (tmp_path / MESSAGES).unlink()
    shelf.keep()
    assert not (tmp_path / MESSAGES).exists()
    slack.post(text="another")
    shelf.keep()
    assert (tmp_path / MESSAGES).exists()


def test_a_sandbox_that_is_ended_has_kept_what_was_said_last(tmp_path: Path) -> None:
    workspace = Workspace()
    shelf = Shelf(tmp_path, workspace)
    app = create_app(
        bot_url="http://bot", base_url="http://127.0.0.1/", token=TOKEN, secret=SECRET,
        workspace=workspace, shelf=shelf,
    )  # fmt: skip
    with TestClient(app, base_url="http://127.0.0.1"):
        workspace.messages.append(Message("1.000001", state.CHANNEL, state.BOT, "the last word"))
        workspace.touch()
    again = Workspace()
    Shelf(tmp_path, again).fill()
    assert [m.text for m in again.messages] == ["the last word"]
