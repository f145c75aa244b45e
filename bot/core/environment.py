"""Reads variables of the environment. BadSetting names the one that is wrong, and the remedy."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from bot.core.roles import EVERYBODY
from gpu.job import SplatError


class BadSetting(SplatError):
    """A variable of the environment is missing or wrong."""

    def __init__(self, variable: str, problem: str, hint: str) -> None:
        super().__init__(f"{variable} {problem}.", hint=hint)
        self.variable = variable


def read_word(env: Mapping[str, str], variable: str) -> str:
    """Read one word; empty when it is not set."""
    return env.get(variable, "").strip()


def read_words(env: Mapping[str, str], variable: str) -> tuple[str, ...]:
    """Read words with spaces or commas between them."""
    return tuple(word for word in re.split(r"[\s,]+", env.get(variable, "")) if word)


def read_ids(env: Mapping[str, str], variable: str, kinds: tuple[str, ...]) -> tuple[str, ...]:
    """Read ids of Slack. One that is mistyped would lock people out."""
    ids = read_words(env, variable) or (EVERYBODY,)
    for each in ids:
        is_id = re.fullmatch(r"[A-Z][A-Z0-9]{2,}", each) and each.startswith(kinds)
        if not is_id and each != EVERYBODY:
            hint = (
                f"Set it to `{EVERYBODY}`, or to ids of Slack that begin with {', '.join(kinds)}:"
                " they are in a person's profile and in the details of a channel or group."
            )
            raise BadSetting(variable, f"has {each!r}", hint)
    return ids


def read_switch(env: Mapping[str, str], variable: str) -> bool:
    """Read `on` or `off`, which is meant when nothing is set."""
    text = env.get(variable, "").strip().lower() or "off"
    if text not in {"on", "off"}:
        raise BadSetting(variable, f"is {text!r}", "Set it to `on` or `off`.")
    return text == "on"


def read_number(
    env: Mapping[str, str], variable: str, default: float, low: float, high: float
) -> float:
    """Read a number from `low` to `high`, or the default."""
    text = env.get(variable, "").strip()
    try:
        value = float(text) if text else default
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise BadSetting(variable, f"is {text!r}", f"Set it to a number from {low:g} to {high:g}.")
    return value


def read_needed(env: Mapping[str, str], variable: str, what: str) -> str:
    """Read what can not be left out; `what` says what it should be set to."""
    value = env.get(variable, "").strip()
    if not value:
        hint = f"Set it to {what}. `splatbot demo` needs no settings at all."
        raise BadSetting(variable, "is not set", hint)
    return value


def read_url(env: Mapping[str, str], variable: str, default: str) -> str:
    """Read the address of a server, without a slash at its end."""
    text = (env.get(variable, "").strip() or default).rstrip("/")
    try:
        parts = urlsplit(text)
        whole = parts.scheme in {"http", "https"} and parts.hostname
    except ValueError:
        whole = None
    if not whole:
        raise BadSetting(variable, f"is {text!r}", f"Set it to an address such as {default}.")
    return text
