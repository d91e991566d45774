"""A session on what was collected: the columns, the walked books and the orders of a backtest."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from framework.market.book_store import BookStore
from framework.market.live import BookState, Trade
from framework.market.rows import CandleRows
from framework.market.store import CandleStore
from framework.market.trade_store import TradeStore
from framework.types import SECOND_NS, Interval, parse_time

START = parse_time("2025-01-01")
MINUTE = Interval.parse("1m")
BARS, FIRST = 90, 30
PAIRS = ("BTC-AUD", "ETH-AUD")
WORDS = (
    "exchange=simulated", "exchange.from_store=true", "pairs.symbols=[BTC-AUD,ETH-AUD]",
    "strategy=buy_and_hold", "strategy.interval=1m", "risk=off", "report=false",
    "+features.flow=signed_volume", "+features.lean=imbalance(2)",
    "+features.average=mean(flow, 5)", "+features.cost=spread",
    "strategy.enter=average > 0 and lean > 0", "strategy.exit=average < 0",
    "execution.book=true", "start=2025-01-01T00:30", "end=2025-01-01T01:30",
)  # fmt: skip


@pytest.fixture
def store(tmp_path):
    """Ninety minutes of candles made of their trades, some trades of one bar unknown, and books."""
    url, rng = str(tmp_path / "market"), np.random.default_rng(8)
    for pair in PAIRS:
        trades, rows, states = [], [], []
        for bar in range(BARS):
            opens = START + bar * MINUTE.ns
            own = [
                Trade(
                    pair,
                    str(10 * bar + k),
                    opens + int(rng.integers(0, 60)) * SECOND_NS,
                    100.0 + round(float(rng.normal()), 2),
                    float(rng.integers(1, 50)) / 7,
                    int(rng.choice((-1, 1))),
                )
                for k in range(int(rng.integers(1, 6)))
            ]
            own.sort(key=lambda trade: (trade.time, int(trade.id)))
            price = [trade.price for trade in own]
            units = math.fsum(trade.units for trade in own)
            rows.append((opens, price[0], max(price), min(price), price[-1], units))
            trades += own if bar != 50 else own[1:]
            for second in (5, 35):
                levels = np.empty((2, 2, 2))
                levels[:, :, 0] = [[99.5, 99.0], [100.5, 101.0]]
                levels[:, :, 1] = rng.integers(1, 90, (2, 2))
                if rng.random() < 0.8:
                    states.append(BookState(pair, opens + second * SECOND_NS, levels))
        table = np.array([row[1:] for row in rows]).T
        candles = CandleStore(url)
        time = np.array([row[0] for row in rows])
        candles.upsert("simulated", MINUTE, CandleRows(pair, time, *table))
        candles.mark_covered("simulated", pair, MINUTE, START, START + BARS * MINUTE.ns)
        BookStore(url).add("simulated", pair, states)
        TradeStore(url).add("simulated", pair, trades)
        hole = START + 50 * MINUTE.ns
        spans = [(START, hole), (hole + MINUTE.ns, START + BARS * MINUTE.ns)]
        TradeStore(url).mark_covered("simulated", pair, spans)
    return url


def test_its_orders_are_those_of_the_backtest(program, store):
    words = (*WORDS, f"store={store}")
    session = program(*words, "mode=paper", "mode.speed=0", "mode.history=30m", "run_dir=lived")
    assert session.code == 0, session.err
    assert "identical: 60 bars, " in session.err
    backtest = program(*words, "mode=backtest", "run_dir=tested")
    assert backtest.code == 0, backtest.err
    found = [
        json.loads((session.folder / name / "metrics.json").read_text())
        for name in ("lived", "tested")
    ]
    assert found[0]["orders_hash"] == found[1]["orders_hash"]
    assert found[0]["trades"] > 3
    replayed = program("mode=replay", "run=lived")
    assert (replayed.code, replayed.out[:19]) == (0, "identical: 60 bars,"), replayed.err
    journal = (session.folder / "lived" / "journal.jsonl").read_text().splitlines()
    bars = [json.loads(line) for line in journal if '"kind": "bar"' in line]
    known = [bar["records"]["BTC-AUD"]["complete"] for bar in bars]
    assert known == [bar != 20 for bar in range(60)]


def test_on_a_market_without_records_a_column_is_refused_in_one_line(program):
    ended = program(
        "mode=paper", "exchange=simulated", "strategy=buy_and_hold", "pairs=btc_aud",
        "strategy.enter=signed_volume > 0",
    )  # fmt: skip
    assert ended.code == 2
    assert "strategy.enter: 'signed_volume'" in ended.err
