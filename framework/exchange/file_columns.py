"""Which of a file's columns are time, prices and volume, by the names that exports give them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from framework.errors import UserError, did_you_mean
from framework.exchange.pair_names import split_symbol

CANONICAL = ("time", "open", "high", "low", "close", "volume")


class Wanted(NamedTuple):
    """What a file is read as, in the words of messages."""

    key: str
    """Of the configuration, which names the file."""
    rows: str
    columns: str


CANDLES = Wanted("exchange.path", "candles", ", ".join(CANONICAL))

_NAMES = {
    "time": (
        "opentime opentimestamp timestamp unix unixtimestamp unixtime time datetime date "
        "timeperiodstart starttime start begin candlebegintime t ts indexlevel0"
    ).split(),
    "open": "open openprice priceopen o".split(),
    "high": "high highprice pricehigh h".split(),
    "low": "low lowprice pricelow l".split(),
    "close": "close closeprice priceclose last c".split(),
    "volume": "basevolume volumebase volume vol volumetraded v".split(),
}
_CLOSE_TIMES = "closetime closetimestamp timeperiodend endtime end".split()
_SYMBOLS = "symbol pair market marketid instrument ticker".split()

# Files that do not name their columns, by their number: where each of CANONICAL stands.
_POSITIONS = {
    6: ("1", "2", "3", "4", "5", "6"),  # most exports
    7: ("1", "2", "3", "4", "5", "6"),  # Kraken's OHLCVT files: the number of trades comes last
    8: ("1", "2", "3", "4", "5", "7"),  # Kraken's API: volume-weighted price before volume
    11: ("1", "2", "3", "4", "5", "6"),  # Binance klines, without the unused last column
    12: ("1", "2", "3", "4", "5", "6"),
}


def plain(name: str) -> str:
    """Return a column's name in small letters and digits only.

    Examples
    --------
    >>> plain("Volume (BTC)"), plain("1. open"), plain("<CLOSE>")
    ('volumebtc', 'open', 'close')
    """
    return re.sub(r"[^a-z0-9]", "", re.sub(r"^\d+\. *", "", name.strip().lower()))


def symbol_column(names: Sequence[str]) -> str | None:
    """Return the column that names the pair of each row, if there is one."""
    return next((name for name in names if plain(name) in _SYMBOLS), None)


def recognise_columns(
    names: Sequence[str],
    named: bool,
    pair: str | None,
    mapped: Mapping[str, str],
    time_is: str,
    file: str,
) -> dict[str, str]:
    """Return the file's name of every canonical column.

    Parameters
    ----------
    names : sequence of str
        Of the file's columns.
    named : bool
        False when the file does not name its columns and `names` are ``1``, ``2``, ... .
    pair : str, optional
        Tells volume in base currency from volume in quote currency.
    mapped : mapping
        Canonical names to the file's, from the configuration; these come first.
    time_is : {"open", "close"}
        Which end of the candle the wanted time is.
    file : str
        For messages.

    Raises
    ------
    UserError
        A column is missing: the message names it and the nearest one.
    """
    found = {}
    for wanted, name in mapped.items():
        canonical = "time" if wanted == "timestamp" else wanted
        if canonical not in CANONICAL:
            raise UserError(
                f"exchange.columns.{wanted}: is none of {', '.join(CANONICAL)}."
                f"{did_you_mean(wanted, CANONICAL)}"
            )
        if name not in names:
            raise UserError(
                f"exchange.columns.{wanted}: {file} has no column '{name}'."
                f"{did_you_mean(name, names)}"
            )
        found[canonical] = name
    if not named:
        if len(names) not in _POSITIONS and len(found) < len(CANONICAL):
            raise UserError(
                f"exchange.path: {file} names no columns and has {len(names)} of them; known are "
                f"files of {', '.join(map(str, _POSITIONS))}. Name them by number, such as "
                "'+exchange.columns={time: 1, open: 2, high: 3, low: 4, close: 5, volume: 6}'."
            )
        positions = _POSITIONS.get(len(names), ())
        if time_is == "close" and len(names) in (11, 12):
            positions = ("7", *positions[1:])
        return {**dict(zip(CANONICAL, positions, strict=False)), **found}

    by_plain = {plain(name): name for name in reversed(names)}
    for canonical in CANONICAL:
        if canonical not in found:
            choices = _NAMES[canonical]
            if canonical == "time" and time_is == "close":
                choices = [*_CLOSE_TIMES, *choices]
            if canonical == "volume":
                choices = [*_volumes_of(pair, by_plain), *choices]
            match = next((by_plain[choice] for choice in choices if choice in by_plain), None)
            if match:
                found[canonical] = match
    missing = [canonical for canonical in CANONICAL if canonical not in found]
    if missing:
        raise UserError(_missing(missing, names, file))
    return found


def _volumes_of(pair: str | None, by_plain: Mapping[str, str]) -> list[str]:
    """Return the names that volume in the base currency of `pair` may have here."""
    base = (split_symbol(pair or "") or ("",))[0]
    aliases = [base.lower(), *(["xbt"] if base == "BTC" else [])]
    own = [form for name in aliases if name for form in (f"volume{name}", f"vol{name}")]
    if not pair:
        others = [name for name in by_plain if re.fullmatch(r"volume[a-z]{3,5}", name)]
        own = others[:1]  # exports put the base currency first
    return own


def _missing(missing: Sequence[str], names: Sequence[str], file: str) -> str:
    shown = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    near = ""
    for canonical in missing:
        close = [name for name in names if re.search(rf"(^|[^a-z]){canonical}", name.lower())]
        if close:
            near = f" Nearest to '{canonical}': '{close[0]}'."
            break
        close = difflib.get_close_matches(canonical, names, n=1, cutoff=0.7)
        if close:
            near = f" Nearest to '{canonical}': '{close[0]}'."
            break
    return (
        f"exchange.path: {file} is not candles: no column for {', '.join(missing)} "
        f"(its columns: {shown}).{near}"
    )
