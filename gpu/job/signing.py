"""How a job's machine proves to the bot who it is, with the standard library alone.

Each request carries the time, a nonce and an HMAC-SHA256 over both, the job, its fence and the
body. The key is derived from a secret of the bot, so that a bot which has lost its disk still
knows every key, and a machine can speak for its own job alone. The scheme is Slack's own for its
requests to apps (https://docs.slack.dev/authentication/verifying-requests-from-slack), with a
nonce more.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping

#: Seconds by which the two clocks may differ, and for which a nonce is remembered.
WINDOW = 300.0

VERSION = "v1"
TIMESTAMP, NONCE, SIGNATURE, FENCE = (
    "X-Splatbot-Timestamp",
    "X-Splatbot-Nonce",
    "X-Splatbot-Signature",
    "X-Splatbot-Fence",
)


def job_key(secret: str, job_id: str, fence: int) -> str:
    """Derive the key of one attempt of a job; whoever has it learns nothing about `secret`."""
    return _hmac(secret, f"splatbot job {job_id} {fence}".encode())


def sign(key: str, job_id: str, fence: int, body: bytes, *, now: float) -> dict[str, str]:
    """Return the headers that make a request of a job's machine genuine. `now` is Unix seconds."""
    timestamp, nonce = str(int(now)), secrets.token_hex(16)
    return {
        TIMESTAMP: timestamp,
        NONCE: nonce,
        FENCE: str(fence),
        SIGNATURE: _signature(key, job_id, fence, timestamp, nonce, body),
    }


def is_genuine(
    keys: Iterable[str], headers: Mapping[str, str], job_id: str, body: bytes, *, now: float
) -> bool:
    """Whether a request was signed with one of the keys, within the window.

    `keys` are more than one while a secret is being changed. `headers` looks names up without
    regard to case, as HTTP servers' do.
    """
    timestamp, fence = headers.get(TIMESTAMP, ""), headers.get(FENCE, "")
    if not (_is_number(timestamp) and _is_number(fence)) or abs(now - int(timestamp)) > WINDOW:
        return False
    given = headers.get(SIGNATURE, "").encode()
    nonce = headers.get(NONCE, "")
    signatures = [_signature(key, job_id, int(fence), timestamp, nonce, body) for key in keys]
    return any(hmac.compare_digest(each.encode(), given) for each in signatures)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 12


def _signature(key: str, job_id: str, fence: int, timestamp: str, nonce: str, body: bytes) -> str:
    said = f"{VERSION}:{timestamp}:{nonce}:{job_id}:{fence}:".encode() + body
    return f"{VERSION}={_hmac(key, said)}"


def _hmac(key: str, text: bytes) -> str:
    return hmac.new(key.encode(), text, hashlib.sha256).hexdigest()
