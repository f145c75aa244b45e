"""The simulated API as an HTTP server on loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.fakes.digitalocean.api import DROP, GARBAGE, HANG, REFUSE, Api
from tests.fakes.digitalocean.world import World


@contextmanager
def serving(world: World) -> Iterator[str]:
    """Serve a world; yields the server's address."""
    api, ended = Api(world), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # headers and body are two writes: 40 ms otherwise

        def answer(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            body = self.rfile.read(length)
            token = self.headers.get("authorization", "").removeprefix("Bearer ")
            answer = api.handle(self.command, self.path, body, token)
            if answer.status == HANG:
                ended.wait()
            if answer.status in {DROP, HANG, REFUSE}:
                self.close_connection = True
                return
            if answer.status == GARBAGE:
                self._send(202, b'{"droplet": {"id": 1', {})
                return
            text = b"" if answer.body is None else json.dumps(answer.body).encode()
            self._send(answer.status, text, dict(answer.headers or {}))

        def _send(self, status: int, text: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            more = {"Content-Type": "application/json", "Content-Length": str(len(text))}
            for name, value in (more | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_DELETE = answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        ended.set()
        server.shutdown()
        server.server_close()
