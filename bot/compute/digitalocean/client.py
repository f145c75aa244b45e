"""A thin client over pydo: one request a call, typed answers, typed errors.

pydo by itself sends a create up to four times when the answer is 429, 500, 503 or 504, returns
a 404 as if it were an answer, and lists no GPU droplet unless asked for those alone. DigitalOcean
has no idempotency key, so each of the three could cost a second droplet.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, TypeVar

from bot.compute.digitalocean.errors import Ambiguous, NotFound, RateLimited, Refused, Unreachable
from bot.compute.digitalocean.models import Account, Droplet, Image, Size, SshKey, Volume
from bot.core.config import DropletSettings

#: Seconds for a connection, for a read, and for the answer to a create, which may be slow.
CONNECT, READ, CREATE = 10.0, 15.0, 60.0

#: Entries a page; DigitalOcean's most.
PAGE = 200

#: Pages at most, so that a server which always names a next one does not hold us for ever.
PAGES = 50

#: Seconds to wait after a 429 that does not say how long.
PAUSE = 30.0

T = TypeVar("T")


class DigitalOcean:
    """The calls that the bot makes. Each is sent exactly once, and raises an ApiError.

    `transport` is azure-core's, in place of the network.
    """

    def __init__(self, settings: DropletSettings, *, transport: Any = None) -> None:
        self._settings = settings
        self._transport = transport

    # -- droplets -----------------------------------------------------------------------------

    def gpu_droplets(self, tag: str = "") -> list[Droplet]:
        """Return all GPU droplets of the account, and whatever else carries `tag`.

        The list of GPU droplets can not be narrowed by a tag, and the list by tag may or may not
        hold GPU droplets: both are read, and united.
        """
        listing = self._client.droplets.list
        found = self._pages("the list of GPU droplets", listing, "droplets", type="gpus")
        if tag:
            found += self._pages("the list by tag", listing, "droplets", tag_name=tag)
        droplets = [_read("the list of GPU droplets", Droplet.read, raw) for raw in found]
        united = {droplet.id: droplet for droplet in droplets}
        return sorted(united.values(), key=lambda droplet: (droplet.created_at, droplet.id))

    def droplet(self, droplet_id: int) -> Droplet:
        """Return one droplet; raises NotFound."""
        answer = self._call("a droplet", self._client.droplets.get, droplet_id)
        return _read("a droplet", Droplet.read, answer, "droplet")

    def create_droplet(self, body: Mapping[str, Any]) -> Droplet:
        """Create a droplet. Ambiguous means that it may exist: look for it, never repeat."""
        what = f"the droplet {body['name']}"
        answer = self._call(
            what, self._client.droplets.create, body=dict(body), read_timeout=CREATE
        )
        return _read(what, Droplet.read, answer, "droplet")

    def destroy_droplet(self, droplet_id: int) -> None:
        """Destroy a droplet, and nothing that belongs to it; raises NotFound when it is gone."""
        self._call(f"the end of droplet {droplet_id}", self._client.droplets.destroy, droplet_id)

    # -- what a droplet needs -----------------------------------------------------------------

    def sizes(self) -> list[Size]:
        """Return the kinds of GPU droplets, in stock or not, the cheapest first."""
        found = self._pages("the list of sizes", self._client.sizes.list, "sizes")
        sizes = [_read("the list of sizes", Size.read, raw) for raw in found]
        return sorted((s for s in sizes if s.gpus), key=lambda s: (s.price_hourly, s.slug))

    def ssh_keys(self) -> list[SshKey]:
        """Return the SSH keys of the account."""
        found = self._pages("the list of SSH keys", self._client.ssh_keys.list, "ssh_keys")
        return [_read("the list of SSH keys", SshKey.read, raw) for raw in found]

    def volumes(self, name: str) -> list[Volume]:
        """Return the volumes of a name, one a region at most."""
        found = self._pages("the volumes", self._client.volumes.list, "volumes", name=name)
        return [_read("the volumes", Volume.read, raw) for raw in found]

    def create_volume(self, name: str, region: str, size_gb: int) -> Volume:
        """Create an empty volume. A second one of that name in that region is refused."""
        body = {
            "name": name,
            "region": region,
            "size_gigabytes": size_gb,
            "description": "Splatbot's runtime. Safe to delete: it is installed again.",
            "tags": ["splatbot"],
        }
        answer = self._call(f"the volume {name}", self._client.volumes.create, body=body)
        return _read(f"the volume {name}", Volume.read, answer, "volume")

    def image(self, slug: str) -> Image:
        """Return an image by its slug; raises NotFound."""
        answer = self._call(f"the image {slug}", self._client.images.get, slug)
        return _read(f"the image {slug}", Image.read, answer, "image")

    def account(self) -> Account:
        """Return the account that the token belongs to."""
        answer = self._call("the account", self._client.account.get)
        return _read("the account", Account.read, answer, "account")

    # -- one request --------------------------------------------------------------------------

    @cached_property
    def _client(self) -> Any:
        # Imported here: it takes memory that a bot without droplets never needs.
        from pydo import Client

        logging.getLogger("azure").setLevel(logging.WARNING)  # it would log every request
        more = {} if self._transport is None else {"transport": self._transport}
        return Client(self._settings.token, endpoint=self._settings.api_url, **more)

    def _pages(
        self, what: str, method: Callable[..., Any], key: str, **query: str
    ) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for page in range(1, PAGES + 1):
            answer = self._call(what, method, per_page=PAGE, page=page, **query)
            if not isinstance(answer, dict) or not isinstance(answer.get(key), list):
                raise Ambiguous(what, "its answer can not be read")
            found += answer[key]
            if not ((answer.get("links") or {}).get("pages") or {}).get("next"):
                return found
        raise Ambiguous(what, f"it has more than {PAGES} pages")

    def _call(self, what: str, method: Callable[..., T], *values: Any, **named: Any) -> Any:
        from azure.core.exceptions import AzureError

        options = {
            "retry_total": 0,
            "connection_timeout": CONNECT,
            "read_timeout": READ,
            # The simulator speaks plain HTTP; the real one never does.
            "enforce_https": self._settings.api_url.startswith("https"),
        }
        try:
            answer = method(*values, **options | named)
        except AzureError as wrong:
            raise _typed(what, wrong) from None  # its text may hold the request's headers
        except ValueError:  # pydo reads every answer as JSON; one of a proxy is none
            raise Ambiguous(what, "its answer can not be read") from None
        if isinstance(answer, dict) and answer.get("id") == "not_found":
            raise NotFound(what, 404, str(answer.get("message", "not found")))
        return answer


def _read(what: str, read: Callable[[Any], T], answer: Any, key: str = "") -> T:
    """Read an answer, or what stands in it under a key.

    One that can not be read says nothing, neither yes nor no: Ambiguous.
    """
    try:
        return read(answer[key] if key else answer)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Ambiguous(what, "its answer can not be read") from None


def _typed(what: str, wrong: Exception) -> Refused | Unreachable | Ambiguous:
    from azure.core.exceptions import DecodeError, HttpResponseError, ServiceRequestError
    from requests.exceptions import SSLError

    if isinstance(wrong, ServiceRequestError) and not isinstance(wrong.inner_exception, SSLError):
        return Unreachable(what)  # encryption may break at any time, also after the request
    if not isinstance(wrong, HttpResponseError) or isinstance(wrong, DecodeError):
        return Ambiguous(what, type(wrong).__name__)
    status = wrong.status_code or 0
    message = _message(wrong)
    if status == 429:
        return RateLimited(what, message, _retry_after(wrong))
    if status == 404:
        return NotFound(what, status, message)
    if 400 <= status < 500 and status != 408:
        return Refused(what, status, message)
    return Ambiguous(what, f"it answered {status}")


def _message(wrong: Any) -> str:
    """Return DigitalOcean's own sentence, which names no secret."""
    try:
        body = wrong.response.json()
        return str(body.get("message", "no reason given"))[:300]
    except (ValueError, AttributeError):
        return "no reason given"


def _retry_after(wrong: Any) -> float:
    text = str((wrong.response.headers or {}).get("retry-after", ""))
    return min(float(text), 3600.0) if text.isdigit() else PAUSE
