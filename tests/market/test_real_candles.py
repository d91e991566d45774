"""Counts of faults in real files equal those that their manifest states."""

import numpy as np
import pyarrow.parquet as pq
import pytest
from market_rows import shared_data

from framework.errors import UserError
from framework.market.quality import FaultPolicy, clean, inspect
from framework.market.regularise import find_interval
from framework.market.rows import CandleRows
from framework.types import Interval, format_time

REPAIR = FaultPolicy(conflicts="repair", non_positive="repair")


def real(name):
    table = pq.read_table(shared_data() / "ohlcv" / f"{name}.parquet")
    columns = [table[column].to_numpy() for column in ("open", "high", "low", "close", "volume")]
    time = table["timestamp"].to_numpy().astype("datetime64[ns]").astype(np.int64)
    return CandleRows("REAL-PAIR", time, *columns), Interval.parse(name.split("_")[2])


# name: gaps, bars missing, longest gap, after
GAPS = {
    "binance-spot_BTCUSDT_5m_2022-23": (1, 16, 16, "2023-03-24T12:35:00Z"),
    "binance-spot_BTCUSDT_15m_2021": (3, 34, 18, "2021-04-25T04:00:00Z"),
    "binance-spot_BTCUSDT_1h_2017-2024": (28, 128, 33, "2018-02-08T00:00:00Z"),
    "binance-spot_BTCUSDT_1h_2017-22cdd": (10, 22, 4, "2017-09-26T14:00:00Z"),
    "bitfinex-spot_BTCUSD_1m_2017-2018": (18_195, 25_492, 67, "2018-06-05T13:33:00Z"),
    "bittrex-spot_ADABTC_5m_2018": (9, 1_449, 1_405, "2018-03-05T05:10:00Z"),
    "bittrex-spot_AURBTC_5m_2018": (6_157, 13_119, 1_406, "2018-03-05T05:00:00Z"),
    "bittrex-spot_BLITZBTC_5m_2018": (4_422, 20_979, 1_411, "2018-03-05T04:45:00Z"),
    "bittrex-spot_BCYBTC_1m_2018": (9_003, 124_357, 21_481, "2018-03-05T05:08:00Z"),
    "bitvavo-spot_EDUEUR_15m_2025-26": (2_506, 11_750, 60, "2026-03-11T19:45:00Z"),
    "kraken-spot_BTCUSD_1h_2013-2023": (3_254, 10_856, 56, "2014-09-25T18:00:00Z"),
    "unknown-spot_UNITTESTBTC_1m_2017Nov": (538, 717, 7, "2017-11-05T03:12:00Z"),
}


@pytest.mark.parametrize("name", GAPS)
def test_gaps(name):
    quality = inspect(*real(name))
    after = format_time(quality.longest_gap_after_ns)
    assert (quality.gaps, quality.missing, quality.longest_gap, after) == GAPS[name]


@pytest.mark.parametrize(
    ("name", "zero_volume", "unchanged"),
    [
        ("binance-spot_BTCUSDT_1m_2023Apr", 72, 72),
        ("binance-spot_SOLUSDT_1m_2023Apr", 73, 72),
        ("binance-spot_BTCUSDT_1h_2017-22cdd", 117, 33),
        ("gemini-spot_BTCUSD_1h_2015-19", 1_066, 27),
        ("kraken-spot_LTCEUR_1h_2017-20", 74, 52),
        ("bittrex-spot_AURBTC_5m_2018", 0, 39),
    ],
)
def test_quiet_candles(name, zero_volume, unchanged):
    quality = inspect(*real(name), REPAIR)
    assert (quality.zero_volume, quality.longest_unchanged) == (zero_volume, unchanged)


@pytest.mark.parametrize(
    ("name", "kind", "count"),
    [
        ("bittrex-spot_ADABTC_5m_2018", "conflicts", 476),
        ("bittrex-spot_AURBTC_5m_2018", "conflicts", 40),
        ("bittrex-spot_BLITZBTC_5m_2018", "conflicts", 15),
        ("binance-spot_BTCUSDT_1h_2017-22cdd", "conflicts", 1),
        ("gemini-spot_BTCUSD_1h_2015-19", "non_positive", 1),
    ],
)
def test_faulty_file_is_refused_and_can_be_repaired(name, kind, count):
    rows, interval = real(name)
    with pytest.raises(UserError, match=rf"REAL-PAIR {interval}: {count} .*faults\.{kind}=repair"):
        clean(rows, interval)
    kept, quality = clean(rows, interval, REPAIR)
    assert quality.count(kind) == count
    assert len(kept) == len(rows) - count
    assert np.all(np.diff(kept.time) > 0)


@pytest.mark.parametrize(
    ("name", "count"),
    [("kraken-spot_LTCEUR_1h_2017-20", 5), ("binance-spot_BTCUSDT_1h_2017-22cdd", 11_885)],
)
def test_backward_steps(name, count):
    rows, interval = real(name)
    kept, quality = clean(rows, interval, REPAIR)
    assert quality.count("unordered") == count
    assert np.all(np.diff(kept.time) > 0)


def test_jumps_of_a_tenth_are_those_of_the_manifest():
    rows, interval = real("binance-spot_SOLUSDT_5m_2022-23")
    assert inspect(rows, interval, FaultPolicy(jump_limit=0.1)).count("jump") == 7


@pytest.mark.parametrize("name", [*GAPS, "kraken-spot_LTCEUR_1h_2017-20"])
def test_interval_is_found(name):
    rows, interval = real(name)
    assert find_interval(rows.time) == interval
