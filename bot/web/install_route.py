"""The pages on which a workspace installs the app."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Request, Response
from slack_bolt import BoltRequest, BoltResponse
from slack_bolt.adapter.starlette.handler import to_bolt_request, to_starlette_response
from slack_bolt.oauth.oauth_flow import OAuthFlow
from starlette.concurrency import run_in_threadpool


def install_router(flow: OAuthFlow) -> APIRouter:
    """Return the routes of Bolt's OAuth flow: the start, and where Slack sends people back to."""
    router = APIRouter()

    async def answer(handle: Callable[[BoltRequest], BoltResponse], request: Request) -> Response:
        asked = to_bolt_request(request, b"")
        return to_starlette_response(await run_in_threadpool(handle, asked))

    @router.get(flow.install_path, include_in_schema=False)
    async def install(request: Request) -> Response:
        return await answer(flow.handle_installation, request)

    @router.get(flow.redirect_uri_path, include_in_schema=False)
    async def come_back(request: Request) -> Response:
        return await answer(flow.handle_callback, request)

    return router
