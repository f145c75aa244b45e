"""Keeps a workspace's messages in a folder: a demo that is started again still shows its jobs."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bot.sandbox.state import File, Message, Workspace

#: In the folder: the messages and what is known of their files, whose bytes are beside it by id.
MESSAGES = "messages.json"

log = logging.getLogger(__name__)


class Shelf:
    """The folder of one workspace. What is visible to one person alone is not kept, as in Slack.

    A demo shows messages without it too: what can not be read or written is logged.
    """

    def __init__(self, folder: Path, workspace: Workspace) -> None:
        self._folder, self._workspace = folder, workspace
        self._version = 0  # of a workspace in which nothing was said yet

    def fill(self) -> None:
        """Put back what was kept. Where that is nothing, or damaged, the workspace stays empty."""
        known = self._folder / MESSAGES
        if not known.exists():
            return
        try:
            raw = json.loads(known.read_text("utf-8"))
            messages = [Message(**message) for message in raw["messages"]]
            files = [File(**file, content=self._bytes(file["id"])) for file in raw["files"]]
        except (OSError, ValueError, TypeError, KeyError) as damaged:
            log.warning("the messages of before can not be shown: %s", damaged)
            return
        self._workspace.restore(messages, files)
        self._version = self._workspace.version

    def keep(self) -> None:
        """Write what has changed since the last time."""
        with self._workspace.lock:
            version = self._workspace.version
            if version == self._version:
                return
            seen = [m for m in self._workspace.messages if not m.deleted and not m.visible_to]
            files = [self._workspace.files[file] for message in seen for file in message.files]
            known = {"messages": [asdict(m) for m in seen], "files": list(map(_described, files))}
        try:
            self._write(json.dumps(known), files)
        except OSError as wrong:
            log.warning("the messages are not kept: %s", wrong)
            return
        self._version = version

    def _write(self, known: str, files: Sequence[File]) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        for file in files:
            if not (self._folder / file.id).exists():
                _write(self._folder / file.id, file.content)
        _write(self._folder / MESSAGES, known.encode())

    def _bytes(self, file_id: str) -> bytes:
        return (self._folder / file_id).read_bytes()


def _described(file: File) -> dict[str, Any]:
    return {name: value for name, value in vars(file).items() if name != "content"}


def _write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(content)
    partial.replace(path)
