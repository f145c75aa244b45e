"""The start dialog: opened at once, filled in while one chooses, checked before it closes."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from slack_bolt import Ack, App
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.core.desk import Desk
from bot.core.errors import InvalidValue, SplatError
from bot.core.jobs import Request
from bot.slack import dialog, outlooks, wording
from bot.slack.answers import error_of
from bot.slack.dialog import FOLLOWED, NUMBERS, Choice, View, chosen
from bot.storage.base import Dataset

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

    def changed(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
        ack()
        _show_outlook(desk, photo_url, body, client)

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


def _show_outlook(desk: Desk, photo_url: PhotoUrl, body: dict[str, Any], client: WebClient) -> None:
    """Say what the choice would take, with one of the photos where Slack can fetch it."""
    choice = chosen(body["view"]["state"]["values"])
    if choice.dataset:
        request = _request(body, body["view"], choice)
        wrong = wording.not_allowed(choice.wrong)
        show_outlook(desk, photo_url, client, body["view"], request, wrong)


def show_outlook(
    desk: Desk,
    photo_url: PhotoUrl,
    client: WebClient,
    view: View,
    request: Request,
    wrong: str = "",
) -> None:
    """Say in an open dialog what a request would take, below what is `wrong` with the fields."""
    dataset, text = _outlook(desk, request)
    picture = photo_url(request.dataset)
    update = partial(
        dialog.start_dialog, request.channel, dataset=dataset, pipeline=request.pipeline,
        outlook=f"{wrong}\n{text}".strip(),
    )  # fmt: skip
    try:
        client.views_update(view_id=view["id"], view=update(picture=picture))
    except SlackApiError as refused:
        if not picture or refused.response.status_code != 200:
            raise
        log.warning("a dialog goes without its picture: %s", error_of(refused))
        client.views_update(view_id=view["id"], view=update())


def _outlook(desk: Desk, request: Request) -> tuple[Dataset, str]:
    try:
        quoted = desk.quote(request, looking=True)
    except SplatError as wrong:
        return Dataset(request.dataset, 0, 0), wording.error(wrong)
    return quoted.dataset, outlooks.outlook(quoted)


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
