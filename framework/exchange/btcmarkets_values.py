"""Single values as BTC Markets writes them; ValueError says which one is not what it should be."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from framework.market.live import Trade
from framework.types import parse_time

MOST = 1e15
"""No price and no amount comes near it."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FIRST_NS = parse_time("2009-01-01")
_LAST_NS = parse_time("2100-01-01")
_DECIMAL = re.compile(r"[0-9]{1,40}(\.[0-9]{1,40})?")
_DIGITS = re.compile(r"[0-9]{1,40}")
_SIDES = {"Bid": 1, "Ask": -1, None: 0}


def time_of(text: Any) -> int:
    """Return an ISO 8601 time, with however many decimals, as UTC ns."""
    try:
        if not isinstance(text, str):
            raise ValueError
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        time_ns = (moment - _EPOCH) // _MICROSECOND * 1_000
    except ValueError:
        raise ValueError(f"{_shown(text)} is no time") from None
    if not _FIRST_NS <= time_ns < _LAST_NS:
        raise ValueError(f"{_shown(text)} is no time of a market")
    return time_ns


def text_of_time(time_ns: int) -> str:
    """Return UTC ns as the exchange takes it."""
    moment = _EPOCH + time_ns // 1_000 * _MICROSECOND
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def amount_of(text: Any) -> float:
    """Return a price or an amount above 0; nothing but a decimal number is one."""
    if not isinstance(text, str) or not _DECIMAL.fullmatch(text):
        raise ValueError(f"{_shown(text)} is no decimal number")
    value = float(text)
    if not 0.0 < value < MOST:
        raise ValueError(f"{text[:40]} is no price or amount")
    return value


def number_of(value: Any) -> float:
    """Return a number as it was served, be it NaN or below zero."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"{_shown(value)} is no number")
    return float(value)


def id_of(value: Any) -> str:
    """Return the number of a trade or an order as text, exact at any length."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return str(value)
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        return str(int(value))
    raise ValueError(f"{_shown(value)} is no id")


def side_of(value: Any) -> int:
    """Return 1 for ``Bid``, -1 for ``Ask``, 0 where nothing is said."""
    if not isinstance(value, str | None) or value not in _SIDES:
        raise ValueError(f"{_shown(value)} is no side")
    return _SIDES[value]


def text_of(value: Any) -> str:
    """Return a word, which must be one."""
    if not isinstance(value, str) or not value:
        raise ValueError(f"{_shown(value)} is no text")
    return value


def trade_of(pair: str, entry: Any, id_key: str, amount_key: str) -> Trade:
    """Return a public trade; socket and requests call its id and its amount by other keys."""
    found = fields_of(entry)
    return Trade(
        pair,
        id_of(found.get(id_key)),
        time_of(found.get("timestamp")),
        amount_of(found.get("price")),
        amount_of(found.get(amount_key)),
        side_of(found.get("side")),
    )


def fields_of(entry: Any) -> dict[str, Any]:
    """Return a JSON object, which it must be."""
    if not isinstance(entry, dict):
        raise ValueError(f"{_shown(entry)} is no object")
    return entry


def list_of(body: Any) -> list[Any]:
    """Return a JSON list, which it must be."""
    if not isinstance(body, list):
        raise ValueError(f"{_shown(body)} is no list")
    return body


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
