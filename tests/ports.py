"""Ports for servers that are still to start, in this process or in one of its children."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

HOST = "127.0.0.1"


@contextmanager
def held_port() -> Iterator[int]:
    """Hold a port on loopback while the block runs; until a server is there it refuses connections.

    Nobody else is given it, however many tests run beside these: the kernel chooses no port that is
    bound, neither for a server nor for a connection. The server itself may bind it, since this
    socket does not listen and both have SO_REUSEADDR (socket(7)), as asyncio and Node set it.
    """
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((HOST, 0))
        yield held.getsockname()[1]
