"""The start dialog: opened at once, filled in while one chooses, checked before it closes."""

from __future__ import annotations

from typing import Any

from slack_bolt import Ack, App
from slack_sdk import WebClient

from bot.core.desk import Desk
from bot.core.errors import InvalidValue, SplatError
from bot.core.jobs import Request
from bot.slack import dialog, wording
from bot.slack.dialog import FOLLOWED, NUMBERS, Choice, View, chosen
from bot.slack.open_dialogs import OpenDialogs


def register(app: App, desk: Desk, dialogs: OpenDialogs) -> None:
    """Listen to the dialog's fields and to its Start button."""

    @app.options("dataset")
    def datasets(ack: Ack, payload: dict[str, Any]) -> None:
        wanted = str(payload.get("value", "")).lower()
        found = [d for d in desk.datasets() if wanted in d.name.lower()]
        ack(options=dialog.dataset_options(found))

    def changed(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
        ack()
        _show_outlook(dialogs, body, client)

    for field in FOLLOWED:
        app.action(field)(changed)

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


def _show_outlook(dialogs: OpenDialogs, body: dict[str, Any], client: WebClient) -> None:
    """Say what the choice would take, with one of the photos where Slack can fetch it."""
    view = body["view"]
    choice = chosen(view["state"]["values"])
    if choice.dataset:
        wrong, at = wording.not_allowed(choice.wrong), float(body["actions"][0]["action_ts"])
        dialogs.show(client, view["id"], _request(body, view, choice), wrong=wrong, at=at)


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
