"""Whether Slack would take these blocks or this view. Says no in the places in which Slack does.

The limits are those of docs.slack.dev/reference/block-kit; tests compare them with the constants
of slack_sdk's models. Blocks and elements that Splatbot does not use are left to those models.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block, InteractiveElement

from bot.sandbox.schema import (
    Rule,
    boolean,
    both,
    by_type,
    exactly_one,
    fault,
    items,
    record,
    string,
    web_address,
    whole,
    word,
)

MESSAGE_BLOCKS, VIEW_BLOCKS = 50, 100

#: Characters of an identifier, of a view's private metadata, of a modal's title and buttons.
IDENTIFIER, METADATA, MODAL_TEXT = 255, 3000, 24


def problems(blocks: object, *, limit: int = MESSAGE_BLOCKS, pointer: str = "/blocks") -> list[str]:
    """Return what is wrong with blocks, as lines of `response_metadata.messages`."""
    found = list(items(by_type(_block), limit, least=0)(blocks, pointer))
    return found or list(_repeated(blocks, pointer))


def view_problems(view: object) -> list[str]:
    """Return what is wrong with a modal or an App Home."""
    found = list(by_type(_VIEWS.get)(view, "/view"))
    return found or list(_between_blocks(view))


def _typed(kind: str, required: Mapping[str, Rule], **optional: Rule) -> Rule:
    return record({"type": word(kind), **required}, optional)


def _plain(most: int) -> Rule:
    return _typed("plain_text", {"text": string(most)}, emoji=boolean)


def _text(most: int) -> Rule:
    rules = {
        "plain_text": _plain(most),
        "mrkdwn": _typed("mrkdwn", {"text": string(most)}, verbatim=boolean),
    }
    return by_type(rules.get)


# -- elements -------------------------------------------------------------------------------------

_ID = string(IDENTIFIER)
_CONFIRM = record(
    {"title": _plain(100), "text": _text(300), "confirm": _plain(30), "deny": _plain(30)},
    {"style": word("primary", "danger")},
)
_OPTION = record({"text": _text(75), "value": string(150)}, {"description": _text(75)})
_GROUP = record({"label": _plain(75), "options": items(_OPTION, 100)})
_PICTURE = both(
    _typed(
        "image",
        {"alt_text": string(2000)},
        image_url=web_address(),
        slack_file=record({}, {"id": _ID, "url": web_address()}),
    ),
    exactly_one("image_url", "slack_file"),
)
_SELECT = {"action_id": _ID, "placeholder": _plain(150), "focus_on_load": boolean}
_CHOICE = {"action_id": _ID, "initial_options": items(_OPTION, 10), "confirm": _CONFIRM}

_ELEMENTS: Mapping[str, Rule] = {
    "button": _typed(
        "button",
        {"text": _plain(75)},
        action_id=_ID,
        url=web_address(),
        value=string(2000),
        style=word("primary", "danger"),
        confirm=_CONFIRM,
        accessibility_label=string(75),
    ),
    "image": _PICTURE,
    "overflow": _typed("overflow", {"options": items(_OPTION, 5)}, action_id=_ID, confirm=_CONFIRM),
    "checkboxes": _typed("checkboxes", {"options": items(_OPTION, 10)}, **_CHOICE),
    "static_select": both(
        _typed(
            "static_select",
            {},
            options=items(_OPTION, 100),
            option_groups=items(_GROUP, 100),
            initial_option=_OPTION,
            confirm=_CONFIRM,
            **_SELECT,
        ),
        exactly_one("options", "option_groups"),
    ),
    "external_select": _typed(
        "external_select",
        {},
        initial_option=_OPTION,
        min_query_length=whole(0, 100),
        confirm=_CONFIRM,
        **_SELECT,
    ),
    "plain_text_input": _typed(
        "plain_text_input",
        {},
        action_id=_ID,
        placeholder=_plain(150),
        initial_value=string(3000, least=0),
        multiline=boolean,
        min_length=whole(0, 3000),
        max_length=whole(1, 3000),
        focus_on_load=boolean,
        dispatch_action_config=record(
            {},
            {"trigger_actions_on": items(word("on_enter_pressed", "on_character_entered"), 2)},
        ),
    ),
}


#: What a person fills in stands in input blocks alone; what acts at once stands in none.
_FILLED_IN = {"plain_text_input", "number_input", "email_text_input", "url_text_input",
              "file_input", "rich_text_input"}  # fmt: skip
_ACTS = {"button", "image", "overflow", "feedback_buttons", "icon_button", "workflow_button"}


def _element(*, without: Collection[str]) -> Rule:
    def rule_of(kind: str) -> Rule | None:
        if kind in without:
            return None
        return _ELEMENTS.get(kind) or _by_model(InteractiveElement, kind)

    return by_type(rule_of)


# -- blocks ---------------------------------------------------------------------------------------


def _text_or_fields(block: Any, pointer: str) -> Iterator[str]:
    if not ("text" in block or "fields" in block):
        yield fault("must define either `text` or `fields`", f"{pointer}/type")


_IN_CONTEXT = {"image": _PICTURE, "plain_text": _text(3000), "mrkdwn": _text(3000)}

#: Tasks of a plan carry no type; their details would be rich text, which we do not send.
_TASK = record(
    {
        "task_id": _ID,
        "title": string(150),
        "status": word("pending", "in_progress", "complete", "error"),
    }
)

_BLOCKS: Mapping[str, Rule] = {
    "divider": _typed("divider", {}, block_id=_ID),
    "header": _typed("header", {"text": _plain(150)}, block_id=_ID),
    "section": both(
        _typed(
            "section",
            {},
            text=_text(3000),
            fields=items(_text(2000), 10),
            accessory=_element(without=_FILLED_IN),
            expand=boolean,
            block_id=_ID,
        ),
        _text_or_fields,
    ),
    "context": _typed("context", {"elements": items(by_type(_IN_CONTEXT.get), 10)}, block_id=_ID),
    "actions": _typed(
        "actions", {"elements": items(_element(without={*_FILLED_IN, "image"}), 25)}, block_id=_ID
    ),
    "plan": _typed("plan", {"title": string(150)}, tasks=items(_TASK, 50), block_id=_ID),
    "image": both(
        _typed(
            "image",
            {"alt_text": string(2000)},
            image_url=web_address(),
            slack_file=record({}, {"id": _ID, "url": web_address()}),
            title=_plain(2000),
            block_id=_ID,
        ),
        exactly_one("image_url", "slack_file"),
    ),
    "input": _typed(
        "input",
        {"label": _plain(2000), "element": _element(without=_ACTS)},
        hint=_plain(2000),
        optional=boolean,
        dispatch_action=boolean,
        block_id=_ID,
    ),
}


def _block(kind: str) -> Rule | None:
    return _BLOCKS.get(kind) or _by_model(Block, kind)


# -- views ----------------------------------------------------------------------------------------

_OF_ANY_VIEW = {"private_metadata": string(METADATA, least=0), "callback_id": _ID,
                "external_id": string(IDENTIFIER, least=0)}  # fmt: skip
_VIEW_BLOCKS = {"blocks": items(by_type(_block), VIEW_BLOCKS)}
_VIEWS: Mapping[str, Rule] = {
    "modal": _typed(
        "modal",
        {"title": _plain(MODAL_TEXT), **_VIEW_BLOCKS},
        submit=_plain(MODAL_TEXT),
        close=_plain(MODAL_TEXT),
        clear_on_close=boolean,
        notify_on_close=boolean,
        **_OF_ANY_VIEW,
    ),
    "home": _typed("home", _VIEW_BLOCKS, **_OF_ANY_VIEW),
}


def _between_blocks(view: Any) -> Iterator[str]:
    yield from _repeated(view["blocks"], "/view/blocks")
    kinds = [block["type"] for block in view["blocks"]]
    if view["type"] == "modal" and "input" in kinds and "submit" not in view:
        where = f"/view/blocks/{kinds.index('input')}/input"
        yield fault("must define `submit` to use an `input` block in modals", where)


# -- rules between several ------------------------------------------------------------------------


def _repeated(blocks: Any, pointer: str) -> Iterator[str]:
    """A block's id is unique in its message or view, an action's in its block."""
    seen: set[str] = set()
    for number, block in enumerate(blocks):
        where = f"{pointer}/{number}"
        yield from _seen_before(block, "block_id", seen, where)
        tasks: set[str] = set()
        for place, task in enumerate(block.get("tasks", [])):
            yield from _seen_before(task, "task_id", tasks, f"{where}/tasks/{place}")
        actions: set[str] = set()
        for place, element in enumerate(block.get("elements", [])):
            yield from _seen_before(element, "action_id", actions, f"{where}/elements/{place}")


def _seen_before(owner: Any, name: str, seen: set[str], pointer: str) -> Iterator[str]:
    identifier = owner.get(name) if isinstance(owner, dict) else None
    if identifier in seen:
        yield fault(f'`{name}` "{identifier}" already exists', f"{pointer}/{name}")
    if identifier:
        seen.add(identifier)


# -- what we do not use ourselves -----------------------------------------------------------------


def _types_of(model: type[Any]) -> set[str]:
    kind = getattr(model, "type", None)
    own = {kind} if isinstance(kind, str) else set()
    return own.union(*map(_types_of, model.__subclasses__()))


#: Slack makes these itself and takes them from no app.
_NOT_FOR_APPS = {"file", "call", "auth_provider"}
_KNOWN = {
    Block: _types_of(Block) - _NOT_FOR_APPS,
    InteractiveElement: _types_of(InteractiveElement),
}


def _by_model(model: type[Block] | type[InteractiveElement], kind: str) -> Rule | None:
    """The rule of slack_sdk's own model; None when it knows no such type."""
    if kind not in _KNOWN[model]:
        return None

    def check(value: Any, pointer: str) -> Iterator[str]:
        try:
            parsed = model.parse(dict(value))
            if parsed is not None:
                parsed.to_dict()
        except (SlackObjectFormationError, TypeError, ValueError, AttributeError) as wrong:
            yield fault(str(wrong), pointer)

    return check
