"""Loading lays what a source has on one grid, warm-up first, and says what it cannot."""

import numpy as np
import pytest

from framework.config.component import component
from framework.errors import UserError
from framework.exchange.contract import Exchange
from framework.exchange.load import load_candles
from framework.exchange.simulated import Simulated
from framework.market.candles import Standing
from framework.market.resample import resample
from framework.market.rows import CandleRows
from framework.market.store import CandleStore
from framework.types import DAY_NS, Interval, parse_time

MINUTE, FIVE, QUARTER = map(Interval.parse, ("1m", "5m", "15m"))
START, END = parse_time("2025-03-01"), parse_time("2025-03-08")


def made_rows(pair, interval, start_ns, bars, price=100.0):
    time = start_ns + interval.ns * np.arange(bars, dtype=np.int64)
    ramp = price + np.arange(bars, dtype=float)
    return CandleRows(pair, time, ramp, ramp + 0.5, ramp - 0.5, ramp, np.ones(bars))


@component
class Fixed(Exchange):
    """Rows given by the test."""

    name: str = "fixed"
    """Name."""

    given: tuple[CandleRows, ...]
    """Rows of each pair."""

    native: Interval | None = None
    """Of all of them."""

    def offered_pairs(self):
        return tuple(rows.pair for rows in self.given)

    def native_interval(self, pair):
        return self.native

    def _rows(self, pair):
        for rows in self.given:
            if rows.pair == pair:
                return rows
        raise UserError(f"pairs: no '{pair}'.")

    def default_span(self, pair, interval):
        rows = self._rows(pair)
        return interval.ceil(int(rows.time.min())), interval.floor(
            int(rows.time.max()) + self.native.ns
        )

    def rows(self, pair, interval, start_ns, end_ns):
        rows = self._rows(pair)
        return rows.take(np.flatnonzero((rows.time >= start_ns) & (rows.time < end_ns)))


def refusal(
    exchange, pairs=None, interval=QUARTER, start=START, end=END, store=None, warmup=0, **more
):
    with pytest.raises(UserError) as fault:
        load_candles(exchange, pairs, interval, start, end, warmup, store, **more)
    return fault.value.faults


def test_warm_up_comes_before_the_first_bar_to_trade():
    loaded = load_candles(Simulated(), ["BTC-AUD"], QUARTER, START, END, 100, None)
    assert loaded.first == 100
    assert len(loaded.candles) == 100 + 7 * 96
    assert loaded.candles.time[loaded.first] == START
    assert loaded.candles.time[-1] == END - QUARTER.ns
    assert loaded.certificate.sha256 == loaded.candles[loaded.first :].digest
    assert loaded.certificate.source == "simulated seed=7"
    assert [quality.pair for quality in loaded.qualities] == ["BTC-AUD"]


def test_defaults_are_all_pairs_and_the_whole_range():
    loaded = load_candles(Simulated(), None, QUARTER, None, None, 0, None)
    assert loaded.candles.pairs == Simulated().symbols
    assert len(loaded.candles) == 35_040
    assert loaded.first == 0


def test_the_same_candles_whatever_the_warm_up():
    short = load_candles(Simulated(), None, QUARTER, START, END, 10, None)
    long = load_candles(Simulated(), None, QUARTER, START, END, 300, None)
    assert long.candles.between(START, END).digest == short.candles.between(START, END).digest


def test_pairs_keep_the_order_asked_for():
    pairs = ["XRP-AUD", "BTC-AUD", "SOL-AUD"]
    loaded = load_candles(Simulated(), pairs, QUARTER, START, END, 0, None)
    assert loaded.candles.pairs == tuple(pairs)
    alone = load_candles(Simulated(), ["SOL-AUD"], QUARTER, START, END, 0, None)
    np.testing.assert_array_equal(loaded.candles.close[:, 2], alone.candles.close[:, 0])


def test_a_source_with_less_history_than_the_warm_up_gives_what_it_has():
    exchange = Fixed(given=(made_rows("A-B", QUARTER, START, 50),), native=QUARTER)
    loaded = load_candles(exchange, None, QUARTER, START + 10 * QUARTER.ns, None, 96, None)
    assert loaded.first == 10
    assert loaded.candles.time[0] == START
    assert loaded.candles.close[loaded.first, 0] == 110.0


def test_finer_candles_are_resampled():
    exchange = Fixed(given=(made_rows("A-B", FIVE, START, 9),), native=FIVE)
    candles = load_candles(exchange, None, QUARTER, None, None, 0, None).candles
    assert candles.open[:, 0].tolist() == [100.0, 103.0, 106.0]
    assert candles.high[:, 0].tolist() == [102.5, 105.5, 108.5]
    assert candles.low[:, 0].tolist() == [99.5, 102.5, 105.5]
    assert candles.close[:, 0].tolist() == [102.0, 105.0, 108.0]
    assert candles.volume[:, 0].tolist() == [3.0, 3.0, 3.0]


def test_a_candle_that_is_not_closed_is_left_out():
    exchange = Fixed(given=(made_rows("A-B", FIVE, START, 8),), native=FIVE)
    assert len(load_candles(exchange, None, QUARTER, None, None, 0, None).candles) == 2


def test_pairs_of_different_lengths_share_one_grid():
    given = (
        made_rows("A-Q", QUARTER, START, 20),
        made_rows("B-Q", QUARTER, START + 5 * QUARTER.ns, 10, price=7.0),
    )
    exchange = Fixed(given=given, native=QUARTER)
    candles = load_candles(exchange, None, QUARTER, None, None, 0, None).candles
    assert len(candles) == 20
    assert np.isnan(candles.close[:5, 1]).all()
    assert candles.close[5, 1] == 7.0
    assert (candles.close[15:, 1] == 16.0).all()
    assert (candles.standing[15:, 1] == Standing.MISSING).all()


def test_faulty_rows_are_repaired_and_recorded():
    rows = made_rows("A-B", QUARTER, START, 10).take(np.array([0, 1, 1, 4, 3, 2, 5, 6, 7, 8, 9]))
    loaded = load_candles(Fixed(given=(rows,), native=QUARTER), None, QUARTER, None, None, 0, None)
    assert loaded.candles.close[:, 0].tolist() == [100.0 + i for i in range(10)]
    assert loaded.qualities[0].rows_in == 11
    assert loaded.qualities[0].rows_out == 10


def test_faults_of_all_pairs_are_reported_at_once():
    bad = []
    for pair in ("A-Q", "B-Q"):
        rows = made_rows(pair, QUARTER, START, 5)
        rows.high[2] = 1.0
        bad.append(rows)
    faults = refusal(Fixed(given=tuple(bad), native=QUARTER), start=None, end=None)
    assert [fault[:16] for fault in faults] == ["market A-Q 15m: ", "market B-Q 15m: "]


def test_an_end_beyond_the_source_is_cut():
    exchange = Fixed(given=(made_rows("A-B", QUARTER, START, 20),), native=QUARTER)
    loaded = load_candles(exchange, None, QUARTER, START, START + DAY_NS, 0, None)
    assert len(loaded.candles) == 20


def test_progress_counts_pairs():
    seen = []
    load_candles(
        Simulated(), None, QUARTER, START, END, 0, None, progress=lambda *at: seen.append(at)
    )
    assert seen == [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]


def test_start_must_be_before_end():
    assert refusal(Simulated(), start=END, end=START) == (
        "start: must be before end (start was 2025-03-08T00:00:00Z, end 2025-03-01T00:00:00Z).",
    )
    assert len(refusal(Simulated(), start=START, end=START)) == 1


def test_a_range_without_candles_names_the_one_there_is():
    exchange = Fixed(given=(made_rows("A-B", QUARTER, START, 96),), native=QUARTER)
    early = refusal(exchange, start=START - 9 * DAY_NS, end=START - 8 * DAY_NS)
    assert early == (
        "market A-B 15m: asked from 2025-02-20 to 2025-02-21, available from 2025-03-01 to "
        "2025-03-02.",
    )
    late = refusal(exchange, start=START + 2 * DAY_NS, end=START + 3 * DAY_NS)
    assert late == (
        "market A-B 15m: asked from 2025-03-03 to 2025-03-04, available from 2025-03-01 to "
        "2025-03-02.",
    )


def test_a_start_after_the_last_candle_names_the_range():
    exchange = Fixed(given=(made_rows("A-B", QUARTER, START, 96),), native=QUARTER)
    assert refusal(exchange, start=START + 2 * DAY_NS, end=None) == (
        "market A-B 15m: asked from 2025-03-03, available from 2025-03-01 to 2025-03-02.",
    )


def test_a_start_long_before_the_first_candle_is_refused():
    exchange = Fixed(given=(made_rows("A-B", QUARTER, START, 96),), native=QUARTER)
    assert refusal(exchange, start=START - 9 * DAY_NS) == (
        "market A-B 15m: asked from 2025-02-20 to 2025-03-08, available from 2025-03-01 to "
        "2025-03-02.",
    )


def test_a_first_candle_that_comes_a_little_late_is_waited_for():
    exchange = Fixed(given=(made_rows("A-B", QUARTER, START, 96),), native=QUARTER)
    loaded = load_candles(exchange, None, QUARTER, START - 3 * QUARTER.ns, None, 0, None)
    assert np.isnan(loaded.candles.close[:3, 0]).all()
    assert loaded.candles.close[3, 0] == 100.0


def test_an_interval_that_the_candles_do_not_make_up():
    exchange = Fixed(given=(made_rows("A-B", FIVE, START, 96),), native=FIVE)
    assert refusal(exchange, interval=Interval.parse("7m")) == (
        "strategy.interval: 5m candles of A-B do not make up whole candles of 7m. "
        "Choices: 5m, 15m, 30m, 1h.",
    )
    assert refusal(exchange, interval=MINUTE) == (
        "strategy.interval: 5m candles of A-B do not make up whole candles of 1m. "
        "Choices: 5m, 15m, 30m, 1h.",
    )


def test_finer_candles_to_fill_on_cover_the_same_range():
    asked = (["BTC-AUD"], QUARTER, START + 7 * MINUTE.ns, END - 7 * MINUTE.ns, 10, None)
    coarse = load_candles(Simulated(), *asked)
    fine = load_candles(Simulated(), *asked, fill_interval=MINUTE)
    assert fine.first == 15 * coarse.first == 150
    assert fine.candles.time[fine.first] == coarse.candles.time[coarse.first] == START + QUARTER.ns
    assert len(fine.candles) == 15 * len(coarse.candles)
    assert fine.certificate.interval == "1m"
    assert fine.certificate.sha256 == fine.candles[150:].digest
    made = resample(fine.candles, QUARTER)
    for name in ("time", "close", "volume"):
        np.testing.assert_array_equal(getattr(made, name), getattr(coarse.candles, name))


def test_finer_candles_to_fill_on_end_with_a_whole_candle_of_the_strategy():
    exchange = Fixed(given=(made_rows("A-B", MINUTE, START + MINUTE.ns, 100),), native=MINUTE)
    candles = load_candles(exchange, None, QUARTER, None, None, 5, None, fill_interval=FIVE).candles
    assert candles.interval == FIVE
    assert candles.time[0] == START + QUARTER.ns
    assert len(candles) == 15  # from 00:15 to 01:30, five quarters


def test_candles_longer_than_those_to_fill_on_are_refused():
    exchange = Fixed(given=(made_rows("A-B", FIVE, START, 96),), native=FIVE)
    assert refusal(exchange, fill_interval=MINUTE) == (
        "execution.interval: 5m candles of A-B do not make up whole candles of 1m. "
        "Choices: 5m, 15m.",
    )


def test_unknown_pairs_are_all_named_with_the_nearest():
    faults = refusal(Simulated(), pairs=["BTC-AUX", "BTC-AUD", "EHT-AUD"])
    assert faults == (
        "pairs: exchange 'simulated' has no market 'BTC-AUX'. Did you mean 'BTC-AUD'? "
        "Whatever exchange.symbols lists is a market.",
        "pairs: exchange 'simulated' has no market 'EHT-AUD'. Did you mean 'ETH-AUD'? "
        "Whatever exchange.symbols lists is a market.",
    )


def test_a_pair_named_twice():
    assert refusal(Simulated(), pairs=["BTC-AUD", "BTC-AUD"]) == ("pairs: names BTC-AUD twice.",)
    assert refusal(Simulated(), pairs=[]) == ("pairs: names none, and the exchange offers none.",)


class TestFromStore:
    @pytest.fixture
    def store(self, tmp_path):
        url = str(tmp_path / "market")
        store = CandleStore(url)
        market = Simulated()
        for interval in (FIVE,):
            rows = market.rows("BTC-AUD", interval, START, END)
            store.upsert("simulated", interval, rows)
            store.mark_covered("simulated", "BTC-AUD", interval, START, END)
        return url

    def test_stored_candles_equal_the_exchange_s(self, store):
        stored = load_candles(Simulated(from_store=True), ["BTC-AUD"], FIVE, START, END, 0, store)
        direct = load_candles(Simulated(), ["BTC-AUD"], FIVE, START, END, 0, None)
        assert stored.candles.digest == direct.candles.digest
        assert stored.certificate.store_version == CandleStore(store).version("simulated", FIVE)
        assert stored.certificate.source == "simulated seed=7 from store"

    def test_finer_stored_candles_are_resampled(self, store):
        stored = load_candles(
            Simulated(from_store=True), ["BTC-AUD"], QUARTER, None, None, 0, store
        )
        direct = load_candles(Simulated(), ["BTC-AUD"], QUARTER, START, END, 0, None)
        for name in ("time", "open", "high", "low", "close", "volume"):
            np.testing.assert_array_equal(
                getattr(stored.candles, name), getattr(direct.candles, name)
            )

    def test_candles_to_fill_on_are_read_though_the_strategys_are_stored(self, store):
        kept, market = CandleStore(store), Simulated()
        kept.upsert("simulated", QUARTER, market.rows("BTC-AUD", QUARTER, START - DAY_NS, END))
        kept.mark_covered("simulated", "BTC-AUD", QUARTER, START - DAY_NS, END)
        loaded = load_candles(
            Simulated(from_store=True), ["BTC-AUD"], QUARTER, None, None, 0, store,
            fill_interval=FIVE,
        )  # fmt: skip
        direct = load_candles(Simulated(), ["BTC-AUD"], FIVE, START, END, 0, None)
        assert loaded.candles.digest == direct.candles.digest
        (fault,) = refusal(
            Simulated(from_store=True), pairs=["BTC-AUD"], store=store, fill_interval=MINUTE
        )
        assert fault.startswith("market BTC-AUD 1m: asked from 2025-03-01 to 2025-03-08, none is ")

    def test_warm_up_is_what_is_stored(self, store):
        later = START + 10 * FIVE.ns
        loaded = load_candles(Simulated(from_store=True), ["BTC-AUD"], FIVE, later, END, 99, store)
        assert loaded.first == 10

    def test_what_was_not_downloaded_is_named_with_the_command(self, store):
        exchange = Simulated(from_store=True)
        asked = {"pairs": ["BTC-AUD"], "interval": FIVE, "store": store}
        assert refusal(exchange, start=START - DAY_NS, **asked) == (
            "market BTC-AUD 5m: asked from 2025-02-28, stored from 2025-03-01; run mode=download "
            "exchange=simulated pairs=btc_aud start=2025-02-28 end=2025-03-01.",
        )
        (late,) = refusal(exchange, end=END + DAY_NS, **asked)
        assert late.startswith("market BTC-AUD 5m: asked to 2025-03-09, stored to 2025-03-08; run ")
        (never,) = refusal(exchange, **{**asked, "pairs": ["ETH-AUD"]})
        assert "none is stored; run mode=download" in never

    def test_a_store_must_be_named(self):
        assert refusal(Simulated(from_store=True)) == (
            "store: must name a store when exchange.from_store is true (was null).",
        )
