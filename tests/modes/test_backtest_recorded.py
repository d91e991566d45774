"""From a store with collected books and trades to a backtest whose rules name them."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from framework.market.book_store import BookStore
from framework.market.live import BookState, Trade
from framework.market.rows import CandleRows
from framework.market.store import CandleStore
from framework.market.trade_store import TradeStore
from framework.types import Interval, parse_time

START = parse_time("2025-01-01")
MINUTE = Interval.parse("1m")
BARS = 40
BOUGHT, SOLD = (5, 17, 30), (9, 23, 33)  # bars at whose close both rules hold, and the exit does


def book(minute, bids, asks):
    levels = np.array([[[99.0, bids], [98.0, 5.0]], [[101.0, asks], [102.0, 5.0]]])
    return BookState("BTC-AUD", START + round(minute * MINUTE.ns), levels)


@pytest.fixture
def store(tmp_path):
    """Candles, a book ten seconds before each close, and a trade within each minute but some."""
    url = str(tmp_path / "market")
    time = START + MINUTE.ns * np.arange(BARS)
    price = np.full(BARS, 100.0)
    candles = CandleStore(url)
    rows = CandleRows("BTC-AUD", time, price, price, price, price, np.full(BARS, 1_000.0))
    candles.upsert("simulated", MINUTE, rows)
    candles.mark_covered("simulated", "BTC-AUD", MINUTE, START, START + BARS * MINUTE.ns)
    # imbalance (3 - 1) / 4 where it buys and one bar before, -0.5 where it sells, else 0
    units = {bar: (3.0, 1.0) for bar in BOUGHT} | {bar - 1: (3.0, 1.0) for bar in BOUGHT}
    units |= {bar: (1.0, 3.0) for bar in SOLD}
    states = [book(bar + 50 / 60, *units.get(bar, (1.0, 1.0))) for bar in range(BARS)]
    BookStore(url).add("simulated", "BTC-AUD", states)
    sides = {bar: 1 for bar in BOUGHT}  # the bar before a buyer is a seller's
    trades = [
        Trade("BTC-AUD", str(bar), START + bar * MINUTE.ns + 7, 100.0, 0.5, sides.get(bar, -1))
        for bar in range(BARS)
    ]
    found = TradeStore(url)
    found.add("simulated", "BTC-AUD", trades)
    hole = START + 29 * MINUTE.ns  # of bar 30 the trades are not all known
    found.mark_covered("simulated", "BTC-AUD", [(START, hole + MINUTE.ns + 1)])
    found.mark_covered("simulated", "BTC-AUD", [(hole + 2 * MINUTE.ns, START + BARS * MINUTE.ns)])
    return url


WORDS = (
    "exchange=simulated", "exchange.from_store=true", "exchange.taker_fee_bps=0", "cash=1000",
    "pairs=btc_aud", "execution=ideal", "risk=off", "report=false", "strategy=buy_and_hold",
    "strategy.interval=1m", "strategy.enter=imbalance > 0.2 and signed_volume > 0",
    "+strategy.exit='imbalance < -0.2'",
)  # fmt: skip


def fills(ended):
    with (ended.run / "fills.csv").open() as file:
        return [
            (row["time"][11:16], row["side"], float(row["price"]))
            for row in csv.DictReader(file)
            if row["event"] == "filled"
        ]


def test_rules_trade_on_what_was_collected(program, store):
    ended = program(*WORDS, f"store={store}")
    assert ended.code == 0, ended.err
    # decided at the close of bars 5, 9, 17, 23; bar 30 buys not, since its trades are not known
    assert fills(ended) == [
        ("00:06", "buy", 100.0),
        ("00:10", "sell", 100.0),
        ("00:18", "buy", 100.0),
        ("00:24", "sell", 100.0),
    ]
    facts = json.loads((ended.run / "run.json").read_text())
    certificate = facts["certificate"]
    assert (certificate["seen_books"], certificate["seen_trades"]) == (BARS, BARS)
    assert len(certificate["seen_sha256"]) == 64
    assert certificate["books"] == 0
    assert [check["name"] for check in facts["checks"]] == ["causality"]


def test_fills_walk_collected_books_too(program, store):
    ended = program(*WORDS, f"store={store}", "execution.book=true")
    assert ended.code == 0, ended.err
    found = fills(ended)
    # at the open of 00:06 the book of 00:05:50 asks 1 at 101 and 5 at 102
    assert found[0][:2] == ("00:06", "buy")
    assert 101.0 < found[0][2] < 102.0
    facts = json.loads((ended.run / "run.json").read_text())
    assert facts["certificate"]["books"] == BARS - 1


def test_an_older_book_is_none(program, store):
    ended = program(*WORDS, f"store={store}", "execution.book_max_age=9s")
    assert ended.code == 0, ended.err
    assert fills(ended) == []


def test_what_was_not_collected_is_told_with_what_to_run(program, store):
    ended = program(*WORDS, f"store={store}", "pairs.symbols=[ETH-AUD]")
    assert ended.code == 2
    assert "market ETH-AUD" in ended.err
    rows = CandleStore(store).read("simulated", "BTC-AUD", MINUTE, 0, 2**62)
    eth = CandleRows("ETH-AUD", *(getattr(rows, name) for name in rows.__slots__[1:]))
    CandleStore(store).upsert("simulated", MINUTE, eth)
    ended = program(*WORDS, f"store={store}", "pairs.symbols=[ETH-AUD]")
    assert ended.code == 2
    assert ended.err.splitlines()[-1] == (
        "market ETH-AUD: no order books were recorded from 2024-12-31T23:59:00Z to "
        "2025-01-01T00:40:00Z; run mode=collect exchange=simulated pairs=eth_aud "
        "'mode.what=[candles,books]'."
    )


def test_without_a_store_there_are_no_books(program):
    ended = program(*WORDS, "exchange.from_store=false")
    assert ended.code == 2
    assert ended.err.splitlines() == [
        "strategy.enter: 'imbalance' needs recorded order books, and the exchange has none; "
        "exchange.from_store=true reads what mode=collect recorded.",
        "strategy.enter: 'signed_volume' needs recorded trades, and the exchange has none; "
        "exchange.from_store=true reads what mode=collect recorded.",
        "strategy.exit: 'imbalance' needs recorded order books, and the exchange has none; "
        "exchange.from_store=true reads what mode=collect recorded.",
    ]
