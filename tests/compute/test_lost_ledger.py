"""The ledger is deleted while a job runs: its droplet is kept or destroyed, its result told."""

from itertools import product
from pathlib import Path

import pytest

from bot.core.jobs import State
from tests.compute.lab import TAG
from tests.compute.losing import Loss, Recovery, lose_and_recover

#: Simulated seconds that issue 3 allows.
LIMIT = 600.0

#: Seconds without a bot: the job still runs; it was published meanwhile; its droplet has expired.
AWAYS = (20.0, 300.0, 5 * 3600.0)

LOSSES = [
    Loss(*values)
    for values in product(("none", "waited", "worked"), (True, False), AWAYS, (True, False))
]


def name_of(loss: Loss) -> str:
    document = "with" if loss.register else "without"
    word = "speaks" if loss.speaks else "silent"
    return f"snapshot {loss.snapshot}, {document} document, away {loss.away:.0f} s, {word}"


@pytest.mark.parametrize("loss", [x for x in LOSSES if x.is_known], ids=name_of)
def test_a_job_of_which_anything_is_known_is_found_again_and_its_result_told(
    tmp_path: Path, loss: Loss
) -> None:
    found = lose_and_recover(tmp_path, loss)
    never_a_second_droplet(found)
    assert min(found.kept or LIMIT, found.gone) < LIMIT
    assert found.told is not None and found.told <= LIMIT
    assert found.job and found.job.state is State.SUCCEEDED
    assert (found.job.channel, found.job.user) == ("C1", "U1")
    assert found.job.manifest_url.endswith("/splats/a/manifest.json")
    assert found.ledger.machines.spent(job="a") >= found.world.cost()


@pytest.mark.parametrize("snapshot", ["none", "waited"])
def test_a_droplet_that_was_created_in_the_last_moment_and_that_no_list_shows_is_found(
    tmp_path: Path, snapshot: str
) -> None:
    found = lose_and_recover(tmp_path, Loss(snapshot, register=True, away=0.0, unseen=25.0))
    never_a_second_droplet(found)
    assert found.kept is not None and found.kept <= LIMIT
    assert found.job and found.job.state is State.SUCCEEDED


@pytest.mark.parametrize("loss", [x for x in LOSSES if not x.is_known], ids=name_of)
def test_a_droplet_of_which_nothing_is_known_is_destroyed(tmp_path: Path, loss: Loss) -> None:
    """Its result stays in the bucket."""
    found = lose_and_recover(tmp_path, loss)
    never_a_second_droplet(found)
    assert found.gone <= LIMIT
    assert (found.kept, found.job) == (None, None)
    assert [note["action"] for note in found.ledger.audit_log(10)] == ["destroy unneeded"]


def never_a_second_droplet(found: Recovery) -> None:
    assert found.world.creates() == found.world.most_at_once(TAG) == 1
    assert found.world.existing() == []
