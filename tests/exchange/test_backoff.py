import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from framework.exchange.backoff import Backoff


@given(st.integers(0, 2**32))
def test_waits_double_up_to_the_bound_and_keep_at_least_half(seed):
    backoff = Backoff(np.random.default_rng(seed), 0.5, 30.0)
    wholes = [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]
    for whole in wholes:
        assert whole / 2 <= backoff.next_s() <= whole
    backoff.reset()
    assert backoff.next_s() <= 0.5


def test_two_feeds_do_not_knock_at_the_same_moment():
    one, other = (Backoff(np.random.default_rng(seed)) for seed in (1, 2))
    assert one.next_s() != other.next_s()


def test_a_thousand_failures_still_wait_thirty_seconds_at_most():
    backoff = Backoff(np.random.default_rng(3))
    assert max(backoff.next_s() for _ in range(1_000)) <= 30.0
