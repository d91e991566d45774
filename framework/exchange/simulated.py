"""A seeded market that needs no network: the same candles for the same seed, pair and time."""

from __future__ import annotations

import hashlib
import math
import re
from typing import Annotated, NamedTuple

import numpy as np
from pydantic import BeforeValidator, Field, PositiveFloat, field_validator, model_validator

from framework.config.component import component
from framework.errors import UserError, did_you_mean
from framework.exchange.contract import Exchange
from framework.exchange.price_levels import BASES, QUOTES
from framework.market.rows import CandleRows
from framework.types import DAY_NS, SECOND_NS, FloatArray, Interval, format_time, parse_time

_MINUTE_NS = 60 * SECOND_NS
_FIRST_NS = parse_time("2010-01-01")
_LAST_NS = parse_time("2100-01-01")

_MAJORS = tuple(f"{base}-{quote}" for quote in QUOTES for base in BASES)


@component
class Simulated(Exchange):
    """A market of correlated random prices: regimes, clustering volatility, jumps, quiet minutes.

    Candles are a function of seed, pair and time: any range, at any interval of whole minutes,
    asked in any order, gives the same values, and longer candles equal resampled minutes. Prices
    of one base currency in several quote currencies move together.

    Examples
    --------
    >>> market = Simulated(seed=7)
    >>> hour = Interval.parse("1h")
    >>> start, end = parse_time("2025-03-01"), parse_time("2025-03-02")
    >>> len(market.rows("BTC-AUD", hour, start, end))
    24
    """

    name: str = "simulated"
    """Name under which its candles are stored."""

    seed: int = Field(default=7, ge=0, lt=2**63)
    """Another seed is another market."""

    symbols: tuple[str, ...] = ("BTC-AUD", "ETH-AUD", "SOL-AUD", "ADA-AUD", "XRP-AUD")
    """Pairs traded when the configuration names none, ``BASE-QUOTE`` each; any name is a market."""

    start: Annotated[int, BeforeValidator(parse_time)] = parse_time("2025-01-01")
    """First open time when the configuration names none, UTC date or time, 2010 or later."""

    end: Annotated[int, BeforeValidator(parse_time)] = parse_time("2026-01-01")
    """End of the range when the configuration names none, exclusive, UTC date or time."""

    volatility: PositiveFloat = Field(default=0.65, le=3)
    """Annualised standard deviation of log returns; single pairs are calmer or wilder."""

    correlation: float = Field(default=0.75, ge=0, le=0.99)
    """Of every pair with the market as a whole, between 0 and 1."""

    @field_validator("symbols")
    @classmethod
    def _check_symbols(cls, symbols: tuple[str, ...]) -> tuple[str, ...]:
        for symbol in symbols:
            if not re.fullmatch(r"[A-Z0-9]+-[A-Z0-9]+", symbol):
                raise ValueError(f"'{symbol}' is no pair: BASE-QUOTE in capitals, such as BTC-AUD")
        if len(set(symbols)) < len(symbols) or not symbols:
            raise ValueError("must name each pair once, and at least one")
        return symbols

    @model_validator(mode="after")
    def _check_range(self) -> Simulated:
        if not _FIRST_NS <= self.start < self.end <= _LAST_NS:
            raise ValueError(
                "start must be before end, both between 2010-01-01 and 2100-01-01 "
                f"(were {format_time(self.start)} and {format_time(self.end)})"
            )
        return self

    @property
    def origin(self) -> str:
        """Name and seed."""
        return f"{self.name} seed={self.seed}"

    def offered_pairs(self) -> tuple[str, ...]:
        """Return `symbols`."""
        return self.symbols

    def native_interval(self, pair: str) -> None:
        """Return None: any interval of whole minutes can be asked for."""

    def default_span(self, pair: str, interval: Interval) -> tuple[int, int]:
        """Return `start` and `end`, on the grid of `interval`."""
        return interval.ceil(self.start), interval.floor(self.end)

    def available_span(self, pair: str, interval: Interval) -> tuple[int, int]:
        """Return the years 2010 to 2099."""
        return interval.ceil(_FIRST_NS), interval.floor(_LAST_NS)

    def rows(self, pair: str, interval: Interval, start_ns: int, end_ns: int) -> CandleRows:
        """Return candles with open times in [start_ns, end_ns); none where nothing was traded.

        Raises
        ------
        UserError
            The pair is unknown, or the interval is not made of whole minutes.
        """
        from framework.exchange.price_paths import simulate_bars

        market = self._market(pair)
        if interval.ns % _MINUTE_NS:
            raise UserError(
                f"strategy.interval, execution.interval: exchange '{self.name}' has candles of "
                f"whole minutes (was {interval}). Nearest: 1m."
            )
        first_ns, last_ns = self.available_span(pair, interval)
        first_ns = max(first_ns, interval.ceil(start_ns))
        bars = max(0, -((first_ns - min(end_ns, last_ns)) // interval.ns))
        traded, *columns = simulate_bars(
            first_ns // _MINUTE_NS, bars, interval.ns // _MINUTE_NS, *market
        )
        time = first_ns + interval.ns * np.arange(bars, dtype=np.int64)
        rows = CandleRows(pair, time, *columns)
        return rows if traded.all() else rows.take(np.flatnonzero(traded))

    def book(self, pair: str, time_ns: int, depth: int = 10) -> tuple[FloatArray, FloatArray]:
        """Return the order book as it stood at `time_ns`, around the last traded close.

        Parameters
        ----------
        pair : str
            ``BASE-QUOTE``.
        time_ns : int
            UTC; the book changes every second.
        depth : int
            Levels a side.

        Returns
        -------
        bids, asks : (depth, 2) float64
            Price in quote currency and units in base currency, best first.
        """
        minute = Interval(_MINUTE_NS)
        now = minute.floor(time_ns)
        seen = self.rows(pair, minute, now - DAY_NS, now)
        if not len(seen):
            return np.empty((0, 2)), np.empty((0, 2))
        ticks_per_unit = self._market(pair).ticks_per_unit
        rng = np.random.default_rng([int(self._key(f"book {pair}")), time_ns // SECOND_NS])
        mid = seen.close[-1] * ticks_per_unit  # in ticks from here on
        turbulence = np.std(np.diff(np.log(seen.close[-60:]))) if len(seen) > 2 else 0.0
        half_spread = mid * (2e-4 + 0.3 * turbulence) * rng.uniform(0.7, 1.3)
        sides = []
        for side, rounded in ((-1, np.floor), (1, np.ceil)):
            gaps = np.maximum(1.0, mid * 1e-4 * rng.exponential(size=depth))
            away = half_spread + np.concatenate(([0.0], np.cumsum(gaps[1:])))
            ticks = rounded(mid + side * away)
            if side < 0:
                ticks = np.minimum(ticks, np.ceil(mid) - 1 - np.arange(depth))
                ticks = np.maximum(ticks, 1.0)
            else:
                ticks = np.maximum(ticks, np.floor(mid) + 1 + np.arange(depth))
            mean_units = seen.volume[-60:].mean() * (1 + np.arange(depth)) / 4
            units = np.maximum(mean_units * rng.exponential(size=depth), 1e-8).round(8)
            sides.append(np.column_stack((ticks / ticks_per_unit, units)))
        return sides[0], sides[1]

    def _market(self, pair: str) -> _Market:
        """Return what the kernel must know of `pair`."""
        if pair not in self.symbols and pair not in _MAJORS:
            raise UserError(
                f"pairs: exchange '{self.name}' has no market '{pair}'."
                f"{did_you_mean(pair, self.symbols)} Whatever exchange.symbols lists is a market."
            )
        base, quote = pair.split("-")
        chance = self._key(f"level {base}") / 2**64
        unlisted = (10 ** (3.5 * chance - 1.0), 1.2, 0.15)  # 0.1 to 300 AUD
        level, wildness, quietness = BASES.get(base, unlisted)
        level *= QUOTES.get(quote, 1.0)
        decimals = 2 if level >= 10 else 4 if level >= 0.1 else 8
        steps_per_unit = 2.0 ** math.floor(math.log2(100 * level))  # a step: about a cent
        return _Market(
            market_key=self._key("market"),
            base_key=self._key(f"base {base}"),
            symbol_key=self._key(f"symbol {pair}"),
            log_level=math.log(level),
            volatility=self.volatility * wildness / math.sqrt(365),
            correlation=self.correlation,
            ticks_per_unit=10.0**decimals,
            steps_per_minute=800.0 / quietness / level * steps_per_unit,
            steps_per_unit=steps_per_unit,
            quietness=quietness,
            activity_K=_ACTIVITY_K,
        )

    def _key(self, stream: str) -> np.uint64:
        """Return the key of one stream of random numbers."""
        digest = hashlib.blake2b(f"{self.seed} {stream}".encode(), digest_size=8).digest()
        return np.uint64(int.from_bytes(digest, "little"))


class _Market(NamedTuple):
    """Arguments of the kernel, in its order; see `simulate_bars`."""

    market_key: np.uint64
    base_key: np.uint64
    symbol_key: np.uint64
    log_level: float
    volatility: float
    correlation: float
    ticks_per_unit: float
    steps_per_minute: float
    steps_per_unit: float
    quietness: float
    activity_K: FloatArray


def _daily_activity() -> FloatArray:
    """Return trading by half hour of the UTC day, 1 on average: busiest at 15:00, calm at 05:00."""
    hour = (np.arange(48) + 0.5) / 2
    activity = 1.0 + 0.4 * np.cos((hour - 15.0) * np.pi / 12) + 0.1 * np.cos(hour * np.pi / 6)
    scaled: FloatArray = activity / activity.mean()
    return scaled


_ACTIVITY_K = _daily_activity()
