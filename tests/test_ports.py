"""A held port is its server's alone, though many tests run at once."""

import socket
from contextlib import ExitStack

import pytest

from tests.ports import HOST, held_port


def server(port: int = 0) -> socket.socket:
    """A socket that is bound as asyncio's servers and Node's are."""
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((HOST, port))
    return bound


def test_the_server_for_which_a_port_is_held_listens_there_and_again_after_its_end() -> None:
    with held_port() as port:
        for _ in range(2):
            with server(port) as listening:
                listening.listen()
                with socket.create_connection((HOST, port)) as asks:
                    assert asks.getpeername() == (HOST, port)
                    listening.accept()[0].close()  # it leaves the connection in TIME_WAIT


def test_until_then_who_connects_is_refused() -> None:
    with held_port() as port, pytest.raises(ConnectionRefusedError):
        socket.create_connection((HOST, port))


def test_nobody_who_takes_any_port_is_given_one_that_is_held() -> None:
    with ExitStack() as stack:
        held = [stack.enter_context(held_port()) for _ in range(200)]
        others = [stack.enter_context(server()) for _ in range(200)]
        ports = held + [other.getsockname()[1] for other in others]
        assert len(set(ports)) == len(ports)
