"""Answers of DigitalOcean that say nothing: neither "it was done" nor "it was not"."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
import requests
from azure.core.pipeline.transport import RequestsTransport
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse
from urllib3.exceptions import MaxRetryError, SSLError

from bot.compute.digitalocean import Ambiguous, DigitalOcean
from bot.core.config import DropletSettings

PAGE = b"<html>We are back soon.</html>"


class Stranger(BaseAdapter):
    """Something between us and DigitalOcean, which answers in its stead."""

    def __init__(self, answer: Callable[[], tuple[int, bytes]]) -> None:
        super().__init__()
        self._answer = answer

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:
        made = requests.Response()
        made.status_code, text = self._answer()
        made.headers["content-type"] = "text/html"
        made.raw = HTTPResponse(
            BytesIO(text), headers=made.headers, status=made.status_code, preload_content=False
        )
        made.request, made.reason, made.url = request, "", str(request.url)
        return made

    def close(self) -> None:
        """Nothing to close."""


def api_behind(answer: Callable[[], tuple[int, bytes]]) -> DigitalOcean:
    session = requests.Session()
    session.mount("http://", Stranger(answer))
    settings = DropletSettings(token="t", api_url="http://simulated", install="lab")
    return DigitalOcean(settings, transport=RequestsTransport(session=session, session_owner=False))


def tear() -> tuple[int, bytes]:
    """Break an encrypted connection off after the request, as urllib3 and requests tell it."""
    broken = SSLError("[SSL: DECRYPTION_FAILED_OR_BAD_RECORD_MAC]")
    raise requests.exceptions.SSLError(MaxRetryError(None, "/v2/droplets", broken))  # type: ignore[arg-type]


@pytest.mark.parametrize("status", [200, 202, 301])
def test_a_page_in_the_place_of_an_answer_says_nothing(status: int) -> None:
    api = api_behind(lambda: (status, PAGE))
    for call in (lambda: api.create_droplet({"name": "a"}), lambda: api.droplet(7), api.sizes):
        with pytest.raises(Ambiguous):
            call()


def test_a_page_that_was_not_found_is_no_proof_that_a_droplet_is_gone() -> None:
    api = api_behind(lambda: (404, PAGE))
    for call in (lambda: api.droplet(7), lambda: api.destroy_droplet(7)):
        with pytest.raises(Ambiguous):
            call()


def test_a_connection_that_tears_may_have_brought_the_request_there() -> None:
    with pytest.raises(Ambiguous):
        api_behind(tear).create_droplet({"name": "a"})
