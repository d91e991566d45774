"""Kernels of the simulated market: seeded price paths, any stretch of which can be made alone.

Days are chained from a fixed first day, minutes bridge from one day's price to the next, and every
random number is a hash of a key and a counter. A candle is therefore a function of seed and time.

Legend of shapes: B bars asked for, D days since `FIRST_DAY`, K half hours of a day.
"""

from __future__ import annotations

import numpy as np

from framework.compiler import numba
from framework.types import FloatArray, IntArray

FIRST_DAY = 14_610  # 2010-01-01, in days since the epoch
DAY_MINUTES = 1_440
BLOCK_MINUTES = 30
BLOCKS = DAY_MINUTES // BLOCK_MINUTES

_U = np.uint64
_GOLDEN = _U(0x9E3779B97F4A7C15)
_MIX_1, _MIX_2 = _U(0xBF58476D1CE4E5B9), _U(0x94D049BB133111EB)
_S30, _S27, _S31 = _U(30), _U(27), _U(31)
_S16, _S32, _S48, _LOW16 = _U(16), _U(32), _U(48), _U(0xFFFF)
_UNIT16 = 1.0 / 65_536.0
_NORMAL_MEAN, _NORMAL_SCALE = 131_070.0, np.sqrt(3.0) / 65_536.0

# Regimes, by index: up, down, range, storm. Drift and volatility in daily volatilities.
_DRIFT = np.array([0.15, -0.17, 0.0, -0.05])
_LOUDNESS = np.array([0.85, 1.1, 0.6, 2.2])
_LEAVE = 1.0 / np.array([25.0, 18.0, 25.0, 5.0])
_RANGE = 2
_PULL_TO_RANGE = 0.15
_PULL_HOME = 0.003  # a year halves a deviation: e ** -(0.003 * 231) = 0.5
_JUMP_CHANCE, _JUMP_SIZE = 0.03, 2.5
_CALM = 1.0 / np.sqrt(1.0 + _JUMP_CHANCE * _JUMP_SIZE**2)  # what jumps add is taken off elsewhere


@numba.njit(cache=True, nogil=True)
def _word(key: np.uint64, counter: np.uint64) -> np.uint64:
    """Return 64 random bits: SplitMix64 (Steele, Lea and Flood 2014), asked at one counter."""
    bits = key + (counter + _U(1)) * _GOLDEN
    bits = (bits ^ (bits >> _S30)) * _MIX_1
    bits = (bits ^ (bits >> _S27)) * _MIX_2
    return bits ^ (bits >> _S31)


@numba.njit(cache=True, nogil=True)
def _normal(word: np.uint64) -> float:
    """Return a standard normal number, near enough: four 16-bit uniforms added (Irwin-Hall)."""
    total = (word & _LOW16) + ((word >> _S16) & _LOW16) + ((word >> _S32) & _LOW16) + (word >> _S48)
    return float((np.float64(total) - _NORMAL_MEAN) * _NORMAL_SCALE)


@numba.njit(cache=True, nogil=True)
def _chain(
    key: np.uint64, days: int, volatility: float
) -> tuple[FloatArray, FloatArray, FloatArray, IntArray]:
    """Walk a log price from `FIRST_DAY` on, day by day.

    A Markov chain of regimes sets drift and volatility, an autoregression clusters volatility, a
    pull towards 0 keeps the price sane over decades.

    Returns
    -------
    level_D : (days + 1,) float64
        Log price at 00:00 of each day.
    sigma_D : (days,) float64
        Standard deviation of each day's log return without its jump.
    jump_D : (days,) float64
        Log jump of the day, mostly 0.
    minute_D : (days,) int64
        Minute of that jump.
    """
    level_D = np.zeros(days + 1)
    sigma_D = np.zeros(days)
    jump_D = np.zeros(days)
    minute_D = np.zeros(days, np.int64)
    regime = np.int64(_RANGE)
    home = cluster = 0.0
    for day in range(days):
        counter = _U(4 * day)
        word = _word(key, counter)
        if np.float64(word & _LOW16) * _UNIT16 < _LEAVE[regime]:
            regime = (regime + 1 + np.int64((word >> _S16) & _LOW16) % 3) % 4
            home = level_D[day]
        cluster = 0.94 * cluster + 0.12 * _normal(_word(key, counter + _U(1)))
        sigma = volatility * _CALM * _LOUDNESS[regime] * np.exp(cluster - 0.1237)
        if np.float64((word >> _S32) & _LOW16) * _UNIT16 < _JUMP_CHANCE:
            jump_D[day] = _JUMP_SIZE * sigma * _normal(_word(key, counter + _U(2)))
            minute_D[day] = np.int64(word >> _S48) % DAY_MINUTES
        change = _DRIFT[regime] * volatility + sigma * _normal(_word(key, counter + _U(3)))
        if regime == _RANGE:
            change -= _PULL_TO_RANGE * (level_D[day] - home)
        level_D[day + 1] = level_D[day] * (1.0 - _PULL_HOME) + change + jump_D[day]
        sigma_D[day] = sigma
    return level_D, sigma_D, jump_D, minute_D


@numba.njit(cache=True, nogil=True, error_model="numpy")
def simulate_bars(
    first_minute: int,
    bars: int,
    bar_minutes: int,
    market_key: np.uint64,
    base_key: np.uint64,
    symbol_key: np.uint64,
    log_level: float,
    volatility: float,
    correlation: float,
    ticks_per_unit: float,
    steps_per_minute: float,
    steps_per_unit: float,
    quietness: float,
    activity_K: FloatArray,
) -> tuple[IntArray, FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """Make `bars` candles of `bar_minutes` minutes each from `first_minute` on.

    The path of each minute runs from the price before it to its own, so a candle's open is the
    close before it wherever that minute was traded. Minutes are gathered into bars as logarithms
    and rounded at the end: rounding keeps order, so the result equals resampled minutes.

    Parameters
    ----------
    first_minute : int
        Since the epoch, at or after `FIRST_DAY`.
    market_key, base_key, symbol_key : uint64
        Of the factor common to all, of the base currency's price, of the market's own trades.
    log_level : float
        Logarithm of the price around which the path swings.
    volatility : float
        Standard deviation of a day's log return.
    correlation : float
        Of the price with the common factor.
    ticks_per_unit : float
        Prices are rounded to its inverse.
    steps_per_minute, steps_per_unit : float
        Mean volume of a minute in steps; steps in one unit, a power of two: then sums of volume
        are exact in any order.
    quietness : float
        Chance of a minute without trades at average activity.
    activity_K : (K,) float64
        Share of trading by half hour, 1 on average.

    Returns
    -------
    traded_B : (B,) int64
        Minutes with trades; the candle does not exist where 0.
    open_B, high_B, low_B, close_B, volume_B : (B,) float64
    """
    traded_B = np.zeros(bars, np.int64)
    open_B, high_B, low_B = np.zeros(bars), np.zeros(bars), np.zeros(bars)
    close_B, volume_B = np.zeros(bars), np.zeros(bars)
    end_minute = first_minute + bars * bar_minutes
    days = (end_minute - 1) // DAY_MINUTES - FIRST_DAY + 1
    own = np.sqrt(1.0 - correlation * correlation)
    market_level, market_sigma, market_jump, market_minute = _chain(
        market_key, days, volatility * correlation
    )
    base_level, base_sigma, base_jump, base_minute = _chain(base_key, days, volatility * own)

    path = np.empty(DAY_MINUTES + 1)
    scale_K = np.empty(BLOCKS)
    bar, bar_end = 0, first_minute + bar_minutes
    high = low = close = steps = 0.0
    for day in range(first_minute // DAY_MINUTES - FIRST_DAY, days):
        day_minute = (day + FIRST_DAY) * DAY_MINUTES

        # Share of the day's variance by minute: daily shape, clusters of one and of four hours.
        total = 0.0
        for block in range(BLOCKS):
            half_hour = (day + FIRST_DAY) * BLOCKS + block
            swing = 0.25 * _normal(_word(market_key ^ _GOLDEN, _U(half_hour // 2)))
            swing += 0.25 * _normal(_word(market_key ^ _MIX_1, _U(half_hour // 8)))
            scale_K[block] = np.sqrt(activity_K[block]) * np.exp(swing)
            total += BLOCK_MINUTES * scale_K[block] ** 2
        for block in range(BLOCKS):
            scale_K[block] /= np.sqrt(total)

        path[0] = 0.0
        walked = 0.0
        for block in range(BLOCKS):
            market_scale = market_sigma[day] * scale_K[block]
            base_scale = base_sigma[day] * scale_K[block]
            for minute in range(block * BLOCK_MINUTES, (block + 1) * BLOCK_MINUTES):
                counter = _U(day_minute + minute)
                walked += market_scale * _normal(_word(market_key ^ _MIX_2, counter))
                walked += base_scale * _normal(_word(base_key ^ _MIX_2, counter))
                if minute == market_minute[day]:
                    walked += market_jump[day]
                if minute == base_minute[day]:
                    walked += base_jump[day]
                path[minute + 1] = walked

        start = log_level + market_level[day] + base_level[day]
        rest = log_level + market_level[day + 1] + base_level[day + 1] - start - walked
        sigma = np.sqrt(market_sigma[day] ** 2 + base_sigma[day] ** 2)
        share = 0.0
        for block in range(BLOCKS):
            scale = scale_K[block]
            wick = 0.8 * _UNIT16 * sigma * scale
            quiet = _quiet_chance(symbol_key, day, block, quietness, activity_K[block])
            volume_scale = steps_per_minute * activity_K[block] * 2.0
            for minute in range(block * BLOCK_MINUTES, (block + 1) * BLOCK_MINUTES):
                before = start + path[minute] + share * rest
                share += scale * scale
                now = day_minute + minute
                if now < first_minute or now >= end_minute:
                    continue
                after = start + path[minute + 1] + share * rest
                word = _word(symbol_key, _U(now))
                traded = np.float64(word & _LOW16) * _UNIT16 >= quiet
                if traded:
                    top = max(before, after) + wick * np.float64((word >> _S16) & _LOW16)
                    bottom = min(before, after) - wick * np.float64((word >> _S32) & _LOW16)
                    if traded_B[bar] == 0:
                        open_B[bar] = _price(before, ticks_per_unit)
                        high, low, steps = top, bottom, 0.0
                    high = max(high, top)
                    low = min(low, bottom)
                    close = after
                    size = np.float64(word >> _S48) * _UNIT16
                    surprise = 0.4 + abs(after - before) / (sigma * scale)
                    steps += 1.0 + np.floor(volume_scale * surprise * size * size)
                    traded_B[bar] += 1
                if now + 1 == bar_end:
                    if traded_B[bar] > 0:
                        high_B[bar] = _price(high, ticks_per_unit)
                        low_B[bar] = _price(low, ticks_per_unit)
                        close_B[bar] = _price(close, ticks_per_unit)
                        volume_B[bar] = steps / steps_per_unit
                    bar += 1
                    bar_end += bar_minutes
    return traded_B, open_B, high_B, low_B, close_B, volume_B


@numba.njit(cache=True, nogil=True)
def _quiet_chance(
    symbol_key: np.uint64, day: int, block: int, quietness: float, activity: float
) -> float:
    """Return the chance that a minute of this half hour sees no trade; 1 in a rare lull."""
    word = _word(symbol_key ^ _GOLDEN, _U((day + FIRST_DAY) * BLOCKS + block))
    if np.float64(word & _LOW16) * _UNIT16 < 0.05 * quietness:
        return 1.0
    return min(0.9, quietness / activity)


@numba.njit(cache=True, nogil=True)
def _price(log_price: float, ticks_per_unit: float) -> float:
    return float(max(1.0, np.rint(np.exp(log_price) * ticks_per_unit)) / ticks_per_unit)
