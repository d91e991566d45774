"""Fills that walk a recorded order book, worked out by hand; the plain-Python twin agrees."""

from __future__ import annotations

from dataclasses import replace

import pytest
from engine_cases import at, fills_of, life_of, run_by_hand
from engine_markets import IDEAL, MINUTE_NS, book_of, market_of, rules_of, signals_of

from framework.engine.assumptions import assumptions
from framework.engine.execution import Execution
from framework.engine.many import simulate_many
from framework.engine.risk import Risk
from framework.engine.simulate import simulate
from framework.exchange.simulated import Simulated
from framework.records import OrderTerms, OrderType, TimeInForce
from framework.types import Interval

WALKS = replace(IDEAL, book=True)

ASKS = [(100.0, 2.0), (101.0, 3.0), (103.0, 10.0)]
"""2 x 100 + 3 x 101 + 5 x 103 = 1018 for 10 units: 101.8 each."""

BIDS = [(99.0, 4.0), (98.0, 3.0), (97.0, 10.0)]
"""4 x 99 + 3 x 98 + 3 x 97 = 981 for 10 units: 98.1 each."""


def books(*bars, late_ns=0):
    """A book at the open of each of these bars, or so much later."""
    return book_of({bar * MINUTE_NS + late_ns: (BIDS, ASKS) for bar in bars})


def bought(book, cash=1018.0, execution=WALKS, prices=(100, 100, 100), **given):
    """What becomes of a buy with all cash that is decided in the first bar."""
    candles = market_of(*prices)
    return run_by_hand(
        candles, signals_of(candles, [0]), cash, execution=execution, books=book, **given
    )


def test_a_buy_walks_over_three_levels_and_uses_its_cash_exactly():
    result = bought(books(1))
    (fill,) = fills_of(result)
    assert (fill["units"], fill["quote"]) == pytest.approx((10.0, 1018.0))
    assert fill["price"] == pytest.approx(101.8)
    assert fill["slippage"] == pytest.approx(10 * 1.8)  # against the open, as ever
    assert result.cash[-1] == pytest.approx(0.0, abs=1e-9)
    assert result.cash.min() >= 0.0
    assert life_of(result, 1) == [("FILLED", "SIGNAL")]


def test_half_a_level_is_eaten_where_the_cash_ends():
    (fill,) = fills_of(bought(books(1), cash=301.0))
    # 200 for 2 units, 101 for one more
    assert (fill["units"], fill["price"]) == pytest.approx((3.0, 301 / 3))


def test_slippage_and_fee_are_paid_on_top_and_spread_and_impact_are_not():
    costly = Execution(
        half_spread_bps=500, slippage_bps=100, impact_bps=1000, max_participation=None,
        rounding=False, book=True,
    )  # fmt: skip
    result = bought(books(1), 1018 * 1.01 * 1.02, costly, taker_fee_bps=200)
    (fill,) = fills_of(result)
    assert fill["units"] == pytest.approx(10.0)
    assert fill["price"] == pytest.approx(101.8 * 1.01)
    assert fill["fee"] == pytest.approx(10 * 101.8 * 1.01 * 0.02)
    assert fill["slippage"] == pytest.approx(10 * (101.8 * 1.01 - 100))
    assert result.cash[-1] == pytest.approx(0.0, abs=1e-9)


def test_a_sale_walks_down_the_bids():
    candles = market_of(100, 100, 100, 100)
    result = run_by_hand(
        candles, signals_of(candles, [0], [1]), 1018.0, execution=WALKS, books=books(1, 2)
    )
    _, sold = fills_of(result)
    assert (sold["units"], sold["price"]) == pytest.approx((10.0, 98.1))
    assert sold["slippage"] == pytest.approx(19.0)
    assert result.cash[-1] == pytest.approx(981.0)


def test_what_the_book_does_not_hold_waits_for_the_next_one():
    thin = {MINUTE_NS: ([], ASKS[:2]), 2 * MINUTE_NS: ([], [(100.0, 50.0)])}
    result = bought(book_of(thin), cash=1000.0)
    first, second = fills_of(result)
    assert (first["units"], first["quote"]) == pytest.approx((5.0, 503.0))
    assert (second["units"], second["price"]) == pytest.approx((4.97, 100.0))
    assert first["order"] == second["order"]
    assert life_of(result, 1) == [("FILLED", "SIGNAL")] * 2


def test_a_side_without_a_level_fills_nothing_and_the_order_waits():
    empty = {MINUTE_NS: (BIDS, []), 2 * MINUTE_NS: (BIDS, ASKS)}
    (fill,) = fills_of(bought(book_of(empty)))
    assert fill["time"] == 2 * MINUTE_NS
    assert fill["price"] == pytest.approx(101.8)


@pytest.mark.parametrize(
    ("in_force", "life"),
    [
        (TimeInForce.IOC, [("FILLED", "SIGNAL"), ("EXPIRED", "TIME_IN_FORCE")]),
        (TimeInForce.FOK, [("EXPIRED", "TIME_IN_FORCE")]),
    ],
)
def test_the_time_in_force_ends_what_the_book_does_not_hold(in_force, life):
    thin = book_of({MINUTE_NS: ([], ASKS[:2])})
    result = bought(thin, 1000.0, entry_order=OrderTerms(time_in_force=in_force))
    assert life_of(result, 1) == life


def test_a_sale_of_more_than_the_bids_sells_the_rest_later():
    candles = market_of(100, 100, 100, 100, 90)
    thin = book_of({MINUTE_NS: ([], ASKS), 2 * MINUTE_NS: (BIDS[:1], [])})
    result = run_by_hand(
        candles, signals_of(candles, [0], [1]), 1018.0, execution=WALKS, books=thin
    )
    _, sold, rest = fills_of(result)
    assert (sold["units"], sold["price"]) == pytest.approx((4.0, 99.0))
    # the book of bar 2 is a minute old at the open of bar 3, and what was bid is gone
    assert rest["time"] == 4 * MINUTE_NS
    assert (rest["units"], rest["price"]) == pytest.approx((6.0, 90.0))


def test_what_was_eaten_of_a_snapshot_is_gone_until_the_next_one():
    lasting = replace(WALKS, book_max_age=Interval.parse("2m"))
    candles = market_of(100, 100, 100, 100)
    once = book_of({MINUTE_NS: ([], ASKS[:2])})
    result = run_by_hand(candles, signals_of(candles, [0]), 1000.0, execution=lasting, books=once)
    (fill,) = fills_of(result)  # bars 2 and 3 know no other book, and this one is eaten up
    assert (fill["units"], fill["quote"]) == pytest.approx((5.0, 503.0))


def test_a_snapshot_exactly_at_the_open_counts_and_one_a_nanosecond_later_does_not():
    (fill,) = fills_of(bought(books(1)))
    assert fill["price"] == pytest.approx(101.8)
    (fill,) = fills_of(bought(books(1, late_ns=1), prices=(100, 100)))
    assert fill["price"] == 100.0


def test_an_older_snapshot_than_allowed_is_not_used_and_the_modelled_costs_apply():
    modelled = replace(WALKS, half_spread_bps=20)
    (fill,) = fills_of(bought(books(0), execution=modelled))  # exactly a minute old
    assert fill["price"] == pytest.approx(101.8)
    (fill,) = fills_of(bought(books(0, late_ns=-1), execution=modelled))
    assert fill["price"] == pytest.approx(100.2)


def test_the_newest_of_several_snapshots_is_walked():
    several = book_of(
        {MINUTE_NS - 2: ([], [(105.0, 50.0)]), MINUTE_NS - 1: ([], [(102.0, 50.0)])}
        | {MINUTE_NS + 1: ([], [(90.0, 50.0)])}
    )
    (fill,) = fills_of(bought(several))
    assert fill["price"] == pytest.approx(102.0)


def test_the_largest_share_of_a_bar_bounds_what_the_book_would_give():
    candles = market_of(100, 100, 100, volume=40.0)
    bounded = replace(WALKS, max_participation=0.1)
    result = run_by_hand(
        candles, signals_of(candles, [0]), 1018.0, execution=bounded, books=books(1, 2)
    )
    first, second = fills_of(result)
    assert (first["units"], first["price"]) == pytest.approx((4.0, (200 + 2 * 101) / 4))
    # the 616 left buy 2 at 100 and 2 of the 3 at 101
    assert (second["units"], second["price"]) == pytest.approx((4.0, 100.5))


def test_units_are_whole_lots():
    candles = market_of(100, 100)
    lots = rules_of(
        execution=replace(WALKS, rounding=True),
        market={"lot_step": 1.0, "tick_size": 0.0, "min_notional": 0.0},
    )
    result = simulate(candles, signals_of(candles, [0]), lots, 350.0, books=books(1))
    (fill,) = fills_of(result)
    # 350 reach 3.485 units, of which 3 are whole
    assert (fill["units"], fill["quote"]) == pytest.approx((3.0, 301.0))


def test_a_stop_beyond_which_the_bar_opens_walks_and_one_inside_the_bar_does_not():
    candles = market_of(100, (100, 100, 100, 100), (80, 85, 75, 80))
    low = book_of({MINUTE_NS: ([], ASKS), 2 * MINUTE_NS: ([(79.0, 6.0), (78.0, 9.0)], [])})
    stop = Risk(stop_loss=0.1)
    gap = run_by_hand(
        candles, signals_of(candles, [0]), 1018.0, risk=stop, execution=WALKS, books=low
    )
    _, sold = fills_of(gap)
    assert sold["type"] == OrderType.STOP
    assert sold["price"] == pytest.approx((6 * 79 + 4 * 78) / 10)
    assert sold["slippage"] == pytest.approx(10 * (80 - 78.6))
    candles = market_of(100, (100, 100, 100, 100), (95, 95, 75, 80))
    inside = run_by_hand(
        candles, signals_of(candles, [0]), 1018.0, risk=stop, execution=WALKS, books=low
    )
    _, sold = fills_of(inside)
    assert sold["price"] == pytest.approx(101.8 * 0.9)  # its level, at the modelled costs of none


def test_a_limit_order_that_takes_on_arrival_walks_up_to_its_limit_and_the_rest_rests():
    candles = market_of(100, 100.5, (100.5, 101, 99, 100))
    result = run_by_hand(
        candles, at(candles, enter=[0], entry_limit=101.0), 1018.0, execution=WALKS, books=books(1)
    )
    taken, rested = fills_of(result)
    assert (taken["units"], taken["quote"]) == pytest.approx((5.0, 503.0))
    assert (rested["units"], rested["price"]) == pytest.approx((515 / 101, 101.0))


def test_a_short_sells_the_bids_and_buys_the_asks_back():
    candles = market_of(100, 100, 100, 100)
    result = run_by_hand(
        candles, at(candles, enter_short=[0], exit_short=[1]), 690.0,
        execution=WALKS, books=books(1, 2), direction="both",
    )  # fmt: skip
    sold, covered = fills_of(result)
    # 690 are worth 4 x 99 + 3 x 98
    assert (sold["units"], sold["price"]) == pytest.approx((7.0, 690 / 7))
    assert covered["price"] == pytest.approx((200 + 303 + 2 * 103) / 7)


def test_a_reversal_eats_one_snapshot_on_from_where_its_close_ended():
    candles = market_of(100, 100, 100, 100)
    result = run_by_hand(
        candles, at(candles, enter=[0], enter_short=[1]), 301.0,
        execution=WALKS, books=books(1, 2), direction="both",
    )  # fmt: skip
    _, closed, entered = fills_of(result)
    assert (closed["units"], closed["price"]) == pytest.approx((3.0, 99.0))
    # one unit is left at 99, the next three go at 98
    assert entered["quote"] > 99 + 98
    assert entered["price"] == pytest.approx((99 + (entered["units"] - 1) * 98) / entered["units"])


def test_rules_that_want_books_are_not_traded_without_them():
    candles = market_of(100, 100)
    rules = rules_of(execution=WALKS)
    refused = pytest.raises(ValueError, match="rules want recorded order books")
    with refused:
        simulate(candles, signals_of(candles, [0]), rules, 1.0)
    with refused:
        simulate_many(candles, [signals_of(candles, [0])], [rules], cash=1.0)


def test_books_change_nothing_where_they_are_not_wanted():
    candles = market_of(100, 100, 100)
    signals, rules = signals_of(candles, [0]), rules_of()
    without = simulate(candles, signals, rules, 1018.0)
    given = simulate(candles, signals, rules, 1018.0, books=books(1))
    assert given.orders_hash == without.orders_hash


def test_the_report_says_where_books_count():
    said = " ".join(assumptions(Risk(), WALKS, Simulated()))
    assert "recorded at most 1m before an open, what fills there walks its levels" in said
    assert "order book" not in " ".join(assumptions(Risk(), IDEAL, Simulated()))
