"""Mentions in a job's thread, where slash commands do not work, and the App Home."""

from __future__ import annotations

import re
from typing import Any

from slack_bolt import App
from slack_sdk import WebClient

from bot.core import commands as grammar
from bot.core.desk import Desk
from bot.core.errors import SplatError
from bot.core.jobs import Job
from bot.slack import bills, blocks, wording


def register(app: App, desk: Desk) -> None:
    """Listen to mentions and to the App Home being opened."""

    @app.event("app_mention")
    def mention(event: dict[str, Any], client: WebClient) -> None:
        text = _answer(desk, event)
        thread = event.get("thread_ts") or event["ts"]
        client.chat_postEphemeral(
            channel=event["channel"], user=event["user"], text=text, thread_ts=thread
        )

    @app.event("app_home_opened")
    def home(event: dict[str, Any], client: WebClient) -> None:
        view = blocks.home(desk.ledger.active(), desk.ledger.jobs(limit=10), _notes(desk))
        client.views_publish(user_id=event["user"], view=view)


def _notes(desk: Desk) -> list[str]:
    """Return what the App Home says of money and of machines that are not ours."""
    budget = desk.budget
    cost = bills.month(budget.spent(), budget.monthly, budget.renewed())
    return [cost, bills.foreign_note(desk.ledger.intents.foreign())]


def _answer(desk: Desk, event: dict[str, Any]) -> str:
    words = re.sub(r"<@[^>]*>", "", event["text"]).strip()
    try:
        command = grammar.parse(words or "help")
        here = desk.ledger.job_of_thread(event["channel"], event.get("thread_ts", ""))
        job = _done(desk, command, here, event["user"])
    except SplatError as wrong:
        return wording.error(wrong)
    return wording.job_line(job) if job else wording.HELP


def _done(desk: Desk, command: grammar.Command, here: Job | None, user: str) -> Job | None:
    """Do what a mention asks, for the job that it names or in whose thread it stands."""
    own = here.id if here else None
    match command:
        case grammar.Cancel(job_id):
            return desk.cancel(job_id or own, user)
        case grammar.Destroy(job_id):
            return desk.destroy(job_id or own, user)
        case grammar.ShowStatus(job_id):
            return desk.pick(job_id or own)
        case _:
            return None
