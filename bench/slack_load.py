"""How fast fifty people at once are answered while twenty jobs stream events, and whether all are.

The bot is a process of its own, so are the jobs' machines, and so are the people. A wave is fifty
signed slash commands that are sent at the same moment; Slack gives each of them three seconds.
"""

import multiprocessing
import os
import re
import selectors
import socket
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from bench.hooks import Load, Machine, missing, running_jobs, tell
from bot.core.ledger import Ledger
from bot.sandbox.sender import Sender
from bot.sandbox.state import Workspace
from tests.fakes.bot import running_bot
from tests.fakes.slack import SECRET

#: People who type at once, how often, and the seconds from one time to the next.
PEOPLE, WAVES, APART = 50, 12, 2.0

#: Seconds after which an answer that is not here is counted as lost.
LONGEST = 10.0

#: What they type, in turn. The last one enters a job, which has to be in the ledger then.
COMMANDS = ("status", "help", "list", "queue", "demo/parcel --job-id {}")

#: The jobs that run meanwhile: an agent reports at most twice a second (gpu/agent/agent.py, TICK).
SECONDS = WAVES * APART
JOBS = Load("twenty agents", 20, (0.4, 0.6), rate=200.0, seconds=SECONDS)


@dataclass(frozen=True)
class Answer:
    """How one command was answered; `error` is what Slack would have told the person."""

    command: str
    milliseconds: float
    error: str


def ask(url: str, results: "multiprocessing.Queue[list[Answer]]") -> None:
    """Be all the people; runs in a process of its own."""
    address = urlsplit(url)
    people = [socket.create_connection((address.hostname, address.port)) for _ in range(PEOPLE)]
    requests = [[Request.of(n, wave) for n in range(PEOPLE)] for wave in range(WAVES)]
    answers = []
    for wave in requests:
        begin = time.perf_counter()
        answers += ask_at_once(people, wave)
        time.sleep(max(0.0, APART - (time.perf_counter() - begin)))
    results.put(answers)


def ask_at_once(people: Sequence[socket.socket], requests: Sequence["Request"]) -> list[Answer]:
    """Send every person's command; wait for all answers in one thread, which takes little time.

    Each is counted from the moment at which the first was sent until its last byte is here.
    """
    answers = []
    begin = time.perf_counter()
    with selectors.DefaultSelector() as waiting:
        for person, request in zip(people, requests, strict=True):
            person.sendall(request.raw)
            waiting.register(person, selectors.EVENT_READ, (request, bytearray()))
        while waiting.get_map() and time.perf_counter() - begin < LONGEST:
            for key, _ in waiting.select(1.0):
                request, got = key.data
                got += (part := key.fileobj.recv(1 << 16))  # type: ignore[union-attr]
                if not part or is_whole(got):
                    milliseconds = (time.perf_counter() - begin) * 1000
                    error = "" if got.startswith(b"HTTP/1.1 200") else got[9:12].decode() or "cut"
                    answers.append(Answer(request.command, milliseconds, error))
                    waiting.unregister(key.fileobj)
        silent = [key.data[0] for key in waiting.get_map().values()]
    return answers + [Answer(each.command, LONGEST * 1000, "silent") for each in silent]


def is_whole(got: bytearray) -> bool:
    """Whether an answer has come to its end."""
    head, end, body = got.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: *(\d+)", head)
    return bool(end and length and len(body) >= int(length[1]))


@dataclass(frozen=True)
class Request:
    """A command, signed beforehand: what Slack's own machines take for it is not measured."""

    command: str
    raw: bytes

    @classmethod
    def of(cls, number: int, wave: int) -> "Request":
        command = COMMANDS[number % len(COMMANDS)].format(f"w{wave}-{number}")
        noted: list[httpx.Request] = []

        def note(request: httpx.Request) -> httpx.Response:
            noted.append(request)
            return httpx.Response(200)

        http = httpx.Client(transport=httpx.MockTransport(note))
        Sender(Workspace(), "http://bot/slack/events", SECRET, "", http=http).command(
            "/splat", command
        )
        lines = [f"{name}: {value}" for name, value in noted[0].headers.items()]
        head = "\r\n".join(["POST /slack/events HTTP/1.1", *lines, "", ""])
        return cls(command, head.encode() + noted[0].content)


def run() -> None:
    """Let people ask and machines tell at once; print what came of it."""
    processes = multiprocessing.get_context("spawn")
    answered, told = processes.Queue(), processes.Queue()
    with tempfile.TemporaryDirectory() as folder:
        photos = Path(folder) / "store" / "demo" / "parcel"
        photos.mkdir(parents=True)
        (photos / "1.jpg").write_bytes(b"no photo")
        with running_jobs(Path(folder), JOBS.machines) as ledger, running_bot(Path(folder)) as bot:
            machines = processes.Process(target=tell, args=(bot.url, JOBS, told))
            people = processes.Process(target=ask, args=(bot.url, answered))
            for each in (machines, people):
                each.start()
            answers, reports = answered.get(timeout=10 * SECONDS), told.get(timeout=10 * SECONDS)
            for each in (machines, people):
                each.join()
            print(row(answers, reports, ledger))


def row(answers: Sequence[Answer], machines: Sequence[Machine], ledger: Ledger) -> str:
    """Return a row of the table. Lost is what was not acknowledged, or is not in the ledger."""
    taken = sorted(answer.milliseconds for answer in answers)
    p50, p95, p99 = (taken[int(share * (len(taken) - 1))] for share in (0.5, 0.95, 0.99))
    late = sum(one > 3000 for one in taken)
    entered = {job.id for job in ledger.jobs(limit=10_000)}
    asked = {answer.command.split()[-1] for answer in answers if "--job-id" in answer.command}
    lost = sum(bool(answer.error) for answer in answers) + len(asked - entered)
    sent = sum(len(machine.sent) for machine in machines)
    gone = sum(len(missing(machine, ledger)) for machine in machines)
    return (
        f"| {len(taken)} | {p50:.0f} | {p95:.0f} | {p99:.0f} | {taken[-1]:.0f} | {late} | {lost} |"
        f" {sent:,} | {gone} |"
    )


def main() -> None:
    print(f"Load when it began: {os.getloadavg()[0]:.1f}.\n")
    print(
        "| commands | p50 ms | p95 ms | p99 ms | max ms | over 3 s | lost | events | lost |\n"
        "|---|---|---|---|---|---|---|---|---|"
    )
    run()


if __name__ == "__main__":
    main()
