"""What a strategy that switches wants at each bar of a small market, worked out by hand."""

from __future__ import annotations

import numpy as np

from framework.config.switch import write_out_switch
from framework.market.candles import Candles
from framework.records import Signals
from framework.strategy.compile import compile_strategy
from framework.strategy.spec import StrategySpec
from framework.types import Interval

HOUR = Interval.parse("1h")
UP = [True, False, True, False, True, False, True, True]
REGIME = [0, 0, 1, 1, np.nan, 1, 2, 0]
# active  a  a  b  b  none   b  none a

RISER = {"enter": "close > open", "exit": "close < open"}
FALLER = {
    "direction": "both",
    **{"enter": "close < open", "exit": "close > open"},
    **{"enter_short": "close > open", "exit_short": "close < open"},
    "confidence": 0.25,
}
A_OR_B = [{"when": "volume == 0", "use": "a"}, {"when": "volume == 1", "use": "b"}]


def signals_of(cases: list[dict[str, str]], **used: dict[str, object]) -> Signals:
    """Return the signals of a switch on eight bars of one pair; the volume is the regime."""
    tree = {"strategy": {"name": "s", "interval": HOUR, "switch": cases}}
    files = {name: {"strategy": strategy} for name, strategy in used.items()}
    made = write_out_switch(tree, "s", files.__getitem__, ["s", *files])
    spec = StrategySpec(**made["strategy"])
    close = np.where(UP, 101.0, 99.0)[:, None]
    candles = Candles(
        pairs=("P0-AUD",),
        interval=HOUR,
        time=HOUR.ns * np.arange(8),
        open=np.full((8, 1), 100.0),
        high=np.full((8, 1), 102.0),
        low=np.full((8, 1), 98.0),
        close=close,
        volume=np.array(REGIME, float)[:, None],
        standing=np.zeros((8, 1), np.uint8),
    )
    return compile_strategy(spec, made["features"]).evaluate(candles).signals


def column(array: np.ndarray | None) -> list[float]:
    assert array is not None
    return array[:, 0].astype(float).tolist()


def test_it_enters_as_the_active_strategy_and_leaves_when_that_changes() -> None:
    signals = signals_of(A_OR_B, a=RISER, b=FALLER)
    # a rises at 0 and 7; b falls at 3 and 5
    assert column(signals.enter) == [1, 0, 0, 1, 0, 1, 0, 1]
    # a falls at 1; b begins at 2 and 5, a at 7; none at 4 and 6; at 3 b goes on falling
    assert column(signals.exit) == [0, 1, 1, 0, 1, 1, 1, 1]


def test_shorts_and_confidence_are_those_of_the_active_strategy() -> None:
    signals = signals_of(A_OR_B, a=RISER, b=FALLER)
    assert column(signals.enter_short) == [0, 0, 1, 0, 0, 0, 0, 0]
    # b's at 3 and 5; begun at 2, 5 and 7; none at 4 and 6
    assert column(signals.exit_short) == [0, 0, 1, 1, 1, 1, 1, 1]
    assert column(signals.confidence) == [1, 1, 0.25, 0.25, 1, 0.25, 1, 1]


def test_a_target_is_the_active_ones_and_none_is_left_over_at_a_change() -> None:
    signals = signals_of(
        [*A_OR_B, {"when": "volume == 3", "use": "c"}],
        a={"target": 0.5},
        b={"target": "where(close < open, 0.3, nan)"},
        c={"target": "nan"},
    )
    # b begins at 2 without a wish: a's half is given up; none at 4 and 6
    assert column(signals.target) == [0.5, 0.5, 0, 0.3, 0, 0.3, 0, 0.5]
    later = [{"when": "volume < 2", "use": "b"}, {"when": "volume == 2", "use": "a"}]
    signals = signals_of(later, a={"target": 0.5}, b={"target": "where(close < open, 0.3, nan)"})
    # b all along from 0 to 3: at 2 it leaves its weight of 1 alone, at 7 it begins anew
    wanted = [np.nan, 0.3, np.nan, 0.3, 0, 0.3, 0.5, 0]
    np.testing.assert_array_equal(column(signals.target), wanted)


def test_while_a_condition_is_unknown_no_case_after_it_is_active() -> None:
    cases = [{"when": "volume == 0", "use": "a"}, {"when": "True", "use": "b"}]
    always = {"enter": "True", "exit": "False"}
    signals = signals_of(cases, a={"enter": "False", "exit": "False"}, b=always)
    # the regime is 0 at 0, 1 and 7 and unknown at 4
    assert column(signals.enter) == [0, 0, 1, 1, 0, 1, 1, 0]
    # changes at 2, 5 and 7; nothing active at 4
    assert column(signals.exit) == [0, 0, 1, 0, 1, 1, 0, 1]


def test_the_first_case_that_holds_is_active() -> None:
    cases = [{"when": "volume < 2", "use": "a"}, {"when": "volume < 3", "use": "b"}]
    signals = signals_of(cases, a={"target": 0.1}, b={"target": 0.2})
    assert column(signals.target) == [0.1, 0.1, 0.1, 0.1, 0, 0.1, 0.2, 0.1]
