"""Why photos do not connect, in a sentence with their names, and what to shoot instead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from gpu.geometry.connections import SURE, Connections
from gpu.geometry.errors import OVERLAP
from gpu.ingest.errors import named

#: A photo with fewer features than this shows next to nothing that could be found again: blank
#: walls, sky, water and heavy blur have tens, every photo of the real sets has over 800.
BLANK = 150
#: The share of photos, or of pairs, from which something is the reason.
MOST = 0.5
#: Photos that a group needs to be called one.
GROUP = 3


@dataclass(frozen=True)
class Reason:
    """What is wrong with the photos, as the end of a sentence, and what to do about it."""

    why: str
    hint: str


def diagnose(names: Sequence[str], connections: Connections) -> Reason:
    """Find the reason that explains most; `names` are the photos' own, in the graph's order."""
    return (
        _blank(names, connections)
        or _turned(connections)
        or _apart(names, connections)
        or _without_overlap(names, connections)
    )


def _blank(names: Sequence[str], connections: Connections) -> Reason | None:
    blank = [name for name, n in zip(names, connections.features, strict=True) if n < BLANK]
    if len(blank) < MOST * len(names):
        return None
    return Reason(
        f"{len(blank)} of them show almost no detail ({named(blank)}), such as blank walls, sky, "
        "water or blur",
        "Photograph the scene so that every photo also holds something with texture, such as "
        "furniture, edges or posters on the wall, in good light and without blur.",
    )


def _turned(connections: Connections) -> Reason | None:
    sure = connections.sure()
    turned = [pair for pair in sure if pair in connections.turned]
    if not sure or len(turned) < MOST * len(sure):
        return None
    if len(sure) == 1:
        pairs = "the only pair that matches was"
    else:
        pairs = f"{len(turned)} of the {len(sure)} pairs that match were"
    return Reason(
        f"{pairs} taken by turning on the spot, which shows no depth",
        "Take a step sideways between photos instead of turning: walk around the scene.",
    )


def _apart(names: Sequence[str], connections: Connections) -> Reason | None:
    groups = [group for group in connections.groups() if len(group) >= GROUP]
    if len(groups) < 2:
        return None
    told = "; ".join(_told([names[i] for i in group]) for group in groups[:3])
    more = f" and {len(groups) - 3} more" if len(groups) > 3 else ""
    return Reason(
        f"they fall into {len(groups)} groups that do not show the same things: {told}{more}",
        "Photograph the ways between the groups: " + OVERLAP + ".",
    )


def _told(group: Sequence[str]) -> str:
    return f"{len(group)} photos ({named(group, 3)})"


def _without_overlap(names: Sequence[str], connections: Connections) -> Reason:
    together = max(connections.groups(), key=len)
    alone = [name for i, name in enumerate(names) if i not in together or len(together) == 1]
    if not alone:
        typical = round(median(connections.matches.values()))
        return Reason(
            f"too few details are found again from photo to photo (a typical pair shares {typical}"
            f", and {SURE} are the least)",
            "Go in smaller steps: " + OVERLAP + ".",
        )
    share = "shares" if len(alone) == 1 else "share"
    who = f"{len(alone)} of them {share} too little with any other ({named(alone)})"
    return Reason(
        "none of them shares enough with any other" if len(alone) == len(names) else who,
        "Photograph the ways between them: " + OVERLAP + ".",
    )
