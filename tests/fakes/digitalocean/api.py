"""Requests to answers, as the real API gives them; no socket in between."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.fakes.digitalocean import answers, contract
from tests.fakes.digitalocean.world import Fault, Volume, World

NAME = re.compile(r"[a-zA-Z0-9]?[a-z0-9A-Z.\-]*[a-z0-9A-Z]")
TAG = re.compile(r"[a-zA-Z0-9_\-:]{1,255}")
USER_DATA_LIMIT = 64 * 1024

#: Outcomes without an answer, which only the transport can act.
DROP, HANG, REFUSE, GARBAGE = 0, -1, -2, -3
#: What a fault's answer says, by its status.
SAID = {429: "Too many requests", 422: "Size is not available in this region."}
SILENT = {"drop": DROP, "hang": HANG, "refuse": REFUSE, "garbage": GARBAGE}


@dataclass(frozen=True)
class Answer:
    """A status (or one of the outcomes without an answer), a body and headers."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = None  # type: ignore[assignment]


class Api:
    """The account's API. One request at a time, as a database behind it would have it.

    `is_checked`: every answer is held against the API's description.
    """

    def __init__(self, world: World, *, is_checked: bool = True) -> None:
        self.world = world
        self._is_checked = is_checked
        self._lock = threading.RLock()

    def handle(self, method: str, target: str, body: bytes, token: str) -> Answer:
        """Answer one request; a fault that waits for it comes first."""
        parts = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        with self._lock:
            self.world.settle()
            fault = self.world.fault(method, parts.path)
            if fault and fault.what == "refuse":
                return Answer(REFUSE)
            self.world.requests.append((self.world.clock(), method, parts.path))
            if token != self.world.token:
                return _error(401, "Unauthorized", "Unable to authenticate you")

            def act() -> Answer:
                return self._route(method, parts.path, query, body)

            answer = self._faulty(fault, act) if fault else act()
        if self._is_checked:
            contract.check(method, parts.path, answer.status, answer.body)
        return answer

    def _faulty(self, fault: Fault, act: Callable[[], Answer]) -> Answer:
        if fault.moment == "after":
            act()
        elif fault.late:
            self.world.late.append((self.world.clock() + fault.late, act))
        if fault.what in SILENT:
            return Answer(SILENT[fault.what])
        status = int(fault.what)
        headers = {"retry-after": "30", "ratelimit-remaining": "0"} if status == 429 else {}
        return Answer(status, answers.error("error", SAID.get(status, "Server Error")), headers)

    def _route(self, method: str, path: str, query: Mapping[str, str], body: bytes) -> Answer:
        world = self.world
        match method, *path.removeprefix("/v2/").split("/"):
            case "GET", "droplets":
                return self._list_droplets(query)
            case "POST", "droplets":
                return self._create(json.loads(body))
            case "GET", "droplets", number:
                found = [d for d in world.seen() if str(d.id) == number]
                return (
                    Answer(200, {"droplet": answers.droplet(found[0], world)})
                    if found
                    else NOT_FOUND
                )
            case "DELETE", "droplets", number:
                return self._destroy(number)
            case "GET", "sizes":
                return _page(query, "sizes", list(map(answers.size, world.sizes)))
            case "GET", "account":
                return Answer(200, {"account": answers.account()})
            case "GET", "account", "keys":
                return _page(query, "ssh_keys", list(map(answers.ssh_key, world.ssh_keys)))
            case "GET", "images", slug:
                return Answer(200, {"image": answers.image(slug)})
            case "GET", "volumes":
                named = [v for v in world.volumes if query.get("name") in (None, v.name)]
                return _page(query, "volumes", [answers.volume(v, world) for v in named])
            case "POST", "volumes":
                return self._create_volume(json.loads(body))
            case _:
                return NOT_FOUND

    def _list_droplets(self, query: Mapping[str, str]) -> Answer:
        kind, tag = query.get("type"), query.get("tag_name")
        if kind == "gpus" and tag:
            return _error(400, "bad_request", "type can not be combined with tag_name")
        seen = self.world.seen()
        if kind == "gpus":
            seen = [d for d in seen if d.size.gpus]
        elif not (tag and self.world.tag_lists_gpus):
            seen = [d for d in seen if not d.size.gpus]  # "only non-GPU Droplets are returned"
        if tag:
            seen = [d for d in seen if tag in d.tags]
        return _page(query, "droplets", [answers.droplet(d, self.world) for d in seen])

    def _create(self, asked: Mapping[str, Any]) -> Answer:
        world = self.world
        size = next((s for s in world.sizes if s.slug == asked.get("size")), None)
        problem = self._problem(asked)
        if problem:
            return _error(422, "unprocessable_entity", problem)
        assert size is not None
        droplet = world.create(
            asked["name"], size, asked["region"], tags=tuple(asked.get("tags", ())),
            user_data=asked.get("user_data", ""), volumes=tuple(asked.get("volumes", ())),
        )  # fmt: skip
        href = f"https://api.digitalocean.com/v2/actions/{droplet.id}"
        links = {"actions": [{"id": droplet.id, "rel": "create", "href": href}]}
        return Answer(202, {"droplet": answers.droplet(droplet, world), "links": links})

    def _problem(self, asked: Mapping[str, Any]) -> str:
        world = self.world
        size = next((s for s in world.sizes if s.slug == asked.get("size")), None)
        volumes = [v for v in world.volumes if v.id in asked.get("volumes", ())]
        gpus = len(world.existing(gpus=True))
        checks = {
            "Name is invalid": bool(NAME.fullmatch(asked.get("name", ""))),
            "You specified an invalid size for Droplet creation.": size is not None,
            "Size is not available in this region.": bool(
                size and size.available and asked.get("region") in size.regions
            ),
            "tag is invalid": all(map(TAG.fullmatch, asked.get("tags", ()))),
            "ssh_keys: at least one SSH key is required for this image": bool(
                asked.get("ssh_keys")
            ),
            "user_data is too long (maximum is 64 KiB)": (
                len(asked.get("user_data", "").encode()) <= USER_DATA_LIMIT
            ),
            "volume is already attached to another Droplet": not any(v.droplet_id for v in volumes),
            "volume has a pending event": all(v.locked_until <= world.clock() for v in volumes),
            "volume and Droplet must be in the same region": all(
                v.region == asked.get("region") for v in volumes
            ),
            "creating this/these droplet(s) will exceed your droplet limit": (
                not size or not size.gpus or gpus < world.gpu_limit
            ),
        }
        return next((said for said, is_well in checks.items() if not is_well), "")

    def _destroy(self, number: str) -> Answer:
        found = [d for d in self.world.seen() if str(d.id) == number]
        if not found:
            return NOT_FOUND
        if found[0].destroy_asked_at is not None:
            return _error(422, "unprocessable_entity", "Droplet already has a pending event.")
        found[0].destroy_asked_at = self.world.clock()
        self.world.settle()
        return Answer(204)

    def _create_volume(self, asked: Mapping[str, Any]) -> Answer:
        world = self.world
        if any((v.name, v.region) == (asked["name"], asked["region"]) for v in world.volumes):
            return _error(409, "conflict", "failed to create volume: name already exists")
        volume = Volume(
            f"vol-{len(world.volumes)}", asked["name"], asked["region"],
            asked["size_gigabytes"], world.clock(),
        )  # fmt: skip
        world.volumes.append(volume)
        return Answer(201, {"volume": answers.volume(volume, world)})


def _error(status: int, name: str, message: str) -> Answer:
    return Answer(status, answers.error(name, message))


NOT_FOUND = _error(404, "not_found", "The resource you were accessing could not be found.")


def _page(query: Mapping[str, str], key: str, entries: list[Any]) -> Answer:
    each, number = int(query.get("per_page", "20")), int(query.get("page", "1"))
    first = (number - 1) * each
    pages: dict[str, str] = {}
    if first + each < len(entries):
        base = f"https://api.digitalocean.com/v2/{key}?per_page={each}"
        last = -(-len(entries) // each)
        pages = {"next": f"{base}&page={number + 1}", "last": f"{base}&page={last}"}
    body = {
        key: entries[first : first + each],
        "links": {"pages": pages} if pages else {},
        "meta": {"total": len(entries)},
    }
    return Answer(200, body)
