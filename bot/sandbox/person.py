"""What the person at the sandbox's page does, and what Slack itself does about it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from bot.sandbox import state
from bot.sandbox.answers import Refused, content, view
from bot.sandbox.sender import Delivery, Sender
from bot.sandbox.state import Message, Workspace

#: What an app like ours has registered and subscribed to; Slack sends nothing else.
COMMANDS = frozenset({"/splat"})
EVENTS = frozenset(
    {"app_mention", "app_home_opened", "entity_details_requested", "link_shared", "message.im"}
)


class Person:
    """Types, presses, submits; the page and the tests call this."""

    def __init__(
        self, workspace: Workspace, sender: Sender, *, events: Collection[str] = EVENTS
    ) -> None:
        self._workspace = workspace
        self._sender = sender
        self._events = events

    def type(self, text: str, thread_ts: str | None = None, channel: str = state.CHANNEL) -> None:
        """Send what was typed: a slash command, or a message that may mention the bot."""
        command = re.match(r"(/\S+)\s*(.*)", text, re.DOTALL)
        if command and thread_ts:
            self._tell(f"`{command[1]}` is not supported in threads. Sorry!", channel, thread_ts)
        elif command and command[1] not in COMMANDS:
            self._tell(_UNKNOWN_COMMAND.format(command[1]), channel)
        elif command:
            self._command(command[1], command[2].strip(), channel)
        else:
            self._message(text, channel, thread_ts)

    def share(
        self, files: Sequence[str], text: str = "", channel: str = state.CHANNEL,
        thread_ts: str | None = None,
    ) -> None:  # fmt: skip
        """Send a message with files that the workspace keeps (`Workspace.keep`)."""
        for file in files:
            self._workspace.files[file].shared = True
        self._message(text, channel, thread_ts, files)

    def shortcut(self, ts: str, callback_id: str) -> None:
        """Choose a shortcut of the bot on a message."""
        found = [m for m in self._workspace.messages if m.ts == ts and not m.deleted]
        if found:
            self._check(self._sender.shortcut(found[0], callback_id), found[0].channel)

    def press(self, ts: str, action: Mapping[str, Any]) -> None:
        """Press an element of a message."""
        found = [m for m in self._workspace.messages if m.ts == ts and not m.deleted]
        if found:
            self._check(self._sender.action(found[0], action), found[0].channel)

    def press_in_view(
        self, view: str, action: Mapping[str, Any], values: Mapping[str, Any] | None = None
    ) -> None:
        """Press an element of the App Home (`home`) or the open dialog (`modal`).

        `values` is what the dialog's fields hold, as Slack sends it along.
        """
        shown = self._workspace.home if view == "home" else self._workspace.modal
        if shown:
            filled = shown | {"state": {"values": values or {}}}
            self._check(self._sender.action(filled, action))

    def open_home(self) -> None:
        """Open the bot's home."""
        event = {
            "type": "app_home_opened",
            "user": state.PERSON,
            "channel": state.DIRECT,
            "tab": "home",
        }
        home = self._workspace.home
        self._send_event(event | ({"view": home} if home else {}))

    def submit(self, values: Mapping[str, Any]) -> None:
        """Submit the open dialog and do what the bot answers: close, replace, or show errors."""
        modal = self._workspace.modal
        if modal is None:
            return
        answer = self._sender.submit(modal, values)
        errors = {"": _TROUBLE} if answer.error else answer.json.get("errors", {})
        if errors:
            self._workspace.show_modal(modal, errors)
        elif answer.json.get("response_action") == "update":
            self._replace_modal(modal, answer.json)
        else:
            self._workspace.show_modal(None)

    def close_modal(self) -> None:
        """Close the open dialog."""
        modal = self._workspace.modal
        self._workspace.show_modal(None)
        if modal and modal["notify_on_close"]:
            self._sender.closed(modal)

    def options(self, block_id: str, action_id: str, text: str) -> list[Any]:
        """Return the options that the bot suggests for an external select."""
        if self._workspace.modal is None:
            return []
        answer = self._sender.suggest(self._workspace.modal, block_id, action_id, text)
        options: list[Any] = answer.json.get("options", [])
        return options

    def dismiss(self, ts: str) -> None:
        """Make an ephemeral message go away."""
        for message in self._workspace.messages:
            if message.ts == ts and message.visible_to:
                message.deleted = True
        self._workspace.touch()

    def _command(self, command: str, text: str, channel: str) -> None:
        answer = self._sender.command(command, text, channel=channel)
        said = answer.json or ({"text": answer.body} if answer.body else {})
        if answer.error:
            self._tell(_FAILED.format(command, answer.error), channel)
        elif said.get("text") or said.get("blocks"):
            self._show_answer(command, said, channel)

    def _show_answer(self, command: str, said: Mapping[str, Any], channel: str) -> None:
        try:
            shown = content(said)
        except Refused as refused:
            self._tell(_FAILED.format(command, refused), channel)
            return
        in_channel = said.get("response_type") == "in_channel"
        self._workspace.post(
            channel=channel,
            user=state.BOT,
            visible_to=None if in_channel else state.PERSON,
            **shown,
        )

    def _replace_modal(self, modal: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        try:
            self._workspace.show_modal(view(answer, view_id=modal["id"]))
        except Refused:
            self._workspace.show_modal(dict(modal), {"": _TROUBLE})

    def _message(
        self, text: str, channel: str, thread_ts: str | None, files: Sequence[str] = ()
    ) -> None:
        body = text.replace("@splat", f"<@{state.BOT}>")
        message = self._workspace.post(
            channel=channel, user=state.PERSON, text=body, thread_ts=thread_ts, files=list(files)
        )
        event: dict[str, Any] = {
            "user": state.PERSON,
            "text": body,
            "ts": message.ts,
            "team": state.TEAM,
            "channel": channel,
            "event_ts": message.ts,
            **({"thread_ts": thread_ts} if thread_ts else {}),
        }
        if files:
            event |= {"subtype": "file_share", "files": self._sender.described(files)}
        kind = "im" if channel == state.DIRECT else "channel"
        self._send_event({"type": "message", "channel_type": kind, **event})
        if f"<@{state.BOT}>" in body and kind != "im":  # docs.slack.dev: app_mention
            self._send_event({"type": "app_mention", **event})
        if links := re.findall(r"https?://[^\s<>|]+", body):
            self._share_links(links, message)

    def _share_links(self, links: Sequence[str], message: Message) -> None:
        """Tell of links; Slack does so for the domains that an app has registered."""
        shared = [{"url": link, "domain": urlsplit(link).hostname} for link in links]
        self._send_event({
            "type": "link_shared", "user": state.PERSON, "channel": message.channel,
            "message_ts": message.ts, "links": shared, "event_ts": message.ts,
        })  # fmt: skip

    def open_entity(self, ts: str, number: int = 0) -> None:
        """Open the Work Object below a message."""
        [message] = [m for m in self._workspace.messages if m.ts == ts]
        entity = message.unfurls[number]["entity"]
        self._send_event({
            "type": "entity_details_requested", "user": state.PERSON,
            "external_ref": entity["external_ref"], "entity_url": entity["url"],
            "app_unfurl_url": entity["app_unfurl_url"], "trigger_id": self._workspace.new_trigger(),
            "channel": message.channel, "message_ts": ts, "user_locale": "en-US",
        })  # fmt: skip

    def _send_event(self, event: dict[str, Any]) -> None:
        kind = event["type"]
        if kind == "message":
            kind += f".{'im' if event['channel_type'] == 'im' else 'channels'}"
        if kind in self._events:
            self._sender.event(event)

    def _check(self, answer: Delivery, channel: str = state.CHANNEL) -> None:
        if answer.error:
            self._tell(_TROUBLE, channel)

    def _tell(self, text: str, channel: str = state.CHANNEL, thread_ts: str | None = None) -> None:
        """Say something as Slack itself, to this person alone."""
        self._workspace.post(
            channel=channel,
            user=state.SLACK,
            text=text,
            visible_to=state.PERSON,
            thread_ts=thread_ts,
        )


_TROUBLE = "We had some trouble connecting. Try again?"
_FAILED = "`{}` failed with the error “{}”"
_UNKNOWN_COMMAND = (
    "`{}` is not a valid command. In Slack, all messages that start with the “/” character are "
    "interpreted as commands. If you are trying to send a message and not a command, try "
    "preceding the “/” with a space."
)
