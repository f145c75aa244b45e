"""Two bots during a rolling deployment: one acts, the other waits or hands over."""

import pytest

from bot.compute.digitalocean.client import CONNECT, CREATE
from bot.core.errors import StorageError
from bot.core.succession import FREEZE, LEASE, RENEWAL, TTL, Standing, Succession
from tests.core.conftest import Clock
from tests.fakes.bucket import Bucket


@pytest.fixture
def bucket() -> Bucket:
    return Bucket()


@pytest.fixture
def time() -> Clock:
    return Clock(0.0)


def a_bot(bucket: Bucket, time: Clock) -> Succession:
    bot = Succession(bucket, monotonic=time)  # type: ignore[arg-type]
    bot.step()
    return bot


def pass_time(time: Clock, seconds: float, *bots: Succession) -> None:
    """Let time pass in which these bots take their steps."""
    for _ in range(int(seconds / RENEWAL)):
        time.move(RENEWAL)
        for bot in bots:
            bot.step()


def test_a_bot_that_is_alone_acts_at_once(bucket: Bucket, time: Clock) -> None:
    bot = a_bot(bucket, time)
    assert bot.may_act()
    assert list(bucket.objects) == [f".splatbot/bots/{bot.generation}.json"]


def test_a_newcomer_waits_until_the_old_bot_has_let_go_of_everything(
    bucket: Bucket, time: Clock
) -> None:
    old = a_bot(bucket, time)
    new = a_bot(bucket, time)
    assert (old.may_act(), new.may_act()) == (True, False)
    pass_time(time, 60, old, new)
    # The old one has seen the new one, and may still wait for a call that creates a machine.
    assert (old.standing, new.standing) == (Standing.RETIRING, Standing.WAITING)
    assert not old.may_act()
    old.leave()
    new.step()
    assert (old.standing, new.may_act()) == (Standing.RETIRED, True)
    assert list(bucket.objects) == [f".splatbot/bots/{new.generation}.json"]


def test_a_bot_that_crashed_is_succeeded_after_the_time_that_its_silence_needs(
    bucket: Bucket, time: Clock
) -> None:
    a_bot(bucket, time)
    new = a_bot(bucket, time)
    pass_time(time, TTL - RENEWAL, new)
    assert not new.may_act()
    pass_time(time, RENEWAL, new)
    assert new.may_act()


def test_a_bot_that_is_told_to_stop_is_succeeded_at_once(bucket: Bucket, time: Clock) -> None:
    a_bot(bucket, time).leave()
    assert a_bot(bucket, time).may_act()


def test_a_bot_that_is_cut_off_stops_long_before_another_may_begin(
    bucket: Bucket, time: Clock
) -> None:
    bot = a_bot(bucket, time)
    bucket.silent = True
    for _ in range(int(LEASE / RENEWAL)):
        assert bot.may_act()
        time.move(RENEWAL)
        with pytest.raises(StorageError):
            bot.step()
    assert not bot.may_act()
    assert LEASE <= TTL / 4
    bucket.silent = False
    bot.step()
    assert bot.may_act()


def test_a_create_is_given_up_before_another_bot_may_act() -> None:
    """Clocks may differ in speed by a tenth; the last look was at the end of a lease."""
    assert CONNECT + CREATE < FREEZE <= TTL / 1.1 - LEASE / 0.9


def test_a_slow_answer_does_not_lengthen_the_lease(bucket: Bucket, time: Clock) -> None:
    class Slow(Bucket):
        def keys(self, prefix: str) -> list[str]:
            time.move(LEASE)
            return list(super().keys(prefix))

    assert not a_bot(Slow(), time).may_act()


def test_a_bot_that_comes_back_after_it_was_replaced_never_acts(
    bucket: Bucket, time: Clock
) -> None:
    frozen = a_bot(bucket, time)
    new = a_bot(bucket, time)
    pass_time(time, TTL, new)
    assert new.may_act()
    frozen.step()
    assert (frozen.may_act(), frozen.standing) == (False, Standing.RETIRING)
    frozen.leave()
    pass_time(time, 2 * TTL, new, frozen)
    assert (frozen.may_act(), new.may_act()) == (False, True)


def test_the_old_bot_acts_again_when_the_new_one_crashes(bucket: Bucket, time: Clock) -> None:
    """As when a deployment fails, and the host goes on with the old version."""
    old = a_bot(bucket, time)
    new = a_bot(bucket, time)
    old.step()
    old.leave()
    new.step()
    first = old.generation
    pass_time(time, TTL + 2 * RENEWAL, old)
    assert old.may_act()
    assert old.generation > new.generation > first


def test_silence_before_a_bot_has_joined_proves_nothing(bucket: Bucket, time: Clock) -> None:
    """The silent one may come back in the last moment in which it can not see the newcomer."""
    retired = a_bot(bucket, time)
    silent = a_bot(bucket, time)
    retired.step()
    retired.leave()
    silent.step()
    pass_time(time, TTL - RENEWAL, retired)

    class Meanwhile(Bucket):
        def put(self, *values: object, **named: object) -> None:
            if not silent.may_act():
                silent.step()
            super().put(*values, **named)  # type: ignore[arg-type]

    between = Meanwhile()
    between.objects = bucket.objects
    retired._storage = between  # type: ignore[assignment]
    pass_time(time, 2 * RENEWAL, retired)
    assert retired.standing is Standing.WAITING
    assert (retired.may_act(), silent.may_act()) == (False, True)


def test_a_newcomer_that_is_stopped_while_it_waits_leaves_no_trace(
    bucket: Bucket, time: Clock
) -> None:
    old = a_bot(bucket, time)
    a_bot(bucket, time).leave()
    pass_time(time, 60, old)
    assert old.may_act()
    assert list(bucket.objects) == [f".splatbot/bots/{old.generation}.json"]


def test_of_two_newcomers_the_older_one_gives_way(bucket: Bucket, time: Clock) -> None:
    old, second, third = (a_bot(bucket, time) for _ in range(3))
    pass_time(time, RENEWAL, old, second, third)
    assert (second.standing, third.standing) == (Standing.RETIRED, Standing.WAITING)
    old.leave()
    third.step()
    assert third.may_act()


@pytest.mark.parametrize("names", [("aaaaaaaa", "bbbbbbbb"), ("bbbbbbbb", "aaaaaaaa")])
def test_of_two_that_start_in_the_same_moment_one_acts(
    bucket: Bucket, time: Clock, names: tuple[str, str]
) -> None:
    """Each shows itself before it looks: so one of them sees the other."""
    quick = Succession(bucket, monotonic=time, name=lambda: names[0])  # type: ignore[arg-type]

    class Meanwhile(Bucket):
        def put(self, *values: object, **named: object) -> None:
            if not quick.generation:
                quick.step()
            super().put(*values, **named)  # type: ignore[arg-type]

    between = Meanwhile()
    between.objects = bucket.objects
    slow = Succession(between, monotonic=time, name=lambda: names[1])  # type: ignore[arg-type]
    slow.step()
    assert slow.generation[:8] == quick.generation[:8]
    assert (quick.may_act(), slow.may_act()) == (True, False)


def test_an_old_bot_whose_work_hangs_does_not_hold_up_the_next_one_for_ever(
    bucket: Bucket, time: Clock
) -> None:
    hanging = a_bot(bucket, time)
    new = a_bot(bucket, time)
    pass_time(time, TTL, hanging, new)
    assert not new.may_act()
    pass_time(time, TTL + 2 * RENEWAL, hanging, new)
    assert new.may_act()


def test_generations_go_on_when_only_snapshots_tell_of_earlier_ones(
    bucket: Bucket, time: Clock
) -> None:
    bucket.objects[".splatbot/ledger/20261120T120000.000000Z-00000041-0a0b0c0d.db.gz"] = b""
    assert a_bot(bucket, time).generation.startswith("00000042-")
    bucket.objects[".splatbot/bots/notes.txt"] = b"not a bot"
    assert a_bot(bucket, time).generation.startswith("00000043-")


def test_the_bots_objects_are_for_the_bots_alone(bucket: Bucket, time: Clock) -> None:
    bot = a_bot(bucket, time)  # the bucket asserts that what is put is private
    bot.leave()
    assert b"retired" in bucket.objects[f".splatbot/bots/{bot.generation}.json"]
