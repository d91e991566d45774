"""What a feed tells its consumer, in the order in which it can be relied on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from framework.market.candles import Standing
from framework.market.live import BookState, Candle, Trade


class State(Enum):
    """How the feed stands with the exchange."""

    CONNECTING = "connecting"
    LIVE = "live"
    LOST = "lost"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class CandleClosed:
    """A candle closed: of each pair contiguous, once, in order.

    Parameters
    ----------
    candle : Candle
    standing : Standing
        CONFIRMED, FLAT (nobody traded), PROVISIONAL (the exchange did not confirm it in time), or
        MISSING: the exchange does not have it any more, or nobody ever traded before (NaN).
    """

    candle: Candle
    standing: Standing


@dataclass(frozen=True, slots=True)
class CandleRevised:
    """The exchange changed a candle that was told already; what was told is not taken back.

    Parameters
    ----------
    candle : Candle
        As it is now.
    before : Candle
        As it was last told.
    """

    candle: Candle
    before: Candle


@dataclass(frozen=True, slots=True)
class Traded:
    """A trade, once; ascending by time and id within a pair unless `late`."""

    trade: Trade
    late: bool


@dataclass(frozen=True, slots=True)
class BookSeen:
    """A book that was found valid.

    Parameters
    ----------
    state : BookState
    age_ns : int
        From its last change to the moment of telling, in exchange time.
    """

    state: BookState
    age_ns: int


@dataclass(frozen=True, slots=True)
class StateChanged:
    """The connection changed, or which pairs there are; told once for each change.

    Parameters
    ----------
    state : State
    reason : str
        In one line; empty where there is none.
    """

    state: State
    reason: str


FeedEvent = CandleClosed | CandleRevised | Traded | BookSeen | StateChanged
