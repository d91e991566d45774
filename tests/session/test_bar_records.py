"""Order books and trades of a bar: sorted into it, written down, grown, and cut where it ends."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from framework.errors import OutsideFault
from framework.feed.events import BookSeen, CandleClosed, CandleRevised, Traded
from framework.market.candles import Candles, Standing
from framework.market.live import BookState, Candle, Trade
from framework.market.recorded import BOOKS, TRADES
from framework.session.bar_records import BarRecord, GatheredRecords
from framework.session.bars import Bar
from framework.session.candle_file import file_digest, load_candles_file, save_candles
from framework.session.history import History
from framework.session.record_history import nothing_recorded
from framework.strategy.compile import compile_strategy
from framework.strategy.spec import StrategySpec
from framework.types import SECOND_NS, Interval, parse_time

PAIR = "BTC-AUD"
MINUTE = Interval.parse("1m")
START = parse_time("2026-01-01")


def at(seconds: float) -> int:
    return START + round(seconds * SECOND_NS)


def traded(seconds: float, units: float, side: int = 1, id: str = "", late: bool = False):
    return Traded(
        Trade(PAIR, id or str(round(seconds * 10)), at(seconds), 100.0, units, side), late
    )


def closed(bar: int, volume: float, kind=CandleClosed):
    candle = Candle(PAIR, START + bar * MINUTE.ns, 100.0, 100.0, 100.0, 100.0, volume)
    return kind(candle, Standing.CONFIRMED if kind is CandleClosed else candle)


def book(seconds: float, bid: float, age_s: float = 0.0):
    levels = np.array([[[bid, 1.0], [np.nan, np.nan]], [[bid + 1, 2.0], [bid + 2, 3.0]]])
    return BookSeen(BookState(PAIR, at(seconds - age_s), levels), round(age_s * SECOND_NS))


def gathered(*events, kinds=(BOOKS, TRADES)) -> GatheredRecords:
    records = GatheredRecords((PAIR,), MINUTE, kinds, START)
    for event in events:
        records.hear(event)
    return records


def test_a_trade_is_of_its_bar_and_all_are_known_where_they_add_up():
    records = gathered(
        traded(59.9, 0.5), traded(10, 1.0, -1), traded(60, 4.0), closed(0, 1.5), closed(1, 5.0)
    )
    first, second = records.take()[PAIR], records.take()[PAIR]
    assert (first.units.tolist(), first.side.tolist()) == ([1.0, 0.5], [-1, 1])
    assert first.complete
    assert second.units.tolist() == [4.0]
    assert not second.complete


def test_a_trade_after_its_bar_was_acted_on_does_not_count():
    records = gathered(traded(10, 1.0), closed(0, 1.5))
    assert not records.take()[PAIR].complete
    records.hear(traded(50, 0.5, late=True))
    records.hear(closed(1, 0.0))
    second = records.take()[PAIR]
    assert second.units.tolist() == []
    assert second.complete  # nobody traded in it


def test_a_revision_before_the_bar_is_acted_on_counts():
    records = gathered(traded(10, 1.0), traded(20, 0.5), closed(0, 1.0))
    records.hear(closed(0, 1.5, CandleRevised))
    assert records.take()[PAIR].complete


def test_trades_of_one_moment_are_in_the_order_of_the_store():
    records = gathered(traded(5, 1.0, id="10"), traded(5, 2.0, id="9"))
    assert records.take()[PAIR].units.tolist() == [2.0, 1.0]


def test_a_book_counts_when_it_was_found_valid_and_at_a_close_for_the_bar_that_ends():
    records = gathered(book(0, 1.0), book(30, 2.0, age_s=29.0), book(60, 3.0), book(61, 4.0))
    first, second = records.take()[PAIR].books, records.take()[PAIR].books
    assert [(state.time, state.levels[0, 0, 0]) for state in first] == [(at(30), 2), (at(60), 3)]
    assert [(state.time, state.levels[0, 0, 0]) for state in second] == [(at(61), 4)]


def test_what_is_not_read_is_not_kept():
    only_books = gathered(traded(1, 1.0), closed(0, 1.0), book(2, 1.0), kinds=(BOOKS,))
    record = only_books.take()[PAIR]
    assert (len(record.units), record.complete, len(record.books)) == (0, False, 1)
    only_trades = gathered(traded(1, 1.0), closed(0, 1.0), book(2, 1.0), kinds=(TRADES,))
    record = only_trades.take()[PAIR]
    assert (len(record.units), record.complete, len(record.books)) == (1, True, 0)


def candles(bars: int, kinds=frozenset((BOOKS, TRADES))) -> Candles:
    price = np.full((bars, 1), 100.0)
    time = START + MINUTE.ns * np.arange(-bars, 0)
    standing = np.zeros((bars, 1), np.uint8)
    recorded = nothing_recorded((PAIR,), kinds, 90 * SECOND_NS)
    return Candles(
        (PAIR,), MINUTE, time, price, price, price, price, price, standing, recorded=recorded
    )


def one(bar: int) -> Candles:
    price = np.full((1, 1), 100.0)
    time = np.array([START + bar * MINUTE.ns])
    return Candles(
        (PAIR,), MINUTE, time, price, price, price, price, price, np.zeros((1, 1), np.uint8)
    )


def lived(bars: int = 40) -> tuple[History, list[dict[str, BarRecord]]]:
    rng = np.random.default_rng(4)
    history, taken = History(candles(3)), []
    records = gathered()
    for bar in range(bars):
        units = rng.integers(1, 9, 3) / 7
        for k, amount in enumerate(units.tolist()):
            records.hear(traded(60 * bar + 10 * k + 1, amount, int(rng.integers(-1, 2))))
        records.hear(closed(bar, float(sum(units)) if bar % 5 else 99.0))
        for k in range(int(rng.integers(0, 3))):
            records.hear(book(60 * bar + 20 * k + 5, float(rng.integers(50, 60))))
        taken.append(records.take())
        history.add(one(bar), taken[-1])
    return history, taken


def test_history_grows_to_what_was_recorded():
    history, taken = lived()
    recorded = history.candles.recorded
    books = [state for record in taken for state in record[PAIR].books]
    assert recorded.books.time.tolist() == [state.time for state in books]
    kept = np.stack([state.levels for state in books])
    assert np.array_equal(recorded.books.levels, kept, equal_nan=True)
    time = history.candles.time
    flow = recorded.bar_trades(0, time, MINUTE)
    for bar, record in enumerate(taken):
        assert flow.recorded[3 + bar] == bool(bar % 5)
        own = flow.bar == 3 + bar
        assert flow.units[own].tolist() == record[PAIR].units.tolist()
        assert flow.side[own].tolist() == record[PAIR].side.tolist()
    assert not flow.recorded[:3].any()
    fives = time[3 + 1 : 3 + 4 : 5]  # of bars 1 to 4, one after another, all is known
    assert recorded.trades.recorded(0, fives, 4 * MINUTE.ns).all()
    assert not recorded.trades.recorded(0, fives, 5 * MINUTE.ns).any()


def test_the_newest_values_need_what_was_recorded_lately_only():
    names = ("mid", "imbalance(3)", "order_flow_imbalance()", "signed_volume", "trade_count")
    texts = [*names, *(f"({name})[2] + mean({name}, 3)" for name in names), "ema(buy_volume, 2)"]
    spec = StrategySpec(name="own", interval=MINUTE, enter="mid > 50", exit="False")
    features = {f"f{i}": text for i, text in enumerate(texts)}
    plan = compile_strategy(spec, features, records=(BOOKS, TRADES))
    known = 0
    for bars in range(1, 40):
        history, _ = lived(bars)
        whole = plan.evaluate(history.candles).features
        for name, row in plan.newest(history.growing).features.items():
            assert np.array_equal(row[0], whole[name][-1], equal_nan=True)
            known += int(np.isfinite(row).sum())
    assert known > 200
    lately = history.recorded(int(history.growing.time[-2]))
    assert 0 < len(lately.books) < len(history.candles.recorded.books) / 4
    assert len(lately.trades.time) == 6


def test_a_bar_of_the_journal_is_the_bar_that_was_written():
    _, taken = lived(8)
    for bar, records in enumerate(taken):
        values = json.loads(json.dumps(Bar(one(bar), {}, records).values()))
        again = Bar.of(values, (PAIR,), MINUTE).records[PAIR]
        assert again.complete == records[PAIR].complete
        assert again.units.tolist() == records[PAIR].units.tolist()
        assert again.side.tolist() == records[PAIR].side.tolist()
        assert [state.time for state in again.books] == [s.time for s in records[PAIR].books]
        for mine, theirs in zip(again.books, records[PAIR].books, strict=True):
            assert np.array_equal(mine.levels, theirs.levels, equal_nan=True)


def test_deeper_books_than_before_find_room():
    history = History(candles(1))
    for bar, depth in enumerate((1, 3, 2)):
        levels = np.full((2, depth, 2), float(bar + 1))
        state = BookState(PAIR, at(60 * bar + 1), levels)
        record = BarRecord((state,), np.empty(0), np.empty(0, np.int64), True)
        history.add(one(bar), {PAIR: record})
    levels = history.candles.recorded.books.levels
    assert levels.shape == (3, 2, 3, 2)
    assert np.isfinite(levels[:, 0, :, 0]).sum(axis=1).tolist() == [1, 3, 2]


@pytest.mark.parametrize("kinds", [{BOOKS, TRADES}, {BOOKS}, {TRADES}, None])
def test_a_file_gives_back_what_was_recorded(tmp_path: Path, kinds):
    history, _ = lived(10)
    whole = history.candles
    if kinds is None:
        whole = Candles(
            whole.pairs, MINUTE, whole.time, whole.open, whole.high, whole.low, whole.close,
            whole.volume, whole.standing,
        )  # fmt: skip
    elif len(kinds) == 1:
        whole = candles(3, frozenset(kinds))
    save_candles(tmp_path / "c.npz", whole)
    again = load_candles_file(tmp_path / "c.npz", file_digest(whole))
    assert file_digest(again) == file_digest(whole)
    if kinds is None:
        assert again.recorded is None
    else:
        assert again.recorded.max_age_ns == 90 * SECOND_NS
        assert (again.recorded.books is None) == (BOOKS not in kinds)
        assert (again.recorded.trades is None) == (TRADES not in kinds)
    with pytest.raises(OutsideFault, match="is damaged"):
        load_candles_file(tmp_path / "c.npz", file_digest(whole) + "0")
