"""The one root of every error that a person may read.

SplatError
├── InvalidValue          a parameter outside its allowed range
└── (each room adds its own: BadPhotos, PhotosDoNotConnect, SlotBusy, ...)
"""

from typing import ClassVar


class SplatError(Exception):
    """Something went wrong that a person can understand and act upon.

    `user_message` says what happened in one sentence; `hint` says what to do about it.
    Neither ever holds a secret: both are shown in Slack. `lasting` is whether the same job again
    would end the same way, since its photos, its options or its machine's equipment are the reason.
    """

    lasting: ClassVar[bool] = False

    def __init__(self, user_message: str, *, hint: str = "") -> None:
        super().__init__(user_message)
        self.user_message = user_message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.user_message} {self.hint}".strip()


class InvalidValue(SplatError):
    """A field of a job specification or an event that may not have this value."""

    lasting = True

    def __init__(self, field: str, value: object, allowed: str) -> None:
        what = "has no value" if value == "" else f"is {value!r}, which is not allowed"
        super().__init__(f"{field} {what}.", hint=f"Allowed: {allowed}.")
        self.field = field
