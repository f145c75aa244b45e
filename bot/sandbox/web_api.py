"""Slack's Web API, as far as the bot uses it: who may call, what is answered, what was called."""

from __future__ import annotations

from collections.abc import Callable

from bot.sandbox import state
from bot.sandbox.answers import Body, Fault, Params, Refused, Reply
from bot.sandbox.conversations import Conversations
from bot.sandbox.state import Workspace
from bot.sandbox.views_and_files import Files, Views
from bot.slack.manifest import SCOPES

__all__ = ["Fault", "Refused", "Reply", "WebApi"]


class WebApi:
    """Answers calls of the Web API and keeps a log of them."""

    def __init__(self, workspace: Workspace, token: str, base_url: Callable[[], str]) -> None:
        self._workspace = workspace
        self._token = token
        self._base_url = base_url
        self._conversations = Conversations(workspace, base_url)
        self.scopes = sorted(SCOPES)
        self.faults: dict[str, Fault] = {}
        self.calls: list[tuple[str, Params]] = []
        self._methods: dict[str, Callable[[Params], Body]] = {
            "api.test": lambda _: {},
            "auth.test": self._auth_test,
            "users.info": self._users_info,
            **self._conversations.methods(),
            **Views(workspace).methods(),
            **Files(workspace, self._conversations, base_url).methods(),
        }

    def answer(self, method: str, token: str | None, params: Params) -> Reply:
        """Answer one call, or fail as often as `faults` says."""
        fault = self.faults.get(method)
        if fault is None or fault.times <= 0:
            return self._answer(method, token, params)
        fault.times -= 1
        if fault.lost:
            self._answer(method, token, params)
        return fault.reply()

    def respond(self, key: str, params: Params) -> Reply:
        """Take an answer to a response_url. Slack's errors there: 404 with JSON."""
        with self._workspace.lock:
            try:
                self._conversations.respond(key, params)
            except Refused as refused:
                return Reply(404 if "_url" in refused.body["error"] else 400, refused.body)
            return Reply(200, {"ok": True})

    def _answer(self, method: str, token: str | None, params: Params) -> Reply:
        if token != self._token:
            return Reply(200, {"ok": False, "error": "invalid_auth" if token else "not_authed"})
        if method not in self._methods:
            return Reply(200, {"ok": False, "error": "unknown_method"})
        with self._workspace.lock:
            self._workspace.settle()
            self.calls.append((method, params))
            try:
                body = {"ok": True, **self._methods[method](params)}
            except Refused as refused:
                return Reply(200, refused.body)
            self._workspace.settle()
            return Reply(200, body, {"x-oauth-scopes": ",".join(self.scopes)})

    def _auth_test(self, _: Params) -> Body:
        return {
            "url": self._base_url(),
            "team": "Sandbox",
            "team_id": state.TEAM,
            "user": state.NAMES[state.BOT],
            "user_id": state.BOT,
            "bot_id": state.BOT_ID,
            "is_enterprise_install": False,
        }

    def _users_info(self, params: Params) -> Body:
        user = str(params.get("user", ""))
        if user not in state.NAMES:
            raise Refused("user_not_found")
        name = state.NAMES[user]
        profile = {"real_name": name, "display_name": name}
        return {
            "user": {
                "id": user,
                "team_id": state.TEAM,
                "name": name,
                "real_name": name,
                "tz": "Etc/UTC",
                "is_bot": user == state.BOT,
                "profile": profile,
            }
        }
