"""What the fields of a job may hold: words, numbers and names, as people type them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from gpu.job.errors import InvalidValue

#: A whole number as people type it. No more digits: reading those takes Python long.
_NUMBER = re.compile(r"[0-9]{1,18}|[0-9]{1,3}(,[0-9]{3}){1,5}")


@dataclass(frozen=True)
class Range:
    """An inclusive range of whole numbers."""

    low: int
    high: int

    def check(self, name: str, value: object) -> int:
        """Return `value`, or raise InvalidValue that names the allowed range."""
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not whole or not self.low <= int(str(value)) <= self.high:
            raise InvalidValue(name, value, self.allowed)
        return int(str(value))

    def read(self, name: str, text: str) -> int:
        """Return the number that a person has typed, `10000` or `10,000`; raises as `check`."""
        return self.check(name, int(text.replace(",", "")) if _NUMBER.fullmatch(text) else text)

    @property
    def allowed(self) -> str:
        """The range in words."""
        return f"a whole number from {self.low:,} to {self.high:,}"


#: Photos of which a splat can be made; with fewer a job ends as soon as it has looked at them.
#: Structure from motion starts from two photos and needs a third to fix the scale between pairs.
MIN_PHOTOS = 3

#: The allowed range of each number in a job. `None` in a job means "chosen from the photos and
#: the machine"; it never means "no limit".
RANGES: Mapping[str, Range] = {
    "iterations": Range(50, 100_000),
    "max_views": Range(MIN_PHOTOS, 2_000),
    "image_size": Range(64, 8_192),
    "seed": Range(0, 2**31 - 1),
    "holdout": Range(2, 1_000),
    "attempt": Range(1, 1_000),
    "more": Range(50, 100_000),
}

#: Ways to find cameras that a machine has only where its operator put the weights there.
LEARNED = ("map-anything-apache", "mast3r")
#: Those whose licence allows no commercial use (gpu.geometry.learned).
NON_COMMERCIAL = ("mast3r",)
#: How cameras can be found, by the names that people type; gpu.geometry.stage has each.
GEOMETRIES = ("colmap", "colmap-incremental", "colmap-global", *LEARNED)
#: What None means: every way of COLMAP's, as the photos need.
DEFAULT_GEOMETRY = "colmap"

#: What a network may hide in every photo, where its operator has put one.
BACKGROUND, PEOPLE = "background", "people"
REMOVALS = (BACKGROUND, PEOPLE)

#: How much care training takes, by the names that people type; gpu.training.config has each.
PRESETS = ("draft", "fast", "best")

#: Whether the photos are published with the splat, by the names that people type. People and
#: places in them would be seen by everybody with the link: None means PRIVATE.
PRIVATE, PUBLISH = "private", "publish"
PHOTOS = (PRIVATE, PUBLISH)

#: Whether the held-out photos join the training once everything is measured. None means YES.
YES, NO = "yes", "no"
ANSWERS = (YES, NO)

#: What training sees of photos through a wide lens: straightened ones, whose border is lost, or the
#: photos as they are. None means STRAIGHT: viewers draw pinholes, and what was trained through the
#: lens looks worse in those (bench/results.md).
STRAIGHT, BENT = "straight", "bent"
LENSES = (STRAIGHT, BENT)

#: The words that a field may hold, by the field's name.
CHOICES: Mapping[str, tuple[str, ...]] = {
    "geometry": GEOMETRIES,
    "preset": PRESETS,
    "remove": REMOVALS,
    "photos": PHOTOS,
    "use_all_photos": ANSWERS,
    "lens": LENSES,
}

JOB_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")

#: A kind of machine, as its provider calls it.
SIZE = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")


def check_choice(field: str, name: str, value: object) -> str:
    """Return one of the CHOICES of a field; raises InvalidValue, by `name`, that lists them all."""
    if value not in CHOICES[field]:
        raise InvalidValue(name, value, choices(field))
    return str(value)


def choices(field: str) -> str:
    """The CHOICES of a field in words."""
    *most, last = CHOICES[field]
    return f"{', '.join(most)} or {last}"


def check_size(name: str, value: object) -> str:
    """Return the name of a kind of machine; raises InvalidValue for what is none."""
    if not isinstance(value, str) or not SIZE.fullmatch(value):
        raise InvalidValue(name, value, "the name of a size, such as gpu-h100x1-80gb")
    return value
