"""Sends commands, actions, submissions and events to the bot, signed as Slack signs them.

Shapes: docs.slack.dev/interactivity and docs.slack.dev/apis/events-api, and the payloads of
slackapi/bolt-python (tests/scenario_tests).
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import httpx
from slack_sdk.signature import SignatureVerifier

from bot.sandbox import state
from bot.sandbox.state import Message, Workspace
from bot.sandbox.web_api import shown

#: Slack gives an app three seconds to acknowledge.
PATIENCE = 3.0

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

    def __init__(self, workspace: Workspace, events_url: str, secret: str, base_url: str) -> None:
        self._workspace = workspace
        self._url = events_url
        self._verifier = SignatureVerifier(secret)
        self._base_url = base_url
        self._http = httpx.Client(timeout=PATIENCE, trust_env=False)

    def command(self, command: str, text: str) -> Delivery:
        """Send a slash command."""
        form = {
            "token": "none",
            "team_id": state.TEAM,
            "team_domain": "sandbox",
            "channel_id": state.CHANNEL,
            "channel_name": "splats",
            "user_id": state.PERSON,
            "user_name": state.NAMES[state.PERSON],
            "command": command,
            "text": text,
            "api_app_id": state.APP,
            "is_enterprise_install": "false",
            "response_url": self._response_url(),
            "trigger_id": self._workspace.new_trigger(),
        }
        return self._post(urlencode(form), "application/x-www-form-urlencoded")

    def action(self, source: Message | Payload, action: Mapping[str, Any]) -> Delivery:
        """Send the press of a button (or another element) of a message or a view."""
        now = f"{self._workspace.clock():.6f}"
        payload = self._interaction("block_actions") | {
            "actions": [{**action, "action_ts": now}],
            "response_url": self._response_url(),
        }
        if isinstance(source, Message):
            payload["container"] = {
                "type": "message",
                "message_ts": source.ts,
                "channel_id": source.channel,
                "is_ephemeral": source.visible_to is not None,
            }
            payload["channel"] = {"id": source.channel, "name": "splats"}
            payload["message"] = shown(source)
        else:
            payload["container"] = {"type": "view", "view_id": source["id"]}
            payload["view"] = source
        return self._interact(payload)

    def submit(self, view: Payload, values: Mapping[str, Any]) -> Delivery:
        """Send a dialog's values: block id to action id to value, as Slack's `state.values`."""
        filled = {**view, "state": {"values": values}}
        return self._interact(self._interaction("view_submission") | {"view": filled})

    def suggest(self, view: Payload, block_id: str, action_id: str, text: str) -> Delivery:
        """Ask for the options of an external select."""
        asked = {"block_id": block_id, "action_id": action_id, "value": text, "view": view}
        return self._interact(self._interaction("block_suggestion") | asked)

    def event(self, event: Payload) -> Delivery:
        """Send an event of the Events API."""
        body = {
            "token": "none",
            "team_id": state.TEAM,
            "api_app_id": state.APP,
            "event": event,
            "type": "event_callback",
            "event_id": f"Ev{secrets.token_hex(6).upper()}",
            "event_time": int(self._workspace.clock()),
            "authorizations": [{"team_id": state.TEAM, "user_id": state.BOT, "is_bot": True}],
        }
        return self._post(json.dumps(body), "application/json")

    def _interaction(self, kind: str) -> Payload:
        name = state.NAMES[state.PERSON]
        return {
            "type": kind,
            "team": {"id": state.TEAM, "domain": "sandbox"},
            "user": {"id": state.PERSON, "username": name, "name": name, "team_id": state.TEAM},
            "api_app_id": state.APP,
            "token": "none",
            "trigger_id": self._workspace.new_trigger(),
        }

    def _interact(self, payload: Payload) -> Delivery:
        form = urlencode({"payload": json.dumps(payload)})
        return self._post(form, "application/x-www-form-urlencoded")

    def _response_url(self) -> str:
        key = self._workspace.new_response_url(state.CHANNEL, state.PERSON)
        return f"{self._base_url}response/{key}"

    def _post(self, body: str, content_type: str) -> Delivery:
        timestamp = str(int(self._workspace.clock()))
        signature = self._verifier.generate_signature(timestamp=timestamp, body=body)
        headers = {
            "Content-Type": content_type,
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": signature or "",
        }
        try:
            answer = self._http.post(self._url, content=body.encode(), headers=headers)
        except httpx.TimeoutException:
            return Delivery("operation_timeout")
        except httpx.HTTPError:
            return Delivery("dispatch_failed")
        return Delivery("" if answer.is_success else "dispatch_failed", answer.text)
