"""The bot's HTTP server: Slack's requests, the viewer, the splats, a few pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.staticfiles import StaticFiles
from slack_bolt import App

from bot.core.ledger import Ledger
from bot.storage.base import Storage
from bot.storage.local import LocalStorage
from bot.web.files import files_router
from bot.web.pages import VIEWER_POLICY, add_pages
from bot.web.slack_route import slack_router
from bot.web.uploads import POLICY, STATIC


def create_app(
    *,
    slack: App,
    ledger: Ledger,
    storage: Storage,
    hooks: APIRouter | None = None,
    more: Sequence[APIRouter] = (),
) -> FastAPI:
    """Build the server; `hooks` is where the machines of jobs report to, `more` other routes."""
    app = FastAPI(title="Splatbot", docs_url=None, redoc_url=None)
    app.include_router(slack_router(slack))
    for router in filter(None, (hooks, *more)):
        app.include_router(router)
    if isinstance(storage, LocalStorage):
        app.include_router(files_router(storage))
    add_pages(app, ledger)
    if STATIC.is_dir():
        app.mount("/upload", StaticFiles(directory=STATIC, html=True))

    @app.middleware("http")
    async def headers(request: Request, call_next: Any) -> Response:
        response: Response = await call_next(request)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "no-referrer")
        if request.url.path.startswith("/viewer"):
            response.headers["Content-Security-Policy"] = VIEWER_POLICY
        elif request.url.path.startswith("/upload"):
            response.headers["Content-Security-Policy"] = POLICY
        return response

    return app
