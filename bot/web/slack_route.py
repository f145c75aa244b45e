"""Hands Slack's requests to Bolt, in a thread: the event loop goes on serving the viewer."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from slack_bolt import App
from slack_bolt.adapter.starlette.handler import to_bolt_request, to_starlette_response
from starlette.concurrency import run_in_threadpool


def slack_router(app: App) -> APIRouter:
    """Return the route that commands, actions, dialogs and events come to."""
    router = APIRouter()

    @router.post("/slack/events", include_in_schema=False)
    async def receive(request: Request) -> Response:
        bolt_request = to_bolt_request(request, await request.body())
        return to_starlette_response(await run_in_threadpool(app.dispatch, bolt_request))

    return router
