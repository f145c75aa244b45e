"""Hands Slack's requests to Bolt, in a thread: the event loop goes on serving the viewer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial

from fastapi import HTTPException, Request, Response
from slack_bolt import App, BoltRequest, BoltResponse
from slack_bolt.adapter.starlette.handler import to_bolt_request, to_starlette_response
from starlette.background import BackgroundTask
from starlette.routing import Route

from bot.core.rush import RUSH
from bot.slack.hearing import SOON, Answer, hear, may_follow
from bot.web.turns import PATIENCE, Turns

#: Bytes of a request. Slack's are some kilobytes; whoever sends more is not Slack, and is told so
#: before a signature can be checked.
MOST = 1_000_000


def slack_route(app: App, first: Callable[[], object] | None = None) -> Route:
    """Return the route that commands, actions, dialogs and events come to; `first` as in Turns."""
    turns = Turns(first)

    async def receive(request: Request) -> Response:
        body = await read_body(request)
        try:
            heard = to_bolt_request(request, body)
        except UnicodeDecodeError:
            raise HTTPException(400, "The body is no text.") from None
        with RUSH:
            return await _answer(app, heard, turns)

    # Starlette's own route: FastAPI's takes half a millisecond to find that there is nothing to do.
    return Route("/slack/events", receive, methods=["POST"], include_in_schema=False)


async def _answer(app: App, heard: BoltRequest, turns: Turns) -> Response:
    """Return the answer as soon as there is one; what is done after it goes on."""
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[BoltResponse] = loop.create_future()

    def settle(response: BoltResponse) -> None:
        if not answered.done():  # whoever asked has gone
            answered.set_result(response)

    def give(response: BoltResponse) -> None:
        with suppress(RuntimeError):  # the bot has stopped meanwhile
            loop.call_soon_threadsafe(settle, response)

    answer = Answer(give)
    turn = turns.submit(partial(hear, app, heard, answer))
    held_up = loop.call_later(PATIENCE, turn.hurry)
    soon = loop.call_later(SOON, answer.acknowledge) if may_follow(heard) else None
    response = to_starlette_response(await answered)
    held_up.cancel()
    if soon and loop.time() >= soon.when():
        # Acknowledged before it is done: a bot gives its place away to the next one after it.
        response.background = BackgroundTask(_end_of, turn.work)
    elif soon:
        soon.cancel()
    return response


async def _end_of(work: Future[None]) -> None:
    with suppress(Exception):  # a listener's failure was logged
        await asyncio.wrap_future(work)


async def read_body(request: Request) -> bytes:
    """Read a request's body; raises HTTPException when it is too long."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MOST:
            raise HTTPException(413)
    return bytes(body)
