"""The bot's HTTP server: Slack's requests, the viewer, the splats, a few pages."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter, FastAPI
from fastapi.staticfiles import StaticFiles
from slack_bolt import App
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.core.ledger import Ledger
from bot.storage.base import Storage
from bot.storage.local import LocalStorage
from bot.web.files import files_router
from bot.web.pages import VIEWER_PERMISSIONS, VIEWER_POLICY, add_pages
from bot.web.slack_route import slack_route
from bot.web.uploads import POLICY, STATIC


def create_app(
    *,
    slack: App,
    ledger: Ledger,
    storage: Storage,
    hooks: APIRouter | None = None,
    more: Sequence[APIRouter] = (),
    warm: bool = False,
) -> FastAPI:
    """Build the server; `hooks` is where the machines of jobs report to, `more` other routes.

    `warm`: the threads that answer Slack begin now, each with the ledger open.
    """
    app = FastAPI(title="Splatbot", docs_url=None, redoc_url=None)
    app.router.routes.append(slack_route(slack, ledger.foremost if warm else None))
    for router in filter(None, (hooks, *more)):
        app.include_router(router)
    if isinstance(storage, LocalStorage):
        app.include_router(files_router(storage))
    add_pages(app, ledger)
    if STATIC.is_dir():
        app.mount("/upload", StaticFiles(directory=STATIC, html=True))

    app.add_middleware(Headers)
    return app


class Headers:
    """Adds what every answer says to browsers, without a task for each as BaseHTTPMiddleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, as ASGI has it."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add_headers(MutableHeaders(scope=message), scope["path"])
            await send(message)

        await self._app(scope, receive, with_headers)


def _add_headers(headers: MutableHeaders, path: str) -> None:
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "no-referrer")
    if path.startswith("/viewer"):
        headers["Content-Security-Policy"] = VIEWER_POLICY
        headers["Permissions-Policy"] = VIEWER_PERMISSIONS
    elif path.startswith("/upload"):
        headers["Content-Security-Policy"] = POLICY
