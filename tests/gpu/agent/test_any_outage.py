"""Whatever is lost, repeated, damaged or restored on the way: the bot ends up with every event."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from gpu.agent.archive import Archive
from gpu.agent.client import Client
from gpu.agent.clock import BotTime
from gpu.agent.config import Config
from gpu.agent.courier import Courier
from gpu.agent.scrub import Scrubber
from gpu.agent.spool import Spool
from gpu.agent.uploads import Uploads
from gpu.job import Event, JobPaths, Stage, Status
from gpu.job.messages import EVENTS
from tests.gpu.agent.bot import ATTEMPT, JOB, KEY, FakeBot, serving
from tests.gpu.agent.machine import LIMITS, FakeTime

FAULTS = ("drop", "lost", "damaged", "half", "stale", "500", "429", "401", "410", "301")

#: What happens, one after the other: events are written, requests fail, the bot is restored from
#: a copy with so many events, the agent is started again, time passes.
HAPPENINGS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(1, 130)),
        st.tuples(st.sampled_from(("report", "spec", "uploads", "put")), st.sampled_from(FAULTS)),
        st.tuples(st.just("restore"), st.integers(0, 50)),
        st.tuples(st.just("restart"), st.none()),
        st.tuples(st.just("wait"), st.sampled_from((0.5, 5.0, 70.0))),
    ),
    max_size=25,
)


class Line:
    """A courier between a file of events and a bot, which can be started again."""

    def __init__(self, folder: Path, bot: FakeBot, clock: FakeTime) -> None:
        self.paths, self.bot, self.clock = JobPaths(folder), bot, clock
        self.written: list[Event] = []
        (folder / "previews").mkdir()
        self.restart()

    def restart(self) -> None:
        scrubber, paths, clock = Scrubber(), self.paths, self.clock
        config = Config(JOB, ATTEMPT, KEY, self.bot.url, self.bot.deadline)
        client = Client(config, BotTime(clock), LIMITS)
        spool = Spool(paths.events, JOB, ATTEMPT, scrubber)
        uploads = Uploads(client, clock, LIMITS)
        self.archive = Archive(paths, spool, uploads, scrubber, clock)
        self.courier = Courier(
            client, paths, spool, uploads, self.archive, clock, measure=dict, chance=lambda: 1.0
        )

    def write(self, count: int, status: Status = Status.PROGRESS) -> None:
        for _ in range(count):
            seq = len(self.written) + 1
            pictures = (f"previews/p{seq}.jpg",) if seq % 40 == 0 else ()
            for name in pictures:
                (self.paths.root / name).write_bytes(b"%d" % seq)
            values = JOB, ATTEMPT, seq, Stage.PUBLISH, status, 0.5, f"Step {seq}", 1.0
            self.written.append(Event(*values, pictures=pictures))
        with self.paths.events.open("a") as file:
            file.writelines(event.to_json() + "\n" for event in self.written[-count:])

    def wait(self, seconds: float, *, over: bool = False) -> None:
        end = self.clock.now + seconds
        while self.clock.now < end and not self.courier.is_told:
            self.courier.step(over=over, leaving=over)
            self.archive.step()
            self.clock.sleep(0.5)

    def happen(self, what: str, how: object) -> None:
        if what in {"report", "spec", "uploads", "put"}:
            self.bot.faults[what].append(str(how))
            self.wait(0.5)
        elif what == "restore":
            self.bot.restore(int(str(how)))
        elif what == "restart":
            self.restart()
        elif what == "write":
            self.write(int(str(how)))
        else:
            self.wait(float(str(how)))


@given(HAPPENINGS)
def test_the_bot_ends_up_with_exactly_the_events_in_order(
    happenings: list[tuple[str, object]],
) -> None:
    clock = FakeTime()
    with tempfile.TemporaryDirectory() as folder, serving(FakeBot(clock)) as bot:
        line = Line(Path(folder), bot, clock)
        for what, how in happenings:
            line.happen(what, how)
        line.write(1, Status.DONE)
        line.wait(1200, over=True)
        assert line.courier.is_told
        assert [event.seq for event in bot.told] == [event.seq for event in line.written]
        assert [(e.message, e.status) for e in bot.told] == [
            (e.message, e.status) for e in line.written
        ]
        assert bot.reports[-1].leaving
        assert bot.store[EVENTS].decode() == line.paths.events.read_text()
