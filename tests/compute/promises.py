"""What docs/invariants.md promises, held against the simulator's own log of what existed when."""

from __future__ import annotations

from collections.abc import Sequence

from bot.compute.sightings import APART
from bot.compute.tags import EXPIRES, JOB
from bot.core.jobs import TERMINAL
from bot.core.ledger import Ledger
from bot.core.limits import DEADLINE
from bot.core.machines import Outcome
from bot.core.register import Register
from bot.storage.base import Storage
from tests.compute.lab import TAG, events_at
from tests.fakes.digitalocean.world import Droplet, World

#: Seconds from a job's end, or from its deadline, to the end of its droplet.
CLEAN = 600.0


def never_two(world: World, slots: int = 1) -> None:
    """1: at every instant at most one of our GPU droplets exists."""
    assert world.most_at_once(TAG) <= slots


def destroyed_in_time(world: World, ledger: Ledger, there_since: float) -> None:
    """2: each is destroyed in time, and its slot is free only after that was proven.

    `there_since`: when the bot was started. Until then only the droplet itself could do it.
    """
    jobs = {job.id: job for job in ledger.jobs()}
    for droplet in ours(world):
        assert droplet.gone_at is not None
        if job := jobs.get(job_of(droplet)):
            end = min(job.finished_at or float("inf"), droplet.created_at + DEADLINE)
            assert droplet.gone_at <= max(end, there_since) + CLEAN
            if freed := _one(ledger, "SELECT MAX(released_at) FROM slots WHERE job = ?", job.id):
                proven_gone(world, droplet, freed)


def proven_gone(world: World, droplet: Droplet, until: float) -> None:
    """Before that moment it was answered "not found" twice, and no list had it."""
    assert droplet.gone_at is not None
    gone = [r for r in world.requests if droplet.gone_at <= r[0] <= until and r[1] == "GET"]
    looks = [at for at, _, path in gone if path == f"/v2/droplets/{droplet.id}"]
    assert looks
    assert looks[-1] - looks[0] >= APART
    assert [at for at, _, path in gone if path == "/v2/droplets"]


def intended(tags: Sequence[str], ledger: Ledger, storage: Storage) -> bool:
    """3: asked while it is created, the ledger, the bucket and its own tags know of a droplet."""
    job = job_in(tags)
    machine = ledger.machines.machine_of(job)
    is_in_ledger = machine is not None and machine.outcome is Outcome.SENT
    is_in_bucket = Register(storage).entry(job) is not None
    says_when_it_expires = any(tag.startswith(EXPIRES) for tag in tags)
    return is_in_ledger and is_in_bucket and says_when_it_expires and TAG in tags


def sent_once(world: World, refused: int = 0) -> None:
    """4: no create is repeated, except those that were surely not carried out."""
    assert world.creates() <= 1 + refused
    names = [droplet.name for droplet in ours(world)]
    assert len(names) == len(set(names))


def ended_once(ledger: Ledger, job_id: str, told_before: int = 0) -> None:
    """5: one end and one final message, and nothing that comes later changes it.

    `told_before`: how often it was told by bots whose ledger was lost.
    """
    job = ledger.job(job_id)
    notes = [note for note in ledger.audit_log(10_000) if note["job"] == job_id]
    ends = [note["action"] for note in notes if note["action"] in TERMINAL]
    finals = "SELECT COUNT(*) FROM outbox WHERE kind = 'final' AND job = ?"
    assert ends == [job.state.value] * (1 - told_before)
    assert _one(ledger, finals, job_id) == 1 - told_before
    late = events_at(job_id, 3600.0)
    assert ledger.record_all([*reversed(late), *late]) == 0
    assert ledger.job(job_id) == job


def paid_for(world: World, ledger: Ledger, job_id: str) -> None:
    """What the ledger says that a job has cost is not less than the bill."""
    lives = [(d, d.gone_at or world.clock()) for d in ours(world) if job_of(d) == job_id]
    bill = sum((end - d.created_at) / 3600 * d.size.price for d, end in lives)
    assert ledger.machines.spent(job=job_id) >= bill


def ours(world: World) -> list[Droplet]:
    return [droplet for droplet in world.droplets if TAG in droplet.tags]


def living(world: World) -> list[Droplet]:
    """Return our droplets that are billed at this moment."""
    world.settle()
    return [droplet for droplet in ours(world) if droplet.gone_at is None]


def expires(droplet: Droplet) -> float:
    """Return the time after which a droplet says that nobody needs it, Unix seconds."""
    [tag] = [tag for tag in droplet.tags if tag.startswith(EXPIRES)]
    return float(tag.removeprefix(EXPIRES))


def job_of(droplet: Droplet) -> str:
    return job_in(droplet.tags)


def job_in(tags: Sequence[str]) -> str:
    """Return the job that a droplet's tags name."""
    [name] = [tag.removeprefix(JOB) for tag in tags if tag.startswith(JOB)]
    return name


def _one(ledger: Ledger, sql: str, *values: str) -> float | None:
    (value,) = ledger._file.connection().execute(sql, values).fetchone()
    return None if value is None else float(value)
