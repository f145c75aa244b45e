"""The dispatcher, against machines that vanish, lie, stay silent or do not answer."""

import logging
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.compute.base import Presence
from bot.core.assignments import specification
from bot.core.errors import BackendError, NotYet, StorageError
from bot.core.jobs import Job
from bot.core.limits import DEADLINE, FAREWELL, OPENING, PATIENCE
from bot.storage.local import LocalStorage
from gpu.job import Source, SplatError, Stage, Status
from tests.core.conftest import a_request
from tests.core.machines import GONE, RUNNING, UNKNOWN, Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_job_is_launched_watched_and_ended_and_then_the_next_one_starts(bench: Bench) -> None:
    bench.tick()
    assert bench.states() == {"a": "running", "b": "queued"}
    bench.tell("a", Stage.PUBLISH, Status.DONE)
    bench.tick()
    assert bench.states() == {"a": "succeeded", "b": "queued"}
    bench.backend.vanish("a")
    bench.tick(2)
    assert bench.states() == {"a": "succeeded", "b": "running"}
    assert bench.backend.count("launch", "a") == bench.backend.count("launch", "b") == 1


def test_one_look_that_sees_nothing_ends_no_job(bench: Bench) -> None:
    bench.tick()
    for presence in (GONE, RUNNING, GONE, UNKNOWN, GONE, RUNNING):
        bench.backend.machines["a"] = presence
        bench.tick()
    assert bench.states()["a"] == "running"
    bench.backend.vanish("a")
    bench.tick(2)
    assert bench.states()["a"] == "failed"
    assert "it vanished" in bench.ledger.job("a").error


@pytest.mark.parametrize("how", ["seen", "unknown", "listed", "silent"])
def test_a_slot_is_kept_while_the_machine_may_be_there(bench: Bench, how: str) -> None:
    bench.tick()
    bench.tell("a", Stage.TRAIN, Status.FAILED, message="It broke.")
    bench.backend.machines["a"] = {"seen": RUNNING, "unknown": UNKNOWN}.get(how, GONE)
    if how != "listed":
        bench.backend.listed.discard("a")
    if how == "silent":
        bench.backend.broken["observe", "a"] = BackendError("No answer.")
    bench.tick(5)
    assert bench.states() == {"a": "failed", "b": "queued"}
    assert bench.holder == "a"
    bench.backend.vanish("a")
    bench.backend.broken.clear()
    bench.tick(2)
    assert bench.holder == "b"


@pytest.mark.parametrize("call", ["observe", "list_owned", "put"])
def test_a_machine_that_nobody_needs_is_removed_though_nobody_can_look(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """As when the account has one droplet that can not be read: then no list of them can."""

    def fails(*_: object, **__: object) -> None:
        raise StorageError("No answer.")

    bench.tick()
    bench.ledger.fail("a", error="It broke.", hint="")
    for notice in bench.ledger.pending(bench.clock()):
        bench.ledger.sent(notice.id)
    monkeypatch.setattr(bench.storage if call == "put" else bench.backend, call, fails)
    bench.tick()
    assert bench.backend.count("destroy", "a") == 1
    assert bench.holder == "a"


@given(st.lists(st.sampled_from(list(Presence)), max_size=12))
def test_whatever_the_looks_say_a_slot_is_freed_after_two_absences_and_not_before(
    tmp_path_factory: pytest.TempPathFactory, looks: list[Presence]
) -> None:
    bench = Bench(tmp_path_factory.mktemp("bench"))
    bench.tick()
    bench.ledger.fail("a", error="It broke.", hint="")
    bench.backend.listed.discard("a")
    absences = 0
    for look in looks:
        bench.backend.machines["a"] = look
        bench.tick()
        absences = absences + 1 if look is GONE else 0
        assert bench.holder == ("b" if absences >= 2 else "a")
        if absences >= 2:
            break


def test_a_machine_of_a_failed_job_is_removed_until_it_is_gone(bench: Bench) -> None:
    bench.tick()
    bench.tell("a", Stage.TRAIN, Status.FAILED, message="It broke.", hint="Mend it.")
    bench.tick(3)
    assert (bench.ledger.job("a").error, bench.ledger.job("a").hint) == ("It broke.", "Mend it.")
    assert bench.backend.count("destroy", "a") == 3


def test_a_machine_that_did_well_gets_a_moment_to_end_by_itself(bench: Bench) -> None:
    bench.tick()
    bench.tell("a", Stage.PUBLISH, Status.DONE)
    bench.tick(3)
    assert bench.backend.count("destroy", "a") == 0
    bench.clock.move(FAREWELL + 1)
    bench.tick()
    assert bench.backend.count("destroy", "a") == 1


def test_cancel_asks_and_destroy_does_not(bench: Bench) -> None:
    bench.tick()
    bench.ledger.request_cancel("a", "U2")
    bench.tick()
    assert (bench.backend.count("cancel", "a"), bench.backend.count("destroy", "a")) == (1, 0)
    bench.ledger.request_destroy("a", "U2")
    bench.tick()
    assert (bench.backend.count("cancel", "a"), bench.backend.count("destroy", "a")) == (1, 1)
    assert bench.states()["a"] == "cancelling"
    bench.backend.vanish("a")
    bench.tick(2)
    assert bench.states() == {"a": "cancelled", "b": "running"}


def test_a_job_that_is_done_in_the_moment_of_its_cancellation_is_done(bench: Bench) -> None:
    bench.tick()
    bench.ledger.request_cancel("a", "U2")
    bench.tell("a", Stage.PUBLISH, Status.DONE)
    bench.backend.vanish("a")
    bench.tick()
    assert bench.states()["a"] == "succeeded"


def test_the_last_event_counts_though_its_machine_is_gone_by_then(bench: Bench) -> None:
    bench.tick()
    bench.backend.vanish("a")
    bench.tick()  # the first look at nothing; the event comes to light after it
    bench.tell("a", Stage.GEOMETRY, Status.FAILED, message="The photos do not connect.")
    bench.tick()
    assert bench.ledger.job("a").error == "The photos do not connect."


@pytest.mark.parametrize("call", ["events", "observe"])
def test_a_job_that_can_not_be_read_can_be_stopped_and_ends_in_time(
    bench: Bench, call: str
) -> None:
    bench.tick()
    bench.backend.broken[call, "a"] = OSError("unreadable")
    bench.ledger.request_cancel("a", "U2")
    bench.tick()
    assert bench.backend.count("cancel", "a") == 1
    bench.clock.move(DEADLINE + 1)
    bench.tick()
    assert bench.states()["a"] == "cancelled"


def test_an_answer_that_fails_for_a_while_fails_no_job(bench: Bench) -> None:
    bench.tick()
    for call in ("events", "observe", "find"):
        bench.backend.broken[call, "a"] = BackendError("No answer.")
    bench.tick(5)
    assert bench.states()["a"] == "running"


@pytest.mark.parametrize("wrong", [BackendError("No machine is free.", hint="Wait."), None])
def test_a_launch_that_is_refused_fails_in_words(bench: Bench, wrong: Exception | None) -> None:
    if wrong:
        bench.backend.broken["launch", "a"] = wrong
    else:
        bench.storage.path("demo/parcel/a.jpg").unlink()
    bench.tick()
    assert bench.states()["a"] == "failed"
    assert bench.ledger.job("a").hint
    assert bench.ledger.job("a").would_fail_again == (wrong is None)


def test_a_launch_that_breaks_is_tried_again_for_a_while_and_then_given_up(bench: Bench) -> None:
    bench.backend.broken["launch", "a"] = OSError("no network")
    bench.tick(3)
    assert bench.states() == {"a": "launching", "b": "queued"}
    bench.clock.move(PATIENCE + 1)
    bench.tick()
    assert "six minutes" in bench.ledger.job("a").error
    bench.tick(2)
    assert bench.holder == "b"


def test_a_launch_of_which_nothing_is_known_is_looked_up_and_not_repeated(bench: Bench) -> None:
    """The machine was made, and the bot died before it noted the handle."""
    bench.ledger.claim()
    bench.backend.machines["a"] = RUNNING
    bench.backend.listed.add("a")
    bench.tick()
    assert bench.states()["a"] == "running"
    assert bench.backend.count("launch", "a") == 0


def test_while_nobody_can_say_what_runs_nothing_is_launched(bench: Bench) -> None:
    bench.ledger.claim()
    bench.backend.broken["find", "a"] = OSError("no network")
    bench.tick(5)
    assert bench.backend.count("launch", "a") == 0
    assert bench.holder == "a"


def test_a_job_that_is_cancelled_before_its_launch_is_never_launched(bench: Bench) -> None:
    bench.ledger.claim()
    bench.ledger.request_cancel("a", "U2")
    bench.tick()
    assert bench.states()["a"] == "cancelled"
    assert bench.backend.count("launch", "a") == 0


def test_a_job_that_is_cancelled_in_the_moment_of_its_claim_is_never_launched(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = bench.ledger.claim

    def claim_and_cancel(slots: int) -> Job | None:
        claimed = claim(slots)
        return bench.ledger.request_cancel(claimed.id, "U2") if claimed else None

    monkeypatch.setattr(bench.ledger, "claim", claim_and_cancel)
    bench.tick(2)
    assert bench.states()["a"] == "cancelled"
    assert bench.backend.count("launch", "a") == 0


@pytest.mark.parametrize("found", [True, False])
def test_a_job_that_was_cancelled_ends_as_that_though_its_machine_does_not_answer(
    bench: Bench, found: bool
) -> None:
    if not found:
        bench.backend.broken["launch", "a"] = NotYet("Nobody knows.")
    bench.tick()
    bench.ledger.request_cancel("a", "U2")
    for call in ("observe", "find", "cancel"):
        bench.backend.broken[call, "a"] = BackendError("No answer.")
    bench.tick()
    bench.clock.move(DEADLINE + 1)
    bench.tick(3)
    assert bench.states() == {"a": "cancelled", "b": "queued"}
    assert bench.holder == "a"


def test_a_job_that_was_taken_over_late_has_its_time_to_be_found(bench: Bench) -> None:
    """Its ledger was lost, or its bot was away: that is not the time that its start took."""
    bench.tick()
    job = bench.ledger.job("a")
    late = Bench(bench.storage.root.parent / "another")
    late.ledger.adopt(replace(job, id="c", handle=None), 2, intended_at=job.created_at)
    late.clock.move(PATIENCE + 1)
    late.backend.broken["find", "c"] = BackendError("No answer.")
    late.tick(2)
    assert late.ledger.job("c").state.value == "launching"
    late.backend.broken.clear()
    late.backend.listed.add("c")
    late.backend.machines["c"] = RUNNING
    late.tick()
    assert late.ledger.job("c").state.value == "running"


def test_a_bot_that_was_away_reads_what_a_job_has_left_before_it_ends_it(bench: Bench) -> None:
    bench.tick()
    bench.tell("a", Stage.PUBLISH, Status.DONE)
    bench.clock.move(DEADLINE + 1)
    bench.restart()
    bench.backend.broken["events", "a"] = StorageError("The bucket answered SlowDown.")
    bench.tick()
    bench.clock.move(30)
    bench.backend.broken.clear()
    bench.tick()
    assert bench.states()["a"] == "succeeded"


def test_with_fewer_slots_than_before_the_next_job_waits_for_all_that_are_too_many(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path)
    bench.dispatcher._slots = 2
    bench.tick()
    bench.ledger.submit(a_request("c"), backend="fake", price_per_hour=0.0)
    bench.dispatcher._slots = 1
    bench.ledger.fail("a", error="It broke.", hint="")
    bench.backend.vanish("a")
    bench.tick(3)
    assert bench.ledger.holders() == [(1, "b")]


def test_a_result_is_opened_before_its_link_is_told(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    trouble: list[Exception] = [StorageError("The bucket does not answer.")]
    revealed = []

    def reveal(job: str) -> None:
        if trouble:
            raise trouble[0]
        revealed.append((job, bench.states()[job]))

    monkeypatch.setattr(bench.storage, "reveal", reveal)
    bench.tick()
    bench.tell("a", Stage.PUBLISH, Status.DONE)
    bench.backend.vanish("a")
    bench.tick(4)
    assert bench.states()["a"] == "running"  # what it made is there: it has not failed
    trouble.clear()
    bench.tick()
    assert revealed == [("a", "running")]
    assert bench.states()["a"] == "succeeded"


def test_a_result_that_can_not_be_opened_keeps_no_machine(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with a key of the bucket that may write, but not say who may read."""

    def reveal(job: str) -> None:
        raise StorageError("The bucket answered AccessDenied.")

    monkeypatch.setattr(bench.storage, "reveal", reveal)
    bench.tick()
    bench.tell("a", Stage.PUBLISH, Status.DONE)
    bench.tick()
    bench.clock.move(OPENING + 1)
    bench.tick()
    error = bench.ledger.job("a").error
    assert "`splats/a/`" in error and "AccessDenied" in error
    assert bench.backend.count("destroy", "a") == 1


def test_a_complaint_is_logged_once_until_it_changes(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.tick()
    for wrong in ("one", "one", "one", "two"):
        bench.backend.broken["events", "a"] = OSError(wrong)
        with caplog.at_level(logging.ERROR):
            bench.tick()
    assert len(caplog.records) == 2


@pytest.mark.parametrize("call", ["find", "events", "observe", "destroy"])
def test_trouble_with_one_job_holds_up_no_other(tmp_path: Path, call: str) -> None:
    bench = Bench(tmp_path)
    bench.dispatcher._slots = 2
    bench.tick()
    bench.backend.broken[call, "a"] = RuntimeError("trouble")
    bench.ledger.request_destroy("a", "U2")
    bench.tell("b", Stage.PUBLISH, Status.DONE)
    bench.backend.vanish("b")
    bench.tick(3)
    assert bench.states()["b"] == "succeeded"
    assert [job for _, job in bench.ledger.holders()] == ["a"]


# -- photos of strangers --------------------------------------------------------------------------


def test_a_strangers_zip_that_is_not_there_costs_no_machine(bench: Bench) -> None:
    asked: list[str] = []

    def look(address: str) -> None:
        asked.append(address)
        raise SplatError("photos.example.org answers 404 to that address.", hint="Check it.")

    bench.dispatcher._look_at = look
    zip_file = "https://photos.example.org/a.zip"
    for name in "ab":
        bench.ledger.request_cancel(name, "U1")
    bench.ledger.submit(a_request("z", dataset=zip_file), backend="fake", price_per_hour=0.0)
    bench.tick(4)
    assert asked == [zip_file]
    assert bench.ledger.job("z").error == "photos.example.org answers 404 to that address."
    assert bench.backend.count("launch", "z") == 0


def test_a_strangers_zip_is_handed_on_by_its_address(bench: Bench) -> None:
    zip_file = "https://photos.example.org/a.zip"
    job = bench.ledger.submit(
        a_request("z", dataset=zip_file, options={"geometry": "colmap", "size": "gpu-x"}),
        backend="fake", price_per_hour=0.0,
    )  # fmt: skip
    spec = specification(job, bench.storage)
    assert (spec.source, spec.geometry, spec.size) == (Source(address=zip_file), "colmap", "gpu-x")


class Signing(LocalStorage):
    """A store that other machines reach."""

    def sign_get(self, key: str, seconds: int) -> str:
        return f"https://bucket/{key}"


def test_a_rerun_is_told_what_the_earlier_job_has_left(bench: Bench, tmp_path: Path) -> None:
    request = a_request("z", dataset="https://photos.example.org/a.zip", options={"earlier": "a"})
    job = bench.ledger.submit(request, backend="fake", price_per_hour=0.0)
    store = Signing(tmp_path / "store", "http://bot")
    assert specification(job, store).kept is None
    store.put("splats/a/geometry/images.bin", b"", "", private=True)
    store.put(".splatbot/jobs/a/checkpoint.npz", b"", "", private=True)
    spec = specification(job, store)
    assert (spec.earlier, spec.kept) == (
        "a",
        Source(
            urls={
                "geometry/images.bin": "https://bucket/splats/a/geometry/images.bin",
                "checkpoint.npz": "https://bucket/.splatbot/jobs/a/checkpoint.npz",
            }
        ),
    )
    own = LocalStorage(tmp_path / "store", "http://bot")
    assert specification(job, own).kept is None  # its folder is known to the backend
    only = replace(job, options={"cameras": "a", "preset": "best"})
    kept = specification(only, store).kept
    assert kept is not None
    assert list(kept.urls) == ["geometry/images.bin"]  # the training begins anew
