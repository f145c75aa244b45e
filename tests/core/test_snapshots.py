"""The ledger outlives its disk: saved after changes, restored where it is absent."""

import gzip
import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from bot.core.errors import StorageError, UnreadableLedger
from bot.core.ledger import Ledger
from bot.core.restoring import restore
from bot.core.schema import MIGRATIONS
from bot.core.snapshots import (
    DAYS,
    LONGEST,
    NEWEST,
    SHORTEST,
    Snapshot,
    Snapshots,
    newest_first,
    superfluous,
)
from tests.core.conftest import Clock, a_request
from tests.fakes.bucket import Bucket
from tests.storage.test_stores import spaces

FIRST, SECOND, THIRD = (f"0000000{number}-00000000" for number in (1, 2, 3))


@pytest.fixture
def bucket() -> Bucket:
    return Bucket()


@pytest.fixture
def time() -> Clock:
    return Clock(0.0)


@pytest.fixture
def snapshots(
    ledger: Ledger, tmp_path: Path, bucket: Bucket, clock: Clock, time: Clock
) -> Iterator[Snapshots]:
    written = Snapshots(bucket, tmp_path / "ledger.db", FIRST, clock=clock, monotonic=time)  # type: ignore[arg-type]
    yield written
    written.close()


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """Where another host keeps its ledger."""
    return tmp_path / "another host" / "ledger.db"


def jobs(path: Path) -> list[str]:
    return [job.id for job in Ledger(path).jobs()]


def restored(bucket: Bucket, path: Path, generation: str = SECOND) -> list[str]:
    """Begin on another host; return its jobs, the newest first."""
    restore(bucket, path, generation)  # type: ignore[arg-type]
    return jobs(path)


# -- saving -----------------------------------------------------------------------------------


def test_a_change_is_saved_and_restored_on_an_empty_disk(
    snapshots: Snapshots, bucket: Bucket, ask: Callable[[str], str], other: Path
) -> None:
    ask("a")
    ask("b")
    snapshots.save()
    assert restored(bucket, other) == ["b", "a"]
    assert [key.split("/")[1] for key in bucket.objects] == ["ledger"]
    assert sorted(file.name for file in other.parent.glob("*.part*")) == []


def test_the_queue_keeps_its_order_when_earlier_jobs_are_gone(
    snapshots: Snapshots, bucket: Bucket, ask: Callable[[str], str], other: Path, tmp_path: Path
) -> None:
    for name in ("gone", "first", "second"):
        ask(name)
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as database, database:
        database.execute("DELETE FROM outbox WHERE job = 'gone'")
        database.execute("DELETE FROM jobs WHERE id = 'gone'")
        before = database.execute("SELECT rowid, id FROM jobs").fetchall()
    snapshots.save()
    restore(bucket, other, SECOND)  # type: ignore[arg-type]
    with closing(sqlite3.connect(other)) as database:
        assert database.execute("SELECT rowid, id FROM jobs").fetchall() == before


def test_nothing_is_saved_without_a_change_and_not_too_often_with_one(
    snapshots: Snapshots, bucket: Bucket, ask: Callable[[str], str], time: Clock
) -> None:
    assert snapshots.save_if_due()
    time.move(SHORTEST)
    assert not snapshots.save_if_due()
    ask("a")
    assert snapshots.save_if_due()
    ask("b")
    time.move(SHORTEST - 1)
    assert not snapshots.save_if_due()
    time.move(1)
    assert snapshots.save_if_due()
    assert len(bucket.objects) == 3


def test_changes_without_a_pause_are_saved_within_a_minute_even_if_saving_is_slow(
    ledger: Ledger, tmp_path: Path, clock: Clock, time: Clock, ask: Callable[[str], str]
) -> None:
    class Slow(Bucket):
        def put(self, *values: object, **named: object) -> None:
            time.move(8)
            super().put(*values, **named)  # type: ignore[arg-type]

    snapshots = Snapshots(Slow(), tmp_path / "ledger.db", FIRST, clock=clock, monotonic=time)  # type: ignore[arg-type]
    saved = []
    for second in range(300):
        ask(f"job-{second}")
        if snapshots.save_if_due():
            saved.append(time.now)
        time.move(1)
    between = [later - earlier for earlier, later in pairwise(saved)]
    assert max(between) <= LONGEST + 8
    assert len(saved) < 8  # and it does not keep a small host busy


def test_a_change_during_a_copy_is_saved_next_time(
    snapshots: Snapshots,
    ask: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
    bucket: Bucket,
    other: Path,
) -> None:
    copy = snapshots._copy

    def copy_then_change() -> bytes:
        data = copy()
        ask("late")
        return data

    monkeypatch.setattr(snapshots, "_copy", copy_then_change)
    snapshots.save()
    monkeypatch.undo()
    assert snapshots.save_if_changed()
    assert restored(bucket, other) == ["late"]


def test_a_bucket_that_is_silent_is_tried_again_and_then_has_everything(
    snapshots: Snapshots, bucket: Bucket, ask: Callable[[str], str], time: Clock, other: Path
) -> None:
    ask("a")
    bucket.silent = True
    with pytest.raises(StorageError):
        snapshots.save_if_due()
    assert not snapshots.save_if_due()
    bucket.silent = False
    time.move(SHORTEST)
    assert snapshots.save_if_due()
    assert restored(bucket, other) == ["a"]


def test_the_newest_are_kept_and_the_last_of_each_of_two_weeks() -> None:
    every_hour = [
        Snapshot(FIRST, f"202611{day:02d}T{hour:02d}0000.000000Z")
        for day in range(30, 0, -1)
        for hour in range(23, -1, -1)
    ]
    removed = superfluous(every_hour)
    kept = [each.time[6:11] for each in every_hour if each not in removed]
    assert kept[:NEWEST] == [f"30T{hour:02d}" for hour in range(23, 3, -1)]
    assert kept[NEWEST:] == [f"{day}T23" for day in range(29, 30 - DAYS, -1)]


def test_saving_removes_what_is_too_much_and_nothing_else(
    snapshots: Snapshots, bucket: Bucket, clock: Clock
) -> None:
    bucket.objects[".splatbot/ledger/notes.txt"] = b"of an operator"
    for _ in range(NEWEST + 5):
        clock.move(1)
        snapshots.save()
    assert len(newest_first(bucket)) == NEWEST  # type: ignore[arg-type]
    assert ".splatbot/ledger/notes.txt" in bucket.objects


def test_a_clock_that_is_set_back_makes_no_older_snapshot_the_newest(
    snapshots: Snapshots, bucket: Bucket, clock: Clock, ask: Callable[[str], str], other: Path
) -> None:
    snapshots.save()
    clock.move(-3600)
    ask("a")
    snapshots.save()
    assert restored(bucket, other) == ["a"]


# -- restoring --------------------------------------------------------------------------------


def test_an_empty_bucket_is_a_first_start(bucket: Bucket, other: Path) -> None:
    assert restored(bucket, other) == []


def test_a_ledger_that_is_there_is_never_replaced_by_its_own_older_copy(
    snapshots: Snapshots, bucket: Bucket, ask: Callable[[str], str], tmp_path: Path
) -> None:
    snapshots.save()
    ask("a")
    assert restored(bucket, tmp_path / "ledger.db") == ["a"]  # nobody noted who had used it
    ask("b")
    assert restored(bucket, tmp_path / "ledger.db", THIRD) == ["b", "a"]


def test_a_ledger_that_a_later_bot_has_gone_on_with_elsewhere_is_brought_up_to_date(
    snapshots: Snapshots, bucket: Bucket, ledger: Ledger, tmp_path: Path, other: Path
) -> None:
    """Or the jobs that the other one has ended would be queued here, and run again."""
    here = tmp_path / "ledger.db"
    restore(bucket, here, FIRST)  # type: ignore[arg-type]
    ledger.submit(a_request("a"), backend="local", price_per_hour=0.0)
    snapshots.save()
    restore(bucket, other, SECOND)  # type: ignore[arg-type]
    Ledger(other).request_cancel("a", "U2")
    Snapshots(bucket, other, SECOND).save()  # type: ignore[arg-type]
    ledger.submit(a_request("lost"), backend="local", price_per_hour=0.0)

    assert restored(bucket, here, THIRD) == ["a"]
    assert Ledger(here).job("a").is_over
    assert ledger.job("a").is_over  # also for whoever had the file open
    aside = here.with_name(f"ledger.db.{FIRST}")
    assert jobs(aside) == ["lost", "a"]  # nothing is thrown away


def test_a_snapshot_that_a_replaced_bot_writes_late_changes_nothing(
    snapshots: Snapshots, bucket: Bucket, clock: Clock, ledger: Ledger, other: Path, tmp_path: Path
) -> None:
    snapshots.save()
    restore(bucket, other, SECOND)  # type: ignore[arg-type]
    Ledger(other).submit(a_request("b"), backend="local", price_per_hour=0.0)
    Snapshots(bucket, other, SECOND, clock=clock).save()  # type: ignore[arg-type]
    clock.move(60)
    snapshots.save()
    assert restored(bucket, tmp_path / "third" / "ledger.db", THIRD) == ["b"]


def test_the_log_of_a_ledger_that_was_deleted_is_not_mixed_into_the_restored_one(
    snapshots: Snapshots, bucket: Bucket, ask: Callable[[str], str], other: Path, tmp_path: Path
) -> None:
    ask("a")
    snapshots.save()
    ask("b")
    other.parent.mkdir()
    log = (tmp_path / "ledger.db-wal").read_bytes()
    other.with_name("ledger.db-wal").write_bytes(log)
    assert restored(bucket, other) == ["a"]
    assert other.with_name("ledger.db.lost-wal").read_bytes() == log


@pytest.mark.parametrize("damage", ["short", "no gzip", "gone", "other", "foreign", "flipped"])
def test_a_damaged_newest_snapshot_gives_way_to_the_one_before(
    snapshots: Snapshots,
    bucket: Bucket,
    ask: Callable[[str], str],
    other: Path,
    damage: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    ask("a")
    snapshots.save()
    ask("b")
    snapshots.save()
    newest = newest_first(bucket)[0].key  # type: ignore[arg-type]
    bucket.objects[newest] = damaged(bucket.objects[newest], damage)
    with caplog.at_level(logging.WARNING):
        assert restored(bucket, other) == ["a"]
    assert newest in caplog.text


def damaged(data: bytes, how: str) -> bytes:
    content = bytearray(gzip.decompress(data))
    content[5000:9000] = bytes(4000)
    foreign = sqlite3.connect(":memory:")
    foreign.execute("CREATE TABLE birds (name TEXT)")
    return {
        "short": data[: len(data) // 2],
        "no gzip": b"what is this",
        "gone": b"",
        "other": gzip.compress(b"a text" * 1000),
        "foreign": gzip.compress(foreign.serialize()),
        "flipped": gzip.compress(bytes(content)),
    }[how]


def test_when_all_snapshots_are_damaged_the_bot_does_not_begin(
    snapshots: Snapshots, bucket: Bucket, other: Path
) -> None:
    snapshots.save()
    for key in bucket.objects:
        bucket.objects[key] = b"x"
    with pytest.raises(UnreadableLedger, match="none can be read") as refused:
        restored(bucket, other)
    assert ".splatbot/ledger/" in refused.value.hint
    assert list(other.parent.iterdir()) == []


def test_a_ledger_of_a_later_version_is_not_touched(
    snapshots: Snapshots, bucket: Bucket, other: Path, tmp_path: Path
) -> None:
    """An older snapshot would be readable, and what happened since would be forgotten."""
    snapshots.save()
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as database:
        database.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    snapshots.save()
    with pytest.raises(UnreadableLedger, match="later version") as refused:
        restored(bucket, other)
    assert "Deploy that version" in refused.value.hint
    assert list(other.parent.iterdir()) == []


def test_a_silent_bucket_is_no_empty_one(bucket: Bucket, other: Path) -> None:
    bucket.silent = True
    with pytest.raises(StorageError):
        restored(bucket, other)
    assert not other.exists()


def test_it_works_with_a_real_s3_server(
    ledger: Ledger, ask: Callable[[str], str], tmp_path: Path, other: Path, s3_server: str
) -> None:
    storage = spaces(s3_server, "ledgers")
    ask("a")
    snapshots = Snapshots(storage, tmp_path / "ledger.db", FIRST)
    for _ in range(NEWEST + 2):
        snapshots.save()
    assert len(storage.keys("")) == NEWEST
    assert storage.datasets() == []
    restore(storage, other, SECOND)
    assert jobs(other) == ["a"]
