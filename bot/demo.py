"""`splatbot demo`: the bot beside a sandbox workspace, with photos to try, all on loopback."""

from __future__ import annotations

import errno
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, repeat
from pathlib import Path

from bot.core.config import Settings
from bot.core.errors import SplatError
from bot.folder import kept
from bot.sandbox.state import SUGGESTION
from bot.service import Service
from bot.storage.names import is_archive, is_capture

HOST = "127.0.0.1"
BOT_PORT, SANDBOX_PORT = 3000, 3001

#: Seconds in which the sandbox has to answer.
PATIENCE = 30.0


def run(photos: Path | None, *, open_browser: bool) -> None:
    """Prepare photos, start the sandbox and serve until Ctrl-C; leaves no process behind."""
    data = Path(os.environ.get("SPLATBOT_DATA", "data"))
    with (
        free_port(BOT_PORT) as bot,
        free_port(SANDBOX_PORT) as sandbox,
        kept(data, f"demo is running already, at http://{HOST}:{sandbox}/"),
    ):
        _run(photos, data, bot, sandbox, open_browser=open_browser)


def _run(
    photos: Path | None, data: Path, bot_port: int, sandbox_port: int, *, open_browser: bool
) -> None:
    secret = {
        "SLACK_BOT_TOKEN": f"xoxb-sandbox-{secrets.token_hex(8)}",
        "SLACK_SIGNING_SECRET": secrets.token_hex(16),
    }
    settings = Settings.from_env({
        "SPLATBOT_DATA": str(data),
        "SLACK_API_URL": f"http://{HOST}:{sandbox_port}/api/",
        "PORT": str(bot_port),
        **secret,
    })  # fmt: skip
    first = SUGGESTION
    if photos:
        first = f"/splat {_link(photos, settings.store)}"
        print(f"Photos:  {first.removeprefix('/splat ')}")
    else:
        _make_demo_photos(settings.store / "demo" / "parcel")
    address = f"http://{HOST}:{sandbox_port}/"
    bot_url = f"http://{HOST}:{bot_port}"
    with _sandbox(sandbox_port, bot_url, secret, first, data / "sandbox"):
        print(f"Sandbox: {address}\nBot:     {bot_url}/\nCtrl-C stops everything.", flush=True)
        if open_browser:
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
        service = Service(settings)
        try:
            service.run()
        finally:
            service.end_jobs()


@contextmanager
def free_port(wanted: int) -> Iterator[int]:
    """Yield `wanted` if nobody listens there or is about to, else any free port.

    It is held until the block ends: meanwhile nobody else is given it, not even for a connection.
    """
    for port in chain([wanted], repeat(0)):
        with socket.socket() as held:
            found = _hold(held, port)
            if found and (claim := _claim(found)):
                with claim:
                    yield found
                return


def _hold(held: socket.socket, port: int) -> int:
    """Bind a port if nobody listens there, for 0 any, and return it; 0 if somebody does."""
    # As uvicorn does: a port in TIME_WAIT is free, and uvicorn may bind the one that is held.
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        held.bind((HOST, port))
    except OSError:
        return 0
    return int(held.getsockname()[1])


def _claim(port: int) -> socket.socket | None:
    """Claim a port among demos, as one where nobody listens yet looks free; None when it is taken.

    The claim is a name in Linux's abstract namespace (unix(7)): it ends with the process at last.
    """
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0splatbot-demo-{port}")
    except OSError as wrong:
        if wrong.errno == errno.EADDRINUSE:
            claim.close()
            return None
    return claim


def _link(photos: Path, store: Path) -> str:
    """Make a folder or .zip known as `datasets/<its name>` without copying or changing it."""
    photos = photos.expanduser().resolve()
    if not photos.exists():
        raise SplatError(f"There is no {photos}.", hint="Is its name right?")
    archive = photos.is_file() and is_archive(photos.name)
    if not archive and not any(is_capture(p.name) for p in _files(photos)):
        raise SplatError(
            f"There are no photos in {photos}.", hint="Name a folder of photos, or a .zip of them."
        )
    link = store / "datasets" / photos.name.replace(" ", "-")
    link.parent.mkdir(parents=True, exist_ok=True)
    if link.is_symlink():
        link.unlink()
    elif link.exists():
        raise SplatError(f"{link} exists already.", hint="Rename one of the two folders.")
    link.symlink_to(photos)
    return f"datasets/{link.name}"


def _files(folder: Path) -> Iterator[Path]:
    """Yield what is in a folder, and in its subfolders as deep as those of a camera's card are."""
    return chain.from_iterable(folder.glob(depth) for depth in ("*", "*/*", "*/*/*"))


def _make_demo_photos(folder: Path) -> None:
    """Have the demo's photos taken; a second time they are there already."""
    if not folder.exists():
        print("The demo's photos are being made, this once.", flush=True)
    made = subprocess.run([sys.executable, "-m", "gpu.parcel", str(folder)], check=False)
    if made.returncode:
        raise SplatError(
            "The demo's photos could not be made.",
            hint="Is the pipeline installed? `make setup` installs it.",
        )


@contextmanager
def _sandbox(
    port: int, bot_url: str, secret: dict[str, str], first: str, keep: Path
) -> Iterator[None]:
    """Run the sandbox as a child of its own, so that the bot talks to it as it would to Slack.

    What is said in it is kept in a folder: the jobs are there again too, with links to messages.
    """
    command = [sys.executable, "-m", "bot.sandbox", "--port", str(port), "--bot-url", bot_url]
    command += ["--suggestion", first, "--keep", str(keep)]
    child = subprocess.Popen(command, env=os.environ | secret, start_new_session=True)
    try:
        _await_answer(port, child)
        yield
    finally:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _await_answer(port: int, child: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and child.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex((HOST, port)) == 0:
                return
        time.sleep(0.05)
    raise SplatError("The sandbox did not start.", hint="Its own words are above.")
