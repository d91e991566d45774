"""Fifty seeded fault schedules: whatever goes wrong, what a feed tells is true.

``benchmarks/feed_faults.py`` runs as many as wanted, and any of these again by its seed.
"""

import pytest
from feed_judge import judged, run_and_judge

from framework.loopback.script import Fault, Kind
from framework.loopback.spoken import SPOKEN, wire_of


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("speaks", sorted(SPOKEN))
def test_nothing_a_feed_tells_is_wrong_under_faults_at_random(speaks, seed):
    assert judged(speaks, seed) == []


@pytest.mark.parametrize("speaks", sorted(SPOKEN))
def test_a_market_that_is_unknown_ends_a_feed_in_one_line(speaks):
    known, unknown = wire_of(speaks).pairs[:2]
    fault = Fault(Kind.UNKNOWN_MARKET, 0, 1_000, unknown)
    (trouble, *_) = run_and_judge(speaks, 3, (fault,), 60.0)
    line = f"pairs: exchange '{speaks}' has no market '{unknown}'. Did you mean '{known}'?"
    assert trouble == f'trouble: the feed ended: UserError("{line}")'


@pytest.mark.parametrize("speaks", sorted(SPOKEN))
def test_a_market_that_is_closed_later_is_said_to_be_and_the_others_go_on(speaks):
    closed = wire_of(speaks).pairs[1]
    script = (Fault(Kind.UNKNOWN_MARKET, 130, 1_000, closed), Fault(Kind.CLOSE, 140, 1.0))
    assert run_and_judge(speaks, 3, script, 400.0, closed) == []
