"""`/splat …`."""

from __future__ import annotations

import time
from typing import Any

from slack_bolt import Ack, App
from slack_sdk import WebClient

from bot.core import commands as grammar
from bot.core.desk import Desk
from bot.core.errors import SplatError
from bot.core.intents import Kind
from bot.core.jobs import Job, Request
from bot.slack import bills, blocks, reports, wording
from bot.slack.parts import Post, context, said
from bot.slack.standing import standing_of


def register(app: App, desk: Desk) -> None:
    """Listen to the slash command."""

    @app.command("/splat")
    def splat(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
        try:
            command = grammar.parse(body.get("text", ""))
            if isinstance(command, grammar.OpenDialog):
                ack()
                view = blocks.start_dialog(body["channel_id"])
                client.views_open(trigger_id=body["trigger_id"], view=view)
                return
            answer = _answer(desk, command, body)
        except SplatError as wrong:
            answer = said(wording.error(wrong))
        ack(response_type="ephemeral", text=answer.text, blocks=answer.blocks)


def _answer(desk: Desk, command: grammar.Command, body: dict[str, Any]) -> Post:
    """Do what a command asks; return what only the person sees."""
    user = body["user_id"]
    match command:
        case grammar.Start():
            return said(_start(desk, command, body))
        case grammar.Cancel(job_id):
            return _status(desk, desk.cancel(job_id, user))
        case grammar.Destroy(job_id):
            return _strangers(desk, job_id) or _status(desk, desk.destroy(job_id, user))
        case grammar.ShowStatus(job_id):
            return _strangers(desk, job_id) or _status(desk, desk.pick(job_id))
        case grammar.ShowCost(period):
            return reports.cost(desk.budget.spending(period))
        case grammar.ShowDoctor():
            return reports.doctor(desk.rounds.ask(), time.time())
        case grammar.ListJobs():
            lines = map(wording.job_line, desk.ledger.jobs(limit=15))
            return said("\n".join(lines) or "There are no jobs yet.")
        case grammar.ListDatasets(prefix):
            return said(wording.dataset_lines(desk.datasets(prefix), prefix))
        case _:
            return said(wording.HELP)


def _strangers(desk: Desk, job_id: str | None) -> Post | None:
    """The droplets that are not ours, where no job is named and none runs that could be meant."""
    found = desk.ledger.intents.foreign()
    if job_id is not None or desk.ledger.active() or not found:
        return None
    asked = desk.ledger.intents.newest(Kind.DESTROY_FOREIGN)
    return reports.strangers(found, asked, time.time())


def _start(desk: Desk, command: grammar.Start, body: dict[str, Any]) -> str:
    request = Request(
        team=body["team_id"],
        channel=body["channel_id"],
        user=body["user_id"],
        dataset=command.dataset,
        pipeline=command.pipeline,
        # Slack may deliver a command twice; its trigger is the same then.
        key=f"command:{body['trigger_id']}",
        options=command.options,
        job_id=command.job_id,
    )
    job = desk.start(request)
    return wording.accepted(command.text, job, desk.ledger.queue_position(job.id))


def _status(desk: Desk, job: Job) -> Post:
    """A job's present state, without live buttons: those belong to its one message."""
    post = blocks.status(job, standing_of(desk.ledger, job))
    shown = [block for block in post.blocks if block["type"] != "actions"]
    note = bills.foreign_note(desk.ledger.intents.foreign())
    return Post(post.text, [*shown, *([context(note)] if note else [])])
