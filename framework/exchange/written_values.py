"""Numbers as an exchange wrote them, and times to the nanosecond, read strictly."""

from __future__ import annotations

import json
import re
from datetime import datetime
from decimal import Decimal
from typing import Any

from framework.exchange.wire_values import Unreadable, market_time, price_of, text_of, units_of
from framework.types import SECOND_NS

_NUMBER = re.compile(r"[0-9]{1,40}(?:\.[0-9]{1,40})?([eE][-+]?[0-9]{1,2})?")


def read_written(text: str) -> Any:
    """Return what JSON says; of numbers with a point or an exponent, the text.

    Raises
    ------
    Unreadable
        It is no JSON; not-a-number is none.
    """
    try:
        return json.loads(text, parse_float=str, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise Unreadable(f"JSON {text[:60]!r}") from None


def written_price(value: object) -> str:
    """Return a price above 0 as written."""
    written = _plain(value)
    price_of(written)
    return written


def written_units(value: object) -> str:
    """Return units of 0 or more as written."""
    written = _plain(value)
    units_of(written)
    return written


def whole_of(value: object) -> int:
    """Return a whole number, 0 or more, that is written as text."""
    written = text_of(value)
    if len(written) > 30 or not (written.isascii() and written.isdigit()):
        raise Unreadable(f"whole number {written[:40]!r}")
    return int(written)


def iso_time_of(value: object) -> int:
    """Return an ISO 8601 time in UTC, with up to nine decimals, as UTC ns.

    Examples
    --------
    >>> iso_time_of("2023-02-09T20:32:50.714964855Z")
    1675974770714964855
    """
    written = text_of(value)
    seconds, _, decimals = written.removesuffix("Z").partition(".")
    try:
        if not written.endswith("Z") or len(seconds) != 19:
            raise ValueError
        moment = int(datetime.fromisoformat(f"{seconds}+00:00").timestamp())
        return market_time(moment * SECOND_NS + _nanoseconds(decimals))
    except ValueError:
        raise Unreadable(f"time {written[:40]!r}") from None


def unix_time_of(value: object) -> int:
    """Return seconds since the epoch, whole or written with decimals, as UTC ns.

    Examples
    --------
    >>> unix_time_of("1688669597.8277369"), unix_time_of(1688669597)
    (1688669597827736900, 1688669597000000000)
    """
    seconds, _, decimals = _plain(value).partition(".")
    try:
        return market_time(int(seconds) * SECOND_NS + _nanoseconds(decimals))
    except ValueError:
        raise Unreadable(f"time {str(value)[:40]}") from None


def _plain(value: object) -> str:
    """Return a number as it is written, an exponent written out."""
    if type(value) is int:
        return str(value)
    written = text_of(value)
    match = _NUMBER.fullmatch(written)
    if match is None:
        raise Unreadable(f"number {written[:40]!r}")
    return format(Decimal(written), "f") if match[1] else written


def _nanoseconds(decimals: str) -> int:
    if decimals and not (decimals.isascii() and decimals.isdigit()):
        raise ValueError
    return int(decimals[:9].ljust(9, "0"))


def _refuse_constant(name: str) -> float:
    raise ValueError(name)
