"""What an exchange does not have, answered with the nearest that it has."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable

from framework.errors import UserError, did_you_mean
from framework.types import Interval


def unknown_pairs(exchange: str, pairs: Iterable[str], known: Collection[str]) -> UserError:
    """Return that there are no such markets, one line each.

    Parameters
    ----------
    exchange : str
        Its name.
    pairs : iterable of str
        None of them is known.
    known : collection of str
        Pairs that there are, to name the nearest.
    """
    return UserError(
        *(
            f"pairs: exchange '{exchange}' has no market '{pair}'.{did_you_mean(pair, known)}"
            for pair in pairs
        )
    )


def unknown_interval(
    keys: str, exchange: str, interval: Interval, known: Iterable[Interval]
) -> UserError:
    """Return that there are no candles of `interval`.

    Parameters
    ----------
    keys : str
        Of the configuration, that may have named it.
    exchange : str
        Its name.
    interval : Interval
        Not among those known.
    known : iterable of Interval
        Of which there are candles.
    """
    near = min(known, key=lambda each: abs(math.log(each.ns / interval.ns)))
    return UserError(
        f"{keys}: exchange '{exchange}' has no candles of {interval}. Nearest: {near}."
    )
