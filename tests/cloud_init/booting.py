"""Boots a machine: does what cloud-init would do with the user-data, below a folder.

Every absolute path of the user-data lies under one of a few prefixes, so that the same text works
when they lead into that folder.
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from tests.cloud_init.machine import Machine

PREFIXES = (
    "/etc/splatbot",
    "/etc/systemd/system",
    "/opt/splatbot",
    "/var/lib/splatbot",
    "/run/splatbot",
    "/mnt/splatbot",
)


def files_of(user_data: str) -> dict[str, dict[str, Any]]:
    """The files that a cloud-config writes, by path."""
    return {file["path"]: file for file in yaml.safe_load(user_data)["write_files"]}


def commands_of(user_data: str) -> list[list[str]]:
    """The commands that a cloud-config runs, in order."""
    commands: list[list[str]] = yaml.safe_load(user_data)["runcmd"]
    return commands


def write_files(user_data: str) -> None:
    """Write the files of a cloud-config, with their permissions."""
    for path, file in files_of(user_data).items():
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(file["content"])
        target.chmod(int(file.get("permissions", "0644"), 8))


def below(folder: Path, text: str) -> str:
    """The text with every path leading into the folder."""
    for prefix in PREFIXES:
        text = text.replace(prefix, f"{folder}{prefix}")
    return text


def boot(machine: Machine, user_data: str) -> subprocess.CompletedProcess[str]:
    """Write the files and run the command."""
    return run(machine, *write(machine, user_data))


def write(machine: Machine, user_data: str) -> list[str]:
    """Write the files; return the command that is to be run."""
    here = below(machine.folder, user_data)
    write_files(here)
    (command,) = commands_of(here)
    return command


def run(machine: Machine, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the machine."""
    return subprocess.run(
        command, env=machine.environment, capture_output=True, text=True, check=False, timeout=120
    )


@dataclass
class Shelf:
    """A server on loopback that gives one file, to whoever asks."""

    data: bytes
    url: str = ""
    asked: list[str] = field(default_factory=list)


@contextmanager
def shelf(data: bytes) -> Iterator[Shelf]:
    """Serve `data` at any path."""
    served = Shelf(data)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(served.data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
