"""Whether others reach the bot at the address that its links and its droplets use."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

import httpx

from bot.core.config import Settings
from bot.core.rounds import Finding

_START = "Start `splatbot serve`, and let the host's proxy and firewall pass this address on to it."


def findings(settings: Settings, http: httpx.Client) -> Iterator[Finding]:
    """Look at the public address, from here."""
    url = settings.public_url
    if settings.droplets and _is_only_here(url):
        what = f"{url} leads to this machine alone: a droplet can not report to it."
        yield Finding(False, what, "Set SPLATBOT_PUBLIC_URL to an address on the internet.")
    elif settings.droplets and not url.startswith("https://"):
        what = f"{url} is not encrypted: Slack does not call it."
        yield Finding(False, what, "Put a proxy with a certificate in front, such as Caddy.")
    yield _health(url, http)


def _health(url: str, http: httpx.Client) -> Finding:
    try:
        answer = http.get(f"{url}/healthz")
    except httpx.HTTPError as lost:
        return Finding(False, f"{url} does not answer ({type(lost).__name__}).", _START)
    body = _json(answer)
    if "ok" not in body:
        what = f"At {url} something answers that is not this bot ({answer.status_code})."
        return Finding(False, what, _START)
    if not body["ok"]:
        what = f"The bot at {url} does not reach its bucket, and does nothing until it does."
        return Finding(False, what, "See what is said of the bucket here.")
    return Finding(True, f"The bot answers at {url}.")


def _json(answer: httpx.Response) -> Mapping[str, object]:
    """Return the answer's JSON object; an empty one where there is none."""
    try:
        body = answer.json() if answer.is_success else {}
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _is_only_here(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host == "localhost" or host.endswith((".localhost", ".local"))
