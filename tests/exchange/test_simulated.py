"""The simulated market gives one answer per seed, pair and time, and looks like a market."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from framework.errors import UserError
from framework.exchange.simulated import Simulated
from framework.types import DAY_NS, Interval, parse_time

MINUTE = Interval.parse("1m")
QUARTER = Interval.parse("15m")
START = parse_time("2025-03-03")
COLUMNS = ("time", "open", "high", "low", "close", "volume")


def table(rows):
    return np.column_stack([getattr(rows, name) for name in COLUMNS])


def resampled(rows, interval):
    """A slow twin: minutes gathered one by one."""
    bars = {}
    for time, open_, high, low, close, volume in zip(
        *(getattr(rows, name).tolist() for name in COLUMNS), strict=True
    ):
        key = interval.floor(time)
        if key not in bars:
            bars[key] = [key, open_, high, low, close, volume]
        else:
            bar = bars[key]
            bars[key] = [key, bar[1], max(bar[2], high), min(bar[3], low), close, bar[5] + volume]
    return np.array(list(bars.values()))


@pytest.fixture(scope="module")
def year():
    market = Simulated()
    span = market.default_span("BTC-AUD", QUARTER)
    return {pair: market.rows(pair, QUARTER, *span) for pair in market.offered_pairs()}


def returns(rows):
    """Log returns on the full grid, so that pairs can be compared bar by bar."""
    grid = np.arange(rows.time[0], rows.time[-1] + 1, QUARTER.ns)
    held = np.searchsorted(rows.time, grid, side="right") - 1
    return np.diff(np.log(rows.close[held]))


def test_default_range_is_a_year_of_quarter_hours():
    market = Simulated()
    start, end = market.default_span("BTC-AUD", QUARTER)
    assert (end - start) // QUARTER.ns == 35_040
    assert market.offered_pairs() == ("BTC-AUD", "ETH-AUD", "SOL-AUD", "ADA-AUD", "XRP-AUD")


@settings(max_examples=25, deadline=None)
@given(
    first=st.integers(0, 7 * 96),
    bars=st.integers(1, 400),
    pair=st.sampled_from(["BTC-AUD", "ADA-AUD", "DOGE-EUR"]),
)
def test_any_part_of_a_range_equals_that_part_of_the_whole(first, bars, pair):
    market = Simulated(symbols=("BTC-AUD", "ADA-AUD", "DOGE-EUR"))
    whole = market.rows(pair, QUARTER, START, START + 12 * DAY_NS)
    start = START + first * QUARTER.ns
    end = start + bars * QUARTER.ns
    inside = (whole.time >= start) & (whole.time < end)
    part = market.rows(pair, QUARTER, start, end)
    np.testing.assert_array_equal(table(part), table(whole.take(np.flatnonzero(inside))))


@pytest.mark.parametrize("text", ["5m", "15m", "1h", "4h", "7m", "1d", "1w"])
@pytest.mark.parametrize("pair", ["BTC-AUD", "ADA-AUD"])
def test_an_interval_equals_its_own_minutes_resampled(text, pair):
    interval = Interval.parse(text)
    market = Simulated()
    start, end = interval.ceil(START), interval.floor(START + 22 * DAY_NS)
    minutes = market.rows(pair, MINUTE, start, end)
    whole = market.rows(pair, interval, start, end)
    np.testing.assert_array_equal(table(whole), resampled(minutes, interval))


def test_unaligned_range_holds_the_candles_that_open_in_it():
    rows = Simulated().rows("BTC-AUD", QUARTER, START + 1, START + QUARTER.ns + 1)
    assert rows.time.tolist() == [START + QUARTER.ns]


def test_last_candle_of_a_range_is_whole():
    market = Simulated()
    cut = market.rows("BTC-AUD", QUARTER, START, START + 60 * 10**9)
    whole = market.rows("BTC-AUD", QUARTER, START, START + QUARTER.ns)
    np.testing.assert_array_equal(table(cut), table(whole))


def test_empty_range_has_no_candles():
    assert len(Simulated().rows("BTC-AUD", QUARTER, START, START)) == 0
    assert len(Simulated().rows("BTC-AUD", QUARTER, START, START - DAY_NS)) == 0


def test_nothing_exists_before_2010():
    market = Simulated()
    rows = market.rows(
        "BTC-AUD", Interval.parse("1d"), parse_time("2009-12-30"), parse_time("2010-01-05")
    )
    assert rows.time[0] == parse_time("2010-01-01")
    assert len(rows) == 4


def test_another_seed_is_another_market():
    one = Simulated(seed=1).rows("BTC-AUD", QUARTER, START, START + DAY_NS)
    two = Simulated(seed=2).rows("BTC-AUD", QUARTER, START, START + DAY_NS)
    assert not np.isin(one.close, two.close).any()


def test_one_seed_is_one_market_in_every_object():
    one = Simulated(seed=3, symbols=("XRP-AUD",)).rows("XRP-AUD", QUARTER, START, START + DAY_NS)
    two = Simulated(seed=3).rows("XRP-AUD", QUARTER, START, START + DAY_NS)
    np.testing.assert_array_equal(table(one), table(two))


def test_pinned_values_stay():
    rows = Simulated(seed=7).rows("BTC-AUD", QUARTER, START, START + QUARTER.ns)
    assert table(rows).tolist() == [
        [START, 96827.07, 96885.44, 96655.96, 96673.12, 1.9933981895446777]
    ]


def test_candles_are_well_formed(year):
    for rows in year.values():
        values = table(rows)
        assert np.isfinite(values).all()
        assert (values[:, 1:5] > 0).all()
        assert (rows.high >= np.maximum(rows.open, rows.close)).all()
        assert (rows.low <= np.minimum(rows.open, rows.close)).all()
        assert (rows.volume > 0).all()
        assert (np.diff(rows.time) > 0).all()
        assert (rows.time % QUARTER.ns == 0).all()


@pytest.mark.parametrize(("pair", "decimals"), [("BTC-AUD", 2), ("SOL-AUD", 2), ("ADA-AUD", 4)])
def test_prices_are_whole_ticks(year, pair, decimals):
    for name in ("open", "high", "low", "close"):
        prices = getattr(year[pair], name)
        assert np.array_equal(prices, np.round(prices, decimals))


def test_some_intervals_are_quiet_and_thin_pairs_have_more_of_them(year):
    quiet = {pair: 35_040 - len(rows) for pair, rows in year.items()}
    assert 0 < quiet["BTC-AUD"] < quiet["ADA-AUD"] < 700
    minutes = Simulated().rows("ADA-AUD", MINUTE, START, START + 10 * DAY_NS)
    assert 0.15 < 1 - len(minutes) / 14_400 < 0.35


def test_pairs_move_together(year):
    hourly = {
        pair: returns(rows)[: 35_000 // 4 * 4].reshape(-1, 4).sum(axis=1)
        for pair, rows in year.items()
    }
    for one, other in pairwise(hourly.values()):
        size = min(len(one), len(other))
        assert 0.3 < np.corrcoef(one[:size], other[:size])[0, 1] < 0.9


def test_volatility_clusters_and_returns_have_no_such_memory(year):
    for rows in year.values():
        change = returns(rows)
        loud = np.abs(change)
        assert np.corrcoef(loud[:-4], loud[4:])[0, 1] > 0.1
        assert np.corrcoef(loud[:-96], loud[96:])[0, 1] > 0.05
        assert abs(np.corrcoef(change[:-1], change[1:])[0, 1]) < 0.05


def test_returns_have_fat_tails(year):
    for rows in year.values():
        change = returns(rows)
        assert np.mean((change - change.mean()) ** 4) / np.var(change) ** 2 > 6


def test_volatility_is_near_the_one_asked_for():
    market = Simulated(volatility=0.5)
    day = Interval.parse("1d")
    rows = market.rows("ETH-AUD", day, parse_time("2012-01-01"), parse_time("2032-01-01"))
    measured = np.std(np.diff(np.log(rows.close))) * np.sqrt(365)
    assert measured == pytest.approx(0.5, rel=0.25)


def test_volume_follows_the_hours_of_the_day(year):
    rows = year["BTC-AUD"]
    hour = rows.time // 3_600_000_000_000 % 24
    busy = rows.volume[(hour >= 13) & (hour < 17)].mean()
    calm = rows.volume[(hour >= 2) & (hour < 6)].mean()
    assert 1.5 < busy / calm < 6


@pytest.mark.parametrize("seed", range(4))
def test_prices_stay_sane_over_decades(seed):
    week = Interval.parse("1w")
    market = Simulated(seed=seed)
    for pair, level in (("BTC-AUD", 95_000), ("SOL-AUD", 220), ("ADA-AUD", 1.0)):
        rows = market.rows(pair, week, parse_time("2015-01-01"), parse_time("2035-01-01"))
        assert level / 40 < rows.low.min() < rows.high.max() < level * 40
        assert rows.high.max() > 1.5 * rows.low.min()


def test_one_coin_costs_about_the_same_in_two_currencies():
    market = Simulated()
    aud = market.rows("BTC-AUD", QUARTER, START, START + DAY_NS)
    eur = market.rows("BTC-EUR", QUARTER, START, START + DAY_NS)
    assert np.median(eur.close / aud.close[: len(eur)]) == pytest.approx(0.6, rel=0.02)


def test_every_listed_symbol_is_a_market():
    market = Simulated(symbols=("FOO-AUD", "BAR-EUR", "BAZ-USDT"))
    levels = [
        market.rows(pair, QUARTER, START, START + DAY_NS).close.mean() for pair in market.symbols
    ]
    assert len(set(levels)) == 3
    assert all(0.01 < level < 5_000 for level in levels)


def test_unknown_pair_names_the_nearest():
    with pytest.raises(UserError) as fault:
        Simulated().rows("BTC-AUS", QUARTER, START, START + DAY_NS)
    assert fault.value.faults == (
        "pairs: exchange 'simulated' has no market 'BTC-AUS'. Did you mean 'BTC-AUD'? "
        "Whatever exchange.symbols lists is a market.",
    )


def test_intervals_finer_than_a_minute_are_refused():
    with pytest.raises(UserError) as fault:
        Simulated().rows("BTC-AUD", Interval.parse("30s"), START, START + DAY_NS)
    assert fault.value.faults == (
        "strategy.interval, execution.interval: exchange 'simulated' has candles of "
        "whole minutes (was 30s). Nearest: 1m.",
    )


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"symbols": ("btc-aud",)}, "'btc-aud' is no pair"),
        ({"symbols": ()}, "at least one"),
        ({"symbols": ("BTC-AUD", "BTC-AUD")}, "each pair once"),
        ({"start": "2026-01-01", "end": "2025-01-01"}, "start must be before end"),
        ({"start": "yesterday"}, "no UTC date or time"),
        ({"start": "2001-01-01"}, "between 2010-01-01 and 2100-01-01"),
        ({"volatility": 0}, "greater than 0"),
        ({"correlation": 1}, "less than or equal to 0.99"),
        ({"seed": -1}, "greater than or equal to 0"),
        ({"sead": 1}, "sead"),
    ],
)
def test_bad_fields_are_refused(fields, words):
    with pytest.raises(ValidationError, match=words):
        Simulated(**fields)


def test_book_is_ordered_positive_and_around_the_price():
    market = Simulated()
    for pair in market.offered_pairs():
        for shift in range(0, 600, 7):
            now = START + shift * 10**9 + DAY_NS
            bids, asks = market.book(pair, now, depth=20)
            assert bids.shape == asks.shape == (20, 2)
            assert bids[0, 0] < asks[0, 0]
            assert (np.diff(bids[:, 0]) < 0).all()
            assert (np.diff(asks[:, 0]) > 0).all()
            assert (bids[:, 1] > 0).all() and (asks[:, 1] > 0).all()
            last = market.rows(pair, MINUTE, now - DAY_NS // 4, MINUTE.floor(now)).close[-1]
            assert bids[0, 0] <= last <= asks[0, 0]
            assert asks[0, 0] / bids[0, 0] - 1 < 0.02


def test_book_is_the_same_when_asked_again_and_another_a_second_later():
    market, now = Simulated(), START + 12_345 * 10**9
    again = Simulated().book("BTC-AUD", now)
    np.testing.assert_array_equal(np.array(market.book("BTC-AUD", now)), np.array(again))
    later = market.book("BTC-AUD", now + 10**9)
    assert not np.array_equal(np.array(later), np.array(again))


def test_book_knows_nothing_of_the_minute_it_stands_in():
    market = Simulated()
    minute = market.rows("BTC-AUD", MINUTE, START - DAY_NS, START)
    bids, asks = market.book("BTC-AUD", START + 59 * 10**9, depth=1)
    middle = (bids[0, 0] + asks[0, 0]) / 2
    assert middle == pytest.approx(minute.close[-1], rel=1e-4)
