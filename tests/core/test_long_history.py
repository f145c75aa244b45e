"""A thousand jobs: the ledger stays small enough to be copied to the bucket every minute."""

from pathlib import Path

from bot.core.jobs import State
from bot.core.ledger import Ledger
from bot.core.restoring import restore
from bot.core.snapshots import Snapshots
from gpu.job import Stage, Status
from tests.core.conftest import an_event
from tests.fakes.bucket import Bucket
from tests.fakes.history import grow, one_job

JOBS, EVENTS = 1000, 300


def test_a_thousand_jobs_are_saved_and_restored_whole_in_few_megabytes(tmp_path: Path) -> None:
    ledger, other = tmp_path / "ledger.db", tmp_path / "another host" / "ledger.db"
    grow(ledger, JOBS, events=EVENTS)
    bucket = Bucket()
    written = Snapshots(bucket, ledger, "00000001-00000000")  # type: ignore[arg-type]
    written.save()
    written.close()
    [(_, snapshot)] = bucket.objects.items()
    assert ledger.stat().st_size < 10e6  # it is twice in memory while it is copied
    assert len(snapshot) < 1e6
    restore(bucket, other, "00000002-00000000")  # type: ignore[arg-type]
    before, after = Ledger(ledger), Ledger(other)
    assert after.jobs(limit=2 * JOBS) == before.jobs(limit=2 * JOBS)
    assert len({job.id for job in after.jobs(limit=2 * JOBS)}) == JOBS
    assert after.machines.machines() == before.machines.machines()
    assert len(after.machines.machines()) == JOBS


def test_what_only_said_how_far_a_stage_was_is_dropped_with_the_machine(ledger: Ledger) -> None:
    one_job(ledger, EVENTS)
    job = ledger.job("job-0")
    assert job.state is State.SUCCEEDED
    assert {event.status for event in ledger.events(job)} == {Status.DONE}
    assert len(job.stage_seconds) == len(ledger.events(job))
    assert job.metrics["gaussians"] == EVENTS * 2000


def test_the_last_word_of_a_job_that_was_stopped_is_kept(ledger: Ledger) -> None:
    one_job(ledger, events=0, end=False)
    for number in (1, 2):
        ledger.record(an_event("job-0", number, Stage.TRAIN, Status.PROGRESS))
    ledger.request_cancel("job-0", "U1")
    ledger.cancelled("job-0")
    ledger.release("job-0")
    assert [event.seq for event in ledger.events(ledger.job("job-0"))] == [2]
