"""The machine's work: prepare it, run the pipeline, and say how it ended when nobody else did.

Written as a coroutine: it does one step each time it is asked to, and never waits itself.
"""

from __future__ import annotations

import logging
from collections.abc import Generator
from dataclasses import dataclass

from gpu.agent.child import Child, how_it_ended
from gpu.agent.clock import Clock
from gpu.agent.config import Config
from gpu.agent.prepare import Said, last_words, pipeline, provisioning
from gpu.agent.scrub import Scrubber
from gpu.agent.silence import Silence
from gpu.agent.spool import Spool
from gpu.job import JobPaths, JobSpec, Source, SplatError, Stage
from gpu.report import Reporter
from gpu.stage import Outcome

log = logging.getLogger(__name__)

#: Times that the pipeline is started: after a crash of the agent or the machine it goes on where
#: it was, but what brings the machine down each time must not do so until the deadline.
STARTS = 3

#: Seconds that the pipeline has to end after its last word.
LINGER = 60.0

Steps = Generator[None, None, int | None]


@dataclass(frozen=True)
class Halt:
    """Why the work has to stop. What is no failure does not end the job: the bot knows more."""

    message: str
    hint: str = ""
    is_failure: bool = True


STUCK = Halt(
    "The job was stopped: nothing was heard of it for half an hour.",
    "Start the job again; if it repeats, the job's log.txt says where it hangs.",
)


class Work:
    """Prepares and runs. `over` once nothing of the job runs and its last event is written."""

    def __init__(
        self, config: Config, paths: JobPaths, spool: Spool, scrubber: Scrubber, clock: Clock
    ) -> None:
        self._config, self._paths, self._spool = config, paths, spool
        self._scrubber, self._clock = scrubber, clock
        self._provision = Child(paths.root / "provision.lock", clock)
        self._pipeline = Child(paths.root / "pipeline.lock", clock)
        self._starts = paths.root / "starts"
        self._steps = self._all()
        self._halt: Halt | None = None
        self.over = False

    def halt(self, why: Halt) -> None:
        """Stop what runs, and start nothing more. The first reason counts."""
        if self._halt is None and not self.over:
            log.info("stopping: %s", why.message)
            self._halt = why

    def step(self) -> None:
        """Look after what runs, or start what is next."""
        if self.over:
            return
        try:
            next(self._steps)
        except StopIteration:
            self.over = True
        except (OSError, SplatError) as wrong:
            log.warning("the work can not go on: %s", wrong)
            self._steps = self._give_up(wrong)

    def _all(self) -> Generator[None, None, None]:
        """Do everything; what runs already or is done already is not done again."""
        if not self._pipeline.is_running():
            if self._has_ended():
                return
            yield from self._watch(self._provision)  # an agent before this one may have started it
            if not self._halt:
                yield from self._prepare()
        self._conclude((yield from self._run()))

    def _prepare(self) -> Generator[None, None, None]:
        """Have the machine prepared, and tell what that says. Raises NotPrepared."""
        reporter, begin = self._reporter(), self._clock.monotonic()
        command, env = provisioning(self._config)
        words = self._paths.root / "provision.txt"
        said = Said(words, self._paths.log, self._scrubber)
        reporter.started(Stage.PREPARE)
        self._provision.start(command, env, self._paths.log, output=words)
        for _ in self._watch(self._provision):
            if said.listen():
                reporter.progress(Stage.PREPARE, 0.0, said.lines[-1])
            yield
        said.listen()
        code = self._provision.exit_code
        if code == 0:
            message = said.lines[-1] if said.lines else "The machine is ready."
            reporter.done(Stage.PREPARE, Outcome(message), self._clock.monotonic() - begin)
        elif not self._halt:
            raise said.failure(how_it_ended(code))

    def _run(self) -> Steps:
        """Run the pipeline to its end, again if an end was not seen; return its exit code."""
        code: int | None = None
        while code is None:
            if not self._pipeline.is_running():
                while not self._paths.spec.exists() and not self._halt:
                    yield  # the bot has not said yet what to do
                if self._halt or self._has_ended() or self._count() >= STARTS:
                    return None
                self._start()
            code = yield from self._watch(self._pipeline)
        return code

    def _start(self) -> None:
        command, env = pipeline(self._config, self._paths.spec)
        with self._starts.open("ab") as file:
            file.write(b".")
        log.info("starting the pipeline")
        self._pipeline.start(command, env, self._paths.log)

    def _count(self) -> int:
        return self._starts.stat().st_size if self._starts.exists() else 0

    def _watch(self, child: Child) -> Steps:
        """Wait for a child's end; stop it when there is a reason to."""
        last_word_at: float | None = None
        silence = Silence((self._paths.events, self._paths.log), self._clock)
        while child.is_running():
            now = self._clock.monotonic()
            if last_word_at is None and self._spool.last_word is not None:
                last_word_at = now
            lingers = last_word_at is not None and now - last_word_at >= LINGER
            if silence.is_too_long:
                self.halt(STUCK)
            if self._halt or lingers:
                child.stop()
            yield
        return child.exit_code

    def _conclude(self, code: int | None) -> None:
        """Write the last event, unless it is written."""
        if self._has_ended():
            return
        reporter, stage = self._reporter(), self._spool.stage
        if self._halt and self._halt.is_failure:
            reporter.failed(stage, self._halt.message, self._halt.hint)
        elif self._halt:
            reporter.progress(stage, 0.0, self._halt.message)
        else:
            words = last_words(self._paths.log, self._scrubber)
            reporter.failed(stage, f"The pipeline {how_it_ended(code)}.{words}", _AGAIN)

    def _give_up(self, wrong: OSError | SplatError) -> Generator[None, None, None]:
        """Make an error that stops the work the last event, once nothing runs any more."""
        for child in (self._provision, self._pipeline):
            while child.is_running():
                child.kill()
                yield
        if not self._has_ended():
            self._fail(wrong)

    def _fail(self, wrong: OSError | SplatError) -> None:
        """Write the last event, in memory if the disk has no room for it."""
        if not isinstance(wrong, SplatError):
            reason = wrong.strerror or type(wrong).__name__
            wrong = SplatError(f"The machine could not do its work ({reason}).", hint=_AGAIN)
        said = self._spool.stage, wrong.user_message, wrong.hint
        try:
            self._reporter().failed(*said)
        except OSError as unwritten:
            log.warning("the last event is kept in memory alone: %s", unwritten.strerror)
            self._spool.fail(*said, time=self._clock.time())

    def _has_ended(self) -> bool:
        self._spool.read()
        return self._spool.last_word is not None

    def _reporter(self) -> Reporter:
        """Return the writer of events. Only while no pipeline runs, which writes them itself."""
        nowhere = Source(path=str(self._paths.root))  # it needs only to know whose events they are
        spec = JobSpec(self._config.job, "", nowhere, attempt=self._config.fence)
        return Reporter(spec, self._paths, clock=self._clock.time)


_AGAIN = "Start the job again; with fewer photos (`--max-views`) if the memory was full."
