"""Photos that people drop: into the bot's direct messages, or with a shortcut on any message.

Direct messages are heard here, with photos or without; listeners/events.py answers mere words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slack_bolt import Ack, App, Respond
from slack_sdk import WebClient

from bot.core.desk import Desk
from bot.core.errors import SplatError
from bot.core.jobs import Request
from bot.slack import dialog, offers, received, wording
from bot.slack.files import usable
from bot.slack.listeners.events import answer_directly
from bot.slack.manifest import SHORTCUT
from bot.slack.open_dialogs import OpenDialogs
from bot.storage.base import Dataset
from bot.storage.names import is_archive
from gpu.job import Pipeline


def register(app: App, desk: Desk, dialogs: OpenDialogs) -> None:
    """Listen to the shortcut, to direct messages, and to the buttons of our offers."""

    @app.shortcut(SHORTCUT)
    def make_splat(ack: Ack, body: dict[str, Any], respond: Respond) -> None:
        text = _received(desk, body["message"], body["channel"]["id"], body["user"]["id"], body)
        ack()
        respond(text=text, response_type="ephemeral")

    @app.event("message")
    def message(body: dict[str, Any], event: dict[str, Any], client: WebClient) -> None:
        if event.get("channel_type") != "im" or event.get("bot_id"):
            return
        if "subtype" not in event:
            answer_directly(desk, event, _team(body), client)
        if event.get("subtype") != "file_share":
            return
        text = _received(desk, event, event["channel"], event["user"], body)
        if usable(event)[0] == [] or text.startswith(":warning:"):
            client.chat_postMessage(channel=event["channel"], thread_ts=event["ts"], text=text)

    @app.action("start_drop_splat")
    def start_splat(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
        _start(desk, Pipeline.SPLAT, ack, body, client)

    @app.action("start_drop_aerial")
    def start_aerial(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
        _start(desk, Pipeline.AERIAL, ack, body, client)

    @app.action("open_drop")
    def more_options(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
        ack()
        _open(desk, dialogs, body, client)


def _received(
    desk: Desk, message: Mapping[str, Any], channel: str, user: str, body: Mapping[str, Any]
) -> str:
    """Note a message's files; return what is said at once."""
    files, others = usable(message)
    archives = [file for file in files if is_archive(file.name)]
    if archives and len(files) > 1:
        return received.ZIP_APART
    if files:
        try:
            desk.receive(
                files, message.get("text") or "", key=f"drop:{channel}:{message['ts']}",
                team=_team(body), channel=channel, user=user,
                thread=message.get("thread_ts") or message["ts"],
            )  # fmt: skip
        except SplatError as wrong:
            return wording.error(wrong)
    return received.dropped(len(files), others)


def _start(
    desk: Desk, pipeline: Pipeline, ack: Ack, body: dict[str, Any], client: WebClient
) -> None:
    """Start the job that was offered, or say which one was; the offer loses its buttons."""
    try:
        drop, job = desk.take(int(body["actions"][0]["value"]), pipeline, body["user"]["id"])
    except SplatError as wrong:
        ack()
        _whisper(body, client, wording.error(wrong))
        return
    ack()  # only now: what is acknowledged is in the ledger
    post = offers.started(drop, job)
    if drop.place is not None:
        channel, ts = drop.place
        client.chat_update(channel=channel, ts=ts, text=post.text, blocks=post.blocks)


def _open(desk: Desk, dialogs: OpenDialogs, body: dict[str, Any], client: WebClient) -> None:
    drop = desk.ledger.drops.get(int(body["actions"][0]["value"]))
    photos, size, videos = (drop.found.get(name, 0) for name in ("photos", "bytes", "videos"))
    dataset = Dataset(drop.dataset, photos, size, videos)
    view = dialog.start_dialog(drop.channel, dataset=dataset)
    opened = client.views_open(trigger_id=body["trigger_id"], view=view)
    request = Request(
        team=drop.team, channel=drop.channel, user=body["user"]["id"], dataset=drop.dataset,
        pipeline=Pipeline.SPLAT, key="",
    )  # fmt: skip
    dialogs.show(client, opened["view"]["id"], request)


def _whisper(body: Mapping[str, Any], client: WebClient, text: str) -> None:
    channel, user = body["channel"]["id"], body["user"]["id"]
    client.chat_postEphemeral(channel=channel, user=user, text=text)


def _team(body: Mapping[str, Any]) -> str:
    return str(body.get("team_id") or body.get("team", {}).get("id", ""))
