"""Whether a droplet could be created: the token and its scopes, keys, stock, image, volume.

Scopes are seen by reading what each of them lets one read. Those for writing can not be tried
without writing; docs/operator.md lists them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

from bot.compute.digitalocean import DigitalOcean, NotFound, Refused, Unreachable
from bot.compute.digitalocean.errors import ApiError
from bot.compute.offers import NoStock, offers
from bot.compute.tags import install_tag, label_of
from bot.core.config import DropletSettings
from bot.core.rounds import Finding

T = TypeVar("T")
Look = Callable[[DigitalOcean, DropletSettings], Iterable[Finding]]

#: Offers that are named.
SHOWN = 4


class _NoScope(ApiError):
    """The token may not read this."""


def findings(api: DigitalOcean, settings: DropletSettings) -> Iterator[Finding]:
    """Look at everything; end after the first look when the token itself is no good."""
    for look in (_account, _keys, _stock, _image, _volume, _strangers):
        try:
            yield from look(api, settings)
        except (ApiError, NoStock) as wrong:
            yield Finding(False, wrong.user_message, wrong.hint)
            if isinstance(wrong, Unreachable) or getattr(wrong, "status", 0) == 401:
                return


#: The scopes that DigitalOcean asks for, by what is read (its API description: `security`, and
#: the words on a parameter).
READS = {
    "/v2/account": "account:read",
    "/v2/account/keys": "ssh_key:read",
    "/v2/droplets": "droplet:read",
    "/v2/droplets?tag_name": "tag:read",
    "/v2/images/{image_id}": "image:read",
    "/v2/sizes": "sizes:read and regions:read",
    "/v2/volumes": "block_storage:read",
}


def _read(path: str, call: Callable[[], T]) -> T:
    """Read something; raises _NoScope, which names the scope that is missing."""
    scope = READS[path]
    try:
        return call()
    except Refused as refused:
        if refused.status != 403:
            raise
        remedy = f"Give DIGITALOCEAN_TOKEN {scope}: control panel, API, Tokens."
        raise _NoScope(f"The token lacks the scope {scope}.", hint=remedy) from None


def _account(api: DigitalOcean, _: DropletSettings) -> Iterator[Finding]:
    try:
        account = _read("/v2/account", api.account)
    except _NoScope:  # nobody needs it
        yield Finding(True, "DigitalOcean knows the token; it may not read the account.")
        return
    what = f"DigitalOcean knows the token; the account is {account.status}"
    most = account.droplet_limit
    limit = f", with {most} droplet{'' if most == 1 else 's'} at most."
    yield Finding(
        account.status == "active",
        what + limit,
        "Sign in to the control panel: DigitalOcean says there what it wants of you.",
    )


def _keys(api: DigitalOcean, settings: DropletSettings) -> Iterator[Finding]:
    keys = _read("/v2/account/keys", api.ssh_keys)
    known = {str(key.id) for key in keys} | {key.fingerprint for key in keys}
    unknown = [key for key in settings.ssh_keys if key not in known]
    names = ", ".join(key.name for key in keys)
    if unknown:
        what = f"SPLATBOT_SSH_KEYS names {', '.join(unknown)}, which the account does not have."
        yield Finding(False, what, "Use ids or fingerprints of keys under Settings, Security.")
    elif not keys:
        remedy = "Add one under Settings, Security: DigitalOcean's GPU images want it."
        yield Finding(False, "The account has no SSH key.", remedy)
    else:
        yield Finding(True, f"SSH keys for droplets: {names}.")


def _stock(api: DigitalOcean, settings: DropletSettings) -> Iterator[Finding]:
    sizes = _read("/v2/sizes", api.sizes)
    unknown = set(settings.sizes) - {size.slug for size in sizes}
    if unknown:
        what = f"SPLATBOT_SIZES names {', '.join(sorted(unknown))}, which DigitalOcean has not."
        known = ", ".join(size.slug for size in sizes if size.is_nvidia)
        yield Finding(False, what, f"There are {known}.")
    found = offers(sizes, settings)
    first = (f"{o.size} in {o.region} at ${o.price_per_hour:.2f}/h" for o in islice(found, SHOWN))
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    yield Finding(True, f"In stock, in this order: {', '.join(first)}{more}.")


def _image(api: DigitalOcean, settings: DropletSettings) -> Iterator[Finding]:
    try:
        image = _read("/v2/images/{image_id}", lambda: api.image(settings.image))
    except NotFound:
        what = f"There is no image {settings.image}."
        yield Finding(False, what, "Set SPLATBOT_IMAGE to an NVIDIA image, as gpu-h100x1-base.")
    else:
        yield Finding(True, f"Droplets boot from {image.name} ({image.slug}).")


def _volume(api: DigitalOcean, settings: DropletSettings) -> Iterator[Finding]:
    name = settings.volume
    if not name:
        what = "No volume keeps the runtime: each droplet installs it anew, which takes minutes."
        yield Finding(True, f"{what} SPLATBOT_VOLUME changes that.")
        return
    volumes = _read("/v2/volumes", lambda: api.volumes(name))
    if not volumes:
        yield Finding(True, f"The volume {name} does not exist yet: the first droplet has it made.")
    ours = {d.id for d in api.gpu_droplets() if label_of(d, settings.install)}
    for volume in volumes:
        what = f"The volume {name} is in {volume.region}, {volume.size_gb} GB"
        others = [str(each) for each in volume.droplet_ids if each not in ours]
        if others:
            remedy = "Detach it in the control panel. Until then droplets do without."
            what = f"{what}, attached to the droplet {', '.join(others)}, which is not ours."
            yield Finding(False, what, remedy)
        else:
            state = "in use by our droplet" if volume.droplet_ids else "free"
            yield Finding(True, f"{what}, {state}.")


def _strangers(api: DigitalOcean, settings: DropletSettings) -> Iterator[Finding]:
    _read("/v2/droplets", api.gpu_droplets)
    tag = install_tag(settings.install)
    droplets = _read("/v2/droplets?tag_name", lambda: api.gpu_droplets(tag))
    foreign = [d for d in droplets if not label_of(d, settings.install)]
    for droplet in foreign:
        what = (
            f"The GPU droplet {droplet.name} ({droplet.size} in {droplet.region},"
            f" ${droplet.price_hourly:.2f}/h) is not ours."
        )
        yield Finding(False, what, "If nobody needs it, destroy it: `/splat destroy` asks first.")
    if not foreign:
        ours = f"{len(droplets)} of ours" if droplets else "none"
        yield Finding(True, f"GPU droplets on the account: {ours}.")
