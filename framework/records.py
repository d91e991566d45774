"""The records that pass between rooms: signals go into the engine, ledger events come out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

import numpy as np

from framework.types import BoolArray, FloatArray, Interval


class Kind(IntEnum):
    """What a ledger event says of its order."""

    DECIDED = 1
    FILLED = 2
    CANCELLED = 3
    EXPIRED = 4
    VETOED = 5
    CHARGED = 6


class OrderType(IntEnum):
    """How an order wants to be filled."""

    MARKET = 1
    LIMIT = 2
    STOP = 3
    STOP_LIMIT = 4


class TimeInForce(IntEnum):
    """How long an order waits for what its first bar with trades does not fill."""

    GTC = 1
    IOC = 2
    FOK = 3


class Reason(IntEnum):
    """Why an order was decided, vetoed, cancelled or expired, or what was charged."""

    SIGNAL = 1
    TARGET_WEIGHT = 2
    STOP_LOSS = 3
    TAKE_PROFIT = 4
    TRAILING_STOP = 5
    BREAK_EVEN = 6
    TIME_STOP = 7
    MARGIN_CALL = 8
    HALT = 9
    MAX_EXPOSURE = 20
    MAX_PAIR_EXPOSURE = 21
    MAX_POSITIONS = 22
    CORRELATION = 23
    DAILY_LOSS = 24
    MAX_DRAWDOWN = 25
    VOLATILITY = 26
    ANOMALY = 27
    COOL_DOWN = 28
    NOT_TRADABLE = 29
    MIN_NOTIONAL = 30
    NO_CASH = 31
    REPLACED = 32
    TIME_IN_FORCE = 33
    POST_ONLY = 34
    NO_PRICE = 35
    NO_STOP = 36
    NO_EDGE = 37
    BORROW = 38
    PAUSE = 39


EVENT = np.dtype(
    [
        ("time", np.int64),  # open time of the bar in which it happens, UTC ns
        ("order", np.int64),  # id of the order, counting up from 1; 0 when vetoed before an id
        ("pair", np.int32),  # index into the run's pairs
        ("kind", np.uint8),  # Kind
        ("side", np.int8),  # +1 buy, -1 sell
        ("type", np.uint8),  # OrderType
        ("reason", np.uint8),  # Reason
        ("units", np.float64),  # base currency: asked for (0: sized in quote) or filled
        ("quote", np.float64),  # quote currency: budget asked for, units * price filled, or charged
        ("price", np.float64),  # close at the decision, or the price filled at; 0 for a charge
        ("fee", np.float64),  # quote currency
        ("slippage", np.float64),  # quote currency lost against the price before costs
        ("confidence", np.float64),  # 0..1, 1 when the strategy names none
    ],
    align=True,
)
"""One entry of the ledger. All kinds share it, in order of time; a charge follows its fill."""

TRADE = np.dtype(
    [
        ("entry_time", np.int64),
        ("exit_time", np.int64),  # 0 while open
        ("pair", np.int32),
        ("side", np.int8),  # +1 long, -1 short
        ("open", np.bool_),  # True: still held at the end, valued at the last close
        ("reason", np.uint8),  # Reason of the last exit
        ("units", np.float64),  # bought (long) or sold (short) in all
        ("entry_price", np.float64),  # average
        ("exit_price", np.float64),  # average; the last close while open
        ("fees", np.float64),  # quote currency, and what borrowing the units of a short cost
        ("pnl", np.float64),  # quote currency, after fees and borrowing
        ("fraction", np.float64),  # pnl over the money put in
        ("bars", np.int64),  # held
        ("confidence", np.float64),  # at entry
    ],
    align=True,
)
"""One round trip of one pair, from flat to flat."""


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of the traded bars that is judged by itself.

    Parameters
    ----------
    fold : int
        From 1.
    name : {'train', 'validation', 'test'}
        What it is in that fold.
    start, end : int
        Index of its first bar, and of the first one after it.
    """

    fold: int
    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTerms:
    """How long an order waits, and whether it may take from the book.

    Parameters
    ----------
    time_in_force : TimeInForce
        Of what the first bar with trades does not fill.
    bars : int
        In which it may fill; 0 is without end.
    post_only : bool
        Whether it is cancelled rather than filled as taker.
    """

    time_in_force: TimeInForce = TimeInForce.GTC
    bars: int = 0
    post_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyTerms:
    """What the engine must know of a strategy besides its signals.

    Parameters
    ----------
    interval : Interval
        Between two decisions.
    direction : {'long', 'both'}
        Whether it may sell short.
    entry_order, exit_order : OrderTerms
        Of the orders that its signals lead to.
    """

    interval: Interval
    direction: str = "long"
    entry_order: OrderTerms = OrderTerms()
    exit_order: OrderTerms = OrderTerms()


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """What a strategy wants at the close of every bar, before sizing and limits.

    Either `enter` and `exit`, or `target`.

    Parameters
    ----------
    enter, exit : (T, N) bool, optional
        Open a long position; close it.
    enter_short, exit_short : (T, N) bool, optional
        Open a short position; close it.
    traded : (T, N) bool, optional
        Whether somebody traded in the candle decided on; left out, the bar at hand is that candle.
    withdraw : (T, N) bool, optional
        Call back what waits to open or enlarge a position, as a pause does; what is held stays.
    target : (T, N) float64, optional
        Wanted weight of equity, below 0 for a short; NaN leaves the position alone.
    confidence : (T, N) float64, optional
        Between 0 and 1, scales an entry's size; NaN counts as 0.
    anomaly : (T, N) float64, optional
        Score that the risk rules bound; NaN counts as too high.
    entry_limit, entry_stop, exit_limit, exit_stop : (T, N) float64, optional
        Prices of the orders decided in that bar, in quote currency: without one a market order, a
        limit order, a stop order, with both a stop-limit order.
    stop_loss, take_profit, trailing_stop : (T, N) float64, optional
        Distances as fractions of the price, in place of the one number of the risk rules.
    """

    enter: BoolArray | None = None
    exit: BoolArray | None = None
    enter_short: BoolArray | None = None
    exit_short: BoolArray | None = None
    traded: BoolArray | None = None
    withdraw: BoolArray | None = None
    target: FloatArray | None = None
    confidence: FloatArray | None = None
    anomaly: FloatArray | None = None
    entry_limit: FloatArray | None = None
    entry_stop: FloatArray | None = None
    exit_limit: FloatArray | None = None
    exit_stop: FloatArray | None = None
    stop_loss: FloatArray | None = None
    take_profit: FloatArray | None = None
    trailing_stop: FloatArray | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A run that begins, as a tracker is told of it; nothing in it is secret.

    Parameters
    ----------
    name : str
        Of the run.
    directory : Path
        Where it writes, absolute.
    started_at : int
        UTC ns.
    config : str
        The composed configuration as YAML.
    tags : mapping of str to str
        What the run is known by: its id, strategy, mode, version.
    """

    name: str
    directory: Path
    started_at: int
    config: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a run ended, as a tracker is told of it; nothing in it is secret.

    Parameters
    ----------
    status : str
        As in the database: ``done``, ``failed`` or ``interrupted``.
    ended_at : int, optional
        UTC ns; None: nobody was left to look at the clock.
    tags : mapping of str to str
        What is known at the end only: hashes, exit code, error.
    metrics : mapping of str to float
        The numbers of ``metrics.json``.
    files : sequence of Path
        What a person may want to open.
    """

    status: str
    ended_at: int | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    files: Sequence[Path] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A session that begins, as a monitor is told of it; nothing in it is secret.

    Parameters
    ----------
    bar_s, decision_s : float
        Seconds of the wall between two bars, and between two decisions; 0 where they come as fast
        as possible.
    version : str
        Of the framework.
    about : mapping of str to str
        What the session is known by: its run, strategy, exchange.
    """

    bar_s: float
    decision_s: float
    version: str
    about: Mapping[str, str]
