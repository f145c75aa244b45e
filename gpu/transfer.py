"""Reading and writing by URL: what the network drops is tried again, what is refused is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import httpx

TRIES = 4
TOO_MANY_REQUESTS, SERVER_ERROR = 429, 500

Result = TypeVar("Result")


class TransferFailed(Exception):
    """Why a transfer failed, without its URL: a presigned URL is a secret."""


def retried(transfer: Callable[[], Result], wait: Callable[[float], None]) -> Result:
    """Return what `transfer` returns; after an error wait 2, 4, 8 seconds and try again.

    Raises TransferFailed at an answer that will not change, or after TRIES.
    """
    reason = ""
    for attempt in range(TRIES):
        if attempt:
            wait(2.0**attempt)
        try:
            return transfer()
        except httpx.HTTPStatusError as refused:
            status = refused.response.status_code
            reason = f"the server answered {status}"
            if status < SERVER_ERROR and status != TOO_MANY_REQUESTS:
                break
        except (httpx.HTTPError, httpx.InvalidURL) as broken:
            reason = type(broken).__name__
    raise TransferFailed(reason)
