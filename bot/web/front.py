"""What a bot answers while it may not act: during a rolling deployment two of them answer."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.core.succession import Standing
from bot.slack.wording import NOT_ACTING
from bot.web.slack_route import read_body

#: Requests that change the ledger, so that only the bot that acts may take them, and health.
INTENTS, HEALTH = ("/slack/", "/hooks/", "/api/"), "/healthz"

#: Seconds after which whoever repeats requests by itself should do so.
RETRY = {"Retry-After": "5"}


class Front:
    """Hands requests to the bot's own app while it may act, and says how things stand otherwise.

    `app` is None until the bot has its ledger. `under_way` counts the intents that are being taken:
    the bot gives its place away only after them.
    """

    def __init__(self, may_act: Callable[[], bool], standing: Callable[[], Standing]) -> None:
        self._may_act = may_act
        self._closed = closed_app(standing)
        self.app: ASGIApp | None = None
        self.under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, as ASGI has it."""
        intent = scope.get("path", "").startswith(INTENTS)
        self.under_way += intent  # before the look, so that none begins unseen
        try:
            await self._choose(scope, intent=intent)(scope, receive, send)
        finally:
            self.under_way -= intent

    def _choose(self, scope: Scope, *, intent: bool) -> ASGIApp:
        shut = (intent or scope.get("path") == HEALTH) and not self._may_act()
        return self._closed if shut or self.app is None else self.app


def closed_app(standing: Callable[[], Standing]) -> FastAPI:
    """Build the app that answers for a bot that may not act."""
    app = FastAPI(openapi_url=None)

    @app.get(HEALTH)
    def healthz() -> dict[str, object]:
        # 200 also while the bucket is silent: a host would start the bot anew, which mends nothing.
        return {"ok": standing() is not Standing.ACTING, "standing": standing()}

    @app.post("/slack/events")
    async def slack(request: Request) -> Response:
        if b"command" not in parse_qs(await read_body(request)):
            return Response(status_code=503, headers=RETRY)  # Slack repeats it, or says so itself
        text = NOT_ACTING[standing()]
        return JSONResponse({"response_type": "ephemeral", "text": text})

    @app.api_route("/{path:path}", methods=["GET", "POST", "PUT", "DELETE"])
    def anything_else() -> Response:
        return PlainTextResponse("The bot is starting.\n", status_code=503, headers=RETRY)

    return app
