"""How many events a second the bot takes in from the machines of jobs, and whether any is lost.

`splatbot serve` is a process of its own, the machines are threads of another one. They send as a
job's agent does: what is new goes into one signed report, again and again until it is answered.
In the last run the bot is killed and started again half-way.
"""

import json
import multiprocessing
import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from bot.compute.local import LOCK
from bot.core.config import Settings
from bot.core.ledger import Ledger
from bot.sandbox.state import CHANNEL
from gpu.job import Event, Stage, Status
from gpu.job.locks import taken
from gpu.job.messages import EVENTS_LIMIT, Report
from gpu.job.signing import job_key, sign
from tests.core.conftest import a_request
from tests.fakes.bot import RunningBot, running_bot
from tests.fakes.slack import SECRET, TOKEN

#: Events a second of all machines together, and for how many seconds.
RATE, SECONDS = 1000.0, 30.0

#: Seconds after which a machine tries again, doubled each time up to the second.
BACK_OFF, MOST = 0.1, 2.0

HOOK_SECRET = Settings.from_env(
    {"SLACK_BOT_TOKEN": TOKEN, "SLACK_SIGNING_SECRET": SECRET}
).hook_secrets[0]


@dataclass(frozen=True)
class Load:
    """So many machines. They pause so many seconds between two reports, of all that is new.

    Without a pause there is one event in a report, and one report an event. `rate` is events a
    second of all machines together, `seconds` how long they tell.
    """

    name: str
    machines: int
    pause: tuple[float, float] | None
    restart: bool = False
    rate: float = RATE
    seconds: float = SECONDS


LOADS = (
    Load("in reports, 2 to 5 a second", 20, (0.2, 0.5)),
    Load("the same, killed half-way", 20, (0.2, 0.5), restart=True),
    Load("one event a report", 60, None),
)


@dataclass
class Machine:
    """A job's machine that has something to tell all the time."""

    job: str
    address: str
    rate: float
    load: Load
    sent: list[Event] = field(default_factory=list)
    taken: list[float] = field(default_factory=list)
    again: int = 0
    last_answer: float = 0.0

    def run(self) -> None:
        """Tell for as long as the load says, then what is left."""
        begin, told = time.monotonic(), 0
        connection = HTTPConnection(self.address, timeout=30)
        total = round(self.rate * self.load.seconds)
        while told < total:
            due = min(int((time.monotonic() - begin) * self.rate), total)
            while len(self.sent) < due:
                self.sent.append(self._event(len(self.sent) + 1))
            new = self.sent[told : told + (EVENTS_LIMIT if self.load.pause else 1)]
            if new:
                self._deliver(connection, new)
                told += len(new)
            ahead = (told + 1) / self.rate - (time.monotonic() - begin)
            time.sleep(random.uniform(*self.load.pause) if self.load.pause else max(ahead, 0.001))
        self.last_answer = time.monotonic() - begin

    def _deliver(self, connection: HTTPConnection, events: Sequence[Event]) -> None:
        body = Report(events, {"gpu": 97.0, "gpu_memory": 41.5, "disk": 12.0}).to_json().encode()
        wait = BACK_OFF
        while True:
            begin = time.perf_counter()
            if self._post(connection, body):
                self.taken.append((time.perf_counter() - begin) * 1000)
                return
            self.again += len(events)
            connection.close()
            time.sleep(wait * random.uniform(0.5, 1.5))
            wait = min(2 * wait, MOST)

    def _post(self, connection: HTTPConnection, body: bytes) -> bool:
        key = job_key(HOOK_SECRET, self.job, 1)
        headers = sign(key, self.job, 1, body, now=time.time())
        try:
            connection.request("POST", f"/hooks/jobs/{self.job}/report", body, headers)
            answer = connection.getresponse()
            said = answer.read()
        except (OSError, HTTPException):
            return False
        if answer.status != 200:
            print(answer.status, said[:200], file=sys.stderr)
        return answer.status == 200

    def _event(self, seq: int) -> Event:
        metrics = {"loss": random.random(), "gaussians": 1000 * seq, "psnr": 20 + random.random()}
        message = f"Step {seq} of {int(self.rate * self.load.seconds)}"
        stage, status, fraction = Stage.TRAIN, Status.PROGRESS, min(seq / 10_000, 1.0)
        return Event(self.job, 1, seq, stage, status, fraction, message, time.time(), metrics)


def tell(url: str, load: Load, results: "multiprocessing.Queue[list[Machine]]") -> None:
    """Be all machines; runs in a process of its own."""
    rate = load.rate / load.machines
    address = urlsplit(url).netloc
    machines = [Machine(f"job-{n}", address, rate, load) for n in range(load.machines)]
    threads = [threading.Thread(target=machine.run) for machine in machines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    results.put(machines)


@contextmanager
def running_jobs(data: Path, number: int) -> Iterator[Ledger]:
    """Enter jobs that run, as far as the bot can see: their processes' locks are held."""
    ledger = Ledger(data / "ledger.db")
    with ExitStack() as stack:
        for n in range(number):
            job, root = f"job-{n}", data / "jobs" / f"job-{n}"
            root.mkdir(parents=True)
            stack.enter_context(taken(root / LOCK))
            ledger.submit(a_request(job, channel=CHANNEL), backend="local", price_per_hour=0.0)
            ledger.claim(number)
            handle = {"root": str(root), "attempt": 1, "mark": f"{root}#1"}
            ledger.set_handle(job, handle)
        yield ledger


def measure(load: Load) -> str:
    """Run one load; return its row of the table."""
    processes = multiprocessing.get_context("spawn")
    results = processes.Queue()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        with running_jobs(data, load.machines) as ledger, running_bot(data) as bot:
            teller = processes.Process(target=tell, args=(bot.url, load, results))
            teller.start()
            if load.restart:
                crash_half_way(bot, load)
            machines = results.get(timeout=10 * load.seconds)
            teller.join()
            return row(load, machines, ledger)


def crash_half_way(bot: RunningBot, load: Load) -> None:
    time.sleep(load.seconds / 2)
    bot.crash()
    bot.start()


def row(load: Load, machines: Sequence[Machine], ledger: Ledger) -> str:
    sent = sum(len(machine.sent) for machine in machines)
    lost = sum(len(missing(machine, ledger)) for machine in machines)
    again = sum(machine.again for machine in machines)
    kept = sum(len(ledger.events(ledger.job(machine.job))) for machine in machines)
    taken = sorted(one for machine in machines for one in machine.taken)
    p50, p99 = (taken[int(share * (len(taken) - 1))] for share in (0.5, 0.99))
    seconds = max(machine.last_answer for machine in machines)
    return (
        f"| {load.name} | {load.machines} | {len(taken):,} | {sent / seconds:,.0f} | {p50:.1f} |"
        f" {p99:.1f} | {taken[-1]:.1f} | {sent:,} | {again:,} | {kept:,} | {lost} |"
    )


def missing(machine: Machine, ledger: Ledger) -> list[Event]:
    """Return what was sent and is not in the ledger as it was sent."""
    kept = {e.seq: json.loads(e.to_json()) for e in ledger.events(ledger.job(machine.job))}
    return [e for e in machine.sent if kept.get(e.seq) != json.loads(e.to_json())]


def main() -> None:
    print(f"Load when it began: {os.getloadavg()[0]:.1f}.\n")
    print(
        "| events | jobs | requests | events/s | p50 ms | p99 ms | max ms | sent | sent again |"
        " in the ledger | lost |\n|---|---|---|---|---|---|---|---|---|---|---|"
    )
    for load in LOADS:
        print(measure(load), flush=True)


if __name__ == "__main__":
    main()
