"""Times as files write them, read as UTC nanoseconds."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from framework.market.arrow_columns import column_values
from framework.types import SECOND_NS, FloatArray, IntArray

if TYPE_CHECKING:
    import pyarrow as pa

UNITS_NS = {"s": SECOND_NS, "ms": 1_000_000, "us": 1_000, "ns": 1}

_YEAR_FIRST = re.compile(
    r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})"
    r"(?:[ T]+(\d{1,2})(?::(\d{2}))?(?::(\d{2}))?(?:\.(\d{1,9}))?[ -]?(AM|PM)?)?",
    re.IGNORECASE,
)
_YEAR_LAST = re.compile(
    r"(\d{1,2})([-/.])(\d{1,2})[-/.](\d{4})"
    r"(?:[ T,]+(\d{1,2})(?::(\d{2}))?(?::(\d{2}))?(?:\.(\d{1,9}))?[ -]?(AM|PM)?)?",
    re.IGNORECASE,
)


def times_ns(column: pa.ChunkedArray, unit: str | None) -> IntArray:
    """Return a column of times, of whatever type, as UTC nanoseconds.

    Numbers without a `unit` are told by their size, row by row: files exist that mix seconds and
    milliseconds. Text without an offset is UTC.

    Parameters
    ----------
    column : pyarrow.ChunkedArray
        Timestamps, dates, numbers or text.
    unit : {"s", "ms", "us", "ns"}, optional
        Of numbers.

    Returns
    -------
    (R,) int64

    Raises
    ------
    ValueError
        Naming the first row, counted from 1, that holds no time.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if column.null_count:
        first = int(np.argmax(np.asarray(pc.is_null(column).combine_chunks())))
        raise ValueError(f"row {first + 1} has no time")
    kind = column.type
    if pa.types.is_date(kind):
        days: IntArray = column_values(column.cast(pa.timestamp("s")).cast(pa.int64()))
        return days * SECOND_NS
    if pa.types.is_timestamp(kind):
        counts: IntArray = column_values(column.cast(pa.int64()))
        return counts * UNITS_NS[kind.unit]
    if pa.types.is_integer(kind):
        return _from_integers(column_values(column.cast(pa.int64())), unit)
    if pa.types.is_floating(kind):
        return _from_floats(column_values(column.cast(pa.float64())), unit)
    texts = [str(value).strip() for value in column.to_pylist()]
    if texts and re.fullmatch(r"\d{9,}(\.\d+)?", texts[0]):
        try:
            if all(text.isdigit() for text in texts):
                return _from_integers(np.array([int(text) for text in texts], np.int64), unit)
            return _from_floats(np.array([float(text) for text in texts]), unit)
        except ValueError:  # some rows are dates: read each for itself
            pass
    return np.array(_from_texts(texts, unit), np.int64)


def _from_integers(values: IntArray, unit: str | None) -> IntArray:
    if len(values) and values.min() <= 0:
        row = int(np.argmax(values <= 0))
        raise ValueError(f"row {row + 1} holds no time: {values[row]}")
    if unit is not None:
        factor = np.full(len(values), UNITS_NS[unit], np.int64)
    else:
        # Up to the year 5138 in the one unit, after 1973 in the next finer one.
        factor = np.array([SECOND_NS, 1_000_000, 1_000, 1], np.int64)[
            np.searchsorted([10**11, 10**14, 10**17], values, side="right")
        ]
    too_late = values > np.iinfo(np.int64).max // factor
    if too_late.any():
        row = int(np.argmax(too_late))
        raise ValueError(f"row {row + 1} is no time in {unit or 's'}: {values[row]}")
    return np.asarray(values * factor, np.int64)


def _from_floats(values: FloatArray, unit: str | None) -> IntArray:
    if not np.isfinite(values).all():
        raise ValueError(f"row {int(np.argmin(np.isfinite(values))) + 1} has no time")
    whole = np.floor(values)
    if (whole == values).all():
        return _from_integers(values.astype(np.int64), unit)
    whole_ns = _from_integers(whole.astype(np.int64), unit)
    factor = whole_ns // whole.astype(np.int64)
    # A float of 16 digits holds seconds to the microsecond, no finer.
    rest_us = np.rint((values - whole) * factor / 1_000).astype(np.int64)
    return np.asarray(whole_ns + rest_us * 1_000, np.int64)


def _from_texts(texts: list[str], unit: str | None) -> list[int]:
    day_first: bool | None = None
    times = []
    for row, text in enumerate(texts):
        try:
            if re.fullmatch(r"\d{9,}", text):
                times.append(int(_from_integers(np.array([int(text)]), unit)[0]))
                continue
            cleaned = re.sub(r" ?(UTC|GMT)$", "", text)
            year_last = _YEAR_LAST.fullmatch(cleaned)
            if year_last:
                if day_first is None:
                    day_first = _is_day_first(texts)
                times.append(_assembled(year_last, day_first))
                continue
            year_first = _YEAR_FIRST.fullmatch(cleaned)
            if year_first:
                year, month, day, *clock = year_first.groups()
                times.append(_moment(year, month, day, *clock))
                continue
            moment = datetime.fromisoformat(cleaned)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            whole = int(moment.replace(microsecond=0).timestamp())
            times.append(whole * SECOND_NS + moment.microsecond * 1_000)
        except _Ambiguous:
            raise
        except ValueError:
            raise ValueError(f"row {row + 1} holds no time: '{text[:40]}'") from None
    return times


class _Ambiguous(ValueError):
    """Dates that can be read two ways."""


def _is_day_first(texts: list[str]) -> bool:
    """Tell whether ``03/04/2021`` means 3 April, from the rows that can mean one thing only."""
    firsts, seconds = 0, 0
    for text in texts:
        match = _YEAR_LAST.match(text)
        if match:
            if match[2] == ".":  # no country writes month.day.year
                return True
            firsts, seconds = max(firsts, int(match[1])), max(seconds, int(match[3]))
    if (firsts > 12) == (seconds > 12):
        raise _Ambiguous(
            f"dates such as '{texts[0][:20]}' can be read as day or month first; write 2021-01-31"
        )
    return firsts > 12


def _assembled(match: re.Match[str], day_first: bool) -> int:
    first, _, second, year, *clock = match.groups()
    day, month = (first, second) if day_first else (second, first)
    return _moment(year, month, day, *clock)


def _moment(
    year: str,
    month: str,
    day: str,
    hour: str | None,
    minute: str | None,
    second: str | None,
    fraction: str | None,
    half: str | None,
) -> int:
    """Return UTC ns; with AM and PM, 12-AM is midnight and 12-PM is noon."""
    hours = int(hour or 0)
    if half:
        if not 1 <= hours <= 12:
            raise ValueError
        hours = hours % 12 + (12 if half.upper() == "PM" else 0)
    moment = datetime(
        int(year), int(month), int(day), hours, int(minute or 0), int(second or 0), tzinfo=UTC
    )
    return int(moment.timestamp()) * SECOND_NS + int((fraction or "0").ljust(9, "0"))
