"""Short positions and what borrowing costs: accounts worked out by hand, all figures from them."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_outcomes import START_NS, make_events, make_outcome, random_close, random_fills
from rich.console import Console

from framework.records import EVENT, Kind, OrderType, Reason
from framework.results.ledger_rows import FILL, TRADE, fills_of, trades_of
from framework.results.metrics import compute
from framework.results.outcome import Outcome
from framework.results.run_directory import RunDirectory
from framework.results.summary import summary_table
from framework.results.trades import trades_from_events
from framework.types import DAY_NS

RATE = 0.001
"""Of the value borrowed, per bar."""


def covered_twice() -> Outcome:
    """Ten sold short at 100, four covered at 80, six at 75."""
    close = np.array([[100.0], [100.0], [90.0], [80.0], [80.0], [75.0]])
    fills = [
        (1, 0, -1, 10.0, 100.0, 1.0),
        (3, 0, 1, 4.0, 80.0, 0.5),
        (5, 0, 1, 6.0, 75.0, 0.4),
    ]
    return make_outcome(close, fills, borrow_rate=RATE)


# owed at the closes: 1.0, 1.9; 4 of 10 are covered for 40 % of it, 0.76, which leaves 1.14;
# then 0.48 a bar on 6 * 80: 1.62, 2.1, all paid with the last cover
OWED = [0.0, 1.0, 1.9, 1.62, 2.1, 0.0]
PAID = [0.0, 0.0, 0.0, 0.76, 0.76, 2.86]
CASH = [1_000.0, 1_999.0, 1_999.0, 1_677.74, 1_677.74, 1_225.24]
EQUITY = [1_000.0, 998.0, 1_097.1, 1_196.12, 1_195.64, 1_225.24]
VALUE = [0.0, 1_000.0, 900.0, 480.0, 480.0, 0.0]


def test_each_cover_pays_its_part_of_what_is_owed() -> None:
    outcome = covered_twice()
    assert outcome.cash == pytest.approx(CASH, abs=1e-9)
    assert outcome.equity == pytest.approx(EQUITY, abs=1e-9)
    charges = outcome.events[outcome.events["kind"] == Kind.CHARGED]
    assert charges["quote"] == pytest.approx([0.76, 2.1], abs=1e-12)
    assert charges["order"].tolist() == [2, 3]
    shorts = outcome.shorts
    assert shorts.owed == pytest.approx(OWED, abs=1e-12)
    assert shorts.paid == pytest.approx(PAID, abs=1e-12)
    assert shorts.value.tolist() == VALUE
    assert shorts.covered.tolist() == [False, False, False, True, False, True]
    assert shorts.fills.tolist() == [True, True, True]


def test_a_short_covered_in_two_parts_is_one_trade_after_fees_and_charges() -> None:
    (trade,) = covered_twice().trades
    assert (trade["side"], trade["units"], trade["bars"]) == (-1, 10.0, 4)
    assert (trade["entry_price"], trade["exit_price"]) == (100.0, 77.0)
    assert trade["fees"] == pytest.approx(1.9 + 0.76 + 2.1, abs=1e-12)
    assert trade["pnl"] == pytest.approx(1_000.0 - 320.0 - 450.0 - 4.76, abs=1e-12)
    assert trade["fraction"] == pytest.approx(0.22524, abs=1e-12)


def test_figures_of_a_short() -> None:
    metrics = compute(covered_twice())
    assert metrics["final_equity"] == pytest.approx(1_225.24, abs=1e-9)
    assert metrics["fees_paid"] == pytest.approx(1.9, abs=1e-12)
    assert metrics["borrow_paid"] == pytest.approx(2.86, abs=1e-12)
    shares = [value / equity for value, equity in zip(VALUE, EQUITY, strict=True)]
    assert metrics["exposure"] == pytest.approx(np.mean(shares), rel=1e-12)
    assert shares[1] > 1.0  # gross, a short above the equity
    traded = 1_000.0 + 320.0 + 450.0
    assert metrics["turnover"] == pytest.approx(traded / np.mean(EQUITY) / (6 / 365), rel=1e-12)
    assert metrics["break_even_fee_bps"] == pytest.approx((225.24 + 1.9) / traded * 1e4, rel=1e-9)


def test_at_the_break_even_fee_a_ledger_with_charges_ends_where_it_began() -> None:
    close = random_close(3, 200, 2)
    fills = random_fills(close, 3, 80, shorts=True)
    paid = make_outcome(close, fills, borrow_rate=RATE)
    assert paid.trades["side"].min() == -1
    rate = compute(paid)["break_even_fee_bps"] / 1e4
    dearer = [(*fill[:5], rate * fill[3] * fill[4]) for fill in fills]
    ended = make_outcome(close, dearer, borrow_rate=RATE).equity[-1]
    assert ended == pytest.approx(1_000.0, abs=1e-9)


def reversed_in_a_bar() -> Outcome:
    """Five bought at 100, sold and five more sold short at 110 in one bar, covered at 121."""
    close = np.array([[100.0], [100.0], [110.0], [120.0], [121.0]])
    fills = [
        (1, 0, 1, 5.0, 100.0, 0.5),
        (2, 0, -1, 5.0, 110.0, 0.55),
        (2, 0, -1, 5.0, 110.0, 0.55),
        (4, 0, 1, 5.0, 121.0, 0.6),
    ]
    return make_outcome(close, fills, borrow_rate=RATE)


def test_long_to_short_to_flat_are_two_trades() -> None:
    outcome = reversed_in_a_bar()
    long, short = outcome.trades
    assert (long["side"], short["side"]) == (1, -1)
    assert long["pnl"] == pytest.approx(50.0 - 1.05, abs=1e-12)
    # 0.55 owed at the close at 110, 0.6 at 120
    assert short["fees"] == pytest.approx(0.55 + 0.6 + 1.15, abs=1e-12)
    assert short["pnl"] == pytest.approx(550.0 - 605.0 - 2.3, abs=1e-12)
    assert long["exit_time"] == short["entry_time"]
    assert outcome.shorts.fills.tolist() == [False, False, True, True]
    metrics = compute(outcome)
    assert metrics["win_rate"] == 0.5
    assert metrics["expectancy"] == pytest.approx((48.95 - 57.3) / 2, abs=1e-12)
    assert metrics["profit_factor"] == pytest.approx(48.95 / 57.3, rel=1e-12)
    assert metrics["trades"] == 2
    # 1,048.4 in cash and longs after the fees of the reversal
    equity = [1_000.0, 999.5, 1_048.4 - 0.55, 1_048.4 - 50.0 - 1.15, 1_048.4 - 55.0 - 0.6 - 1.15]
    assert outcome.equity == pytest.approx(equity, abs=1e-9)
    held = np.array([0.0, 500.0, 550.0, 600.0, 0.0])
    assert outcome.gross == pytest.approx(held, abs=1e-9)
    assert metrics["exposure"] == pytest.approx((held / equity).mean(), rel=1e-12)


def test_the_charge_of_a_cover_is_not_borne_by_the_long_bought_after_it() -> None:
    close = np.array([[100.0], [100.0], [90.0], [95.0]])
    fills = [
        (1, 0, -1, 5.0, 100.0, 0.0),
        (2, 0, 1, 5.0, 90.0, 0.0),
        (2, 0, 1, 4.0, 90.0, 0.0),
        (3, 0, -1, 4.0, 95.0, 0.0),
    ]
    short, long = make_outcome(close, fills, borrow_rate=RATE).trades
    assert (short["side"], short["fees"], short["pnl"]) == (-1, 0.5, 49.5)
    assert short["fraction"] == pytest.approx(49.5 / 500.0, abs=1e-15)
    assert (long["side"], long["fees"], long["pnl"]) == (1, 0.0, 20.0)


def test_a_charge_after_a_fill_through_zero_belongs_to_the_trade_that_ended() -> None:
    events = make_events([(0, 0, -1, 5.0, 100.0, 0.0), (1, 0, 1, 8.0, 90.0, 0.0)])
    charge = events[1:].copy()
    charge["kind"], charge["reason"], charge["quote"] = Kind.CHARGED, Reason.BORROW, 0.5
    close = np.array([[100.0], [90.0]])
    time = START_NS + np.arange(2) * DAY_NS
    short, long = trades_from_events(np.append(events, charge), close, time, DAY_NS)
    assert (short["pnl"], short["fees"]) == (pytest.approx(49.5, abs=1e-12), 0.5)
    assert (long["units"], long["fees"]) == (pytest.approx(3.0, abs=1e-12), 0.0)


def test_an_open_short_bears_what_it_owes() -> None:
    close = np.array([[100.0], [100.0], [90.0]])
    outcome = make_outcome(close, [(1, 0, -1, 10.0, 100.0, 1.0)], borrow_rate=RATE)
    (trade,) = outcome.trades
    assert trade["open"]
    assert trade["fees"] == pytest.approx(1.0 + 1.9, abs=1e-12)
    assert trade["pnl"] == pytest.approx(100.0 - 2.9, abs=1e-12)
    assert outcome.equity[-1] - 1_000.0 == pytest.approx(trade["pnl"], abs=1e-9)
    assert compute(outcome)["borrow_paid"] == 0.0  # nothing was settled yet


def test_two_shorts_and_a_long_add_up() -> None:
    close = np.array([[10.0, 20.0, 5.0], [10.0, 20.0, 5.0], [12.0, 18.0, 6.0]])
    fills = [
        (1, 0, -1, 10.0, 10.0, 0.0),
        (1, 1, -1, 10.0, 20.0, 0.0),
        (1, 2, 1, 20.0, 5.0, 0.0),
        (2, 0, 1, 10.0, 12.0, 0.0),
    ]
    outcome = make_outcome(close, fills, borrow_rate=0.01)
    assert outcome.shorts.value.tolist() == [0.0, 300.0, 180.0]
    assert outcome.shorts.owed == pytest.approx([0.0, 3.0, 3.8], abs=1e-12)
    assert outcome.shorts.paid == pytest.approx([0.0, 0.0, 1.0], abs=1e-12)
    assert outcome.shorts.owed_N == pytest.approx([0.0, 3.8, 0.0], abs=1e-12)
    assert outcome.invested == pytest.approx([0.0, -203.0, -63.8], abs=1e-9)
    assert outcome.gross == pytest.approx([0.0, 400.0, 300.0], abs=1e-9)


def test_a_ledger_of_longs_has_no_shorts_in_its_rounding() -> None:
    fills = [(0, 0, 1, 0.1, 10.0, 0.0), (0, 0, 1, 0.2, 10.0, 0.0), (1, 0, -1, 0.3, 10.0, 0.0)]
    fills += [(2, 0, -1, 1e-13, 10.0, 0.0)]
    outcome = make_outcome(np.full((3, 1), 10.0), fills, borrow_rate=RATE)
    assert not outcome.shorts.any
    assert outcome.gross.tobytes() == outcome.invested.tobytes()


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(0, 60))
def test_profits_and_costs_add_up_to_the_account(seed: int, count: int) -> None:
    close = random_close(seed, 30, 3)
    outcome = make_outcome(close, random_fills(close, seed, count, shorts=True), borrow_rate=RATE)
    trades, events = outcome.trades, outcome.events
    gained = outcome.equity[-1] - outcome.initial_cash
    assert float(trades["pnl"].sum()) == pytest.approx(gained, abs=1e-9)
    charged = float(events["quote"][events["kind"] == Kind.CHARGED].sum())
    costs = float(outcome.fills["fee"].sum()) + charged + outcome.shorts.owed[-1]
    assert float(trades["fees"].sum()) == pytest.approx(costs, abs=1e-9)
    assert outcome.shorts.paid[-1] == pytest.approx(charged, abs=1e-9)
    assert outcome.shorts.owed_N.sum() == pytest.approx(outcome.shorts.owed[-1], abs=1e-12)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def life(tmp_path: Path) -> Path:
    """The directory of a run: a limit order in three steps, a short with its cover, vetoes."""
    steps = (
        # bar, order, kind, side, type, reason, units, quote, price
        (0, 1, Kind.DECIDED, -1, OrderType.LIMIT, Reason.SIGNAL, 0.0, 500.0, 101.0),
        (1, 1, Kind.FILLED, -1, OrderType.LIMIT, Reason.SIGNAL, 3.0, 303.0, 101.0),
        (2, 1, Kind.EXPIRED, -1, OrderType.LIMIT, Reason.TIME_IN_FORCE, 0.0, 197.0, 101.0),
        (2, 2, Kind.DECIDED, 1, OrderType.STOP_LIMIT, Reason.SIGNAL, 3.0, 0.0, 104.0),
        (3, 2, Kind.CANCELLED, 1, OrderType.STOP_LIMIT, Reason.REPLACED, 3.0, 0.0, 104.0),
        (3, 3, Kind.DECIDED, 1, OrderType.STOP, Reason.MARGIN_CALL, 3.0, 0.0, 103.0),
        (4, 3, Kind.FILLED, 1, OrderType.STOP, Reason.MARGIN_CALL, 3.0, 309.0, 103.0),
        (4, 3, Kind.CHARGED, 1, OrderType.STOP, Reason.BORROW, 3.0, 0.25, 0.0),
        (4, 4, Kind.DECIDED, 1, OrderType.LIMIT, Reason.SIGNAL, 0.0, 50.0, 99.0),
        (5, 4, Kind.CANCELLED, 1, OrderType.LIMIT, Reason.POST_ONLY, 0.0, 50.0, 99.0),
        (5, 0, Kind.VETOED, 1, OrderType.LIMIT, Reason.NO_PRICE, 0.0, 0.0, 99.0),
        (5, 0, Kind.VETOED, -1, OrderType.MARKET, Reason.NO_STOP, 0.0, 0.0, 99.0),
        (5, 0, Kind.VETOED, -1, OrderType.STOP, Reason.NO_EDGE, 0.0, 0.0, 99.0),
    )
    events = np.zeros(len(steps), EVENT)
    for event, step in zip(events, steps, strict=True):
        event["time"] = START_NS + step[0] * DAY_NS
        for name, value in zip(
            ("order", "kind", "side", "type", "reason", "units", "quote", "price"),
            step[1:],
            strict=True,
        ):
            event[name] = value
    outcome = make_outcome(np.full((6, 1), 100.0), events=events)
    directory = RunDirectory.create(tmp_path / "run")
    directory.write_ledger(outcome)
    return directory.path


def test_fills_tell_every_step_of_priced_orders_and_shorts(life: Path) -> None:
    names = ("order", "event", "side", "type", "reason", "quote")
    told = [" ".join(row[name] for name in names) for row in rows_of(life / "fills.csv")]
    assert told == [
        "1 decided sell limit signal 500",
        "1 filled sell limit signal 303",
        "1 expired sell limit time_in_force 197",
        "2 decided buy stop_limit signal 0",
        "2 cancelled buy stop_limit replaced 0",
        "3 decided buy stop margin_call 0",
        "3 filled buy stop margin_call 309",
        "3 charged buy stop borrow 0.25",
        "4 decided buy limit signal 50",
        "4 cancelled buy limit post_only 50",
    ]
    times = [row["time"] for row in rows_of(life / "fills.csv")]
    assert times == sorted(times)


def test_vetoes_name_their_reasons_and_sides(life: Path) -> None:
    told = [(row["side"], row["type"], row["reason"]) for row in rows_of(life / "vetoes.csv")]
    assert told == [
        ("buy", "limit", "no_price"),
        ("sell", "market", "no_stop"),
        ("sell", "stop", "no_edge"),
    ]


def test_a_round_trip_of_a_short_is_written_with_what_borrowing_cost(life: Path) -> None:
    (row,) = rows_of(life / "trades.csv")
    assert (row["side"], row["reason"], row["open"]) == ("short", "margin_call", "false")
    assert (float(row["fees"]), float(row["pnl"])) == (0.25, 303.0 - 309.0 - 0.25)


def test_rows_of_the_database_have_no_charges_among_the_fills() -> None:
    outcome = covered_twice()
    sides = [row[FILL.index("side")] for row in fills_of(outcome.events, outcome.pairs)]
    assert sides == ["sell", "buy", "buy"]
    (trade,) = trades_of(outcome.trades, outcome.pairs)
    assert trade[TRADE.index("side")] == "short"
    assert trade[TRADE.index("fees")] == pytest.approx(4.76, abs=1e-12)


def printed(outcome: Outcome) -> list[str]:
    console = Console(file=io.StringIO(), width=100)
    console.print(summary_table(outcome, compute(outcome)))
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined]


def test_the_summary_says_that_a_short_range_tells_little_of_a_year() -> None:
    said = " ".join(" ".join(line.split()) for line in printed(covered_twice()))
    assert "The range is short (" in said
    assert "a year's return and the Sharpe ratio are extrapolated from it." in said
    for days, told in ((89, True), (90, False)):
        lines = printed(make_outcome(np.ones((days, 1)), interval="1d"))
        assert ("The range is short" in " ".join(lines)) is told


def test_the_summary_names_borrowing_where_there_was_some() -> None:
    (row,) = (line for line in printed(covered_twice()) if "Borrowing" in line)
    assert "2.86 AUD" in row
    assert not any("Borrowing" in line for line in printed(make_outcome(np.ones((2, 1)))))
