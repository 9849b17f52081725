"""Rates: no minute, wherever it begins, has more than the limit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamagents.llm.limits.rate import Bucket


def admitted(
    per_minute: float, share: float, *, seconds: float, cost: float = 1, step: float = 0.05
) -> list[float]:
    """When calls pass that are asked for as fast as the bucket lets them."""
    bucket, now, times = Bucket(per_minute), 0.0, []
    bucket.share(share, now)
    while now < seconds:
        if bucket.wait_s(cost, now) <= 0:
            bucket.draw(cost)
            times.append(now)
        else:
            now += step
    return times


def most_in_a_minute(times: list[float]) -> int:
    return max(sum(1 for t in times if start <= t < start + 60) for start in times)


@pytest.mark.parametrize("per_minute", [10, 50, 60, 600])
@pytest.mark.parametrize("share", [0.25, 0.5, 1])
def test_no_minute_has_more_than_the_share_and_one(per_minute: int, share: float) -> None:
    times = admitted(per_minute, share, seconds=240)

    assert most_in_a_minute(times) <= per_minute * share + 1


@pytest.mark.parametrize("per_minute", [10, 50, 600])
def test_nearly_all_of_the_limit_can_be_used(per_minute: int) -> None:
    times = admitted(per_minute, 1, seconds=300)

    assert len(times) >= 0.85 * per_minute * 5


def test_one_a_minute_is_one_a_minute() -> None:
    times = admitted(1, 1, seconds=185, step=0.5)

    assert [round(t) for t in times] == [0, 60, 120, 180]


def test_a_call_that_is_larger_than_the_bucket_passes_when_it_is_full_and_is_owed() -> None:
    bucket = Bucket(6000)
    bucket.share(1, 0)
    bucket.draw(600)  # its burst
    wait_s = bucket.wait_s(5000, 0)
    assert 0 < wait_s <= 60
    assert bucket.wait_s(5000, wait_s + 0.01) == 0
    bucket.draw(5000)

    assert bucket.wait_s(1, wait_s + 0.01) > 30


def test_a_worker_without_partitions_gets_nothing() -> None:
    bucket = Bucket(60)
    bucket.share(0, 0)

    assert bucket.wait_s(1, 1000) == float("inf")


def test_what_a_worker_gains_begins_empty() -> None:
    bucket = Bucket(6000)
    bucket.share(0.25, 0)
    bucket.draw(150)
    bucket.share(1, 0)

    assert bucket.wait_s(1, 0) > 0


@given(st.lists(st.tuples(st.floats(0, 5), st.floats(0, 50)), max_size=60), st.floats(1, 1000))
def test_a_bucket_never_holds_more_than_its_burst(
    draws: list[tuple[float, float]], per_minute: float
) -> None:
    bucket, now = Bucket(per_minute), 0.0
    bucket.share(1, now)
    for seconds, cost in draws:
        now += seconds
        bucket.wait_s(cost, now)
        bucket.draw(cost - 25)

        assert bucket._level <= bucket._size
