"""Longer candles: equal to a slow twin, prefix-exact, closed only."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from market_rows import MINUTE, candles_of, seeded, shared_data

from framework.errors import UserError
from framework.market.candles import COLUMNS, Candles, Standing
from framework.market.regularise import regularise
from framework.market.resample import last_closed, resample
from framework.market.rows import CandleRows
from framework.types import Interval, parse_time

QUARTER = Interval.parse("15m")


def twin(candles, interval):
    """Return the candles as lists of (time, open, high, low, close, volume, standing) per pair."""
    found = []
    for pair in range(len(candles.pairs)):
        made = {}
        for bar, time in enumerate(candles.time.tolist()):
            made.setdefault(interval.floor(time), []).append(bar)
        whole = []
        for start, bars in made.items():
            if len(bars) < interval.ns // candles.interval.ns:
                continue
            standings = [int(candles.standing[bar, pair]) for bar in bars]
            known = [bar for bar in bars if candles.standing[bar, pair] != Standing.MISSING]
            used = known or bars
            volume = 0.0
            for bar in known:
                volume += float(candles.volume[bar, pair])
            if not known:
                standing = Standing.MISSING
            elif Standing.PROVISIONAL in standings:
                standing = Standing.PROVISIONAL
            elif Standing.CONFIRMED in standings:
                standing = Standing.CONFIRMED
            else:
                standing = Standing.FLAT
            whole.append(
                (
                    start,
                    float(candles.open[used[0], pair]),
                    max(float(candles.high[bar, pair]) for bar in used),
                    min(float(candles.low[bar, pair]) for bar in used),
                    float(candles.close[bars[-1], pair]),
                    volume,
                    int(standing),
                )
            )
        found.append(whole)
    return found


def as_lists(candles):
    return [
        list(
            zip(
                candles.time.tolist(),
                *(getattr(candles, name)[:, pair].tolist() for name in (*COLUMNS, "standing")),
                strict=True,
            )
        )
        for pair in range(len(candles.pairs))
    ]


@st.composite
def base_candles(draw, most=80):
    bars = draw(st.integers(1, most))
    start = draw(st.integers(0, 40))
    seed = draw(st.integers(0, 2**32 - 1))
    generator = np.random.default_rng(seed)
    low = generator.uniform(1, 2, (bars, 2))
    high = low + generator.uniform(0, 1, (bars, 2))
    chances = draw(st.sampled_from([[1, 0, 0, 0], [0.4, 0.2, 0.4, 0], [0.1, 0.1, 0.7, 0.1]]))
    standing = generator.choice(4, (bars, 2), p=chances).astype(np.uint8)
    volume = generator.exponential(1.0, (bars, 2))
    return Candles(
        ("A-B", "C-D"),
        MINUTE,
        (start + np.arange(bars)) * MINUTE.ns,
        generator.uniform(low, high),
        high,
        low,
        generator.uniform(low, high),
        np.where((standing == Standing.CONFIRMED) | (standing == Standing.PROVISIONAL), volume, 0),
        standing,
    )


@given(base_candles(), st.sampled_from(["2m", "5m", "15m", "1h"]))
def test_equals_a_slow_twin(candles, interval):
    interval = Interval.parse(interval)
    assert as_lists(resample(candles, interval)) == twin(candles, interval)


@given(base_candles(), st.data())
def test_prefix_gives_the_prefix_bit_for_bit(candles, data):
    cut = data.draw(st.integers(0, len(candles)))
    whole, part = resample(candles, QUARTER), resample(candles[:cut], QUARTER)
    assert as_lists(part) == as_lists(whole[: len(part)])


@given(base_candles(), st.data())
def test_candles_closed_before_a_moment_do_not_change_with_what_comes_after(candles, data):
    cut = data.draw(st.integers(0, len(candles)))
    noise = {name: np.array(getattr(candles, name)) for name in COLUMNS}
    for column in noise.values():
        column[cut:] = 1e9
    standing = np.array(candles.standing)
    standing[cut:] = Standing.MISSING
    other = Candles(candles.pairs, MINUTE, candles.time, *noise.values(), standing)
    end = candles.time[0] + cut * MINUTE.ns
    closed = int(np.sum(resample(candles, QUARTER).time + QUARTER.ns <= end))
    before, after = resample(candles, QUARTER)[:closed], resample(other, QUARTER)[:closed]
    assert as_lists(before) == as_lists(after)


@given(base_candles(), st.sampled_from(["1m", "2m", "15m", "1h"]))
def test_last_closed_is_the_newest_candle_whose_close_is_past(candles, interval):
    interval = Interval.parse(interval)
    coarse = resample(candles, interval)
    index = last_closed(candles.time, MINUTE, coarse.time, interval)
    for time, found in zip(candles.time.tolist(), index.tolist(), strict=True):
        closed = [
            k for k, t in enumerate(coarse.time.tolist()) if t + interval.ns <= time + MINUTE.ns
        ]
        assert found == (closed[-1] if closed else -1)


def test_last_closed_with_a_hole_in_the_coarse_times():
    coarse = np.array([0, 15, 60]) * MINUTE.ns
    time = np.array([13, 14, 29, 59, 73, 74, 90]) * MINUTE.ns
    assert last_closed(time, MINUTE, coarse, QUARTER).tolist() == [-1, 0, 1, 1, 1, 2, 2]


def test_partial_candles_at_both_ends_are_left_out():
    coarse = resample(candles_of(seeded(40, start=10)), QUARTER)
    assert (coarse.time // MINUTE.ns).tolist() == [15, 30]


def test_too_few_candles_give_none():
    assert len(resample(candles_of(seeded(14)), QUARTER)) == 0


def test_hole_at_the_start_of_a_candle_takes_the_open_of_what_traded():
    rows = seeded(30).take(np.r_[0:15, 20:30])
    candles = regularise([rows], MINUTE, None, None, 0)
    assert candles.standing[15, 0] == Standing.MISSING
    assert resample(candles, QUARTER).open[1, 0] == rows.open[15]


def test_same_interval_is_the_same_candles():
    candles = candles_of(seeded(5))
    assert resample(candles, MINUTE) is candles


@pytest.mark.parametrize("interval", ["90s", "7m"])
def test_interval_that_is_no_multiple_is_refused(interval):
    base = candles_of(seeded(30, interval=Interval.parse("2m")), Interval.parse("2m"))
    with pytest.raises(UserError, match=rf"was {interval}.*multiple of 2m"):
        resample(base, Interval.parse(interval))


def test_weeks_begin_on_mondays():
    hour = Interval.parse("1h")
    start = parse_time("2024-01-01") // hour.ns  # a Monday
    candles = candles_of(seeded(24 * 15, start=start - 30, interval=hour), hour)
    assert resample(candles, Interval.parse("1w")).time.tolist() == [start * hour.ns]


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_sums_of_a_single_candle_do_not_depend_on_those_beside_it(seed):
    candles = candles_of(seeded(1440 * 2, seed=seed))
    day = Interval.parse("1d")
    assert resample(candles, day).volume[0, 0] == resample(candles[:1440], day).volume[0, 0]


def test_real_five_minute_candles_make_the_fifteen_minute_ones_of_the_exchange():
    import pyarrow.parquet as pq

    def real(name, interval):
        table = pq.read_table(shared_data() / "ohlcv" / name)
        columns = [table[column].to_numpy() for column in COLUMNS]
        time = table["timestamp"].to_numpy().astype(np.int64)
        return CandleRows("BTC-USDT", time, *columns), Interval.parse(interval)

    fine, five = real("binance-spot_BTCUSDT_5m_2022-23.parquet", "5m")
    native, quarter = real("binance-spot_BTCUSDT_15m_2022-23.parquet", "15m")
    ours = resample(regularise([fine], five, None, None, 0), quarter)
    theirs = regularise([native], quarter, None, None, 0)[: len(ours)]
    # The exchange halted on 2023-03-24: bars it has in part are compared around that day.
    halted = (ours.time >= parse_time("2023-03-24")) & (ours.time < parse_time("2023-03-25"))
    assert len(ours) > 40_000
    for name in ("open", "high", "low", "close"):
        assert np.array_equal(getattr(ours, name)[~halted], getattr(theirs, name)[~halted])
    assert np.allclose(ours.volume, theirs.volume, rtol=1e-9, atol=1e-9)
