"""A tiny web server on loopback for the viewer's tests: files, errors, CORS, and gates."""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.waiting import PATIENCE

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".jpg": "image/jpeg",
}


#: The names of assets change with what is in them: a page that is opened again need not ask.
KEPT = {"Cache-Control": "max-age=600"}
#: How often a server looks whether it should end: of itself twice a second.
END_SECONDS = 0.02


@dataclass
class Answer:
    """What a path answers. A gate is waited for after the first half of the body."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    gate: threading.Event | None = None


class Server:
    """Serves `answers` by path, and `root` under /viewer/; `cors` allows every origin."""

    def __init__(self, root: Path, *, cors: bool = True) -> None:
        self.answers: dict[str, Answer] = {}
        self.root = root
        self.cors = cors
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(
            target=self._http.serve_forever, args=(END_SECONDS,), daemon=True
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def answer(self, path: str) -> Answer:
        if path in self.answers:
            return self.answers[path]
        if path.startswith("/viewer/"):
            file = self.root / (path.removeprefix("/viewer/") or "index.html")
            if file.is_file():
                headers = KEPT if file.parent.name == "assets" else {}
                return Answer(file.read_bytes(), headers=headers)
        return Answer(status=404)

    def __enter__(self) -> "Server":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for answer in self.answers.values():
            if answer.gate:
                answer.gate.set()
        self._http.shutdown()
        self._http.server_close()


def _handler(server: Server) -> Callable[..., BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            answer = server.answer(path)
            self.send_response(answer.status)
            kind = ".html" if path.endswith("/") else Path(path).suffix
            self.send_header("Content-Type", TYPES.get(kind, "application/octet-stream"))
            if server.cors:
                self.send_header("Access-Control-Allow-Origin", "*")
            headers = {"Content-Length": str(len(answer.body))} | dict(answer.headers)
            for name, value in headers.items():
                if value:  # an empty Content-Length stands for none
                    self.send_header(name, value)
            self.end_headers()
            for part in _parts(answer):
                self.wfile.write(part)

        def log_message(self, *_: object) -> None:
            """Tests print nothing."""

    return Handler


def _parts(answer: Answer) -> Iterator[bytes]:
    half = len(answer.body) // 2 if answer.gate else 0
    if answer.gate:
        yield answer.body[:half]
        answer.gate.wait(PATIENCE)
    yield answer.body[half:]
