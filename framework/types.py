"""Small value types that every room shares: arrays, intervals, moments in UTC nanoseconds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
ByteArray = npt.NDArray[np.uint8]
IndexArray = npt.NDArray[np.int32]
RecordArray = npt.NDArray[np.void]

MS_NS = 1_000_000
SECOND_NS = 1_000_000_000
DAY_NS = 86_400 * SECOND_NS
YEAR_NS = 365 * DAY_NS

_UNITS_NS = {
    "s": SECOND_NS,
    "m": 60 * SECOND_NS,
    "h": 3_600 * SECOND_NS,
    "d": DAY_NS,
    "w": 7 * DAY_NS,
}
_MONDAY_NS = 4 * DAY_NS  # 1970-01-05, the first Monday: weeks open on Mondays


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """The length of a candle, such as ``15m``; candles open on a grid anchored at the epoch.

    Parameters
    ----------
    ns : int
        Length in nanoseconds.

    Examples
    --------
    >>> Interval.parse("15m").ns
    900000000000
    >>> str(Interval.parse("60m"))
    '1h'
    """

    ns: int

    @classmethod
    def parse(cls, text: str) -> Interval:
        """Read ``<count><unit>``, unit one of s m h d w; raise ValueError otherwise."""
        match = re.fullmatch(r"([1-9][0-9]{0,5})([smhdw])", text.strip()) if text else None
        if match is None:
            raise ValueError(f"'{text}' is no interval: a count and one of s m h d w, such as 15m")
        return cls(int(match[1]) * _UNITS_NS[match[2]])

    @classmethod
    def of(cls, value: object) -> Interval:
        """Return `value` as an interval, reading it if it is text; raise ValueError otherwise."""
        return value if isinstance(value, cls) else cls.parse(str(value))

    def __str__(self) -> str:
        for unit in ("w", "d", "h", "m", "s"):
            count, rest = divmod(self.ns, _UNITS_NS[unit])
            if not rest:
                return f"{count}{unit}"
        return f"{self.ns}ns"

    @property
    def offset_ns(self) -> int:
        """Distance of the grid from the epoch: weeks open on Mondays, all else at the epoch."""
        return _MONDAY_NS if self.ns % _UNITS_NS["w"] == 0 else 0

    def floor(self, time_ns: int) -> int:
        """Return the open time of the candle that contains `time_ns`."""
        return time_ns - (time_ns - self.offset_ns) % self.ns

    def ceil(self, time_ns: int) -> int:
        """Return the first open time at or after `time_ns`."""
        return self.floor(time_ns + self.ns - 1)

    def divides(self, other: Interval) -> bool:
        """Tell whether whole candles of this length make up each candle of `other`."""
        return other.ns % self.ns == 0 and (other.offset_ns - self.offset_ns) % self.ns == 0

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """Accept text in configuration."""
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(cls.of)


def parse_time(text: object) -> int:
    """Return a UTC date or time as nanoseconds since the epoch.

    Parameters
    ----------
    text : object
        An ISO 8601 date or time; without an offset it is UTC. Integers are nanoseconds.

    Raises
    ------
    ValueError
        When `text` is no date or time.

    Examples
    --------
    >>> parse_time("1970-01-02")
    86400000000000
    """
    if isinstance(text, int) and not isinstance(text, bool):
        return text
    try:
        moment = datetime.fromisoformat(str(text).strip())
    except ValueError:
        raise ValueError(
            f"'{text}' is no UTC date or time, such as 2024-01-31 or 2024-01-31T12:00"
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    whole = int(moment.replace(microsecond=0).timestamp())
    return whole * SECOND_NS + moment.microsecond * 1_000


def format_time(time_ns: int) -> str:
    """Return ISO 8601 UTC to the second, or finer where it must be.

    Examples
    --------
    >>> format_time(86_400_000_000_000)
    '1970-01-02T00:00:00Z'
    """
    moment = np.datetime64(int(time_ns), "ns")
    if time_ns % SECOND_NS == 0:
        return f"{np.datetime_as_string(moment, unit='s')}Z"
    return f"{np.datetime_as_string(moment, unit='ns')}Z"


def format_times(time_ns: IntArray) -> npt.NDArray[np.str_]:
    """Return `time_ns` (T,) as ISO 8601 UTC strings to the second."""
    text: npt.NDArray[np.str_] = np.datetime_as_string(
        time_ns.astype("datetime64[ns]"), unit="s", timezone="UTC"
    )
    return text
