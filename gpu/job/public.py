"""Addresses that people type: https, public hosts alone, and nothing that could be a key.

Whoever may start a job could otherwise have this machine read from the network that it is in
(https://owasp.org/www-community/attacks/Server_Side_Request_Forgery). gpu.job.public_client reads
them.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from urllib.parse import SplitResult, urlsplit

from gpu.job.errors import InvalidValue, SplatError

#: Characters of an address.
LONGEST = 500

#: What may follow a `?`: "the file itself, please". Anything else may be somebody's key, which
#: would be shown to everybody who sees the job.
PLAIN_QUERIES = frozenset({"", "dl=1", "download=1"})

#: Prefixes of IPv6 under which any address of IPv4 can be reached (RFC 6052, RFC 8215).
_TRANSLATED = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48")))

FORM = (
    "a place in this bot's own bucket, or https://host/….zip that anybody can read: without a"
    " user, a port, or a `?…`"
)

Resolve = Callable[[str], list[str]]


class NotPublic(SplatError):
    """A host is none of the public internet's, or an address is not https."""

    lasting = True


def is_address(text: str) -> bool:
    """Whether a dataset is named by an address, and not by its place in the store."""
    return "://" in text


def check_address(text: str) -> str:
    """Return the address of a .zip; raises InvalidValue that says what is allowed.

    Looks nothing up: a host's name is looked at when a connection is made. Raises NotPublic for a
    host that is named by a number, and is none of the internet's.
    """
    parts = _parts(text)
    plain = parts is not None and parts.scheme == "https" and parts.query in PLAIN_QUERIES
    named = parts is not None and parts.hostname and "@" not in parts.netloc
    if not plain or not named or parts is None or _port(parts) is None or parts.fragment:
        raise InvalidValue("dataset", _without_query(text), FORM)
    if not parts.path.lower().endswith(".zip") or len(text) > LONGEST:
        raise InvalidValue("dataset", _without_query(text), FORM)
    if _is_number(str(parts.hostname)):
        public_address(str(parts.hostname), lambda number: [number])
    return text


def public_address(host: str, resolve: Resolve) -> str:
    """Return an IP address of a host; raises NotPublic when any of its addresses is not public.

    `resolve` returns the addresses of a name, and raises OSError when there is no such name.
    """
    found = resolve(host)
    if not found or not all(_is_public(address) for address in found):
        raise NotPublic(
            f"{host} is not on the public internet.",
            hint="Use an address that anybody can open, or put the photos into the bucket.",
        )
    return found[0]


def resolve_name(host: str) -> list[str]:
    """Return the addresses of a name, as this machine's resolver has them. Raises OSError."""
    found = socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM)
    return [str(sockaddr[0]) for *_, sockaddr in found]


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_public(address: str) -> bool:
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.sixtofour or ip.teredo or any(ip in network for network in _TRANSLATED):
            return False
        ip = ip.ipv4_mapped or ip
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def _parts(text: str) -> SplitResult | None:
    if not text.isprintable() or "\\" in text or " " in text:
        return None
    try:
        return urlsplit(text)
    except ValueError:
        return None


def _port(parts: SplitResult) -> int | None:
    """Return the port, 443; None for any other, or for what is none."""
    try:
        return 443 if parts.port in {None, 443} else None
    except ValueError:
        return None


def _without_query(text: str) -> str:
    """Return an address as it may be shown: what signs it comes after the question mark."""
    return text.partition("?")[0].partition("#")[0]
