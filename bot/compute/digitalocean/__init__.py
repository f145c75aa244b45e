"""DigitalOcean's API, as far as the bot uses it, with typed answers and typed errors."""

from bot.compute.digitalocean.client import DigitalOcean
from bot.compute.digitalocean.errors import (
    Ambiguous,
    ApiError,
    NotFound,
    RateLimited,
    Refused,
    Unreachable,
)
from bot.compute.digitalocean.models import Account, Droplet, Image, Size, SshKey, Volume

__all__ = [
    "Account",
    "Ambiguous",
    "ApiError",
    "DigitalOcean",
    "Droplet",
    "Image",
    "NotFound",
    "RateLimited",
    "Refused",
    "Size",
    "SshKey",
    "Unreachable",
    "Volume",
]
