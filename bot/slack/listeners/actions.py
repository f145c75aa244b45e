"""Buttons. Old ones answer with how things stand, and never touch another job."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slack_bolt import Ack, App
from slack_sdk import WebClient

from bot.core.desk import Desk
from bot.core.errors import SplatError
from bot.core.jobs import Job
from bot.slack import blocks, wording


def register(app: App, desk: Desk) -> None:
    """Listen to the buttons of messages and of the App Home."""

    @app.action("cancel_job")
    def cancel(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
        ack()
        _stop(desk, desk.cancel, body, client)

    @app.action("destroy_job")
    def destroy(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
        ack()
        _stop(desk, desk.destroy, body, client)

    @app.action("open_viewer")
    def open_viewer(ack: Ack) -> None:
        ack()  # the button is a link; Slack wants to be answered all the same

    @app.action("open_start")
    def open_start(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
        ack()
        view = blocks.start_dialog(body["user"]["id"])
        client.views_open(trigger_id=body["trigger_id"], view=view)


def _stop(
    desk: Desk,
    stop: Callable[[str | None, str], Job],
    body: dict[str, Any],
    client: WebClient,
) -> None:
    job_id, user = body["actions"][0]["value"], body["user"]["id"]
    try:
        was_over = desk.pick(job_id).is_over
        job = stop(job_id, user)
        if not was_over:
            return  # the job's own message says what happens
        text = wording.job_line(job)
    except SplatError as wrong:
        text = wording.error(wrong)
    client.chat_postEphemeral(channel=body["channel"]["id"], user=user, text=text)
