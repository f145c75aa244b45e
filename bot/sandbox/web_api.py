"""The methods of Slack's Web API that the bot uses, with Slack's errors.

Shapes of answers: docs.slack.dev/reference/methods, and the mock server of slackapi/bolt-python
(tests/mock_web_api_server).
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox import state
from bot.sandbox.blocks_check import VIEW_BLOCKS, problems
from bot.sandbox.state import File, Message, Workspace

Params = Mapping[str, Any]
Body = dict[str, Any]

#: Characters of a message's text; Slack cuts or refuses what is longer.
TEXT_LIMIT = 40_000


class Refused(Exception):
    """An answer with `"ok": false`."""

    def __init__(self, error: str, details: list[str] | None = None) -> None:
        super().__init__(error)
        self.body: Body = {"ok": False, "error": error}
        if details:
            self.body["response_metadata"] = {"messages": details}


@dataclass
class Fault:
    """An answer that a test or a curious person has asked for, a number of times."""

    status: int
    times: int
    retry_after: int = 1


@dataclass
class Reply:
    """An HTTP answer."""

    status: int
    body: Body
    headers: dict[str, str] = field(default_factory=dict)


class WebApi:
    """Answers calls of the Web API and keeps a log of them."""

    def __init__(self, workspace: Workspace, token: str, base_url: Callable[[], str]) -> None:
        self._workspace = workspace
        self._token = token
        self._base_url = base_url
        self.faults: dict[str, Fault] = {}
        self.calls: list[tuple[str, Params]] = []
        self._methods: dict[str, Callable[[Params], Body]] = {
            "api.test": lambda _: {},
            "auth.test": self._auth_test,
            "chat.postMessage": self._post_message,
            "chat.update": self._update,
            "chat.delete": self._delete,
            "chat.postEphemeral": self._post_ephemeral,
            "chat.getPermalink": self._permalink,
            "conversations.replies": self._replies,
            "conversations.history": self._history,
            "conversations.info": lambda p: {"channel": self._channel(p)},
            "users.info": lambda p: {"user": {"id": p.get("user"), "name": "you"}},
            "views.open": self._views_open,
            "views.update": self._views_update,
            "views.publish": self._views_publish,
            "files.getUploadURLExternal": self._upload_url,
            "files.completeUploadExternal": self._complete_upload,
            "files.info": self._file_info,
        }

    def answer(self, method: str, token: str | None, params: Params) -> Reply:
        """Answer one call."""
        fault = self.faults.get(method)
        if fault and fault.times > 0:
            fault.times -= 1
            limited = {"ok": False, "error": "ratelimited"}
            return Reply(fault.status, limited, {"Retry-After": str(fault.retry_after)})
        if token != self._token:
            return Reply(200, {"ok": False, "error": "invalid_auth" if token else "not_authed"})
        if method not in self._methods:
            return Reply(200, {"ok": False, "error": "unknown_method"})
        with self._workspace.lock:
            self.calls.append((method, params))
            try:
                return Reply(200, {"ok": True, **self._methods[method](params)})
            except Refused as refused:
                return Reply(200, refused.body)

    # -- messages -----------------------------------------------------------------------------

    def _auth_test(self, _: Params) -> Body:
        return {
            "url": self._base_url(),
            "team": "Sandbox",
            "team_id": state.TEAM,
            "user": state.NAMES[state.BOT],
            "user_id": state.BOT,
            "bot_id": state.BOT_ID,
        }

    def _post_message(self, params: Params) -> Body:
        self._channel(params)
        message = self._workspace.post(
            channel=params["channel"],
            user=state.BOT,
            thread_ts=params.get("thread_ts") or None,
            metadata=_parsed(params.get("metadata")),
            **_content(params),
        )
        return {"channel": message.channel, "ts": message.ts, "message": shown(message)}

    def _update(self, params: Params) -> Body:
        message = self._own_message(params)
        content = _content(params)
        # As Slack does: text without blocks removes the blocks.
        message.text, message.blocks = content["text"], content["blocks"]
        message.metadata = _parsed(params.get("metadata")) or message.metadata
        message.edited = True
        self._workspace.touch()
        return {"channel": message.channel, "ts": message.ts, "message": shown(message)}

    def _delete(self, params: Params) -> Body:
        message = self._own_message(params)
        message.deleted = True
        self._workspace.touch()
        return {"channel": message.channel, "ts": message.ts}

    def _post_ephemeral(self, params: Params) -> Body:
        self._channel(params)
        message = self._workspace.post(
            channel=params["channel"],
            user=state.BOT,
            visible_to=params.get("user") or state.PERSON,
            thread_ts=params.get("thread_ts") or None,
            **_content(params),
        )
        return {"message_ts": message.ts}

    def _permalink(self, params: Params) -> Body:
        if not self._workspace.find(params.get("channel", ""), params.get("message_ts", "")):
            raise Refused("message_not_found")
        return {"permalink": f"{self._base_url()}#{params['message_ts']}"}

    def _replies(self, params: Params) -> Body:
        thread = self._workspace.thread(params.get("channel", ""), params.get("ts", ""))
        if not thread:
            raise Refused("thread_not_found")
        return {"messages": [shown(m) for m in thread], "has_more": False}

    def _history(self, params: Params) -> Body:
        self._channel(params)
        tops = (m for m in reversed(self._workspace.messages) if not m.thread_ts)
        return {"messages": [shown(m) for m in tops if not m.deleted and not m.visible_to]}

    def _channel(self, params: Params) -> Body:
        if params.get("channel") not in {state.CHANNEL, state.PERSON}:
            raise Refused("channel_not_found")
        return {"id": params["channel"], "name": "splats", "is_member": True}

    def _own_message(self, params: Params) -> Message:
        self._channel(params)
        message = self._workspace.find(params["channel"], params.get("ts", ""))
        if message is None:
            raise Refused("message_not_found")
        if message.user != state.BOT:
            raise Refused("cant_update_message")
        return message

    # -- views --------------------------------------------------------------------------------

    def _views_open(self, params: Params) -> Body:
        wrong = self._workspace.use_trigger(params.get("trigger_id", ""))
        if wrong:
            raise Refused(wrong)
        return self._show_modal(_view(params))

    def _views_update(self, params: Params) -> Body:
        return self._show_modal(_view(params))

    def _show_modal(self, view: Body) -> Body:
        self._workspace.modal = {"id": f"V{secrets.token_hex(4)}", "state": {}, **view}
        self._workspace.modal_errors = {}
        self._workspace.touch()
        return {"view": self._workspace.modal}

    def _views_publish(self, params: Params) -> Body:
        self._workspace.home = {"id": "V0HOME", **_view(params)}
        self._workspace.touch()
        return {"view": self._workspace.home}

    # -- files --------------------------------------------------------------------------------

    def _upload_url(self, params: Params) -> Body:
        if not params.get("filename") or int(params.get("length", 0)) <= 0:
            raise Refused("invalid_arguments")
        file = File(f"F{secrets.token_hex(5).upper()}", params["filename"])
        self._workspace.files[file.id] = file
        return {"upload_url": f"{self._base_url()}upload/{file.id}", "file_id": file.id}

    def _complete_upload(self, params: Params) -> Body:
        asked = _parsed(params.get("files")) or []
        files = [self._uploaded(each) for each in asked]
        channel = params.get("channel_id") or params.get("channels")
        if channel:
            self._channel({"channel": channel})
            self._workspace.post(
                channel=channel,
                user=state.BOT,
                text=params.get("initial_comment") or "",
                thread_ts=params.get("thread_ts") or None,
                files=[file.id for file in files],
            )
        return {"files": [{"id": f.id, "title": f.title} for f in files]}

    def _uploaded(self, asked: Mapping[str, str]) -> File:
        file = self._workspace.files.get(asked.get("id", ""))
        if file is None or not file.content:
            raise Refused("file_not_found")
        file.title, file.shared = asked.get("title") or file.name, True
        return file

    def _file_info(self, params: Params) -> Body:
        file = self._workspace.files.get(params.get("file", ""))
        if file is None:
            raise Refused("file_not_found")
        url = f"{self._base_url()}files/{file.id}"
        return {"file": {"id": file.id, "name": file.name, "url_private": url}}


def shown(message: Message) -> Body:
    """Return a message in the form in which Slack gives it."""
    body: Body = {
        "type": "message",
        "ts": message.ts,
        "user": message.user,
        "text": message.text,
        "blocks": message.blocks,
    }
    if message.user == state.BOT:
        body["bot_id"] = state.BOT_ID
    if message.thread_ts:
        body["thread_ts"] = message.thread_ts
    if message.metadata:
        body["metadata"] = message.metadata
    return body


def _content(params: Params) -> Body:
    """Return checked text and blocks; raises Refused as Slack does."""
    blocks = _parsed(params.get("blocks")) or []
    text = params.get("text") or ""
    if not text and not blocks:
        raise Refused("no_text")
    if len(text) > TEXT_LIMIT:
        raise Refused("msg_too_long")
    wrong = problems(blocks)
    if wrong:
        raise Refused("invalid_blocks", wrong)
    return {"text": text, "blocks": blocks}


def _view(params: Params) -> Body:
    view: Body = _parsed(params.get("view")) or {}
    wrong = problems(view.get("blocks"), limit=VIEW_BLOCKS)
    title = view.get("title", {}).get("text", "")
    if view.get("type") == "modal" and not 0 < len(title) <= 24:
        wrong.append("[ERROR] must be 1 to 24 characters [json-pointer:/view/title/text]")
    if wrong:
        raise Refused("invalid_arguments", wrong)
    return view


def _parsed(value: Any) -> Any:
    """Forms carry lists and objects as JSON texts."""
    try:
        return json.loads(value) if isinstance(value, str) and value else value
    except ValueError:
        raise Refused("invalid_arguments") from None
