"""The gate's memories: exact at their edges, and never larger than they may be."""

from hypothesis import given
from hypothesis import strategies as st

from bot.web.limits import Nonces, TokenBuckets


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    buckets = TokenBuckets(2.0, 3.0)
    assert [buckets.take("a", 0.0) for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    assert buckets.take("a", 0.25) == 0.25
    assert buckets.take("a", 0.5) == 0.0
    assert [buckets.take("a", 1e9) for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=50))
def test_no_jump_of_the_clock_gives_more_than_a_burst_or_takes_for_ever(times: list[float]) -> None:
    buckets = TokenBuckets(2.0, 3.0)
    assert all(buckets.take("a", now) <= 0.5 for now in times)
    assert sum(buckets.take("a", times[-1]) == 0.0 for _ in range(10)) <= 3


def test_only_those_who_asked_last_are_remembered() -> None:
    buckets = TokenBuckets(1.0, 1.0, most=2)
    assert buckets.take("a", 0.0) == 0.0
    assert buckets.take("b", 0.0) == 0.0
    assert buckets.take("a", 0.0) > 0
    assert buckets.take("c", 0.0) == 0.0
    assert len(buckets) == 2
    assert buckets.take("a", 0.0) > 0  # asked after b, which was forgotten


def test_a_nonce_is_remembered_until_its_own_end_in_whatever_order() -> None:
    nonces = Nonces()
    assert nonces.add("a", "late", until=600.0, now=0.0)
    assert nonces.add("a", "early", until=10.0, now=0.0)
    assert nonces.add("b", "late", until=600.0, now=10.0)
    assert nonces.has("a", "early")
    assert nonces.add("b", "other", until=600.0, now=10.5)
    assert not nonces.has("a", "early")
    assert nonces.has("a", "late")
    assert not nonces.has("c", "late")
    assert len(nonces) == 3


def test_a_full_memory_takes_nothing_more_until_something_ends() -> None:
    nonces = Nonces(most=1)
    assert nonces.add("a", "1", until=10.0, now=0.0)
    assert not nonces.add("a", "2", until=10.0, now=5.0)
    assert nonces.add("a", "2", until=20.0, now=11.0)
