"""The true market behind the loopback exchange: trades, and candles made of nothing else.

Every trade is a function of seed, pair and a short span of time, its bucket: any range can be asked
for, in any order. Prices and units are whole ticks and lots, so that sums are exact.

Legend of shapes: B buckets, T trades.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from framework.exchange.price_levels import QUOTES
from framework.loopback.true_rows import TrueCandle, TrueMarket, TrueTrades
from framework.market.rows import CandleRows
from framework.types import MS_NS, SECOND_NS, FloatArray, IntArray, Interval, parse_time

_MINUTE = Interval(60 * SECOND_NS)
_MOST = 5  # trades in a bucket
_IDS = 10  # of each bucket
_LULL_BUCKETS, _LULL_CHANCE = 16, 0.03
_TRADE_VALUE = 300.0  # mean, in AUD
_PERIODS_S = 20.0 * 4.0 ** np.arange(12)  # of the waves that prices are made of: to 2.6 years
_SIZES = 0.02 * np.sqrt(_PERIODS_S / 86_400.0)  # as a random walk: 2 % a day
_CHUNK = 1 << 16

Words = npt.NDArray[np.uint64]


class Truth:
    """All that was and will be traded in some markets.

    Parameters
    ----------
    seed : int
        Another seed is another market.
    pairs : sequence of str
        ``BASE-QUOTE`` each.
    bucket : Interval
        Whole seconds: each has no trade or up to five. A minute makes years of history quick; some
        seconds make candles of a minute out of many trades.
    quiet : float
        Chance that a bucket has no trade; besides there are lulls of some buckets.
    first_ns : int
        When trading began, UTC ns.
    lulls : sequence of (str or None, int, int)
        Spans [start, end), UTC ns, without any trade of the pair, or of all.
    """

    def __init__(
        self,
        seed: int,
        pairs: Sequence[str],
        bucket: Interval = _MINUTE,
        quiet: float = 0.1,
        first_ns: int = parse_time("2020-01-01"),
        lulls: Sequence[tuple[str | None, int, int]] = (),
    ) -> None:
        self.seed = seed
        self.markets = {pair: TrueMarket.of(pair) for pair in pairs}
        self.bucket = bucket
        self.first_ns = bucket.ceil(first_ns)
        self._quiet = quiet
        self._lulls = tuple(lulls)
        self._log_price_at = lru_cache(maxsize=4_096)(self._log_price_of)

    def trades(self, pair: str, start_ns: int, end_ns: int) -> TrueTrades:
        """Return the trades with times in [start_ns, end_ns)."""
        first = max(start_ns, self.first_ns) // self.bucket.ns
        last = -(-max(end_ns, self.first_ns) // self.bucket.ns)
        found = self._bucket_trades(pair, first, max(first, last))
        chosen = (found.time >= start_ns) & (found.time < end_ns)
        for quiet_pair, quiet_start, quiet_end in self._lulls:
            if quiet_pair in (None, pair):
                chosen &= (found.time < quiet_start) | (found.time >= quiet_end)
        return found.where(chosen)

    def newest(self, pair: str, end_ns: int, count: int) -> TrueTrades:
        """Return the last `count` trades before `end_ns`, or as many as there are."""
        span = self.bucket.ns * (count + _LULL_BUCKETS)
        while True:
            found = self.trades(pair, end_ns - span, end_ns)
            if len(found) >= count or end_ns - span <= self.first_ns:
                return found.where(slice(max(0, len(found) - count), None))
            span *= 2

    def not_after(self, trade_id: int) -> int:
        """Return a moment no later than the trade of an id, and less than a bucket before it."""
        return trade_id // _IDS * self.bucket.ns

    def candles(
        self, pair: str, interval: Interval, start_ns: int, end_ns: int, now_ns: int
    ) -> list[TrueCandle]:
        """Return the candles with open times in [start_ns, end_ns), as they stand at `now_ns`."""
        start = max(interval.ceil(start_ns), interval.floor(self.first_ns))
        end = min(interval.ceil(end_ns), now_ns)
        # A stretch at a time: the trades of years would fill the memory.
        stretch = max(1, _CHUNK * self.bucket.ns // interval.ns) * interval.ns
        found: list[TrueCandle] = []
        for first in range(start, end, stretch):
            trades = self.trades(pair, first, min(first + stretch, end))
            found += trades.candles(interval)
        return found

    def rows(self, pair: str, interval: Interval, start_ns: int, end_ns: int) -> CandleRows:
        """Return the closed candles with open times in [start_ns, end_ns) as numbers."""
        market = self.markets[pair]
        end = interval.ceil(end_ns)
        found = np.array(self.candles(pair, interval, start_ns, end, end), np.int64).reshape(-1, 7)
        o, h, low, c = (found[:, column] / 10.0**market.price_decimals for column in range(1, 5))
        volume = found[:, 5] / 10.0**market.unit_decimals
        return CandleRows(pair, found[:, 0].copy(), o, h, low, c, volume)

    def mid(self, pair: str, time_ns: int) -> int:
        """Return the price, in ticks, around which is traded at a moment."""
        bucket, rest = divmod(time_ns, self.bucket.ns)
        here, there = self._log_price_at(pair, bucket), self._log_price_at(pair, bucket + 1)
        log_price = here + (there - here) * rest / self.bucket.ns
        return max(1, round(math.exp(log_price) * 10.0 ** self.markets[pair].price_decimals))

    def key(self, stream: str) -> np.uint64:
        """Return the key of one stream of random numbers."""
        digest = hashlib.blake2b(f"{self.seed} {stream}".encode(), digest_size=8).digest()
        return np.uint64(int.from_bytes(digest, "little"))

    def _log_price_of(self, pair: str, bucket: int) -> float:
        return float(self._log_prices(pair, np.array([bucket]))[0])

    def _log_prices(self, pair: str, bucket_B: IntArray) -> FloatArray:
        """Return log prices at the starts of buckets: waves of random heights, added."""
        total = np.full(len(bucket_B), math.log(self.markets[pair].level), dtype=np.float64)
        for octave, (period_s, size) in enumerate(zip(_PERIODS_S, _SIZES, strict=True)):
            place = bucket_B * (self.bucket.ns / SECOND_NS / period_s)
            node = np.floor(place)
            key = self.key(f"price {pair} {octave}")
            counter = node.astype(np.uint64)
            left = _uniform(_words(key, counter)) - 0.5
            right = _uniform(_words(key, counter + np.uint64(1))) - 0.5
            total += 3.5 * size * (left + (right - left) * (place - node))
        return total

    def _bucket_trades(self, pair: str, first: int, last: int) -> TrueTrades:
        """Return the trades of buckets [first, last)."""
        parts = [
            self._some_trades(pair, start, min(start + _CHUNK, last))
            for start in range(first, last, _CHUNK)
        ]
        if not parts:
            none = np.empty(0, np.int64)
            return TrueTrades(pair, none, none, none, none, none)
        return TrueTrades(pair, *(np.concatenate(column) for column in zip(*parts, strict=True)))

    def _some_trades(self, pair: str, first: int, last: int) -> tuple[IntArray, ...]:
        market = self.markets[pair]
        bucket_B = np.arange(first, last, dtype=np.int64)
        word = _words(self.key(f"count {pair}"), bucket_B.astype(np.uint64))
        block = (bucket_B // _LULL_BUCKETS).astype(np.uint64)
        lull = _uniform(_words(self.key(f"lull {pair}"), block)) < _LULL_CHANCE
        count_B = 1 + (word % np.uint64(_MOST)).astype(np.int64)
        count_B[lull | (_uniform(word) < self._quiet)] = 0

        row_T = np.repeat(np.arange(len(bucket_B)), count_B)
        nth_T = np.arange(len(row_T)) - np.repeat(np.cumsum(count_B) - count_B, count_B)
        id_T = bucket_B[row_T] * _IDS + nth_T + 1
        word = _words(self.key(f"trade {pair}"), id_T.astype(np.uint64))
        share = (nth_T + _uniform(word)) / count_B[row_T]
        offset = (share * (self.bucket.ns // MS_NS)).astype(np.int64) * MS_NS
        # One taker may meet several orders at once: trades of the same moment.
        at_once = (nth_T > 0) & (word % np.uint64(8) == 0)
        offset = np.where(at_once, np.roll(offset, 1), offset)

        log_price = self._log_prices(pair, np.arange(first, last + 1, dtype=np.int64))
        here, there = log_price[row_T], log_price[row_T + 1]
        price = np.exp(here + (there - here) * share) * 10.0**market.price_decimals
        price *= 1.0 + 1e-4 * (_uniform(word * np.uint64(31)) - 0.5)
        mean = _TRADE_VALUE * QUOTES.get(market.quote, 1.0) / market.level
        size = -np.log1p(-_uniform(word * np.uint64(17))) * mean * 10.0**market.unit_decimals
        return (
            id_T,
            bucket_B[row_T] * self.bucket.ns + offset,
            np.maximum(1, np.rint(price)).astype(np.int64),
            1 + np.floor(size).astype(np.int64),
            1 - 2 * ((word >> np.uint64(9)) & np.uint64(1)).astype(np.int64),
        )


def _words(key: np.uint64, counter: Words) -> Words:
    """Return 64 random bits each: SplitMix64 (Steele, Lea and Flood 2014), asked at `counter`."""
    bits = key + (counter + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: Words = bits ^ (bits >> np.uint64(31))
    return mixed


def _uniform(word: Words) -> FloatArray:
    """Return numbers in [0, 1) of the upper bits."""
    upper: FloatArray = (word >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return upper
