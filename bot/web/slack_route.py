"""Hands Slack's requests to Bolt, in a thread: the event loop goes on serving the viewer."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Request, Response
from slack_bolt import App
from slack_bolt.adapter.starlette.handler import to_bolt_request, to_starlette_response
from starlette.concurrency import run_in_threadpool

#: Bytes of a request. Slack's are some kilobytes; whoever sends more is not Slack, and is told so
#: before a signature can be checked.
MOST = 1_000_000


def slack_router(app: App) -> APIRouter:
    """Return the route that commands, actions, dialogs and events come to."""
    router = APIRouter()

    @router.post("/slack/events", include_in_schema=False)
    async def receive(request: Request) -> Response:
        bolt_request = to_bolt_request(request, await read_body(request))
        return to_starlette_response(await run_in_threadpool(app.dispatch, bolt_request))

    return router


async def read_body(request: Request) -> bytes:
    """Read a request's body; raises HTTPException when it is too long."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MOST:
            raise HTTPException(413)
    return bytes(body)
