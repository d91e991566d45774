"""What tests of trackers share: a short backtest."""

import pytest

SHORT = ("pairs=btc_aud", "start=2025-03-01", "end=2025-03-15", "mode.causality_cuts=0")


@pytest.fixture
def backtest(program):
    """Call a short backtest."""
    return lambda *words: program(*SHORT, *words)
