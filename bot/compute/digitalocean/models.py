"""The parts of DigitalOcean's answers that we read. Prices in US dollars, VRAM and disks in GB."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Size:
    """A kind of GPU droplet. No region means that there is none in stock."""

    slug: str
    price_hourly: float
    regions: tuple[str, ...]
    gpus: int
    model: str
    vram: int

    @property
    def is_nvidia(self) -> bool:
        """Whether it runs CUDA: the others are AMD's."""
        return not self.model.startswith("amd")

    @classmethod
    def read(cls, raw: Json) -> Size:
        """Read one of the answer's `sizes`."""
        gpu = raw.get("gpu_info") or {}
        vram = gpu.get("vram") or {}
        return cls(
            slug=raw["slug"],
            price_hourly=float(raw["price_hourly"]),
            regions=tuple(raw["regions"]) if raw.get("available", True) else (),
            gpus=int(gpu.get("count", 0)),
            model=str(gpu.get("model", "")),
            vram=int(vram.get("amount", 0)),
        )


@dataclass(frozen=True)
class Droplet:
    """A droplet that exists. `created_at` is Unix seconds."""

    id: int
    name: str
    status: str
    created_at: float
    size: str
    region: str
    price_hourly: float
    tags: frozenset[str]

    @classmethod
    def read(cls, raw: Json) -> Droplet:
        """Read one of the answer's `droplets`."""
        return cls(
            id=int(raw["id"]),
            name=str(raw["name"]),
            status=str(raw["status"]),
            created_at=datetime.fromisoformat(raw["created_at"]).timestamp(),
            size=str(raw["size_slug"]),
            region=str(raw["region"]["slug"]),
            price_hourly=float((raw.get("size") or {}).get("price_hourly", 0.0)),
            tags=frozenset(raw["tags"]),
        )

    @property
    def is_gpu(self) -> bool:
        """Whether it has a GPU: the names of all such sizes begin like this."""
        return self.size.startswith("gpu-")

    def tag(self, prefix: str) -> str:
        """Return what follows `prefix` in one of the tags, or nothing."""
        return next((t.removeprefix(prefix) for t in self.tags if t.startswith(prefix)), "")


@dataclass(frozen=True)
class Volume:
    """A block storage volume; one droplet at a time may have it."""

    id: str
    name: str
    region: str
    size_gb: int
    droplet_ids: tuple[int, ...]
    filesystem: str

    @classmethod
    def read(cls, raw: Json) -> Volume:
        """Read one of the answer's `volumes`."""
        return cls(
            id=str(raw["id"]),
            name=str(raw["name"]),
            region=str(raw["region"]["slug"]),
            size_gb=int(raw["size_gigabytes"]),
            droplet_ids=tuple(raw.get("droplet_ids") or ()),
            filesystem=str(raw.get("filesystem_type") or ""),
        )


@dataclass(frozen=True)
class SshKey:
    """A public key of the account."""

    id: int
    fingerprint: str
    name: str

    @classmethod
    def read(cls, raw: Json) -> SshKey:
        """Read one of the answer's `ssh_keys`."""
        return cls(int(raw["id"]), str(raw["fingerprint"]), str(raw["name"]))


@dataclass(frozen=True)
class Image:
    """An image that a droplet can boot from."""

    slug: str
    name: str
    regions: tuple[str, ...]

    @classmethod
    def read(cls, raw: Json) -> Image:
        """Read the answer's `image`."""
        return cls(str(raw.get("slug") or raw["id"]), str(raw["name"]), tuple(raw["regions"]))


@dataclass(frozen=True)
class Account:
    """The account that the token belongs to."""

    status: str
    droplet_limit: int
    team: str

    @classmethod
    def read(cls, raw: Json) -> Account:
        """Read the answer's `account`."""
        team = (raw.get("team") or {}).get("name", "")
        return cls(str(raw["status"]), int(raw["droplet_limit"]), str(team))
