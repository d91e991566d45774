"""Round trips: by hand, against a plain loop, against vectorbt."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_outcomes import START_NS, make_events, make_outcome, random_close, random_fills

from framework.records import Kind, Reason
from framework.results.trades import trades_from_events
from framework.types import DAY_NS

CLOSE = np.array([[10.0, 1.0], [11.0, 1.0], [12.0, 1.0], [13.0, 2.0]])
TIME = START_NS + np.arange(4) * DAY_NS


def trades_of(*fills: tuple[int, int, int, float, float, float]) -> np.ndarray:
    return trades_from_events(make_events(fills), CLOSE, TIME, DAY_NS)


def test_no_fills_is_no_trade() -> None:
    assert len(trades_of()) == 0


def test_decisions_and_vetoes_are_no_fills() -> None:
    events = make_events([(0, 0, 1, 1.0, 10.0, 0.0)])
    events["kind"] = Kind.DECIDED
    assert len(trades_from_events(events, CLOSE, TIME, DAY_NS)) == 0


def test_two_entries_and_two_exits_are_one_trade_at_average_prices() -> None:
    (trade,) = trades_of(
        (0, 0, 1, 1.0, 10.0, 0.1),
        (1, 0, 1, 3.0, 11.0, 0.1),
        (2, 0, -1, 2.0, 12.0, 0.1),
        (3, 0, -1, 2.0, 14.0, 0.1),
    )
    assert trade["units"] == 4.0
    assert trade["entry_price"] == 43.0 / 4.0
    assert trade["exit_price"] == 52.0 / 4.0
    assert trade["fees"] == pytest.approx(0.4, abs=1e-15)
    assert trade["pnl"] == pytest.approx(52.0 - 43.0 - 0.4, abs=1e-12)
    assert trade["fraction"] == pytest.approx(8.6 / 43.0, abs=1e-15)
    assert trade["bars"] == 3
    assert (trade["side"], trade["open"], trade["reason"]) == (1, False, Reason.SIGNAL)
    assert (trade["entry_time"], trade["exit_time"]) == (TIME[0], TIME[3])


def test_open_trade_is_valued_at_the_last_close_with_what_was_already_sold() -> None:
    (trade,) = trades_of((1, 0, 1, 2.0, 11.0, 0.5), (2, 0, -1, 1.0, 12.0, 0.25))
    assert trade["open"]
    assert trade["exit_time"] == 0
    assert trade["exit_price"] == 13.0
    assert trade["pnl"] == pytest.approx(12.0 + 13.0 - 22.0 - 0.75, abs=1e-12)
    assert trade["bars"] == 3  # bars 1, 2 and 3 to its close


def test_short_trade_earns_when_the_price_falls() -> None:
    (trade,) = trades_of((0, 0, -1, 2.0, 12.0, 0.0), (1, 0, 1, 2.0, 11.0, 1.0))
    assert trade["side"] == -1
    assert trade["pnl"] == 1.0
    assert trade["fraction"] == 1.0 / 24.0


def test_fill_through_zero_is_split_between_two_trades() -> None:
    first, second = trades_of((0, 0, 1, 1.0, 10.0, 0.1), (2, 0, -1, 3.0, 12.0, 0.3))
    assert (first["side"], second["side"]) == (1, -1)
    assert first["pnl"] == pytest.approx(12.0 - 10.0 - 0.1 - 0.1, abs=1e-12)
    assert second["units"] == pytest.approx(2.0, abs=1e-15)
    assert second["open"]
    assert second["pnl"] == pytest.approx(2.0 * (12.0 - 13.0) - 0.2, abs=1e-12)


def test_remainder_of_rounding_counts_as_flat() -> None:
    trades = trades_of(
        (0, 0, 1, 0.1, 10.0, 0.0), (0, 0, 1, 0.2, 10.0, 0.0), (1, 0, -1, 0.3, 11.0, 0.0)
    )
    assert 0.1 + 0.2 != 0.3
    assert not trades["open"].any()
    assert len(trades) == 1


def test_trades_are_ordered_by_entry_then_pair_and_same_bar_trades_have_no_bars() -> None:
    trades = trades_of(
        (0, 1, 1, 1.0, 1.0, 0.0),
        (0, 0, 1, 1.0, 10.0, 0.0),
        (0, 0, -1, 1.0, 9.0, 0.0),
        (0, 0, 1, 1.0, 9.5, 0.0),
        (3, 1, -1, 1.0, 2.0, 0.0),
    )
    assert trades["pair"].tolist() == [0, 0, 1]
    assert trades["entry_price"].tolist() == [10.0, 9.5, 1.0]
    assert trades["bars"].tolist() == [0, 4, 3]


def test_input_is_not_mutated() -> None:
    events = make_events([(0, 0, 1, 1.0, 10.0, 0.1), (2, 0, -1, 3.0, 12.0, 0.3)])
    before = events.copy()
    trades_from_events(events, CLOSE, TIME, DAY_NS)
    assert events.tobytes() == before.tobytes()


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(0, 60), shorts=st.booleans())
def test_profits_add_up_to_what_the_account_gained(seed: int, count: int, shorts: bool) -> None:
    close = random_close(seed, 30, 3)
    outcome = make_outcome(close, random_fills(close, seed, count, shorts))
    trades = outcome.trades
    gained = outcome.equity[-1] - outcome.initial_cash
    assert float(trades["pnl"].sum()) == pytest.approx(gained, abs=1e-9)
    assert float(trades["fees"].sum()) == pytest.approx(outcome.events["fee"].sum(), abs=1e-9)
    assert np.all(np.diff(trades["entry_time"]) >= 0)


def test_trades_agree_with_vectorbt(vectorbt_of) -> None:
    close = random_close(7, 300, 4)
    outcome = make_outcome(close, random_fills(close, 7, 250), cash=100_000.0)
    judged = vectorbt_of(outcome).positions.records
    judged = judged.iloc[np.lexsort((judged["entry_idx"], judged["col"]))]
    ours = outcome.trades
    ours = ours[np.lexsort((ours["entry_time"], ours["pair"]))]
    assert len(ours) == len(judged)
    assert len(ours) > 50
    assert np.abs(ours["pnl"] - judged["pnl"]).max() < 1e-9
    assert np.abs(ours["entry_price"] - judged["entry_price"]).max() < 1e-9
    assert np.abs(ours["fraction"] - judged["return"]).max() < 1e-9
    assert np.array_equal(ours["open"], judged["status"] == 0)
