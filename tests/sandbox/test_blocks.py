"""Blocks are taken or refused as Slack does, with Slack's words and pointers."""

from typing import Any

import pytest
from slack_sdk.models.blocks import (
    ActionsBlock,
    ButtonElement,
    ConfirmObject,
    ContextBlock,
    HeaderBlock,
    ImageBlock,
    InputBlock,
    Option,
    SectionBlock,
)
from slack_sdk.models.views import View

from bot.sandbox.blocks_check import problems, view_problems
from tests.sandbox.conftest import button, modal, plain, section

CONFIRM = {
    "title": plain("Sure?"),
    "text": plain("It stops."),
    "confirm": plain("Yes"),
    "deny": plain("No"),
}


def option(text: str = "a", value: str = "a") -> dict[str, Any]:
    return {"text": plain(text), "value": value}


def select(**changes: Any) -> dict[str, Any]:
    element = {"type": "static_select", "action_id": "s", "options": [option()]} | changes
    return {"type": "input", "label": plain("L"), "element": element}


def typed(*when: str) -> dict[str, Any]:
    config = {"trigger_actions_on": list(when)}
    element = {"type": "plain_text_input", "action_id": "t", "dispatch_action_config": config}
    return {"type": "input", "label": plain("L"), "element": element, "dispatch_action": True}


def header(text: str) -> dict[str, Any]:
    return {"type": "header", "text": plain(text)}


def image(**changes: Any) -> dict[str, Any]:
    return {"type": "image", "image_url": "https://x/a.jpg", "alt_text": "a"} | changes


def context(count: int) -> dict[str, Any]:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}] * count}


@pytest.mark.parametrize(
    ("block", "words"),
    [
        (section(""), "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
        (section("x" * 3001), "must be less than 3001 characters [json-pointer:/blocks/0/text/"),
        ({"type": "section"}, "must define either `text` or `fields` [json-pointer:/blocks/0/"),
        ({"type": "sektion"}, "unsupported type: sektion [json-pointer:/blocks/0/type]"),
        ({"text": plain("x")}, "missing required field: type [json-pointer:/blocks/0]"),
        ({"type": "header"}, "missing required field: text [json-pointer:/blocks/0]"),
        (section() | {"colour": 1}, "invalid additional property: colour [json-pointer:/blocks/0]"),
        (header("x" * 151), "must be less than 151 characters"),
        ({"type": "header", "text": section()["text"]}, "must be a valid enum value: plain_text"),
        (context(11), "no more than 10 items allowed [json-pointer:/blocks/0/elements]"),
        (context(0), "must provide at least 1 items [json-pointer:/blocks/0/elements]"),
        (image(alt_text=""), "must be more than 0 characters"),
        ({"type": "image", "alt_text": "a"}, "must define exactly one of image_url, slack_file"),
        (image(image_url="file:///etc/passwd"), "must be a valid URL"),
        (image(slack_file={"id": "F1"}), "must define exactly one of image_url, slack_file"),
        (button(text=plain("x" * 76)), "must be less than 76 characters"),
        (button(value="x" * 2001), "must be less than 2001 characters"),
        (button(url="x" * 3001), "must be less than 3001 characters"),
        (button(style="loud"), "must be a valid enum value"),
        (button(disabled=True), "invalid additional property: disabled"),
        (button(action_id="x" * 256), "must be less than 256 characters"),
        (button(confirm=CONFIRM | {"title": plain("x" * 101)}), "confirm/title/text"),
        (button(confirm=CONFIRM | {"text": plain("x" * 301)}), "confirm/text/text"),
        (button(confirm=CONFIRM | {"confirm": plain("x" * 31)}), "confirm/confirm/text"),
        (button(confirm=CONFIRM | {"deny": plain("x" * 31)}), "confirm/deny/text"),
        (button(type="plain_text_input"), "unsupported type: plain_text_input"),
        (select(options=[]), "must provide at least 1 items"),
        (select(options=[option()] * 101), "no more than 100 items allowed"),
        (select(options=[option("x" * 76)]), "must be less than 76 characters"),
        (select(options=[option("a", "x" * 151)]), "must be less than 151 characters"),
        (select(option_groups=[]), "must define exactly one of options, option_groups"),
        (typed("on_blur"), "valid enum value: on_enter_pressed, on_character_entered"),
        (typed(), "must provide at least 1 items"),
        (select(type="button"), "unsupported type: button"),
        ({"type": "markdown", "text": "x" * 12001}, "12000"),
        ({"type": "file", "external_id": "x", "source": "remote"}, "unsupported type: file"),
    ],
)  # fmt: skip
def test_a_wrong_block_is_refused_in_slacks_words(block: dict[str, Any], words: str) -> None:
    found = problems([block])
    assert any(words in line for line in found), found
    assert all(line.startswith("[ERROR] ") for line in found)


@pytest.mark.parametrize(
    "block",
    [
        section("x" * 3000),
        section() | {"accessory": image()},
        {"type": "section", "fields": [plain("x" * 2000)] * 10},
        header("x" * 150),
        context(10),
        image(title=plain("t")),
        {"type": "divider"},
        button(value="x" * 2000, confirm=CONFIRM | {"style": "danger"}, style="danger"),
        select(options=[option("x" * 75, "x" * 150)] * 100),
        typed("on_enter_pressed", "on_character_entered"),
        {"type": "markdown", "text": "**x**"},
        {"type": "actions", "elements": [{"type": "datepicker", "action_id": "d"}]},
    ],
)  # fmt: skip
def test_a_block_at_its_limits_is_taken(block: dict[str, Any]) -> None:
    assert problems([block]) == []


def test_a_message_has_fifty_blocks_and_a_view_a_hundred() -> None:
    assert problems([section()] * 50) == []
    assert "no more than 50 items allowed [json-pointer:/blocks]" in problems([section()] * 51)[0]
    assert view_problems({"type": "home", "blocks": [section()] * 100}) == []
    assert (
        "no more than 100 items" in view_problems({"type": "home", "blocks": [section()] * 101})[0]
    )


def test_identifiers_are_unique_where_slack_wants_them_to_be() -> None:
    twice = {"type": "actions", "elements": button()["elements"] * 2}
    assert problems([twice]) == [
        '[ERROR] `action_id` "go" already exists [json-pointer:/blocks/0/elements/1/action_id]'
    ]
    assert problems([button(), button()]) == [
        '[ERROR] `block_id` "row" already exists [json-pointer:/blocks/1/block_id]'
    ]
    assert problems([button(), button() | {"block_id": "other"}]) == []


@pytest.mark.parametrize("blocks", ["text", None, {"type": "section"}, ["text"], [None], [[]]])
def test_what_is_no_list_of_blocks_is_refused(blocks: object) -> None:
    assert problems(blocks)


@pytest.mark.parametrize(
    ("view", "words"),
    [
        ({}, "missing required field: type [json-pointer:/view]"),
        ({"type": "sheet", "blocks": []}, "unsupported type: sheet"),
        (modal(title=plain("x" * 25)), "must be less than 25 characters [json-pointer:/view/title"),
        (modal(submit=plain("x" * 25)), "/view/submit/text"),
        (modal(close=plain("x" * 25)), "/view/close/text"),
        (modal(private_metadata="x" * 3001), "must be less than 3001 characters"),
        (modal(callback_id="x" * 256), "must be less than 256 characters"),
        (modal(blocks=None), "must be an array"),
        (modal(blocks=[]), "must provide at least 1 items [json-pointer:/view/blocks]"),
        ({k: v for k, v in modal().items() if k != "submit"},
         "must define `submit` to use an `input` block in modals [json-pointer:/view/blocks/0/"),
    ],
)  # fmt: skip
def test_a_wrong_view_is_refused_in_slacks_words(view: dict[str, Any], words: str) -> None:
    assert any(words in line for line in view_problems(view)), view_problems(view)


def test_the_limits_are_those_of_the_sdk() -> None:
    """Whatever the SDK's models know, we enforce: one more than its limit is too much."""
    assert problems([header("x" * HeaderBlock.text_max_length)]) == []
    assert problems([header("x" * (HeaderBlock.text_max_length + 1))])
    confirm = ConfirmObject
    for block, most in (
        (lambda n: {"type": "section", "fields": [plain("x")] * n}, SectionBlock.fields_max_length),
        (lambda n: {"type": "actions", "elements": [_numbered(i) for i in range(n)]},
         ActionsBlock.elements_max_length),
        (context, ContextBlock.elements_max_length),
        (lambda n: image(alt_text="x" * n), ImageBlock.alt_text_max_length),
        (lambda n: select() | {"label": plain("x" * n)}, InputBlock.label_max_length),
        (lambda n: select() | {"hint": plain("x" * n)}, InputBlock.hint_max_length),
        (lambda n: button(text=plain("x" * n)), ButtonElement.text_max_length),
        (lambda n: button(value="x" * n), ButtonElement.value_max_length),
        (lambda n: select(options=[option("x" * n)]), Option.label_max_length),
        (lambda n: select(options=[option("a", "x" * n)]), Option.value_max_length),
        (lambda n: button(confirm=CONFIRM | {"text": plain("x" * n)}), confirm.text_max_length),
    ):  # fmt: skip
        assert problems([block(most)]) == []
        assert problems([block(most + 1)]), most


def _numbered(number: int) -> dict[str, Any]:
    return {"type": "button", "text": plain("Go"), "action_id": str(number)}


def test_the_limits_of_views_are_those_of_the_sdk() -> None:
    for field, most in (
        ("title", View.title_max_length),
        ("submit", View.submit_max_length),
        ("close", View.close_max_length),
    ):
        assert view_problems(modal(**{field: plain("x" * most)})) == []
        assert view_problems(modal(**{field: plain("x" * (most + 1))}))
