"""Pairs as exchanges and their exports write them, read as ``BASE-QUOTE``."""

from __future__ import annotations

import re
from itertools import pairwise

from framework.types import Interval

_MONEY = "USDT USDC BUSD TUSD FDUSD DAI UST USD EUR GBP AUD NZD JPY CAD CHF KRW TRY BRL".split()
_COINS = "BTC XBT ETH BNB".split()
_QUOTES = {code: (0 if code in _MONEY else 1 + i) for i, code in enumerate(_MONEY + _COINS)}
_ALIASES = {"XBT": "BTC", "XDG": "DOGE"}
_NOISE = set(
    "BINANCE BINANCEUS BITFINEX BITSTAMP BITTREX BITVAVO BYBIT COINBASE FTX GEMINI HUOBI KRAKEN "
    "KUCOIN OKX POLONIEX BTCMARKETS SPOT PERP FUTURES USDM COINM MARK FUNDING RATE CANDLES KLINES "
    "OHLC OHLCV OHLCVT FREQTRADE DATA PRICES UNKNOWN HOUR HOURLY MINUTE DAILY DAY".split()
)
_INTERVAL = re.compile(r"(\d{1,4})(s|sec|m|min|t|h|hr|hour|d|day|w)?", re.IGNORECASE)
_UNITS = {"sec": "s", "min": "m", "t": "m", "hr": "h", "hour": "h", "day": "d"}


def split_symbol(text: str) -> tuple[str, str] | None:
    """Return base and quote currency of a symbol, or None when they cannot be told apart.

    ``/``, ``-``, ``_`` or ``:`` may part them; glued symbols are parted before a known quote
    currency. Bittrex and Poloniex put the quote first (``BTC_AUR``): that order is recognised when
    the first part is the stronger quote currency; money is stronger than BTC, BTC than ETH.

    Examples
    --------
    >>> split_symbol("XBTEUR"), split_symbol("btc_usdt"), split_symbol("BTC_AUR")
    (('BTC', 'EUR'), ('BTC', 'USDT'), ('AUR', 'BTC'))
    """
    upper = text.strip().upper()
    parts = [part for part in re.split(r"[-_/: ]+", upper) if part]
    if len(parts) == 3 and parts[1] == parts[2]:  # futures: BTC/USDT:USDT
        parts = parts[:2]
    if len(parts) == 2 and all(part.isalnum() for part in parts):
        first, second = parts
        strengths = _QUOTES.get(first, 99), _QUOTES.get(second, 99)
        return _named(second, first) if strengths[0] < strengths[1] else _named(first, second)
    return _unglued(upper) if len(parts) == 1 else None


def pair_of(text: str) -> str | None:
    """Return ``BASE-QUOTE`` of a symbol, or None."""
    split = split_symbol(text)
    return "-".join(split) if split else None


def pair_from_name(stem: str) -> str | None:
    """Return the pair that a file's name names, or None.

    Examples
    --------
    >>> pair_from_name("binance-spot_BTCUSDT_15m_2022-23"), pair_from_name("BTC_USDT-5m")
    ('BTC-USDT', 'BTC-USDT')
    """
    words = [word for word in re.split(r"[^A-Z0-9]{2,}", stem.upper()) if word]
    for word in reversed(words):  # two separators part words that do not belong together
        tokens = [token for token in re.split(r"[^A-Z0-9]", word) if token]
        pair = _pair_of_tokens(["" if _is_noise(token) else token for token in tokens])
        if pair:
            return pair
    return None


def _is_noise(token: str) -> bool:
    return token in _NOISE or bool(_INTERVAL.fullmatch(token))


def _pair_of_tokens(tokens: list[str]) -> str | None:
    """Return the pair that neighbouring tokens, or one alone, make; the last one found."""
    neighbours = [both for both in pairwise(tokens) if all(both)][::-1]
    for first, second in neighbours:
        if second in _QUOTES and first != second and _QUOTES.get(first, 99) > _QUOTES[second]:
            return "-".join(_named(first, second))
    for token in reversed(tokens):
        split = _unglued(token)
        if split:
            return "-".join(split)
    for first, second in neighbours:
        if first in _QUOTES and first != second:
            return pair_of(f"{first}_{second}")
    return None


def interval_from_name(stem: str) -> Interval | None:
    """Return the interval that a file's name names; a bare number counts minutes (Kraken).

    Examples
    --------
    >>> str(interval_from_name("BTC_USDT-5m")), str(interval_from_name("XBTEUR_60"))
    ('5m', '1h')
    """
    bare = []
    for token in re.split(r"[^A-Za-z0-9]+", stem):
        match = _INTERVAL.fullmatch(token)
        if match and match[1][0] != "0":
            if match[2]:
                unit = match[2].lower()
                return Interval.parse(match[1] + _UNITS.get(unit, unit))
            bare.append(int(match[1]))
    if len(bare) == 1 and bare[0] in (1, 3, 5, 15, 30, 60, 240, 720, 1440):
        return Interval.parse(f"{bare[0]}m")
    return None


def _unglued(symbol: str) -> tuple[str, str] | None:
    kraken = re.fullmatch(r"X([A-Z]{3})Z(EUR|USD|GBP|AUD|CAD|JPY|CHF)", symbol)
    if kraken:
        return _named(kraken[1], kraken[2])
    for shortest in (3, 2):  # XBTUSD is XBT-USD, not XB-TUSD
        for quote in sorted(_QUOTES, key=len, reverse=True):
            base = symbol.removesuffix(quote)
            if base != symbol and base.isalnum() and len(base) >= shortest and not base.isdigit():
                return _named(base, quote)
    return None


def _named(base: str, quote: str) -> tuple[str, str]:
    return _ALIASES.get(base, base), _ALIASES.get(quote, quote)
