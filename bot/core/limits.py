"""How long a job may take, wait and be silent, and how long its machine may stay."""

from __future__ import annotations

from collections.abc import Callable

from bot.compute.base import ComputeBackend
from bot.core.jobs import Job, State
from bot.core.since import Since

#: Seconds after which a job is ended, whatever it does.
DEADLINE = 3 * 3600.0

#: Seconds within which a job has to be started: longer than a droplet is looked for that may
#: have been created.
PATIENCE = 360.0

#: Seconds of silence after which a machine that should speak regularly is given up.
SILENCE = 600.0

#: Seconds for which a bot that was away reads what a job has left before it ends it.
HEARING = 60.0

#: Seconds for which it is tried to open a job's results; its machine waits, and costs.
OPENING = 300.0

#: Seconds that a finished job's machine gets to end by itself before it is removed.
FAREWELL = 10.0

#: What to do about a job that was too much for its machine.
SMALLER = "Try again with fewer photos (`--max-views`) or a smaller `--image-size`."


class Limits:
    """Says what takes too long, by the dispatcher's own memory of since when it sees each job."""

    def __init__(self, backend: ComputeBackend, since: Since, clock: Callable[[], float]) -> None:
        """`since` is the dispatcher's: it forgets while the bot may not act."""
        self._backend = backend
        self._since = since
        self._clock = clock

    def overdue(self, job: Job) -> tuple[str, str] | None:
        """Return what takes too long, and what to do; None while nothing does."""
        known = self._since.seconds(("age", job.id))
        # Whichever clock says more: a host's clock may be set back.
        taken = max(self._clock() - (job.started_at or job.created_at), known)
        if taken > DEADLINE and known > HEARING:
            return "The job took longer than three hours.", SMALLER
        # Not `taken`: a bot that was away, or lost its ledger, has to find the job again first.
        if job.handle is None and known > PATIENCE:
            error = "The job could not be started within six minutes."
            return error, "The bot's log says why. Try again later."
        if self._backend.has_heartbeat and self._silence(job) > SILENCE:
            error = "The job's machine has been silent for ten minutes."
            return error, "It is destroyed. Start the job again."
        return None

    def may_try_to_open(self, job: Job) -> bool:
        """Whether opening the job's results may be tried again; asked when it did not work."""
        return self._since.seconds(("published", job.id)) <= OPENING

    def may_stay(self, job: Job) -> bool:
        """Whether the machine of a job that is over still gets time to end by itself."""
        waited = self._since.seconds(("over", job.id))
        return job.state is State.SUCCEEDED and waited <= FAREWELL

    def _silence(self, job: Job) -> float:
        """Seconds without a word from a job's machine, while this bot was there to hear it."""
        return self._since.seconds(("heard", job.id), (job.handle, job.heartbeat_at))
