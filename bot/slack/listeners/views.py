"""The start dialog."""

from __future__ import annotations

from typing import Any

from slack_bolt import Ack, App

from bot.core.desk import Desk
from bot.core.errors import InvalidValue, SplatError
from bot.core.jobs import Request
from bot.slack import blocks
from gpu.job import RANGES, Pipeline

NUMBERS = ("iterations", "max_views", "image_size")


def register(app: App, desk: Desk) -> None:
    """Listen to the dataset picker and to the Start button of the dialog."""

    @app.options("dataset")
    def datasets(ack: Ack, payload: dict[str, Any]) -> None:
        wanted = str(payload.get("value", "")).lower()
        found = [d for d in desk.datasets() if wanted in d.name.lower()]
        ack(options=blocks.dataset_options(found))

    @app.view("start")
    def start(ack: Ack, body: dict[str, Any], view: dict[str, Any]) -> None:
        try:
            desk.start(_request(body, view))
        except InvalidValue as wrong:
            field = wrong.field if wrong.field in NUMBERS else "dataset"
            ack(response_action="errors", errors={field: str(wrong)})
        except SplatError as wrong:
            ack(response_action="errors", errors={"dataset": str(wrong)})
        else:
            ack()


def _request(body: dict[str, Any], view: dict[str, Any]) -> Request:
    values = view["state"]["values"]
    chosen = values["dataset"]["dataset"].get("selected_option")
    if not chosen:
        raise InvalidValue("dataset", "", "one of the datasets in the list")
    return Request(
        team=body["team"]["id"],
        channel=view["private_metadata"],
        user=body["user"]["id"],
        dataset=chosen["value"],
        pipeline=Pipeline(values["pipeline"]["pipeline"]["selected_option"]["value"]),
        key=f"view:{view['id']}",
        options=_numbers(values),
    )


def _numbers(values: dict[str, Any]) -> dict[str, int]:
    typed = {name: (values[name][name].get("value") or "").strip() for name in NUMBERS}
    return {name: _number(name, text) for name, text in typed.items() if text}


def _number(name: str, text: str) -> int:
    return RANGES[name].check(name, int(text) if text.isdecimal() else text)
