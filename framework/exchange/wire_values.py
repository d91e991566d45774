"""Values as exchanges send them, read strictly: what cannot be right is never handed on."""

from __future__ import annotations

from typing import Any

from framework.types import MS_NS, Interval, format_time, parse_time

_FIRST_NS = parse_time("2009-01-01")  # before the first trade of any coin
_LAST_NS = parse_time("2100-01-01")
_HIGHEST_PRICE = 1e12
_MOST_UNITS = 1e18


Ohlcv = tuple[float, float, float, float, float]
"""Open, high, low, close and volume."""


class Unreadable(ValueError):
    """What came is not what was agreed on: a wrong type, not finite, or absurd."""


def number_of(value: object, highest: float, name: str) -> float:
    """Return a finite number from 0 to `highest`, from text or a JSON number."""
    if type(value) is str and "_" not in value:
        try:
            number = float(value)
        except ValueError:
            raise Unreadable(f"{name} {value[:40]!r}") from None
    elif type(value) is float or type(value) is int:
        number = float(value) if abs(value) <= highest else highest * 2
    else:
        raise Unreadable(f"{name} {str(value)[:40]!r}")
    if not 0.0 <= number <= highest:  # not a number fails too
        raise Unreadable(f"{name} {str(value)[:40]}")
    return number


def price_of(value: object) -> float:
    """Return a price above 0."""
    price = number_of(value, _HIGHEST_PRICE, "price")
    if price == 0.0:
        raise Unreadable("price 0")
    return price


def units_of(value: object) -> float:
    """Return units of 0 or more."""
    return number_of(value, _MOST_UNITS, "amount")


def traded_units_of(value: object) -> float:
    """Return units above 0."""
    units = units_of(value)
    if units == 0.0:
        raise Unreadable("amount 0")
    return units


def served_number_of(value: object) -> float:
    """Return a number as it was served, be it infinite, NaN or below zero."""
    if type(value) is not str and type(value) is not float and type(value) is not int:
        raise Unreadable(f"number {str(value)[:40]!r}")
    try:
        return float(value)
    except (ValueError, OverflowError):
        raise Unreadable(f"number {str(value)[:40]!r}") from None


def market_time(time_ns: int) -> int:
    """Return UTC ns; raise Unreadable where no coin was traded then."""
    if not _FIRST_NS <= time_ns < _LAST_NS:
        raise Unreadable(f"time {str(time_ns)[:40]} ns")
    return time_ns


def moment_of(value: object, unit_ns: int = MS_NS) -> int:
    """Return UTC ns of a whole number of units, milliseconds unless said otherwise."""
    if type(value) is not int:
        raise Unreadable(f"time {str(value)[:40]}")
    return market_time(value * unit_ns)


def open_time_of(value: object, interval: Interval, unit_ns: int = MS_NS) -> int:
    """Return the open time of a candle of `interval`, UTC ns."""
    return opened_at(moment_of(value, unit_ns), interval)


def opened_at(time_ns: int, interval: Interval) -> int:
    """Return UTC ns; raise Unreadable where no candle of `interval` opens then."""
    if interval.floor(time_ns) != time_ns:
        raise Unreadable(f"candle of {interval} at {format_time(time_ns)}")
    return time_ns


def counter_of(value: object) -> int:
    """Return a sequence number."""
    if type(value) is not int or not 0 <= value < 1 << 63:
        raise Unreadable(f"sequence number {str(value)[:40]}")
    return value


def text_of(value: object) -> str:
    """Return text that is not empty."""
    if type(value) is not str or not value:
        raise Unreadable(f"text {str(value)[:40]}")
    return value


def list_of(value: object) -> list[Any]:
    """Return a list."""
    if type(value) is not list:
        raise Unreadable(f"list {str(value)[:40]}")
    return value


def dict_of(value: object) -> dict[str, Any]:
    """Return a JSON object."""
    if type(value) is not dict:
        raise Unreadable(f"object {str(value)[:40]}")
    return value


def levels_of(value: object) -> list[tuple[str, str]]:
    """Return levels of a book as written, price and units each, checked to be numbers."""
    levels = []
    try:
        for level in list_of(value):
            price, units = level[0], level[1]
            if not (
                type(level) is list
                and type(price) is type(units) is str
                and 0.0 < float(price) <= _HIGHEST_PRICE
                and 0.0 <= float(units) <= _MOST_UNITS
            ):
                raise Unreadable(f"level {str(level)[:60]}")
            levels.append((price, units))
    except (IndexError, KeyError, TypeError, ValueError):
        raise Unreadable(f"levels {str(value)[:60]}") from None
    return levels


def served_ohlcv_of(row: list[Any]) -> Ohlcv:
    """Return open, high, low, close and volume of the five values, as they were served."""
    if len(row) != 5:
        raise Unreadable(f"candle {str(row)[:60]}")
    return (
        served_number_of(row[0]),
        served_number_of(row[1]),
        served_number_of(row[2]),
        served_number_of(row[3]),
        served_number_of(row[4]),
    )


def ohlcv_of(row: list[Any]) -> Ohlcv:
    """Return open, high, low, close and volume of the five values, prices and units all."""
    if len(row) != 5:
        raise Unreadable(f"candle {str(row)[:60]}")
    return (
        price_of(row[0]),
        price_of(row[1]),
        price_of(row[2]),
        price_of(row[3]),
        units_of(row[4]),
    )
