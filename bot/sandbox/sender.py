"""Sends commands, actions, submissions and events to the bot, signed as Slack signs them.

Shapes are those of slackapi/bolt-python (a2f21ae), whose tests carry payloads taken from Slack:

- slash commands: tests/scenario_tests/test_slash_command.py
- block_actions: test_block_actions.py; in a view: docs.slack.dev/reference/interaction-payloads
- view_submission, view_closed: test_view_submission.py, test_view_closed.py
- message_action: test_shortcut.py; its files: docs.slack.dev/reference/objects/file-object
- block_suggestion: test_block_suggestion.py
- event_callback, app_mention, message, app_home_opened: test_events.py, test_message.py
- the signature: slack_sdk.signature.SignatureVerifier itself
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import httpx
from slack_sdk.signature import SignatureVerifier

from bot.sandbox import state
from bot.sandbox.answers import described, shown
from bot.sandbox.state import Message, Workspace

#: Slack gives an app three seconds to acknowledge.
PATIENCE = 3.0

FORM = "application/x-www-form-urlencoded"

Payload = dict[str, Any]


class Delivery:
    """How the bot answered: `error` is what Slack would tell the person, empty when all is well."""

    def __init__(self, error: str = "", body: str = "") -> None:
        self.error = error
        self.body = body

    @property
    def json(self) -> Payload:
        """The answer's body as an object; empty when it is none."""
        try:
            parsed = json.loads(self.body or "{}")
        except ValueError:
            return {}
        return parsed if isinstance(parsed, dict) else {}


class Sender:
    """Speaks to one bot."""

    def __init__(
        self,
        workspace: Workspace,
        events_url: str,
        secret: str,
        base_url: str,
        *,
        http: httpx.Client | None = None,
    ) -> None:
        self._workspace = workspace
        self._url = events_url
        self._verifier = SignatureVerifier(secret)
        self._base_url = base_url
        self._http = http or httpx.Client(timeout=PATIENCE, trust_env=False)

    def command(self, command: str, text: str, *, channel: str = state.CHANNEL) -> Delivery:
        """Send a slash command."""
        form = {
            "token": "none",
            "team_id": state.TEAM,
            "team_domain": "sandbox",
            "channel_id": channel,
            "channel_name": state.CHANNELS[channel],
            "user_id": state.PERSON,
            "user_name": state.NAMES[state.PERSON],
            "command": command,
            "text": text,
            "api_app_id": state.APP,
            "is_enterprise_install": "false",
            "response_url": self._response_url(channel),
            "trigger_id": self._workspace.new_trigger(),
        }
        return self._post(urlencode(form), FORM)

    def action(self, source: Message | Payload, action: Mapping[str, Any]) -> Delivery:
        """Send the press of a button (or another element) of a message or a view."""
        now = f"{self._workspace.clock():.6f}"
        of_source = _of_message(source) if isinstance(source, Message) else _of_view(source)
        payload = self._interaction("block_actions") | of_source
        payload["actions"] = [{**action, "action_ts": now}]
        if isinstance(source, Message):
            payload["response_url"] = self._response_url(source.channel, source)
        return self._interact(payload)

    def shortcut(self, message: Message, callback_id: str) -> Delivery:
        """Send the choice of a message shortcut."""
        about = {
            "callback_id": callback_id,
            "channel": {"id": message.channel, "name": state.CHANNELS[message.channel]},
            "message_ts": message.ts,
            "message": shown(message) | {"files": self.described(message.files)},
            "response_url": self._response_url(message.channel),
        }
        return self._interact(self._interaction("message_action") | about)

    def described(self, files: Sequence[str]) -> list[Payload]:
        """Return files as events and shortcuts describe them."""
        return [described(self._workspace.files[each], self._base_url) for each in files]

    def submit(self, view: Payload, values: Mapping[str, Any]) -> Delivery:
        """Send a dialog's values: block id to action id to value, as Slack's `state.values`."""
        filled = {**view, "state": {"values": values}}
        about = {"view": filled, "response_urls": []}
        return self._interact(self._interaction("view_submission") | about)

    def closed(self, view: Payload) -> Delivery:
        """Say that a dialog was closed; Slack does so for views with `notify_on_close`."""
        about = {"view": view, "is_cleared": False}
        return self._interact(self._interaction("view_closed") | about)

    def suggest(self, view: Payload, block_id: str, action_id: str, text: str) -> Delivery:
        """Ask for the options of an external select."""
        asked = {"block_id": block_id, "action_id": action_id, "value": text, **_of_view(view)}
        return self._interact(self._interaction("block_suggestion") | asked)

    def event(self, event: Payload, *, retry: int = 0) -> Delivery:
        """Send an event of the Events API. `retry` is the number of a repeated delivery."""
        ts = event.get("event_ts", f"{self._workspace.clock():.6f}")
        body = {
            "token": "none",
            "team_id": state.TEAM,
            "api_app_id": state.APP,
            "event": {"event_ts": ts, **event},
            "type": "event_callback",
            # The same event has the same id, however often it is delivered.
            "event_id": "Ev" + hashlib.sha256(f"{event['type']}{ts}".encode()).hexdigest()[:10],
            "event_time": int(float(ts)),
            "authorizations": [_AUTHORIZATION],
            "is_ext_shared_channel": False,
        }
        repeated = {"X-Slack-Retry-Num": str(retry), "X-Slack-Retry-Reason": "http_timeout"}
        return self._post(json.dumps(body), "application/json", repeated if retry else {})

    def _interaction(self, kind: str) -> Payload:
        name = state.NAMES[state.PERSON]
        return {
            "type": kind,
            "team": {"id": state.TEAM, "domain": "sandbox"},
            "user": {"id": state.PERSON, "username": name, "name": name, "team_id": state.TEAM},
            "api_app_id": state.APP,
            "token": "none",
            "is_enterprise_install": False,
            "enterprise": None,
            "trigger_id": self._workspace.new_trigger(),
        }

    def _interact(self, payload: Payload) -> Delivery:
        return self._post(urlencode({"payload": json.dumps(payload)}), FORM)

    def _response_url(self, channel: str, origin: Message | None = None) -> str:
        key = self._workspace.new_response_url(channel, state.PERSON, origin)
        return f"{self._base_url}response/{key}"

    def _post(
        self, body: str, content_type: str, more: Mapping[str, str] | None = None
    ) -> Delivery:
        timestamp = str(int(self._workspace.clock()))
        signature = self._verifier.generate_signature(timestamp=timestamp, body=body)
        headers = {
            "Content-Type": content_type,
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": signature or "",
            **(more or {}),
        }
        try:
            answer = self._http.post(self._url, content=body.encode(), headers=headers)
        except httpx.TimeoutException:
            return Delivery("operation_timeout")
        except httpx.HTTPError:
            return Delivery("dispatch_failed")
        return Delivery("" if answer.is_success else "dispatch_failed", answer.text)


_AUTHORIZATION = {
    "enterprise_id": None,
    "team_id": state.TEAM,
    "user_id": state.BOT,
    "is_bot": True,
    "is_enterprise_install": False,
}


def _of_message(message: Message) -> Payload:
    is_ephemeral = message.visible_to is not None
    container = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": message.channel,
        "is_ephemeral": is_ephemeral,
    }
    if message.thread_ts:
        container["thread_ts"] = message.thread_ts
    about: Payload = {
        "container": container,
        "channel": {"id": message.channel, "name": state.CHANNELS[message.channel]},
        "state": {"values": {}},
    }
    # Slack does not keep what it shows to one person alone, so it can not send it back.
    return about if is_ephemeral else about | {"message": shown(message)}


def _of_view(view: Payload) -> Payload:
    return {"container": {"type": "view", "view_id": view["id"]}, "view": view}
