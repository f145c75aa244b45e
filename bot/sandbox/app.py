"""The sandbox's HTTP server: Slack's Web API, and the page with what it needs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.middleware.trustedhost import TrustedHostMiddleware
from fastapi.responses import HTMLResponse, JSONResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles
from starlette.concurrency import run_in_threadpool

from bot.sandbox.person import Person
from bot.sandbox.sender import Sender
from bot.sandbox.shelf import Shelf
from bot.sandbox.state import Workspace
from bot.sandbox.web_api import Fault, Reply, WebApi

STATIC = Path(__file__).parent / "static"

#: Seconds between two looks at the workspace for the open page.
LOOK = 0.1

#: Seconds between two looks whether there is anything new to keep.
KEEP = 0.5

#: Seconds for which Slack is at work on an upload after it has said that it is complete.
FILE_SECONDS = 0.2

#: Bytes of a file that a person sends: it is kept in memory.
MOST_BYTES = 500_000_000

#: The page loads nothing from elsewhere. Pictures may come from the bot, which is on loopback too.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " img-src 'self' data: http://127.0.0.1:* http://localhost:*; font-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def create_app(
    *,
    bot_url: str,
    base_url: str,
    token: str,
    secret: str,
    workspace: Workspace | None = None,
    shelf: Shelf | None = None,
) -> FastAPI:
    """Build the server. `base_url` is its own address, with a slash at the end.

    While it serves, the workspace is kept on the `shelf`, if there is one.
    """
    workspace = workspace or Workspace(file_seconds=FILE_SECONDS)
    app = FastAPI(
        title="Splatbot sandbox", docs_url=None, redoc_url=None, openapi_url=None,
        lifespan=_keeping(shelf) if shelf else None,
    )  # fmt: skip
    app.state.workspace = workspace
    app.state.api = WebApi(workspace, token, lambda: base_url)
    sender = Sender(workspace, f"{bot_url.rstrip('/')}/slack/events", secret, base_url)
    _add_web_api(app, app.state.api)
    _add_files(app, workspace, token)
    _add_page(app, Person(workspace, sender), app.state.api, workspace)
    if STATIC.is_dir():
        app.mount("/", StaticFiles(directory=STATIC, html=True))

    @app.middleware("http")
    async def guard(request: Request, call_next: Any) -> Response:
        response: Response = await call_next(request)
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    # Another site's page can not reach the sandbox by a name that it points to this machine.
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])
    return app


def _add_web_api(app: FastAPI, api: WebApi) -> None:
    @app.api_route("/api/{method}", methods=["GET", "POST"])
    async def call(method: str, request: Request) -> Response:
        params = await _params(request)
        scheme, _, header = request.headers.get("authorization", "").partition(" ")
        inline = params.pop("token", None)
        token = header.strip() if scheme.lower() == "bearer" else inline
        return await _sent(await run_in_threadpool(api.answer, method, token, params))

    @app.post("/response/{key}")
    async def respond(key: str, request: Request) -> Response:
        said = await _params(request)
        return await _sent(await run_in_threadpool(api.respond, key, said))


def _add_files(app: FastAPI, workspace: Workspace, token: str) -> None:
    @app.post("/upload/{file_id}")
    async def upload(file_id: str, request: Request) -> Response:
        if file_id not in workspace.files:
            return Response(status_code=404)
        workspace.files[file_id].content = await request.body()
        return Response("OK")

    @app.get("/files/{file_id}")
    async def read(file_id: str) -> Response:
        file = workspace.files.get(file_id)
        if file is None or not file.shared:
            return Response(status_code=404)
        kind = file.kind if file.is_picture else "application/octet-stream"
        return Response(file.content, media_type=kind)

    @app.get("/files-pri/{file_id}")
    def read_with_token(file_id: str, request: Request) -> Response:
        file = workspace.files.get(file_id)
        if file is None:
            return Response(status_code=404)
        if request.headers.get("authorization") != f"Bearer {token}":
            return HTMLResponse("<title>Sign in</title>")  # as Slack does, with 200
        return Response(file.content, media_type=file.kind)

    @app.post("/sandbox/files")
    async def keep(request: Request, name: str) -> dict[str, str]:
        content = bytearray()
        async for part in request.stream():
            content += part
            if len(content) > MOST_BYTES:
                raise HTTPException(413)
        return {"id": workspace.keep(name, bytes(content)).id}


def _add_page(app: FastAPI, person: Person, api: WebApi, workspace: Workspace) -> None:
    @app.get("/sandbox/state")
    async def state() -> dict[str, Any]:
        return workspace.snapshot()

    @app.get("/sandbox/updates")
    async def updates(request: Request) -> Response:
        stream = _changes(workspace, request)
        return StreamingResponse(stream, media_type="text/event-stream")

    @app.post("/sandbox/{act}")
    def act(act: str, asked: dict[str, Any]) -> dict[str, Any]:
        if act == "faults":
            method = asked.pop("method")
            api.faults[method] = Fault(**asked)
        elif act == "options":
            return {"options": person.options(**asked)}
        elif act in _ACTS:
            getattr(person, act)(**asked)
        else:
            raise HTTPException(404)
        return {}


_ACTS = (
    "type", "share", "shortcut", "press", "press_in_view", "open_home", "submit", "close_modal",
    "dismiss",
)  # fmt: skip


def _keeping(shelf: Shelf) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    async def keep() -> None:
        while True:
            await run_in_threadpool(shelf.keep)
            await asyncio.sleep(KEEP)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        keeping = asyncio.create_task(keep())
        yield
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping
        shelf.keep()

    return lifespan


async def _changes(workspace: Workspace, request: Request) -> AsyncIterator[str]:
    """Send the whole state whenever it has changed: it is small, and never out of step."""
    seen = -1
    while not await request.is_disconnected():
        workspace.settle()
        if workspace.version != seen:
            snapshot = workspace.snapshot()
            seen = snapshot["version"]
            yield f"data: {json.dumps(snapshot)}\n\n"
        await asyncio.sleep(LOOK)


async def _sent(reply: Reply) -> Response:
    await asyncio.sleep(reply.delay)
    return JSONResponse(reply.body, reply.status, reply.headers)


async def _params(request: Request) -> dict[str, Any]:
    """Return a call's arguments: Slack takes them from the query, a form or JSON."""
    params: dict[str, Any] = dict(request.query_params)
    body = await request.body()
    if request.headers.get("content-type", "").startswith("application/json"):
        try:
            given = json.loads(body or b"{}")
        except ValueError:
            raise HTTPException(400, "invalid_json") from None
        return params | given if isinstance(given, dict) else params
    return params | dict(parse_qsl(body.decode(), keep_blank_values=True))
