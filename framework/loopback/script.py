"""What goes wrong at the loopback exchange, and when."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from framework.types import SECOND_NS


class Kind(Enum):
    """Ways of going wrong; `for_s` and `value` of a fault mean what is said here."""

    CLOSE = "close"
    """All sockets end at once."""

    CLOSE_AT_BOUNDARY = "close_at_boundary"
    """All sockets end at the next multiple of `value` seconds, 60 unless told."""

    REFUSE_CONNECTIONS = "refuse_connections"
    """All sockets end; requests and new sockets are cut off for a while."""

    SILENCE = "silence"
    """Sockets that are open, or opened in the while, are never heard of again, nor do they end."""

    DUPLICATE_TRADES = "duplicate_trades"
    """Trades are sent twice by the socket, the second time a trade later."""

    SWAP_TRADES = "swap_trades"
    """A trade is sent after the one that follows it, or `value` seconds late (0.5 unless told)."""

    LOSE_TRADES = "lose_trades"
    """Every second trade is not sent by the socket."""

    LOSE_DELTAS = "lose_deltas"
    """Every third change of a book is not sent."""

    EARLY_DELTAS = "early_deltas"
    """Changes older than a book's snapshot are sent after it."""

    BAD_CHECKSUM = "bad_checksum"
    """The exchange's own sign of a whole book (checksum, number) is wrong."""

    LATE_CANDLES = "late_candles"
    """A closed candle is not served before `value` seconds (4 unless told) after its end."""

    REVISED_CANDLE = "revised_candle"
    """A candle closed less than `value` seconds ago (4 unless told) lacks its last trades."""

    SHRUNKEN_CANDLE = "shrunken_candle"
    """A candle served whole is served without its last trades `value` to 2 `value` s after it."""

    EMPTY_BUCKETS = "empty_buckets"
    """Nobody trades; the truth itself is so."""

    TOO_OFTEN = "too_often"
    """Requests are refused for being too many; `value`: seconds that are asked to wait."""

    SERVER_ERROR = "server_error"
    """Requests are answered with a status of 500 or more."""

    HTML = "html"
    """Requests and sockets are answered with a page for people."""

    TRUNCATED = "truncated"
    """Answers and frames end in the middle."""

    WRONG_TYPES = "wrong_types"
    """A number in an answer or a frame is something else."""

    HUGE_NUMBERS = "huge_numbers"
    """A number in an answer or a frame is beyond all numbers."""

    NOT_A_NUMBER = "not_a_number"
    """A number in an answer or a frame is NaN."""

    UNKNOWN_MARKET = "unknown_market"
    """The pair is not known, in requests and subscriptions."""

    SKEW = "skew"
    """The exchange's clock is `value` seconds ahead, from its start to its end."""

    SLOW_BODY = "slow_body"
    """The second half of an answer comes `value` seconds (2 unless told) after the first."""

    PAGE_ORDER = "page_order"
    """Pages that are newest first are ascending, and the other way round."""

    OTHER_QUIET = "other_quiet"
    """Quiet intervals have a flat candle where they usually have none, and the other way round."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong.

    Parameters
    ----------
    kind : Kind
    at_s : float
        Seconds after the start of the server.
    for_s : float
        Seconds that it lasts; of no matter where it is a moment's.
    pair : str or None
        Which market's; None: all of them.
    value : float
        As the kind says; 0: what is usual.
    """

    kind: Kind
    at_s: float
    for_s: float = 0.0
    pair: str | None = None
    value: float = 0.0

    def on(self, passed_s: float, pair: str | None = None) -> bool:
        """Tell whether it goes wrong now, for `pair`."""
        if not self.at_s <= passed_s < self.at_s + self.for_s:
            return False
        return pair is None or self.pair in (None, pair)


Script = tuple[Fault, ...]

DRAWN: frozenset[Kind] = frozenset(Kind) - {Kind.UNKNOWN_MARKET}
"""What `draw` draws of: a market that is gone is an answer, after which nothing is left to do."""


def draw(
    rng: np.random.Generator,
    duration_s: float,
    pairs: Sequence[str],
    kinds: Collection[Kind] = DRAWN,
    per_minute: float = 2.0,
) -> Script:
    """Return a script of faults at random, none beyond four fifths of `duration_s`."""
    names = sorted(kind.value for kind in kinds)
    count = max(1, int(rng.poisson(per_minute * duration_s / 60)))
    script = []
    for _ in range(count):
        kind = Kind(names[int(rng.integers(len(names)))])
        at_s = round(float(rng.uniform(0, 0.6 * duration_s)), 3)
        for_s = round(min(float(rng.exponential(8.0)) + 1.0, 0.2 * duration_s), 3)
        pair = pairs[int(rng.integers(len(pairs)))] if rng.random() < 0.3 else None
        script.append(Fault(kind, at_s, for_s, pair, _value(kind, rng)))
    return tuple(sorted(script, key=lambda fault: fault.at_s))


def lulls_of(script: Script, start_ns: int) -> list[tuple[str | None, int, int]]:
    """Return the spans without trades, for the truth of a server that starts at `start_ns`."""
    return [
        (
            fault.pair,
            start_ns + round(fault.at_s * SECOND_NS),
            start_ns + round((fault.at_s + fault.for_s) * SECOND_NS),
        )
        for fault in script
        if fault.kind is Kind.EMPTY_BUCKETS
    ]


def _value(kind: Kind, rng: np.random.Generator) -> float:
    if kind is Kind.SKEW:
        return round(float(rng.uniform(-10, 10)), 3)
    if kind in (Kind.LATE_CANDLES, Kind.REVISED_CANDLE, Kind.SHRUNKEN_CANDLE, Kind.SLOW_BODY):
        return round(float(rng.uniform(0.5, 5.0)), 3)
    if kind is Kind.SWAP_TRADES:
        return round(float(rng.uniform(0.05, 2.0)), 3)
    if kind is Kind.TOO_OFTEN:
        return float(rng.integers(0, 4))
    return 0.0
