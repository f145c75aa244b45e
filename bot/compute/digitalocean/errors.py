"""What can go wrong with a call to DigitalOcean. The difference that matters: was it done?

BackendError
└── ApiError
    ├── Refused          it was not done, and DigitalOcean says why (4xx)
    │   ├── NotFound     there is no such thing (404): the only proof of absence
    │   └── RateLimited  too many calls (429); `retry_after` seconds
    ├── Unreachable      it was not done: no connection came about
    └── Ambiguous        nobody knows: time-out, connection lost after sending, or 5xx
"""

from __future__ import annotations

from bot.core.errors import BackendError

_STATUS_PAGE = "Try again later; https://status.digitalocean.com says whether something is wrong."


class ApiError(BackendError):
    """A call to DigitalOcean did not end well."""


class Refused(ApiError):
    """DigitalOcean said no, in its own words; nothing was changed."""

    def __init__(self, what: str, status: int, message: str) -> None:
        super().__init__(f"DigitalOcean refused {what}: {message}", hint=_hint(status, message))
        self.status = status
        self.message = message

    @property
    def is_about_place(self) -> bool:
        """Whether another size or region may be allowed: this one is sold out or unknown."""
        text = self.message.lower()
        said = ("unavailable", "not available", "out of stock", "capacity", "sold out")
        return self.status == 422 and any(words in text for words in said)


class NotFound(Refused):
    """There is no such thing."""


class RateLimited(Refused):
    """Too many calls: 250 a minute and 5,000 an hour are allowed."""

    def __init__(self, what: str, message: str, retry_after: float) -> None:
        super().__init__(what, 429, message)
        self.retry_after = retry_after


class Unreachable(ApiError):
    """No connection to DigitalOcean came about, so that nothing was asked."""

    def __init__(self, what: str) -> None:
        super().__init__(f"DigitalOcean could not be reached for {what}.", hint=_STATUS_PAGE)


class Ambiguous(ApiError):
    """The call may or may not have been carried out."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"DigitalOcean did not answer {what} ({reason}).", hint=_STATUS_PAGE)


def _hint(status: int, message: str) -> str:
    if status == 401:
        return "Check DIGITALOCEAN_TOKEN: it is wrong or was revoked."
    if status == 403:
        return "The token lacks a scope; `splatbot doctor` says which."
    if status == 422 and "limit" in message.lower():
        return "Destroy another droplet, or ask DigitalOcean to raise the account's limit."
    if status == 422 and "ssh" in message.lower():
        return "Register an SSH key with the account: GPU images need one."
    return "`splatbot doctor` looks at the token, the sizes and the keys."
