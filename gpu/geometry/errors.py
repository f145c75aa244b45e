"""Why photos do not become a geometry.

SplatError (gpu.job)
├── PhotosDoNotConnect   too few of the photos show the same things
├── MethodNotInstalled   a learned method whose weights or code the machine does not have
└── GeometryCrashed      the native library ended without an answer
"""

from __future__ import annotations

from collections.abc import Sequence

from gpu.ingest.errors import named
from gpu.job import SplatError

#: What photos that connect have.
OVERLAP = (
    "each photo should show two thirds of what the one before it shows, from a step further, on a "
    "subject with texture and without blur"
)


class PhotosDoNotConnect(SplatError):
    """Too few photos could be placed relative to each other. `left_out` names the others, `why`
    is the end of the sentence and `hint` what to shoot (gpu.geometry.diagnosis)."""

    lasting = True

    def __init__(
        self,
        registered: int,
        left_out: Sequence[str],
        *,
        tries: int = 1,
        why: str = "",
        hint: str = "",
    ) -> None:
        total = registered + len(left_out)
        how_many = (
            f"only {registered} of {total} photos" if registered else f"none of {total} photos"
        )
        effort = f" in {tries} tries" if tries > 1 else ""
        others = f" (left out: {named(left_out)})" if registered else ""
        told = f"{how_many} could be placed{effort}{others}"
        super().__init__(
            f"The photos do not connect: {told}{', since ' + why if why else ''}.",
            hint=hint or f"Photograph the ways between them: {OVERLAP}.",
        )
        self.left_out = tuple(left_out)


class MethodNotInstalled(SplatError):
    """A learned method was asked for that this machine does not have, and why it has not."""

    lasting = True

    def __init__(self, name: str, why: str = "its weights are not on this machine") -> None:
        super().__init__(
            f"The geometry {name} is not installed: {why}.",
            hint="Leave `--geometry` away, or have the operator put its code and weights into the "
            "runtime volume (operator guide, *Learned geometry*).",
        )


class GeometryCrashed(SplatError):
    """The process that computes the geometry ended without an answer."""

    def __init__(self, exit_code: int) -> None:
        super().__init__(
            f"Computing the geometry ended unexpectedly (exit code {exit_code}).",
            hint="Start the job again; if it repeats, try fewer photos with `--max-views`.",
        )
