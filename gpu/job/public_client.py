"""Reads what people name by address: as a stranger, and from hosts of the public internet alone.

What counts is the address to which a connection goes, not the name: names are resolved here, for
every request, and the connection is made to what was looked at. So neither a name that changes its
mind (DNS rebinding) nor a redirect leads into the network that this machine is in.
"""

from __future__ import annotations

import httpx

from gpu.job.public import FORM, NotPublic, Resolve, public_address, resolve_name

#: Redirects that are followed.
REDIRECTS = 5


class PublicTransport(httpx.BaseTransport):
    """Connects to the very address that was looked at; TLS still asks for the name.

    Raises NotPublic. `inner` makes the connections.
    """

    def __init__(self, resolve: Resolve, inner: httpx.BaseTransport) -> None:
        self._resolve = resolve
        self._inner = inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; a redirect is another one, and looked at in the same way."""
        name = request.url.raw_host.decode("ascii")
        if request.url.scheme != "https" or request.url.port not in {None, 443}:
            raise NotPublic(f"{name} leads to an address that is not allowed.", hint=f"{FORM}.")
        try:
            address = public_address(name, self._resolve)
        except OSError as unknown:
            raise httpx.ConnectError(f"{name} is not known", request=request) from unknown
        pinned = httpx.Request(
            request.method,
            request.url.copy_with(host=address),
            headers=request.headers,  # `Host` among them, with the name
            stream=request.stream,
            # https://www.python-httpx.org/advanced/extensions/#sni_hostname
            extensions={**request.extensions, "sni_hostname": name},
        )
        return self._inner.handle_request(pinned)

    def close(self) -> None:
        """Close what is open."""
        self._inner.close()


def public_client(
    timeout: httpx.Timeout,
    *,
    resolve: Resolve = resolve_name,
    inner: httpx.BaseTransport | None = None,
) -> httpx.Client:
    """Return a client for strangers' addresses. It has no credentials and takes no proxy."""
    return httpx.Client(
        transport=PublicTransport(resolve, inner or httpx.HTTPTransport(trust_env=False)),
        timeout=timeout,
        follow_redirects=True,
        max_redirects=REDIRECTS,
        trust_env=False,
    )
