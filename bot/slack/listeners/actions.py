"""Buttons. Old ones answer with how things stand, and never touch another job."""

from __future__ import annotations

from typing import Any

from slack_bolt import Ack, App
from slack_sdk import WebClient

from bot.core.desk import Desk
from bot.core.errors import SplatError
from bot.slack import bills, dialog, job_wording, wording
from bot.slack.listeners.ask import Stop, stop


def register(app: App, desk: Desk) -> None:
    """Listen to the buttons of messages and of the App Home."""

    @app.action("cancel_job")
    def cancel(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
        _stop(desk, desk.cancel, ack, body, client)

    @app.action("destroy_job")
    def destroy(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
        _stop(desk, desk.destroy, ack, body, client)

    @app.action("run_again")
    def run_again(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
        text = _run_again(desk, body["actions"][0]["value"], body["user"]["id"])
        ack()  # only now: what is acknowledged is in the ledger
        _whisper(body, client, text)

    @app.action("destroy_foreign")
    def destroy_foreign(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
        text = _destroyed(desk, body["actions"][0]["value"], body["user"]["id"])
        ack()
        _whisper(body, client, text)

    @app.action("open_viewer")
    def open_viewer(ack: Ack) -> None:
        ack()  # the button is a link; Slack wants to be answered all the same

    @app.action("open_start")
    def open_start(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
        ack()
        view = dialog.start_dialog(body["user"]["id"])
        client.views_open(trigger_id=body["trigger_id"], view=view)


def _stop(desk: Desk, how: Stop, ack: Ack, body: dict[str, Any], client: WebClient) -> None:
    try:
        _, text = stop(desk, how, body["actions"][0]["value"], body["user"]["id"])
    except SplatError as wrong:
        text = wording.error(wrong)
    ack()  # only now: what is acknowledged is in the ledger
    if text:  # besides what the job's own message says
        _whisper(body, client, text)


def _run_again(desk: Desk, failed: str, user: str) -> str:
    """Order a failed job again; return what is to be said."""
    try:
        job, is_new = desk.run_again(failed, user)
    except SplatError as wrong:
        return wording.error(wrong)
    if not is_new:
        return job_wording.runs_already(job, failed)
    return job_wording.runs_again(job, failed, desk.ledger.queue_position(job.id))


def _whisper(body: dict[str, Any], client: WebClient, text: str) -> None:
    """Say something to the person who pressed, alone, and where they look: in a thread's reply."""
    channel, user, message = body["channel"]["id"], body["user"]["id"], body.get("message", {})
    thread = message.get("thread_ts")
    in_thread = thread if thread != message.get("ts") else None
    client.chat_postEphemeral(channel=channel, user=user, text=text, thread_ts=in_thread)


def _destroyed(desk: Desk, machine_id: str, user: str) -> str:
    """Want a droplet destroyed that is not ours; return what is to be said."""
    try:
        return bills.destroying_foreign(desk.destroy_foreign(machine_id, user))
    except SplatError as wrong:
        return wording.error(wrong)
