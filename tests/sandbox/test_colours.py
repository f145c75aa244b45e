"""Words can be read on what is behind them, in light and dark: WCAG 2.2 asks for 4.5 to 1."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SANDBOX = (ROOT / "bot/sandbox/page/src/style.css").read_text()
UPLOAD = (ROOT / "bot/web/upload/page/src/style.css").read_text()
WHITE = "#ffffff"

Colours = Callable[[bool], Mapping[str, str]]

#: Words, and what is behind them: names of colours in the style sheets.
SANDBOX_PAIRS = [
    ("ink", "paper"), ("soft", "paper"), ("soft", "whisper"), ("soft", "faint"), ("link", "faint"),
    ("link", "whisper"), ("link", "mention"), ("code", "code-paper"), ("red-ink", "faint"),
    ("green-ink", "paper"), ("side-ink", "side"), ("side-soft", "side"), ("banner-ink", "banner"),
    ("white", "green"), ("white", "green-over"), ("white", "red"), ("white", "red-over"),
    ("white", "pick"),
]  # fmt: skip
UPLOAD_PAIRS = [
    ("ink", "paper"), ("soft", "faint"), ("green-ink", "paper"), ("red", "paper"),
    ("white", "green"),
]  # fmt: skip


def sandbox(dark: bool) -> Mapping[str, str]:
    """The sandbox's colours: what dark changes stands in a block of its own."""
    light, after = SANDBOX.split("@media (prefers-color-scheme: dark)", 1)
    colours = dict(re.findall(r"--([\w-]+): (#\w+)", light))
    return colours | dict(re.findall(r"--([\w-]+): (#\w+)", after)) if dark else colours


def upload(dark: bool) -> Mapping[str, str]:
    """The upload page's colours, each written for both."""
    found = re.findall(r"--([\w-]+): light-dark\((#\w+), (#\w+)\)", UPLOAD)
    return {name: both[dark] for name, *both in found}


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(weight * p for weight, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("page", "words", "behind"),
    [(sandbox, *pair) for pair in SANDBOX_PAIRS] + [(upload, *pair) for pair in UPLOAD_PAIRS],
)
def test_words_stand_out(page: Colours, words: str, behind: str, dark: bool) -> None:
    colours = {"white": WHITE, **page(dark)}
    low, high = sorted(luminance(colours[name]) for name in (words, behind))
    assert (high + 0.05) / (low + 0.05) >= 4.5
