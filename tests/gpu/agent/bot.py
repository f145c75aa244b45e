"""A bot that a test tells how to fail, with the storage and the cloud that go with it.

It keeps to the real contract: signatures are checked, no nonce is good twice, reports are read by
the models of the real bot, and an event counts once.
"""

from __future__ import annotations

import json
import threading
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pydantic import ValidationError

from bot.web.hooks.models import ReportBody, UploadsBody
from gpu.agent.clock import Clock
from gpu.job import Event, JobSpec, Source, Status
from gpu.job.messages import BODY_LIMIT, Answer, Assignment, may_upload
from gpu.job.signing import FENCE, NONCE, is_genuine, job_key

JOB, ATTEMPT = "b1", 2
KEY = job_key("a secret of the bot", JOB, ATTEMPT)
TOKEN = "dop_v1_" + "5e1f" * 16

#: The part of every presigned address that nobody else may see.
SIGNATURE = "c0ffee" * 8


class FakeBot:
    """`faults` are used up one a request, by route; `down` holds until it is lifted.

    Routes: spec, report, uploads, put, delete. A fault is a status, or one of: drop (no answer),
    lost (done, but no answer), damaged (done, but half an answer), half (done, but cut short),
    stale (done, but an answer of before), hang, drip.
    """

    def __init__(self, clock: Clock, dataset: str = "ok") -> None:
        self.clock, self.lock = clock, threading.Lock()
        self.spec = JobSpec(JOB, dataset, Source(path="photos"), attempt=ATTEMPT)
        self.deadline = clock.time() + 3 * 3600
        self.self_destruct: dict[str, str] | None = None
        self.faults: dict[str, deque[str]] = defaultdict(deque)
        self.down: dict[str, str] = {}
        self.retry_after = ""
        self.cancel = self.unreadable = False
        self.refuses: set[str] = set()
        self.events: dict[int, Event] = {}
        self.reports: list[ReportBody] = []
        self.asked: list[str] = []
        self.order: list[str] = []
        self.store: dict[str, bytes] = {}
        self.deleted: list[str] = []
        self.times: list[float] = []  # of reports
        self._nonces: set[str] = set()
        self.callers: set[tuple[str, int]] = set()  # one a connection
        self.released = threading.Event()

    url = ""

    @property
    def seq(self) -> int:
        """The number up to which all events are here."""
        return next(n for n in range(len(self.events) + 1) if n + 1 not in self.events)

    @property
    def told(self) -> list[Event]:
        return [self.events[number] for number in sorted(self.events)]

    @property
    def failures(self) -> list[Event]:
        return [event for event in self.told if event.status is Status.FAILED]

    def restore(self, seq: int) -> None:
        """Become the bot of an older copy of the ledger."""
        with self.lock:
            self.events = {number: e for number, e in self.events.items() if number <= seq}

    def fault(self, route: str) -> str:
        with self.lock:
            if route == "report":
                self.times.append(self.clock.time())
            waiting = self.faults[route]
            return waiting.popleft() if waiting else self.down.get(route, "")

    def answer(self, route: str, headers: Any, body: bytes) -> tuple[int, str]:
        """Do what a request wants; return the status and the answer."""
        with self.lock:
            if len(body) > BODY_LIMIT:
                return 413, '{"detail": "The body is too large."}'
            nonce = headers[NONCE]
            genuine = is_genuine([KEY], headers, JOB, body, now=self.clock.time())
            if not genuine or nonce in self._nonces or headers[FENCE] != str(ATTEMPT):
                return 401, '{"detail": "Unknown."}'
            self._nonces.add(nonce)
            try:
                return 200, {"spec": self._spec, "report": self._report, "uploads": self._uploads}[
                    route
                ](body)
            except ValidationError as wrong:
                return 422, json.dumps({"detail": str(wrong)[:300]})

    def _spec(self, _body: bytes) -> str:
        return Assignment(self.spec.to_json(), self.deadline, self.self_destruct).to_json()

    def _report(self, body: bytes) -> str:
        report = ReportBody.model_validate_json(body)
        if any(event.message in self.refuses for event in report.events):
            ReportBody.model_validate({"no": "such field"})
        self.reports.append(report)
        for event in (each.event() for each in report.events):
            assert (event.job, event.attempt) == (JOB, ATTEMPT)
            known = self.events.setdefault(event.seq, event)
            # A picture that could not be written before may be named the second time.
            assert replace(known, pictures=()) == replace(event, pictures=()), "two of a number"
            self.order.append(f"event {event.seq}")
        return Answer(self.cancel, self.seq).to_json()

    def _uploads(self, body: bytes) -> str:
        names = UploadsBody.model_validate_json(body).names
        assert all(map(may_upload, names))
        self.asked += names
        sign = f"?X-Amz-Signature={SIGNATURE}"
        return json.dumps({"urls": {name: f"{self.url}/store/{name}{sign}" for name in names}})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet for the whole answer
    bot: FakeBot

    def log_message(self, *_: object) -> None:
        pass

    def date_time_string(self, timestamp: float | None = None) -> str:
        return formatdate(self.bot.clock.time() if timestamp is None else timestamp, usegmt=True)

    def do_POST(self) -> None:
        self.bot.callers.add(self.client_address)
        self.serve(self.path.rsplit("/", 1)[-1])

    def do_PUT(self) -> None:
        self.serve("put")

    def do_DELETE(self) -> None:
        self.serve("delete")

    def serve(self, route: str) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fault = self.bot.fault(route)
        if fault == "drop":
            self.close_connection = True
        elif fault in {"hang", "drip"}:
            self.linger(drip=fault == "drip")
        elif fault.isdigit():
            self.send(int(fault), '{"detail": "Told to fail."}')
        else:
            self.succeed(route, body, fault)

    def succeed(self, route: str, body: bytes, fault: str) -> None:
        before = self.bot.seq
        status, answer = self.do(route, body)
        if fault == "lost":
            self.close_connection = True
        elif fault == "damaged":
            self.send(200, answer[: len(answer) // 2])
        elif fault == "half":
            self.send(200, answer, announce=len(answer) + 10)
            self.close_connection = True
        elif fault == "stale" and route == "report":
            self.send(200, Answer(False, max(before - 3, 0)).to_json())
        else:
            self.send(status, answer)

    def do(self, route: str, body: bytes) -> tuple[int, str]:
        if route == "put":
            parts = urlsplit(self.path)
            assert parse_qs(parts.query) == {"X-Amz-Signature": [SIGNATURE]}
            name = parts.path.removeprefix("/store/")
            self.bot.store[name] = body
            self.bot.order.append(f"put {name}")
            return 200, ""
        if route == "delete":
            assert self.headers["Authorization"] == f"Bearer {TOKEN}"
            self.bot.deleted.append(self.path)
            return 204, ""
        return self.bot.answer(route, self.headers, body)

    def send(self, status: int, text: str, announce: int | None = None) -> None:
        self.send_response(status)
        if self.bot.retry_after and status >= 400:
            self.send_header("Retry-After", self.bot.retry_after)
        if status != 204:
            self.send_header("Content-Length", str(announce or len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def linger(self, *, drip: bool) -> None:
        """Never end an answer; send a byte now and then if it is to drip."""
        self.close_connection = True
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: " if drip else b"")
        while not self.bot.released.wait(0.02 if drip else None):
            try:
                self.wfile.write(b".")
                self.wfile.flush()
            except OSError:
                return


@contextmanager
def serving(bot: FakeBot) -> Iterator[FakeBot]:
    """Let a bot answer on a port of loopback."""
    handler = type("Handler", (_Handler,), {"bot": bot})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    bot.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield bot
    finally:
        bot.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
