"""Fifty seeded fault schedules: whatever goes wrong, what a feed tells is true.

``benchmarks/feed_faults.py`` runs as many as wanted, and any of these again by its seed.
"""

import pytest
from feed_judge import judged

from framework.loopback.spoken import SPOKEN


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("speaks", sorted(SPOKEN))
def test_nothing_a_feed_tells_is_wrong_under_faults_at_random(speaks, seed):
    assert judged(speaks, seed) == []
