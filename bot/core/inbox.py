"""Jobs that are ordered by a file in the bucket: `inbox/<name>.json`, answered beside it.

Each file is one order. `inbox/<name>.answer.json` says what became of it; while that is there, the
file was heeded. A crash between the two is harmless: the order's key is made of the file's name
and content, so that the same file again is the same job. The file itself is the user's, and stays.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from typing import Any

from bot.core.desk import Desk
from bot.core.errors import InvalidValue, SplatError, StorageError, UnknownJob
from bot.core.jobs import Job, Request
from bot.core.orders import read_order
from bot.core.roles import Owner
from bot.storage.base import Storage

log = logging.getLogger(__name__)

FOLDER, ORDER, ANSWER = "inbox/", ".json", ".answer.json"

#: Bytes of an order at most.
MOST = 16 * 1024


class Inbox:
    """Looks for orders; `look` is called every so often, by one thread."""

    def __init__(self, storage: Storage, desk: Desk, owner: Owner) -> None:
        self._storage = storage
        self._desk = desk
        self._owner = owner
        self._has_checked = False
        self._open: dict[str, str] = {}

    def look(self) -> None:
        """Heed every order that has no answer, and say what became of those that had none."""
        try:
            self._look()
        except StorageError as silent:
            log.warning("the inbox could not be read: %s", silent)

    def _look(self) -> None:
        keys = self._storage.keys(FOLDER)
        answered = {key for key in keys if key.endswith(ANSWER)}
        if not self._has_checked:
            answered -= self._lost(answered)
            self._has_checked = True
        orders = [key for key in keys if key.endswith(ORDER) and not key.endswith(ANSWER)]
        for key in orders:
            if _answer(key) not in answered:
                self._heed(key)
        self._follow()

    def _lost(self, answers: set[str]) -> set[str]:
        """Return the answers of jobs that nobody knows: the ledger was lost since, or is older."""
        lost = set()
        for key in answers:
            said = self._said(key)
            if isinstance(job := said.get("job"), str):
                try:
                    self._note(key, self._desk.ledger.job(job), said)
                except UnknownJob:
                    lost.add(key)
        return lost

    def _said(self, key: str) -> Mapping[str, Any]:
        try:
            said = json.loads(self._storage.get(key))
        except (KeyError, ValueError):
            return {}
        return said if isinstance(said, dict) else {}

    def _heed(self, key: str) -> None:
        """Start a job, or say why not. A store that does not answer is asked again later."""
        try:
            job = self._desk.start(self._read(key))
        except StorageError:
            raise
        except SplatError as wrong:
            log.info("the order %s was refused: %s", key, wrong)
            self._write(_answer(key), {"error": wrong.user_message, "hint": wrong.hint})
        else:
            self._tell(_answer(key), job)

    def _read(self, key: str) -> Request:
        if (size := self._storage.size(key) or 0) > MOST:
            raise InvalidValue("the order", f"{size} bytes long", f"{MOST} bytes")
        text = self._storage.get(key)
        name = f"{key}:{hashlib.sha256(text).hexdigest()}"
        return read_order(text).request(self._owner, f"inbox:{name}")

    def _follow(self) -> None:
        """Write anew what is said of jobs that have moved on."""
        for key, state in list(self._open.items()):
            said = self._said(key)
            job = self._desk.ledger.job(str(said["job"])) if "job" in said else None
            if job is None:
                del self._open[key]  # somebody has removed the answer
            elif job.state.value != state:
                self._tell(key, job)

    def _tell(self, key: str, job: Job) -> None:
        said = {
            "job": job.id, "state": job.state.value, "error": job.error, "hint": job.hint,
            "viewer_url": job.viewer_url, "manifest_url": job.manifest_url,
        }  # fmt: skip
        self._write(key, {name: value for name, value in said.items() if value})
        self._note(key, job, said)

    def _note(self, key: str, job: Job, said: Mapping[str, Any]) -> None:
        """Remember an answer that will have to change."""
        if job.is_over and said.get("state") == job.state.value:
            self._open.pop(key, None)
        else:
            self._open[key] = str(said.get("state"))

    def _write(self, key: str, said: Mapping[str, Any]) -> None:
        data = json.dumps(said, indent=2).encode()
        self._storage.put(key, data, "application/json", private=True)


def _answer(key: str) -> str:
    return key.removesuffix(ORDER) + ANSWER
