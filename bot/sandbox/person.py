"""What the person at the sandbox's page does, and what Slack itself does about it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bot.sandbox import state
from bot.sandbox.sender import Delivery, Sender
from bot.sandbox.state import Workspace


class Person:
    """Types, presses, submits; the page and the tests call this."""

    def __init__(self, workspace: Workspace, sender: Sender) -> None:
        self._workspace = workspace
        self._sender = sender

    def type(self, text: str, thread_ts: str | None = None) -> None:
        """Send what was typed: a slash command, or a message that may mention the bot."""
        command = re.match(r"(/\S+)\s*(.*)", text, re.DOTALL)
        if command and thread_ts:
            self._tell(f"`{command[1]}` is not supported in threads. Sorry!", thread_ts)
        elif command:
            self._command(command[1], command[2].strip())
        else:
            self._message(text, thread_ts)

    def press(self, ts: str, action: Mapping[str, Any]) -> None:
        """Press an element of a message."""
        found = [m for m in self._workspace.messages if m.ts == ts and not m.deleted]
        if found:
            self._check(self._sender.action(found[0], action))

    def press_in_view(self, view: str, action: Mapping[str, Any]) -> None:
        """Press an element of the App Home (`home`) or the open dialog (`modal`)."""
        shown = self._workspace.home if view == "home" else self._workspace.modal
        if shown:
            self._check(self._sender.action(shown, action))

    def open_home(self) -> None:
        """Open the bot's home."""
        event = {
            "type": "app_home_opened",
            "user": state.PERSON,
            "channel": "D0HOME",
            "tab": "home",
        }
        self._sender.event(event)

    def submit(self, values: Mapping[str, Any]) -> None:
        """Submit the open dialog; it stays open with the errors that the bot answers."""
        if self._workspace.modal is None:
            return
        answer = self._sender.submit(self._workspace.modal, values)
        errors = answer.json.get("errors", {})
        self._workspace.modal_errors = errors if not answer.error else {"": _TROUBLE}
        if not self._workspace.modal_errors:
            self._workspace.modal = None
        self._workspace.touch()

    def close_modal(self) -> None:
        """Close the open dialog."""
        self._workspace.modal, self._workspace.modal_errors = None, {}
        self._workspace.touch()

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

    def _command(self, command: str, text: str) -> None:
        if command != "/splat":
            self._tell(f"`{command}` is not a valid command.")
            return
        answer = self._sender.command(command, text)
        if answer.error:
            self._tell(f"`{command}` failed with the error “{answer.error}”")
        elif answer.json.get("text") or answer.json.get("blocks"):
            self._workspace.post(
                channel=state.CHANNEL,
                user=state.BOT,
                text=answer.json.get("text", ""),
                blocks=answer.json.get("blocks", []),
                visible_to=state.PERSON,
            )

    def _message(self, text: str, thread_ts: str | None) -> None:
        body = text.replace("@splat", f"<@{state.BOT}>")
        message = self._workspace.post(
            channel=state.CHANNEL, user=state.PERSON, text=body, thread_ts=thread_ts
        )
        if f"<@{state.BOT}>" in body:
            event = {
                "type": "app_mention",
                "user": state.PERSON,
                "text": body,
                "ts": message.ts,
                "channel": state.CHANNEL,
                "event_ts": message.ts,
            }
            self._sender.event(event | ({"thread_ts": thread_ts} if thread_ts else {}))

    def _check(self, answer: Delivery) -> None:
        if answer.error:
            self._tell(_TROUBLE)

    def _tell(self, text: str, thread_ts: str | None = None) -> None:
        """Say something as Slack itself, to this person alone."""
        self._workspace.post(
            channel=state.CHANNEL,
            user="USLACKBOT",
            text=text,
            visible_to=state.PERSON,
            thread_ts=thread_ts,
        )


_TROUBLE = "We had some trouble connecting. Try again?"
