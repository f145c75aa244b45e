"""The start dialog: what is asked, and what is said about what was chosen. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.core.errors import InvalidValue
from bot.slack import wording
from bot.slack.parts import VALUE, Block, entry, image, option, plain, section
from bot.storage.base import Dataset
from gpu.job import RANGES, Pipeline

#: Slack's limit: the options of a select.
OPTIONS = 100

#: What may be typed; each is the id of its field, and the name of a field of a job.
NUMBERS = ("iterations", "max_views", "image_size")

#: What the outlook follows. A number does so when Enter is pressed: with each character typed it
#: would tell of 7 and of 70 on the way to 7,000, and every answer would redraw a field in which
#: somebody types. All numbers have it, so that Enter never starts a job beside one where it asks.
FOLLOWED = ("dataset", "pipeline", *NUMBERS)

#: A dialog as Slack takes it.
View = dict[str, Any]


@dataclass(frozen=True)
class Choice:
    """What the dialog's fields hold. `wrong` has what can not be, by field."""

    dataset: str = ""
    pipeline: Pipeline = Pipeline.SPLAT
    options: Mapping[str, int] = field(default_factory=dict)
    wrong: Mapping[str, str] = field(default_factory=dict)


def start_dialog(
    channel: str,
    *,
    dataset: Dataset | None = None,
    pipeline: Pipeline = Pipeline.SPLAT,
    outlook: str = "",
    picture: str = "",
) -> View:
    """The dialog of `/splat` alone. The channel travels in its private metadata.

    `dataset` and `pipeline` are chosen already. `outlook` is what the choice would mean: it is
    empty at first, since a dialog has to be open within three seconds, and follows as an update.
    `picture` is the address of one of the photos. The fields keep what was filled in: their ids
    stay.
    """
    return {
        "type": "modal",
        "callback_id": "start",
        "private_metadata": channel,
        "title": plain("Make a splat"),
        "submit": plain("Start"),
        "close": plain("Close"),
        "blocks": [
            _photos(dataset),
            _outlook(outlook or wording.CHOOSE, picture),
            _pipelines(pipeline),
            *map(_number, NUMBERS),
        ],
    }


def dataset_options(found: Sequence[Dataset]) -> list[Block]:
    """The options of the dialog's dataset picker."""
    return [dataset_option(d) for d in found if len(d.name) <= VALUE][:OPTIONS]


def dataset_option(dataset: Dataset) -> Block:
    """A dataset with the number of its photos; the value is its name."""
    return option(wording.counted(dataset), dataset.name)


def chosen(values: Mapping[str, Any]) -> Choice:
    """Read a dialog's `state.values`. What is missing or not allowed is named by its field."""
    photos = values["dataset"]["dataset"].get("selected_option")
    wrong = {} if photos else {"dataset": wording.NO_PHOTOS_CHOSEN}
    options: dict[str, int] = {}
    for name in NUMBERS:
        typed = (values[name][name].get("value") or "").strip()
        try:
            options |= {name: RANGES[name].read(name, typed)} if typed else {}
        except InvalidValue as not_allowed:
            wrong[name] = not_allowed.hint
    pipeline = Pipeline(values["pipeline"]["pipeline"]["selected_option"]["value"])
    return Choice(photos["value"] if photos else "", pipeline, options, wrong)


def _photos(dataset: Dataset | None) -> Block:
    element = {
        "type": "external_select",
        "action_id": "dataset",
        "min_query_length": 0,
        "placeholder": plain("Choose photos"),
    }
    if dataset and len(dataset.name) <= VALUE:
        element["initial_option"] = dataset_option(dataset)
    return entry("dataset", "Photos", element) | {"dispatch_action": True}


def _pipelines(pipeline: Pipeline) -> Block:
    options = {each: option(wording.PIPELINES[each], each.value) for each in Pipeline}
    element = {
        "type": "static_select",
        "action_id": "pipeline",
        "options": list(options.values()),
        "initial_option": options[pipeline],
    }
    return entry("pipeline", "What for", element, hint=wording.PIPELINE_HINT) | {
        "dispatch_action": True
    }


def _outlook(text: str, picture: str) -> Block:
    shown = section(text) | {"block_id": "outlook"}
    return shown | ({"accessory": image(picture, "One of the photos")} if picture else {})


def _number(name: str) -> Block:
    low, high = RANGES[name].low, RANGES[name].high
    label, meaning = wording.OPTIONS[name]
    element = {
        "type": "plain_text_input",
        "action_id": name,
        "placeholder": plain(wording.AUTOMATIC),
        "dispatch_action_config": {"trigger_actions_on": ["on_enter_pressed"]},
    }
    hint = f"{low:,} to {high:,}. {meaning}"
    followed = {"optional": True, "dispatch_action": True}
    return entry(name, label, element, hint=hint) | followed
