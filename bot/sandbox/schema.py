"""Rules for JSON values that find fault in Slack's own words.

A rule takes a value and its JSON pointer, and yields one line for each fault, in the form of
`response_metadata.messages`: "[ERROR] must be less than 25 characters [json-pointer:/view/title]".
The words are those which Slack's servers send, as quoted in public bug reports.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Rule = Callable[[Any, str], Iterator[str]]

#: Fields by name; what is not named is refused, as Slack does.
Fields = Mapping[str, Rule]


def fault(problem: str, pointer: str) -> str:
    """Return one line of `response_metadata.messages`."""
    return f"[ERROR] {problem} [json-pointer:{pointer}]"


def string(most: int, *, least: int = 1) -> Rule:
    """A string of `least` to `most` characters."""

    def check(value: Any, pointer: str) -> Iterator[str]:
        if not isinstance(value, str):
            yield fault("must be a string", pointer)
        elif len(value) < least:
            yield fault(f"must be more than {least - 1} characters", pointer)
        elif len(value) > most:
            yield fault(f"must be less than {most + 1} characters", pointer)

    return check


def boolean(value: Any, pointer: str) -> Iterator[str]:
    """True or false."""
    if not isinstance(value, bool):
        yield fault("must be a boolean", pointer)


def whole(least: int, most: int) -> Rule:
    """A whole number."""

    def check(value: Any, pointer: str) -> Iterator[str]:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            yield fault(f"must be an integer from {least} to {most}", pointer)

    return check


def word(*allowed: str) -> Rule:
    """One of some words."""

    def check(value: Any, pointer: str) -> Iterator[str]:
        if value not in allowed:
            yield fault(f"must be a valid enum value: {', '.join(allowed)}", pointer)

    return check


def web_address(most: int = 3000) -> Rule:
    """An http(s) URL."""

    def check(value: Any, pointer: str) -> Iterator[str]:
        yield from string(most)(value, pointer)
        if isinstance(value, str) and not value.startswith(("https://", "http://")):
            yield fault("must be a valid URL", pointer)

    return check


def record(required: Fields, optional: Fields | None = None) -> Rule:
    """An object with these fields and no others."""
    known = {**required, **(optional or {})}

    def check(value: Any, pointer: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield fault("must be an object", pointer)
            return
        for name in required.keys() - value.keys():
            yield fault(f"missing required field: {name}", pointer)
        for name, inner in value.items():
            if name in known:
                yield from known[name](inner, f"{pointer}/{name}")
            else:
                yield fault(f"invalid additional property: {name}", pointer)

    return check


def items(rule: Rule, most: int, *, least: int = 1) -> Rule:
    """A list of values that each follow a rule."""

    def check(value: Any, pointer: str) -> Iterator[str]:
        if not isinstance(value, list):
            yield fault("must be an array", pointer)
            return
        if len(value) > most:
            yield fault(f"no more than {most} items allowed", pointer)
        if len(value) < least:
            yield fault(f"must provide at least {least} items", pointer)
        for number, inner in enumerate(value):
            yield from rule(inner, f"{pointer}/{number}")

    return check


def by_type(rules: Callable[[str], Rule | None]) -> Rule:
    """An object that says its `type`; `rules` returns the rule of a type, None when unknown."""

    def check(value: Any, pointer: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield fault("must be an object", pointer)
        elif "type" not in value:
            yield fault("missing required field: type", pointer)
        elif (rule := rules(str(value["type"]))) is None:
            yield fault(f"unsupported type: {value['type']}", f"{pointer}/type")
        else:
            yield from rule(value, pointer)

    return check


def both(*rules: Rule) -> Rule:
    """All of some rules."""

    def check(value: Any, pointer: str) -> Iterator[str]:
        for rule in rules:
            yield from rule(value, pointer)

    return check


def exactly_one(*names: str) -> Rule:
    """An object that has exactly one of these fields."""

    def check(value: Any, pointer: str) -> Iterator[str]:
        if sum(name in value for name in names) != 1:
            yield fault(f"must define exactly one of {', '.join(names)}", pointer)

    return check
