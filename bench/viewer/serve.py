"""A loopback server of folders, with text compressed as every real one does."""

from __future__ import annotations

import contextlib
import gzip
import threading
from collections.abc import Mapping
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".json": "application/json",
}


class Server:
    """Serves `folders` by the first part of the path."""

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(folders))
        self._thread = threading.Thread(target=self._http.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()


@lru_cache(maxsize=64)
def _body(file: Path) -> tuple[bytes, bool]:
    """Return a file's bytes as they are sent, and whether they are compressed."""
    data = file.read_bytes()
    return (gzip.compress(data, 6), True) if file.suffix in TYPES else (data, False)


def _handler(folders: Mapping[str, Path]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            name, _, rest = self.path.partition("?")[0].lstrip("/").partition("/")
            file = folders.get(name, Path("/nowhere")) / (rest or "index.html")
            if not file.is_file():
                self.send_response(404)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            body, packed = _body(file)
            self.send_response(200)
            self.send_header("Content-Type", TYPES.get(file.suffix, "application/octet-stream"))
            self.send_header("Content-Length", str(len(body)))
            if packed:
                self.send_header("Content-Encoding", "gzip")
            self.end_headers()
            self.wfile.write(body)

        def handle(self) -> None:
            with contextlib.suppress(ConnectionError):  # a page that is closed stops its transfers
                super().handle()

        def log_message(self, *_: object) -> None:
            """The table is enough."""

    return Handler
