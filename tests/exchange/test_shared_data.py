"""Every file of the shared market data loads, or is refused with a message that names its fault."""

import os
from pathlib import Path

import numpy as np
import pytest

from framework.errors import UserError
from framework.exchange.files import Files
from framework.exchange.load import load_candles
from framework.types import Interval, format_time

DATA = Path(
    os.environ.get("SHARED_DATA", Path(__file__).resolve().parents[2].parent / "shared" / "data")
)
pytestmark = pytest.mark.skipif(
    not (DATA / "MANIFEST.md").is_file(), reason=f"no shared market data at {DATA}"
)

# From the manifest: file, pair (or their number), interval, rows, first and last open time.
OHLCV = [
    tuple(line.split())
    for line in """\
binance-spot_BTCUSDT_5m_2022-23 BTC-USDT 5m 121739 2022-08-01T00:00 2023-09-27T18:10
binance-spot_BTCUSDT_15m_2022-23 BTC-USDT 15m 40580 2022-08-01T00:00 2023-09-27T18:00
binance-spot_BTCUSDT_15m_2021 BTC-USDT 15m 9707 2021-02-17T00:00 2021-05-29T11:00
binance-spot_BTCUSDT_15m_2024b BTC-USDT 15m 32160 2024-01-01T00:00 2024-11-30T23:45
binance-spot_BTCUSDT_1m_2023Apr BTC-USDT 1m 66087 2023-03-16T22:15 2023-05-01T21:01
binance-spot_ETHUSDT_5m_2022-23 ETH-USDT 5m 121743 2022-08-01T00:00 2023-09-27T18:30
binance-spot_ETHUSDT_15m_2022-23 ETH-USDT 15m 40582 2022-08-01T00:00 2023-09-27T18:30
binance-spot_ETHUSDT_15m_2021 ETH-USDT 15m 9707 2021-02-17T00:00 2021-05-29T11:00
binance-spot_ETHUSDT_15m_2024b ETH-USDT 15m 32160 2024-01-01T00:00 2024-11-30T23:45
binance-spot_SOLUSDT_5m_2022-23 SOL-USDT 5m 121751 2022-08-01T00:00 2023-09-27T19:10
binance-spot_SOLUSDT_15m_2022-23 SOL-USDT 15m 40584 2022-08-01T00:00 2023-09-27T19:00
binance-spot_SOLUSDT_15m_2021 SOL-USDT 15m 9707 2021-02-17T00:00 2021-05-29T11:00
binance-spot_SOLUSDT_15m_2024b SOL-USDT 15m 32160 2024-01-01T00:00 2024-11-30T23:45
binance-spot_SOLUSDT_1m_2023Apr SOL-USDT 1m 66088 2023-03-16T22:15 2023-05-01T21:02
binance-spot_ADAUSDT_5m_2022-23 ADA-USDT 5m 121738 2022-08-01T00:00 2023-09-27T18:05
binance-spot_ADAUSDT_15m_2022-23 ADA-USDT 15m 40580 2022-08-01T00:00 2023-09-27T18:00
binance-spot_ADAUSDT_15m_2021 ADA-USDT 15m 9707 2021-02-17T00:00 2021-05-29T11:00
binance-spot_ADAUSDT_15m_2024b ADA-USDT 15m 32160 2024-01-01T00:00 2024-11-30T23:45
binance-spot_XRPUSDT_5m_2022-23 XRP-USDT 5m 121755 2022-08-01T00:00 2023-09-27T19:30
binance-spot_XRPUSDT_15m_2022-23 XRP-USDT 15m 40586 2022-08-01T00:00 2023-09-27T19:30
binance-spot_XRPUSDT_15m_2021 XRP-USDT 15m 9707 2021-02-17T00:00 2021-05-29T11:00
binance-spot_XRPUSDT_15m_2024a XRP-USDT 15m 24009 2024-01-01T00:00 2024-09-07T02:00
binance-spot_XRPUSDT_1m_2023Apr XRP-USDT 1m 43199 2023-04-01T21:03 2023-05-01T21:01
bitfinex-spot_BTCUSD_1m_2017-2018 BTC-USD 1m 1025708 2017-01-01T00:00 2018-12-31T23:59
binance-spot_BTCUSDT_1h_2017-2024 BTC-USDT 1h 64500 2017-08-17T04:00 2024-12-30T23:00
kraken-spot_BTCEUR_15m_2024Q4 BTC-EUR 15m 8736 2024-10-01T00:00 2024-12-30T23:45
kraken-spot_BTCUSD_1h_2013-2023 BTC-USD 1h 70253 2013-10-06T21:00 2023-01-07T09:00
bitstamp-spot_BTCEUR_1h_2018-23 BTC-EUR 1h 40675 2018-05-15T06:00 2023-01-04T00:00
bitstamp-spot_ETHEUR_1h_2018-23 ETH-EUR 1h 40675 2018-05-15T06:00 2023-01-04T00:00
kraken-spot_LTCEUR_1h_2017-20 LTC-EUR 1h 27372 2017-07-01T11:00 2020-08-14T22:00
binance-spot_BTCUSDT_1h_2017-22cdd BTC-USDT 1h 42552 2017-08-17T04:00 2022-06-26T00:00
gemini-spot_BTCUSD_1h_2015-19 BTC-USD 1h 32724 2015-10-08T13:00 2019-07-03T00:00
bittrex-spot_ADABTC_5m_2018 ADA-BTC 5m 33257 2017-12-26T06:20 2018-04-24T02:45
bittrex-spot_BLITZBTC_5m_2018 BLITZ-BTC 5m 9563 2018-01-08T02:35 2018-04-24T02:25
bittrex-spot_AURBTC_5m_2018 AUR-BTC 5m 17448 2018-01-08T03:00 2018-04-24T02:50
bittrex-spot_BCYBTC_1m_2018 BCY-BTC 1m 14954 2018-01-17T09:05 2018-04-24T02:55
unknown-spot_UNITTESTBTC_1m_2017Nov UNITTEST-BTC 1m 13681 2017-11-04T23:02 2017-11-14T22:59
binance-spot_ADABTC_5m_2018Jan ADA-BTC 5m 5720 2018-01-10T04:55 2018-01-30T04:50
bitvavo-spot_EDUEUR_15m_2025-26 EDU-EUR 15m 5708 2025-10-23T00:00 2026-04-22T20:15
bitvavo-spot_PORTALEUR_15m_2025-26 PORTAL-EUR 15m 7010 2025-10-23T00:00 2026-04-22T20:30
ftx-perp_BTCUSD_1m_2022Jan BTC-USD 1m 45031 2021-12-31T23:00 2022-02-01T05:30
binance-perp_XRPUSDT_5m_2021Nov XRP-USDT 5m 1999 2021-11-15T00:00 2021-11-21T22:30
binance-spot_BTCAUD_1m_2022Nov09 BTC-AUD 1m 1000 2022-11-08T22:33 2022-11-09T15:12
binance-spot_BTCEUR_1m_2022Nov09 BTC-EUR 1m 1000 2022-11-08T22:33 2022-11-09T15:12
binance-spot_universe20_1h_2021H1 20 1h 80619 2021-01-01T00:00 2021-06-20T16:00
""".splitlines()
]

RAW = {  # the same facts of files kept byte for byte; newest first, AM/PM dates, banners and all
    "VlntnLnhrdt__CryBot__Kraken_LTCEUR_1h.csv.gz": "kraken-spot_LTCEUR_1h_2017-20",
    "achako2012__financial-screener-dash__BTCEUR_1h.csv.gz": "bitstamp-spot_BTCEUR_1h_2018-23",
    "evandrojr__megabot__Binance_BTCUSDT_1h.csv.gz": "binance-spot_BTCUSDT_1h_2017-22cdd",
    "freqtrade__freqtrade__UNITTEST_BTC-1m.json.gz": "unknown-spot_UNITTESTBTC_1m_2017Nov",
    "lee-asc__Cross-Currency-Discounting__XBTEUR_15.csv.gz": "kraken-spot_BTCEUR_15m_2024Q4",
    "mdhatmaker__Misc-python__gemini_BTCUSD_1hr.csv.gz": "gemini-spot_BTCUSD_1h_2015-19",
    "rybolov__freqtrade-data__BTC_AUR-5.json.gz": "bittrex-spot_AURBTC_5m_2018",
}

# Faults that leave open which value is true: refused by the default policy, loaded once it repairs.
REPAIRS = {
    "binance-spot_BTCUSDT_1h_2017-22cdd": ("conflicts", 1),
    "gemini-spot_BTCUSD_1h_2015-19": ("non_positive", 1),
    "bittrex-spot_ADABTC_5m_2018": ("conflicts", 476),
    "bittrex-spot_BLITZBTC_5m_2018": ("conflicts", 15),
    "bittrex-spot_AURBTC_5m_2018": ("conflicts", 40),
}

TICKS = {
    "binance-perp_XRPUSDT_funding_2021Nov.parquet": "no column for open, high, low, close, volume",
    "binance-spot_XRPETH_trades_20191011.parquet": "no column for open, high, low, close, volume",
    "binance-spot_BTCUSDT_trades_20201116.parquet": "no column for open, high, low, close, volume",
    "bybit-spot_XRPUSDT_ob500_20241201.parquet": "no column for open, high, low, close, volume",
    "coinbase-spot_BTCEUR_quotebars_1m_20180404.parquet": "Nearest to 'open': 'bid_open'",
    **dict.fromkeys(
        [
            "binance-spot_BTCUSDT_bookticker_20240808.parquet",
            "binance-spot_BTCUSDT_depth_20240808.parquet",
            "binance-spot_BTCUSDT_l2top20_1s_20240808.parquet",
            "binance-spot_BTCUSDT_snapshot_20240808.parquet",
            "binance-spot_BTCUSDT_trades_20240808.parquet",
            "binance-usdm_BTCUSDT_bookticker_20230404.parquet",
            "binance-usdm_BTCUSDT_bookticker_20240808.parquet",
            "binance-usdm_BTCUSDT_depth_20240808.parquet",
            "binance-usdm_BTCUSDT_l2top20_1s_20240808.parquet",
            "binance-usdm_BTCUSDT_mark_20230404.parquet",
            "binance-usdm_BTCUSDT_snapshot_20230404.parquet",
            "binance-usdm_BTCUSDT_snapshot_20240808.parquet",
            "binance-usdm_BTCUSDT_trades_20230404.parquet",
            "binance-usdm_BTCUSDT_trades_20240808.parquet",
        ],
        "no column for time, open, high, low, close, volume",
    ),
    "raw/binance-spot_BTCUSDT_btcusdt_20240808.gz": "a recording of messages",
    "raw/binance-usdm_BTCUSDT_btcusdt_20230404.dat.gz": "a recording of messages",
}


def loaded(path, **fields):
    exchange = Files(path=str(DATA / path), **fields)
    interval = exchange.native_interval(exchange.offered_pairs()[0])
    return load_candles(exchange, None, interval, None, None, 0, None)


def short(time_ns):
    return format_time(int(time_ns))[:16]


def test_an_expectation_is_stated_for_every_file():
    stated = {f"ohlcv/{row[0]}.parquet" for row in OHLCV} | {f"raw_messy/{name}" for name in RAW}
    stated |= {f"ticks/{name}" for name in TICKS}
    stated.add("ticks/coinbase-spot_BTCEUR_tradebars_1m_20180404.parquet")
    found = {
        str(path.relative_to(DATA))
        for folder in ("ohlcv", "raw_messy", "ticks")
        for path in (DATA / folder).rglob("*")
        if path.is_file()
    }
    assert found == stated


@pytest.mark.parametrize(
    ("file", "pair", "interval", "rows", "first", "last"), OHLCV, ids=[row[0] for row in OHLCV]
)
def test_candle_file(file, pair, interval, rows, first, last):
    path = f"ohlcv/{file}.parquet"
    if file in REPAIRS:
        kind, count = REPAIRS[file]
        with pytest.raises(UserError) as fault:
            loaded(path)
        assert len(fault.value.faults) == 1
        assert fault.value.faults[0].startswith(f"market {pair} {interval}: {count:,} rows ")
        assert f"exchange.faults.{kind}=repair" in fault.value.faults[0]
        made = loaded(path, faults={kind: "repair"})
        dropped = count
    else:
        made = loaded(path)
        dropped = 0
    candles = made.candles
    assert sum(quality.rows_in for quality in made.qualities) == int(rows)
    assert sum(quality.rows_out for quality in made.qualities) == int(rows) - dropped
    assert str(candles.interval) == str(Interval.parse(interval))
    assert candles.pairs == (pair,) if pair != "20" else len(candles.pairs) == 20
    if REPAIRS.get(file, ("",))[0] != "non_positive":  # which drops the first row
        assert short(candles.time[0]) == first
    assert short(candles.time[-1]) == last
    assert not np.isnan(candles.close[-1]).any()


@pytest.mark.parametrize("file", RAW)
def test_raw_file_holds_the_candles_of_its_copy(file):
    copy = RAW[file]
    (expected,) = (row for row in OHLCV if row[0] == copy)
    policy = {"faults": {REPAIRS[copy][0]: "repair"}} if copy in REPAIRS else {}
    raw, clean = loaded(f"raw_messy/{file}", **policy), loaded(f"ohlcv/{copy}.parquet", **policy)
    assert raw.candles.pairs == (expected[1],)
    assert raw.qualities[0].rows_in == int(expected[3]) + (96 if "XBTEUR" in file else 0)
    shared = raw.candles[: len(clean.candles)]  # the copy of the Kraken file ends a day earlier
    for name in ("time", "open", "high", "low", "close", "volume"):
        # Some copies were rounded in the last bit by the program that made them.
        np.testing.assert_allclose(
            getattr(shared, name), getattr(clean.candles, name), rtol=1e-15, atol=0
        )


@pytest.mark.parametrize("file", [file for file, copy in RAW.items() if copy in REPAIRS])
def test_raw_file_with_a_doubtful_row_is_refused(file):
    kind, _ = REPAIRS[RAW[file]]
    with pytest.raises(UserError, match=f"exchange.faults.{kind}=repair"):
        loaded(f"raw_messy/{file}")


@pytest.mark.parametrize("file", TICKS)
def test_what_is_no_candles_is_refused(file):
    with pytest.raises(UserError) as fault:
        loaded(f"ticks/{file}")
    (line,) = fault.value.faults
    name = file.rpartition("/")[2]
    assert line.startswith(f"exchange.path: {name} is not candles")
    assert TICKS[file] in line


def test_trade_bars_are_candles():
    made = loaded("ticks/coinbase-spot_BTCEUR_tradebars_1m_20180404.parquet")
    assert made.qualities[0].rows_in == 3_663
    assert made.candles.pairs == ("BTC-EUR",)


def test_five_pairs_of_quarter_hours_load_together():
    made = loaded("ohlcv/binance-spot_*USDT_15m_2022-23.parquet")
    assert made.candles.pairs == ("ADA-USDT", "BTC-USDT", "ETH-USDT", "SOL-USDT", "XRP-USDT")
    rows = [quality.rows_in for quality in made.qualities]
    assert rows == [40_580, 40_580, 40_582, 40_584, 40_586]


def test_own_quarter_hours_of_five_minutes_equal_the_derived_file():
    five = Files(path=str(DATA / "ohlcv/binance-spot_BTCUSDT_5m_2022-23.parquet"))
    made = load_candles(five, None, Interval.parse("15m"), None, None, 0, None).candles
    derived = loaded("ohlcv/binance-spot_BTCUSDT_15m_2022-23.parquet").candles
    shared = derived[: len(made)]
    assert len(made) == len(derived)
    np.testing.assert_array_equal(made.time, shared.time)
    for name in ("open", "high", "low", "close"):
        np.testing.assert_array_equal(getattr(made, name), getattr(shared, name))
    np.testing.assert_allclose(made.volume, shared.volume, rtol=1e-12)


def test_a_folder_with_one_pair_in_several_files_names_two_of_them():
    with pytest.raises(UserError, match="both hold ADA-USDT"):
        loaded("ohlcv")
