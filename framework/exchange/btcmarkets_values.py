"""Single values as BTC Markets writes them, and its public trades."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from framework.exchange.wire_values import Unreadable, dict_of, price_of, traded_units_of
from framework.exchange.written_values import iso_time_of
from framework.market.live import Trade

_DIGITS = re.compile(r"[0-9]{1,40}")
_SIDES = {"Bid": 1, "Ask": -1, None: 0}


def text_of_time(time_ns: int) -> str:
    """Return UTC ns as the exchange takes it, to the microsecond before it.

    Examples
    --------
    >>> text_of_time(1_700_000_000_123_456_789)
    '2023-11-14T22:13:20.123456Z'
    """
    return f"{np.datetime_as_string(np.datetime64(time_ns, 'ns'), unit='us')}Z"


def id_of(value: Any) -> str:
    """Return the number of a trade or an order as text, exact at any length."""
    if type(value) is int and value >= 0:
        return str(value)
    if type(value) is str and _DIGITS.fullmatch(value):
        return str(int(value))
    raise Unreadable(f"id {str(value)[:40]}")


def side_of(value: Any) -> int:
    """Return 1 for ``Bid``, -1 for ``Ask``, 0 where nothing is said."""
    if not isinstance(value, str | None) or value not in _SIDES:
        raise Unreadable(f"side {str(value)[:40]}")
    return _SIDES[value]


def trade_of(pair: str, entry: Any, id_key: str, units_key: str) -> Trade:
    """Return a public trade; socket and requests call its id and its units by other keys."""
    found = dict_of(entry)
    return Trade(
        pair,
        id_of(found.get(id_key)),
        iso_time_of(found.get("timestamp")),
        price_of(found.get("price")),
        traded_units_of(found.get(units_key)),
        side_of(found.get("side")),
    )
