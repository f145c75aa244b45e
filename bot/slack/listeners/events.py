"""Words instead of a slash, and the App Home.

Mentions serve in a job's thread, where slash commands do not work. In its direct messages the bot
needs no mention; Slack sends it none from there (docs.slack.dev/reference/events/app_mention).
"""

from __future__ import annotations

import json
import re
from typing import Any

from slack_bolt import App
from slack_sdk import WebClient

from bot.core import commands, grammar
from bot.core.desk import Desk
from bot.core.errors import SplatError, UnknownCommand
from bot.slack import wording
from bot.slack.homes import Homes
from bot.slack.listeners.ask import Asker, answer
from bot.slack.parts import Post, said

#: A command in one of our texts, if it may be given by mention too: a start may not.
_SLASH = re.compile(rf"`/splat (?=(?:{'|'.join(grammar.VERBS)})[ `])")


def register(app: App, desk: Desk, homes: Homes) -> None:
    """Listen to mentions and to the App Home being opened."""

    @app.event("app_mention")
    def mention(body: dict[str, Any], event: dict[str, Any], client: WebClient) -> None:
        post = _by_mention(_answer(desk, event, body.get("team_id", "")))
        # In a thread that is not there yet nobody would see it (docs.slack.dev:
        # chat.postEphemeral).
        client.chat_postEphemeral(
            channel=event["channel"], user=event["user"], thread_ts=event.get("thread_ts"),
            text=post.text, blocks=post.blocks,
        )  # fmt: skip

    @app.event("app_home_opened")
    def home(body: dict[str, Any], event: dict[str, Any]) -> None:
        homes.open(body.get("team_id", ""), event["user"])


def answer_directly(desk: Desk, event: dict[str, Any], team: str, client: WebClient) -> None:
    """Answer words that were sent to the bot alone, where they were said."""
    post, thread = _answer(desk, event, team), event.get("thread_ts")
    post = _by_mention(post) if thread else post
    client.chat_postMessage(
        channel=event["channel"], thread_ts=thread, text=post.text, blocks=post.blocks
    )


def _answer(desk: Desk, event: dict[str, Any], team: str) -> Post:
    words = re.sub(r"<@[^>]*>", "", event["text"]).strip()
    here = desk.ledger.job_of_thread(event["channel"], event.get("thread_ts", ""))
    # Slack may deliver an event twice; its time is the same then.
    key = f"mention:{event['channel']}:{event['ts']}"
    asker = Asker(team, event["channel"], event["user"], key, here)
    try:
        command = grammar.parse(words or "help")
        if isinstance(command, commands.Start):
            raise _no_start(command)
        return answer(desk, command, asker)
    except SplatError as wrong:
        return said(wording.error(wrong))


def _no_start(command: commands.Start) -> UnknownCommand:
    """What is answered that would be a start: people say all kinds of things to a bot."""
    if "/" not in command.dataset:
        return grammar.unknown(command.dataset)
    return UnknownCommand(
        "Words alone start no job.", hint=f"Outside of threads, `{command.text}` does."
    )


def _by_mention(post: Post) -> Post:
    """Name commands as they are given here: in a thread no slash works."""
    text, blocks = (_SLASH.sub("`@splat ", json.dumps(part)) for part in (post.text, post.blocks))
    return Post(json.loads(text), json.loads(blocks))
