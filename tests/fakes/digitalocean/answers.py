"""The JSON of DigitalOcean's answers, with every field that its description requires."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.fakes.digitalocean.world import Droplet, Size, Volume, World

Json = dict[str, Any]


def moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def size(of: Size) -> Json:
    answer: Json = {
        "slug": of.slug, "memory": 65536, "vcpus": 8, "disk": 500, "transfer": 10.0,
        "price_monthly": of.price * 744, "price_hourly": of.price, "regions": list(of.regions),
        "available": of.available, "description": "GPU" if of.gpus else "Basic",
        "networking_throughput": 10000,
        "disk_info": [{"type": "local", "size": {"amount": 500, "unit": "gib"}}],
    }  # fmt: skip
    if of.gpus:
        vram = {"amount": of.vram, "unit": "gib"}
        answer["gpu_info"] = {"count": of.gpus, "model": of.model, "vram": vram}
    return answer


def region(slug: str, world: World) -> Json:
    sizes = [each.slug for each in world.sizes if slug in each.regions]
    return {
        "name": slug.upper(), "slug": slug, "features": ["metadata", "storage"],
        "available": True, "sizes": sizes,
    }  # fmt: skip


def droplet(of: Droplet, world: World) -> Json:
    status = "active" if world.clock() >= of.active_at else "new"
    return {
        "id": of.id, "name": of.name, "memory": 65536, "vcpus": 8, "disk": 500,
        "disk_info": [], "locked": of.destroy_asked_at is not None, "status": status,
        "created_at": moment(of.created_at), "features": [], "backup_ids": [],
        "next_backup_window": {"start": moment(0), "end": moment(0)}, "snapshot_ids": [],
        "image": image("gpu-h100x1-base"), "volume_ids": list(of.volumes), "size": size(of.size),
        "size_slug": of.size.slug, "networks": {"v4": [], "v6": []},
        "region": region(of.region, world), "tags": list(of.tags), "vpc_uuid": "0",
    }  # fmt: skip


def image(slug: str) -> Json:
    return {
        "id": 156, "name": "NVIDIA AI/ML Ready", "type": "base", "distribution": "Ubuntu",
        "slug": slug, "public": True, "regions": ["nyc2", "nyc3", "tor1"],
        "created_at": moment(0), "min_disk_size": 200, "size_gigabytes": 30.0, "tags": [],
        "status": "available", "description": "",
    }  # fmt: skip


def volume(of: Volume, world: World) -> Json:
    return {
        "id": of.id, "name": of.name, "region": region(of.region, world),
        "size_gigabytes": of.size_gb, "description": "", "created_at": moment(of.created_at),
        "droplet_ids": [of.droplet_id] if of.droplet_id else [], "tags": [],
        "filesystem_type": "", "filesystem_label": "",
    }  # fmt: skip


def ssh_key(of: tuple[int, str, str]) -> Json:
    return {"id": of[0], "fingerprint": of[1], "name": of[2], "public_key": "ssh-ed25519 AAAA"}


def account() -> Json:
    return {
        "droplet_limit": 10, "floating_ip_limit": 3, "email": "surveyor@example.com",
        "name": "Surveyor", "uuid": "u-1", "email_verified": True, "status": "active",
        "status_message": "", "team": {"uuid": "t-1", "name": "Parcels"},
    }  # fmt: skip


def error(name: str, message: str) -> Json:
    return {"id": name, "message": message, "request_id": "req-1"}
