"""The start dialog: opened at once, filled in while one chooses, checked before it closes."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from slack_bolt import Ack, App
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.core.desk import Desk
from bot.core.errors import InvalidValue, SplatError
from bot.core.jobs import Request
from bot.slack import bills, dialog, wording
from bot.slack.answers import error_of
from bot.slack.dialog import NUMBERS, Choice, View, chosen

log = logging.getLogger(__name__)

#: The address of one photo of a dataset, small; empty when there is none.
PhotoUrl = Callable[[str], str]


def register(app: App, desk: Desk, photo_url: PhotoUrl = lambda name: "") -> None:
    """Listen to the dialog's fields and to its Start button."""

    @app.options("dataset")
    def datasets(ack: Ack, payload: dict[str, Any]) -> None:
        wanted = str(payload.get("value", "")).lower()
        found = [d for d in desk.datasets() if wanted in d.name.lower()]
        ack(options=dialog.dataset_options(found))

    @app.action("dataset")
    def photos_chosen(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
        ack()
        _show_outlook(desk, photo_url, body, client)

    @app.action("pipeline")
    def pipeline_chosen(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
        ack()
        _show_outlook(desk, photo_url, body, client)

    @app.view("start")
    def start(ack: Ack, body: dict[str, Any], view: View) -> None:
        wrong = _start(desk, body, view)
        ack(response_action="errors", errors=wrong) if wrong else ack()


def _start(desk: Desk, body: dict[str, Any], view: View) -> dict[str, str]:
    """Start the job; return what keeps it from starting, by field."""
    choice = chosen(view["state"]["values"])
    if choice.wrong:
        return dict(choice.wrong)
    try:
        desk.start(_request(body, view, choice))
    except InvalidValue as wrong:
        return {wrong.field if wrong.field in NUMBERS else "dataset": str(wrong)}
    except SplatError as wrong:
        return {"dataset": wording.without_markup(str(wrong))}
    return {}


def _show_outlook(desk: Desk, photo_url: PhotoUrl, body: dict[str, Any], client: WebClient) -> None:
    """Say what the choice would take, with one of the photos where Slack can fetch it."""
    view = body["view"]
    choice = chosen(view["state"]["values"])
    if not choice.dataset:
        return
    text, picture = _outlook(desk, body, view, choice), photo_url(choice.dataset)
    try:
        _update(client, view, text, picture)
    except SlackApiError as refused:
        if not picture or refused.response.status_code != 200:
            raise
        log.warning("a dialog goes without its picture: %s", error_of(refused))
        _update(client, view, text, "")


def _outlook(desk: Desk, body: dict[str, Any], view: View, choice: Choice) -> str:
    try:
        return bills.outlook(desk.quote(_request(body, view, choice)))
    except SplatError as wrong:
        return wording.error(wrong)


def _update(client: WebClient, view: View, text: str, picture: str) -> None:
    shown = dialog.start_dialog(view["private_metadata"], outlook=text, picture=picture)
    client.views_update(view_id=view["id"], view=shown)


def _request(body: dict[str, Any], view: View, choice: Choice) -> Request:
    return Request(
        team=body["team"]["id"],
        channel=view["private_metadata"],
        user=body["user"]["id"],
        dataset=choice.dataset,
        pipeline=choice.pipeline,
        key=f"view:{view['id']}",
        options=choice.options,
    )
