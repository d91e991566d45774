"""Pairs as exchanges and files write them."""

import pytest

from framework.exchange.pair_names import interval_from_name, pair_from_name, pair_of
from framework.types import Interval


@pytest.mark.parametrize(
    ("symbol", "pair"),
    [
        ("BTC-USDT", "BTC-USDT"),
        ("BTC/EUR", "BTC-EUR"),
        ("btc_aud", "BTC-AUD"),
        ("BTCUSDT", "BTC-USDT"),
        ("BTCUSD", "BTC-USD"),
        ("ETHBTC", "ETH-BTC"),
        ("XBTEUR", "BTC-EUR"),
        ("XXBTZEUR", "BTC-EUR"),
        ("XDG-USD", "DOGE-USD"),
        ("BTC/USDT:USDT", "BTC-USDT"),
        ("BTC_AUR", "AUR-BTC"),
        ("USDT_BTC", "BTC-USDT"),
        ("ETH_BTC", "ETH-BTC"),
        ("EUR-USDT", "EUR-USDT"),
        ("1INCHUSDT", "1INCH-USDT"),
        ("HELLO", None),
        ("USDT", None),
        ("", None),
        ("A-B-C", None),
    ],
)
def test_symbols(symbol, pair):
    assert pair_of(symbol) == pair


@pytest.mark.parametrize(
    ("stem", "pair", "interval"),
    [
        ("binance-spot_BTCUSDT_15m_2022-23", "BTC-USDT", "15m"),
        ("BTC-USDT", "BTC-USDT", None),
        ("BTC_USDT-5m", "BTC-USDT", "5m"),
        ("BTC_USDT_USDT-5m-futures", "BTC-USDT", "5m"),
        ("XBTEUR_15", "BTC-EUR", "15m"),
        ("XBTUSD_1440", "BTC-USD", "1d"),
        ("BTC_AUR-5", "AUR-BTC", "5m"),
        ("Kraken_LTCEUR_1h", "LTC-EUR", "1h"),
        ("gemini_BTCUSD_1hr", "BTC-USD", "1h"),
        ("freqtrade__freqtrade__UNITTEST_BTC-1m", "UNITTEST-BTC", "1m"),
        ("rybolov__freqtrade-data__BTC_AUR-5", "AUR-BTC", "5m"),
        ("kraken_BTC_EUR", "BTC-EUR", None),
        ("BTC_EUR_kraken", "BTC-EUR", None),
        ("binance-spot_universe20_1h_2021H1", None, "1h"),
        ("candles", None, None),
        ("2021-15-30", None, None),
    ],
)
def test_file_names(stem, pair, interval):
    assert pair_from_name(stem) == pair
    assert interval_from_name(stem) == (interval and Interval.parse(interval))
