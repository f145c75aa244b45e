"""The simulated API for tests with tens of thousands of calls: the bot's client, without pydo.

What a request goes through in pydo and azure-core is most of the time of a simulated one. Here are
only the calls that the bot makes, with their outcomes; test_direct.py holds each against pydo's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property, partial
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

from azure.core.exceptions import (
    DecodeError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
)

from bot.compute.digitalocean import DigitalOcean
from bot.core.config import DropletSettings
from tests.fakes.digitalocean.api import DROP, GARBAGE, HANG, REFUSE, Answer, Api

#: What pydo raises when there is no answer, or none that can be read.
SILENCE = {
    DROP: partial(ServiceResponseError, "Connection aborted."),
    HANG: partial(ServiceResponseTimeoutError, "read timed out"),
    REFUSE: partial(ServiceRequestError, "refused"),
    GARBAGE: partial(DecodeError, "JSON is invalid"),
}

#: What pydo takes for an answer; it raises every other status.
READ, CREATED, FOUND, ENDED, MADE = {200}, {202}, {200, 404}, {204, 404}, {201, 400, 404}


class DirectDigitalOcean(DigitalOcean):
    """The bot's client of a simulated account."""

    def __init__(self, settings: DropletSettings, api: Api) -> None:
        super().__init__(settings)
        self._api = api

    @cached_property
    def _client(self) -> Any:
        call = partial(_call, self._api, self._settings.token)
        droplets, volumes = "/v2/droplets", "/v2/volumes"
        return SimpleNamespace(
            droplets=SimpleNamespace(
                list=partial(call, READ, "GET", droplets),
                get=lambda number, **_: call(FOUND, "GET", f"{droplets}/{number}"),
                create=partial(call, CREATED, "POST", droplets),
                destroy=lambda number, **_: call(ENDED, "DELETE", f"{droplets}/{number}"),
            ),
            volumes=SimpleNamespace(
                list=partial(call, READ, "GET", volumes),
                create=partial(call, MADE, "POST", volumes),
            ),
            sizes=SimpleNamespace(list=partial(call, READ, "GET", "/v2/sizes")),
            ssh_keys=SimpleNamespace(list=partial(call, READ, "GET", "/v2/account/keys")),
            images=SimpleNamespace(get=lambda slug, **_: call(FOUND, "GET", f"/v2/images/{slug}")),
            account=SimpleNamespace(get=partial(call, READ, "GET", "/v2/account")),
        )


class Response:
    """As much of azure-core's as an error has to do with."""

    def __init__(self, answer: Answer) -> None:
        self.status_code, self.reason = answer.status, "simulated"
        self.headers: Mapping[str, str] = answer.headers or {}
        self._text = json.dumps(answer.body)

    def text(self) -> str:
        return self._text

    def json(self) -> Any:
        return json.loads(self._text)


def _call(
    api: Api,
    token: str,
    well: set[int],
    method: str,
    path: str,
    *,
    body: Mapping[str, Any] | None = None,
    connection_timeout: float = 0.0,
    read_timeout: float = 0.0,
    retry_total: int = 0,
    enforce_https: bool = False,
    **query: Any,
) -> Any:
    """Make a request; return or raise what pydo does."""
    target = f"{path}?{urlencode(query)}" if query else path
    answer = api.handle(method, target, json.dumps(body).encode() if body else b"", token)
    if answer.status in SILENCE:
        raise SILENCE[answer.status]()
    if answer.status not in well:
        raise HttpResponseError(response=Response(answer))  # type: ignore[arg-type]
    return None if answer.body is None else json.loads(json.dumps(answer.body))
