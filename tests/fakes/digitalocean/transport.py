"""The simulated API as a transport of pydo: its whole pipeline, without a socket."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import requests
from azure.core.pipeline.transport import RequestsTransport
from urllib3 import HTTPResponse
from urllib3.exceptions import NewConnectionError, ProtocolError

from tests.fakes.digitalocean.api import DROP, GARBAGE, HANG, REFUSE, Api


def transport_to(api: Api) -> RequestsTransport:
    """Return a transport that hands pydo's requests to the simulated API."""
    return RequestsTransport(session=WorldSession(api), session_owner=False)


class WorldSession(requests.Session):
    """Acts what a socket would do: answers, and the ways in which there is none.

    It takes pydo's requests as they are: preparing them once more took a fifth of the time, and
    is what the server on loopback (tests.fakes.digitalocean.server) is there for.
    """

    def __init__(self, api: Api) -> None:
        super().__init__()
        self._api = api

    def request(self, method: str, url: str, **more: Any) -> requests.Response:  # type: ignore[override]
        token = str(more["headers"].get("Authorization", "")).removeprefix("Bearer ")
        body = more["data"] or b""
        body = body.encode() if isinstance(body, str) else body
        answer = self._api.handle(method, url.removeprefix(origin_of(url)), body, token)
        match answer.status:
            case status if status == HANG:
                raise requests.ReadTimeout("read timed out")
            case status if status == DROP:
                raise requests.ConnectionError(ProtocolError("Connection aborted."))
            case status if status == REFUSE:
                raise requests.ConnectionError(NewConnectionError(None, "refused"))  # type: ignore[arg-type]
        is_garbage = answer.status == GARBAGE
        text = b"" if answer.body is None else json.dumps(answer.body).encode()
        made = requests.Response()
        made.status_code = 202 if is_garbage else answer.status
        made.headers.update({"content-type": "application/json", **(answer.headers or {})})
        made.raw = HTTPResponse(
            BytesIO(b'{"droplet": {"id": 1' if is_garbage else text),
            headers=made.headers, status=made.status_code, preload_content=False,
        )  # fmt: skip
        made.reason, made.url = "simulated", url
        return made


def origin_of(url: str) -> str:
    """Return what stands before an address's path."""
    return "/".join(url.split("/", 3)[:3])
