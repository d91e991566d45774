"""Every signal that changes with the future is named as the user wrote it."""

from types import SimpleNamespace

import numpy as np
import pytest
from test_causality_noise import walk

from framework.backtest.causality import check_causality
from framework.backtest.pipeline import Traded
from framework.errors import CheckFailed
from framework.records import Signals
from framework.strategy.plan import Evaluated

PATHS = {
    "enter": "strategy.enter",
    "exit": "strategy.exit",
    "enter_short": "strategy.enter_short",
    "exit_short": "strategy.exit_short",
    "target": "strategy.target",
    "confidence": "strategy.confidence",
    "anomaly": "strategy.anomaly",
    "entry_limit": "strategy.entry_order.limit",
    "entry_stop": "strategy.entry_order.stop",
    "exit_limit": "strategy.exit_order.limit",
    "exit_stop": "strategy.exit_order.stop",
    "stop_loss": "risk.stop_loss",
    "take_profit": "risk.take_profit",
    "trailing_stop": "risk.trailing_stop",
}


class Oracle:
    """Gives one signal that is the next close, where it must be known before."""

    def __init__(self, name):
        self.name = name

    def trade(self, candles, first, books=None):
        signals = Signals(**{self.name: np.vstack([candles.close[1:], candles.close[-1:]])})
        simulation = SimpleNamespace(
            events=np.zeros(0, [("time", np.int64)]), equity=np.ones(len(candles) - first)
        )
        return Traded(candles, np.arange(len(candles)), Evaluated({}, signals), simulation)


@pytest.mark.parametrize(("name", "path"), PATHS.items())
def test_a_rule_that_looks_ahead_is_named_by_its_path(name, path):
    oracle, candles = Oracle(name), walk(50)
    traded = oracle.trade(candles, 10)
    with pytest.raises(CheckFailed, match=f"causality: rule '{path}' looks ahead: its value for"):
        check_causality(oracle, candles, 10, traded, np.random.default_rng(1), 3)
