"""The simulated API as a transport of pydo: its whole pipeline, without a socket."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import requests
from azure.core.pipeline.transport import RequestsTransport
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse
from urllib3.exceptions import NewConnectionError, ProtocolError

from tests.fakes.digitalocean.api import DROP, GARBAGE, HANG, REFUSE, Api


def transport_to(api: Api) -> RequestsTransport:
    """Return a transport that hands pydo's requests to the simulated API."""
    session = requests.Session()
    session.trust_env = False  # looking for proxies would take a fifth of the time
    session.mount("http://", WorldAdapter(api))
    return RequestsTransport(session=session, session_owner=False)


class WorldAdapter(BaseAdapter):
    """Acts what a socket would do: answers, and the ways in which there is none."""

    def __init__(self, api: Api) -> None:
        super().__init__()
        self._api = api

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:
        token = str(request.headers.get("Authorization", "")).removeprefix("Bearer ")
        body = request.body or b""
        body = body.encode() if isinstance(body, str) else body
        answer = self._api.handle(str(request.method), request.path_url, body, token)
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
        made.request, made.reason, made.url = request, "simulated", str(request.url)
        return made

    def close(self) -> None:
        """Nothing to close."""
