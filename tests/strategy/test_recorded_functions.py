"""Columns of recorded books and trades: numbers by hand, slow twins, nothing of the future."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from strategy_data import evaluate, make_candles, make_plan, with_records

from framework.errors import UserError
from framework.market.books import Books
from framework.market.candles import Candles
from framework.market.recorded import Recorded
from framework.market.trades import Trades

NAN = math.nan
MINUTE = 60_000_000_000
RECORDS = ("books", "trades")
NO_TRADES = Trades(("P0-AUD",), *(np.zeros(n, int) for n in (2, 0, 0, 0, 0)), ((),))
NO_BOOKS = Books(("P0-AUD",), np.zeros(2, int), np.zeros(0, int), np.zeros((0, 2, 1, 2)))


def books_at(snapshots: Mapping[float, tuple[list, list]], depth: int = 2) -> Books:
    """Return one pair's snapshots: minute to (price, units) of bids and of asks."""
    levels = np.full((len(snapshots), 2, depth, 2), NAN)
    for s, sides in enumerate(snapshots.values()):
        for side, given in enumerate(sides):
            for level, numbers in enumerate(given):
                levels[s, side, level] = numbers
    time = np.array([round(minute * MINUTE) for minute in snapshots])
    return Books(("P0-AUD",), np.array([0, len(time)]), time, levels)


def trades_at(rows: list[tuple[float, float, int]], spans: list[tuple[float, float]]) -> Trades:
    """Return one pair's trades from (minute, units, side), all recorded within `spans`."""
    time = np.array([round(minute * MINUTE) for minute, _, _ in rows], np.int64)
    units, side = np.array([row[1] for row in rows]), np.array([row[2] for row in rows])
    known = tuple((round(a * MINUTE), round(b * MINUTE)) for a, b in spans)
    return Trades(
        ("P0-AUD",), np.array([0, len(rows)]), time, np.ones(len(rows)), units, side, (known,)
    )


def minutes(bars: int, books: Books = NO_BOOKS, trades: Trades = NO_TRADES, age: float = 1.0):
    candles = make_candles(bars, 1, interval="1m")
    return replace(candles, recorded=Recorded(books, trades, round(age * MINUTE)))


def column(text: str, candles: Candles) -> list[float]:
    made: list[float] = evaluate(text, candles, records=RECORDS)[:, 0].tolist()
    return made


BOOK = ([(99.0, 3.0), (98.0, 5.0)], [(101.0, 1.0), (102.0, 7.0)])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("bid", 99.0),
        ("ask", 101.0),
        ("mid", 100.0),
        ("spread", 2.0),
        ("imbalance", (3 - 1) / (3 + 1)),
        ("imbalance()", 0.5),
        ("imbalance(2)", (8 - 8) / 16),
        ("imbalance(levels=9)", 0.0),
        ("microprice", (99 * 1 + 101 * 3) / 4),
        ("depth_bid", 0.0),  # within 10 bps of 100: from 99.9 on
        ("depth_bid(100)", 3.0),  # from 99 on, included
        ("depth_bid(200)", 8.0),
        ("depth_ask(100)", 1.0),
        ("depth_ask(bps=250)", 8.0),
        ("book_volume(98, 101)", 3 + 5 + 1),
        ("book_volume(98.5, 101.5)", 3 + 1),
        ("spread / mid", 0.02),
    ],
)
def test_a_book_gives_what_is_worked_out_by_hand(text: str, value: float) -> None:
    assert column(text, minutes(1, books_at({0.5: BOOK}))) == [value]


def test_a_side_without_levels_has_no_value() -> None:
    candles = minutes(1, books_at({0.5: ([(99.0, 3.0)], [])}))
    for text in ("ask", "mid", "spread", "imbalance", "microprice", "depth_bid", "depth_ask"):
        assert np.isnan(column(text, candles)).all(), text
    assert column("bid", candles) == [99.0]
    assert column("book_volume(90, 110)", candles) == [3.0]


def test_the_book_is_the_newest_at_the_close_and_never_a_later_one() -> None:
    def book(price: float) -> tuple[list, list]:
        return [(price, 1.0)], [(price + 1, 1.0)]

    closes = {0.9: book(1), 1.0: book(2), 1.0 + 1e-9: book(3), 2.5: book(4)}
    candles = minutes(5, books_at(closes))
    # at 1:00 that of 1:00, not that a moment later; at 2:00 it is a moment less than a minute old
    made = column("bid", candles)
    assert made[:3] == [2.0, 3.0, 4.0]
    assert np.isnan(made[3:]).all()


def test_a_book_as_old_as_allowed_counts_and_an_older_one_does_not() -> None:
    books = books_at({1.0: BOOK})
    for age, at_two in ((1.0, True), (0.999, False)):
        made = column("bid", minutes(3, books, age=age))  # bars close at 1:00, 2:00, 3:00
        assert (~np.isnan(made)).tolist() == [True, at_two, False]


def test_order_flow_imbalance_sums_the_changes_at_the_best_prices() -> None:
    def book(bid: float, bids: float, ask: float, asks: float) -> tuple[list, list]:
        return [(bid, bids)], [(ask, asks)]

    books = books_at(
        {
            0.25: book(99, 5, 101, 4),  # the first: nothing to compare with
            0.50: book(99, 8, 101, 3),  # 8 - 5 bid more, 4 - 3 asked less: 3 + 1
            1.00: book(100, 2, 101, 3),  # a better bid of 2: 2 - (3 - 3); at the close: this bar's
            1.50: book(99, 8, 100.5, 6),  # the bid of 2 is gone, a better ask of 6: -2 - 6
            4.00: book(99, 1, 101, 1),  # too long after the one before
        }
    )
    made = column("order_flow_imbalance", minutes(4, books))
    assert made[:2] == [3 + 1 + 2, -2 - 6]
    assert np.isnan(made[2:]).all()


def test_trade_flow_is_worked_out_by_hand_and_unknown_outside_what_was_recorded() -> None:
    trades = trades_at(
        [(0.0, 1.0, 1), (0.5, 2.0, -1), (0.999, 4.0, 0), (1.0, 8.0, 1), (3.5, 16.0, -1)],
        spans=[(0, 3), (3.25, 9)],
    )
    candles = minutes(5, trades=trades)
    known = {
        "buy_volume": [1, 8, 0],
        "sell_volume": [2, 0, 0],
        "signed_volume": [-1, 8, 0],
        "trade_count": [3, 1, 0],
    }
    for text, values in known.items():
        made = column(text, candles)
        assert made[:3] == values, text
        assert np.isnan(made[3]), text  # not recorded from 3:00 to 3:15
        assert made[4] == 0


def slow_books(candles: Candles, n: int) -> list[dict[str, float]]:
    """Return what the books give at each bar, snapshot by snapshot in plain Python."""
    recorded = candles.recorded
    books = recorded.books
    own = [
        (int(books.time[s]), books.levels[s].tolist())
        for s in range(int(books.first[n]), int(books.first[n + 1]))
    ]
    rows = []
    for t, opened in enumerate(candles.time.tolist()):
        close = opened + candles.interval.ns
        known = [item for item in own if item[0] <= close]
        row = dict.fromkeys(BOOK_TEXTS, NAN)
        if known and close - known[-1][0] <= recorded.max_age_ns:
            bids, asks = known[-1][1]
            bids = [level for level in bids if level[0] == level[0]]
            asks = [level for level in asks if level[0] == level[0]]
            middle = (bids[0][0] + asks[0][0]) / 2
            low, high = candles.low[t, n], candles.high[t, n]
            b, a = sum(u for _, u in bids[:2]), sum(u for _, u in asks[:2])
            inside = [u for p, u in bids if low <= p <= high]
            inside_asks = [u for p, u in asks if low <= p <= high]
            row |= {
                "bid": bids[0][0],
                "ask": asks[0][0],
                "mid": middle,
                "spread": asks[0][0] - bids[0][0],
                "microprice": (bids[0][0] * asks[0][1] + asks[0][0] * bids[0][1])
                / (bids[0][1] + asks[0][1]),
                "imbalance(2)": (b - a) / (b + a),
                "depth_bid(2)": sum(u for p, u in bids if p >= middle * (1 - 2 * 1e-4)),
                "depth_ask(2)": sum(u for p, u in asks if p <= middle * (1 + 2 * 1e-4)),
                "book_volume(low, high)": sum(inside) + sum(inside_asks),
            }
        flow = []
        for before, now in pairwise(own):
            if opened < now[0] <= close and now[0] - before[0] <= recorded.max_age_ns:
                ((bid, bids_), *_), ((ask, asks_), *_) = now[1]
                ((bid_0, bids_0), *_), ((ask_0, asks_0), *_) = before[1]
                e = (bids_ if bid >= bid_0 else 0) - (bids_0 if bid <= bid_0 else 0)
                flow.append(e - (asks_ if ask <= ask_0 else 0) + (asks_0 if ask >= ask_0 else 0))
        if flow:
            row["order_flow_imbalance"] = sum(flow)
        rows.append(row)
    return rows


BOOK_TEXTS = (
    "bid",
    "ask",
    "mid",
    "spread",
    "microprice",
    "imbalance(2)",
    "depth_bid(2)",
    "depth_ask(2)",
    "book_volume(low, high)",
    "order_flow_imbalance",
)


def with_holes(candles: Candles, seed: int) -> Candles:
    """Return the candles with some books gone, and some trades not recorded."""
    generator = np.random.default_rng(seed)
    recorded = candles.recorded
    books = recorded.books.take(generator.random(len(recorded.books)) < 0.4)
    cut = int(candles.time[len(candles) // 2])
    ((start, end),) = recorded.trades.spans[0]
    spans = ((start, cut), (cut + candles.interval.ns // 2, end))
    trades = replace(recorded.trades, spans=(spans,) * len(candles.pairs))
    return replace(candles, recorded=Recorded(books, trades, candles.interval.ns // 3))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_books_equal_a_slow_twin_with_holes_in_the_record(seed: int) -> None:
    candles = with_holes(with_records(make_candles(120, 2, seed=seed), seed=seed), seed)
    for n in range(2):
        slow = slow_books(candles, n)
        for text in BOOK_TEXTS:
            made = evaluate(text, candles, records=RECORDS)[:, n]
            expected = [row[text] for row in slow]
            np.testing.assert_allclose(made, expected, rtol=1e-12, atol=1e-12, err_msg=text)
            assert 0 < np.isnan(made).sum() < len(made), text


TRADE_TEXTS: dict[str, Callable[[float, int], float]] = {
    "buy_volume": lambda units, side: units if side == 1 else 0.0,
    "sell_volume": lambda units, side: units if side == -1 else 0.0,
    "signed_volume": lambda units, side: units * side,
    "trade_count": lambda units, side: 1.0,
}


@pytest.mark.parametrize("text", list(TRADE_TEXTS))
def test_trades_equal_a_slow_twin_with_holes_in_the_record(text: str) -> None:
    candles = with_holes(with_records(make_candles(120, 2)), 1)
    trades = candles.recorded.trades
    made = evaluate(text, candles, records=RECORDS)
    for n in range(2):
        for t, opened in enumerate(candles.time.tolist()):
            close = opened + candles.interval.ns
            if not any(start <= opened and close <= end for start, end in trades.spans[n]):
                assert np.isnan(made[t, n])
                continue
            total = 0.0
            for r in range(int(trades.first[n]), int(trades.first[n + 1])):
                if opened <= trades.time[r] < close:
                    total += TRADE_TEXTS[text](float(trades.units[r]), int(trades.side[r]))
            assert made[t, n] == total
    assert 1 <= np.isnan(made).sum() <= 4


def test_longer_candles_and_other_pairs_see_the_record_too() -> None:
    candles = with_records(make_candles(40, 2))
    hourly = evaluate("on('1h', signed_volume)", candles, records=RECORDS)
    each = evaluate("signed_volume", candles, records=RECORDS)
    np.testing.assert_allclose(hourly[3], each[0:4].sum(axis=0), rtol=1e-12)
    np.testing.assert_array_equal(hourly[3], hourly[6])
    first = evaluate("of('P0-AUD', mid)", candles, records=RECORDS)
    np.testing.assert_array_equal(first[:, 1], evaluate("mid", candles, records=RECORDS)[:, 0])
    one = candles.select(["P1-AUD"])
    np.testing.assert_array_equal(
        evaluate("signed_volume + imbalance(3)", one, records=RECORDS)[:, 0],
        evaluate("signed_volume + imbalance(3)", candles, records=RECORDS)[:, 1],
    )


def test_bar_by_bar_gives_what_all_at_once_gives() -> None:
    candles = with_records(make_candles(30, 2))
    texts = (*BOOK_TEXTS, *TRADE_TEXTS)
    plan = make_plan({f"f{i}": text for i, text in enumerate(texts)}, records=RECORDS)
    whole = plan.evaluate(candles).features
    for t in range(len(candles)):
        close = int(candles.time[t]) + candles.interval.ns
        heard = replace(candles[: t + 1], recorded=candles.recorded.until(close))
        for name, made in plan.evaluate(heard).features.items():
            assert made[t].tobytes() == whole[name][t].copy().tobytes(), (texts, name, t)


def test_a_plan_says_what_it_reads_of_the_record() -> None:
    assert make_plan({"a": "close"}, records=RECORDS).records == frozenset()
    assert make_plan({"a": "mid + close"}, records=RECORDS).records == {"books"}
    plan = make_plan({"a": "on('1h', trade_count)"}, enter="spread[1] > 0", records=RECORDS)
    assert plan.records == {"books", "trades"}


def test_a_wrong_call_of_a_recorded_column_is_told() -> None:
    for text, line in {
        "imbalance(0)": "imbalance(): 'levels' must be at least 1 (was 0).",
        "imbalence": "'imbalence' is no feature, column or model output. Did you mean 'imbalance'?",
        "book_volume": "'book_volume' is a function; write book_volume(low_price, high_price).",
        "depth_bid(-1)": "depth_bid(): 'bps' must be at least 0 (was -1).",
        "bid(3)": "bid() takes at most 0 arguments (was 1): bid().",
    }.items():
        with pytest.raises(UserError) as caught:
            make_plan({"it": text}, records=RECORDS)
        assert str(caught.value) == f"features.it: {line}"
