"""Tells systemd that the agent is alive, so that it restarts one that hangs (WatchdogSec=).

The protocol is one datagram (https://www.freedesktop.org/software/systemd/man/sd_notify.html).
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from contextlib import suppress


def notify(state: str = "WATCHDOG=1", env: Mapping[str, str] = os.environ) -> None:
    """Say something to systemd, if it is there to listen."""
    address = env.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]  # an abstract socket
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to:
        to.settimeout(1.0)
        to.sendto(state.encode(), address)
