"""Which droplets would do for a job, in the order in which they are tried."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.compute.digitalocean import Size
from bot.core.config import DropletSettings
from bot.core.errors import BackendError


class NoStock(BackendError):
    """No droplet that would do can be had now. `tried` names each and why."""

    def __init__(self, tried: Sequence[str]) -> None:
        what = "; ".join(tried) or "no size fits the settings"
        super().__init__(
            f"No GPU droplet can be had now: {what}.",
            hint="Try again later, or allow more SPLATBOT_SIZES, SPLATBOT_REGIONS or a higher "
            "SPLATBOT_MAX_PRICE.",
        )
        self.tried = tuple(tried)


@dataclass(frozen=True)
class Offer:
    """A size in a region that has it in stock. Dollars an hour."""

    size: str
    region: str
    price_per_hour: float


def fitting(sizes: Sequence[Size], settings: DropletSettings) -> list[Size]:
    """Return the sizes that would do, in stock or not: the named ones, else the cheapest first.

    One NVIDIA GPU with the memory that is wanted, at a price that is allowed.
    """
    fit = [
        size
        for size in sizes
        if size.is_nvidia
        and size.gpus == 1
        and size.vram >= settings.min_vram
        and size.price_hourly <= settings.max_price
    ]
    if not settings.sizes:
        return sorted(fit, key=lambda size: (size.price_hourly, size.slug))
    by_slug = {size.slug: size for size in fit}
    return [by_slug[slug] for slug in settings.sizes if slug in by_slug]


def offers(
    sizes: Sequence[Size],
    settings: DropletSettings,
    *,
    near: str | None = None,
    only: str | None = None,
) -> list[Offer]:
    """Return what is in stock, in the order in which to try it.

    Among regions of one size, `near` comes first: there is the volume with the runtime. `only`
    is the one size that somebody asked for, if it fits. Raises NoStock that names what would do
    and is sold out.
    """
    fit = [size for size in fitting(sizes, settings) if only in {None, size.slug}]
    found = [
        Offer(size.slug, region, size.price_hourly)
        for size in fit
        for region in _regions(size, settings, near)
    ]
    if not found and only and not fit:
        raise NoStock([f"{only} is none of the sizes that the settings allow"])
    if not found:
        raise NoStock([f"{size.slug} is sold out" for size in fit])
    return found


def _regions(size: Size, settings: DropletSettings, near: str | None) -> list[str]:
    allowed = [r for r in settings.regions if r in size.regions] or (
        [] if settings.regions else sorted(size.regions)
    )
    return sorted(allowed, key=lambda region: region != near)
