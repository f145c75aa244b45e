"""Sealed words: what we hand out and get back unchanged, or not at all.

A seal is `<JSON in base64url>.<HMAC-SHA256 in base64url>`. What it says can be read by whoever has
it, so that it holds no secret. Its purpose is sealed too: a seal opens nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bot.core.errors import NotAllowed

#: When a seal ends, Unix seconds. It is always there: none is good for ever.
EXPIRES = "exp"


class Seals:
    """Makes seals with the first of its secrets, and opens those of any: secrets can be changed."""

    def __init__(
        self, secrets: Sequence[str], purpose: str, clock: Callable[[], float] = time.time
    ) -> None:
        self._keys = [
            hmac.new(secret.encode(), f"splatbot {purpose}".encode(), hashlib.sha256).digest()
            for secret in secrets
        ]
        self._clock = clock

    def seal(self, says: Mapping[str, Any], seconds: float) -> str:
        """Return a seal that is good for a while."""
        body = _text(json.dumps({**says, EXPIRES: int(self._clock() + seconds)}).encode())
        return f"{body}.{_sign(self._keys[0], body)}"

    def open(self, seal: str) -> dict[str, Any]:
        """Return what a seal says; raises NotAllowed when it is not ours, or of the past."""
        body, _, signature = seal.partition(".")
        if not any(
            hmac.compare_digest(_sign(k, body).encode(), signature.encode()) for k in self._keys
        ):
            raise NotAllowed("This link is not one of ours.", hint="Ask for a new one.")
        says: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        if says[EXPIRES] < self._clock():
            raise NotAllowed("This link is too old.", hint="Ask for a new one.")
        return says


def _sign(key: bytes, body: str) -> str:
    return _text(hmac.new(key, body.encode(), hashlib.sha256).digest())


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
