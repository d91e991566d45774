"""The account as one NumPy record: everything that one bar hands to the next."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from framework.engine.constants import constant
from framework.types import FloatArray, RecordArray

EXIT, ENTRY = constant(0), constant(1)
"""Slots of the order that reduces or ends a position, and of that which opens or enlarges it."""

ORDERS_PER_PAIR = 2
"""Slots for open orders of one pair."""

MOST_VOLATILITY_BARS = 288
"""Longest window of volatilities and correlations: a day of 5-minute candles."""

CLOSES = MOST_VOLATILITY_BARS + 2
"""Closes of each pair that the account keeps: those of the window and of the return before it."""

WALLET = np.dtype(
    [
        ("cash", np.float64),  # quote currency
        ("equity", np.float64),  # at the last close
        ("peak_equity", np.float64),
        ("day_equity", np.float64),  # that the UTC day opened with
        ("day", np.int64),  # days since the epoch; -1 before the first bar
        ("bars", np.int64),  # stepped so far
        ("next_order", np.int64),  # id of the next order
        ("held", np.int64),  # pairs in a position
        ("waiting", np.int64),  # open orders
        ("halted", np.int64),  # 1 once the largest drawdown was reached
        ("halted_until", np.int64),  # bar at whose close trading resumes
        ("closes", np.int64),  # of each pair, remembered without a gap
        ("closes_until", np.int64),  # bar before which they lie
        ("products_until", np.int64),  # closes whose returns went into `products`
        ("products_bars", np.int64),  # returns that `products` are of
        ("day_closed", np.int64),  # 1 once the day's largest loss was reached
        ("shorts", np.int64),  # pairs in a short position
        ("called", np.int64),  # 1 after a close that called for margin
        ("wins", np.int64),  # round trips closed with a gain
        ("losses", np.int64),  # the others
        ("won", np.float64),  # sum of their gains, fractions of the money put in
        ("lost", np.float64),  # sum of their losses
    ],
    align=True,
)
"""What all pairs share."""

POSITION = np.dtype(
    [
        ("units", np.float64),  # base currency, below 0 when short
        ("entry_price", np.float64),  # average, costs other than fees included
        ("best_price", np.float64),  # since entry, of bars already past
        ("last_price", np.float64),  # close of the last bar that had one
        ("stop", np.float64),  # 0 when there is none
        ("target", np.float64),  # inf when there is none
        ("stop_distance", np.float64),  # of the entry price; 0 when there is none
        ("target_distance", np.float64),
        ("trail_distance", np.float64),  # of the best price
        ("trailed", np.float64),  # level of the trailing stop; 0 before the first
        ("entered", np.float64),  # units entered since the position was flat
        ("paid", np.float64),  # quote currency put into them, fees included
        ("profit", np.float64),  # quote currency got for them so far, less what was paid
        ("owed", np.float64),  # quote currency, for the borrowed units of a short
        ("taken", np.float64),  # units filled in bar `taken_bar`
        ("taken_bar", np.int64),
        ("eaten_time", np.int64),  # of the snapshot of the order book last eaten from, UTC ns
        ("eaten_bids", np.float64),  # units that own fills have eaten of it
        ("eaten_asks", np.float64),
        ("wish", np.float64),  # quote currency, while one bar's entries are sized
        ("wish_side", np.int64),  # +1 long, -1 short
        ("confidence", np.float64),  # 0..1, at entry
        ("entry_bar", np.int64),
        ("stopped_bar", np.int64),  # of the last stop
        ("veto_bar", np.int64),  # of the last veto
        ("veto", np.int64),  # Reason of the last veto
        ("stop_reason", np.int64),  # Reason a fill at `stop` has
        ("targets_hit", np.int64),
        ("inside_bar", np.int64),  # of the last entry filled inside a bar
        ("log_closes", np.float64, (CLOSES,)),  # number c at c modulo CLOSES; NaN: not known
        ("joining", np.float64),  # log-return that joined the window of correlations last
        ("leaving", np.float64),  # the one that left it
        ("returns", np.float64),  # sum of those in it
        ("unknown", np.int64),  # how many of them are not known
        ("moving", np.int64),  # how many are not 0
    ],
    align=True,
)
"""What one pair holds."""

ORDER = np.dtype(
    [
        ("id", np.int64),  # 0: the slot is free
        ("decided_bar", np.int64),
        ("last_bar", np.int64),  # in which it may fill
        ("units", np.float64),  # base currency still to fill; 0 when sized in quote
        ("quote", np.float64),  # quote currency still to spend, fees included
        ("limit_price", np.float64),
        ("stop_price", np.float64),
        ("confidence", np.float64),
        ("side", np.int64),  # +1 buy, -1 sell
        ("type", np.int64),  # OrderType
        ("reason", np.int64),  # Reason
        ("time_in_force", np.int64),
        ("post_only", np.int64),
        ("arrived_bar", np.int64),  # first bar with trades since; -1 before it
        ("walked_bar", np.int64),  # last bar at whose open it walked an order book; -1 before it
        ("at_open", np.int64),  # 1 while it fills at the open of the bar at hand
        ("closes", np.int64),  # 1: ends whatever is held
        ("stop_distance", np.float64),  # of the position to be; 0 when there is none
        ("target_distance", np.float64),
        ("trail_distance", np.float64),
    ],
    align=True,
)
"""One open order."""

_LONG_AGO = np.iinfo(np.int64).min // 2


@lru_cache(maxsize=64)
def account_dtype(count: int) -> np.dtype[np.void]:
    """Return the record of an account that trades `count` pairs."""
    return np.dtype(
        [
            ("wallet", WALLET),
            ("positions", POSITION, (count,)),
            ("orders", ORDER, (count, ORDERS_PER_PAIR)),
            ("products", np.float64, (count, count)),  # of log-returns, summed; pair n, pair <= n
        ],
        align=True,
    )


def new_account(pairs: Sequence[str], cash: float) -> RecordArray:
    """Return an account that holds nothing but cash.

    Parameters
    ----------
    pairs : sequence of str
        N pairs, in the order of the candles.
    cash : float
        Quote currency.

    Returns
    -------
    (1,) record
        Fields ``wallet``, ``positions`` (N,), ``orders`` (N, ORDERS_PER_PAIR) and ``products``
        (N, N).

    Examples
    --------
    >>> account = new_account(["BTC-AUD", "ETH-AUD"], 10_000.0)
    >>> float(account["wallet"]["cash"][0]), account["positions"].shape
    (10000.0, (1, 2))
    """
    account: RecordArray = np.zeros(1, account_dtype(len(pairs)))
    wallet = account["wallet"]
    for name in ("cash", "equity", "peak_equity", "day_equity"):
        wallet[name] = cash
    wallet["day"] = -1
    wallet["next_order"] = 1
    wallet["halted_until"] = _LONG_AGO
    positions = account["positions"]
    positions["target"] = np.inf
    never = ("taken_bar", "eaten_time", "entry_bar", "inside_bar", "stopped_bar", "veto_bar")
    for name in never:
        positions[name] = _LONG_AGO
    return account


def lift_halt(account: RecordArray) -> None:
    """Let an account trade again that its losses have halted; its peak begins with its equity now.

    Parameters
    ----------
    account : (1,) record
        Changed in place. The day's loss is not forgotten: entries wait for the next UTC day.

    Examples
    --------
    >>> account = new_account(["BTC-AUD"], 10_000.0)
    >>> account["wallet"]["halted"] = 1
    >>> lift_halt(account)
    >>> int(account["wallet"]["halted"][0])
    0
    """
    wallet = account["wallet"]
    wallet["halted"] = 0
    wallet["halted_until"] = _LONG_AGO
    wallet["peak_equity"] = wallet["equity"]


def account_arrays(
    account: RecordArray,
) -> tuple[RecordArray, RecordArray, RecordArray, FloatArray]:
    """Return views of the account as the loop takes them."""
    return account["wallet"], account["positions"][0], account["orders"][0], account["products"][0]


def account_to_bytes(account: RecordArray) -> bytes:
    """Return the account's values as bytes, the same for equal accounts.

    Every number is eight bytes long, so the record has no padding.
    """
    return account.tobytes()


def account_from_bytes(data: bytes, pairs: Sequence[str]) -> RecordArray:
    """Return the account that `account_to_bytes` wrote; ValueError when it traded other pairs."""
    dtype = account_dtype(len(pairs))
    if len(data) != dtype.itemsize:
        raise ValueError(
            f"an account of {len(pairs)} pairs has {dtype.itemsize} bytes, not {len(data)}"
        )
    account: RecordArray = np.frombuffer(data, dtype).copy()
    return account


def account_digest(account: RecordArray) -> str:
    """Return the SHA-256 of the account's values."""
    return hashlib.sha256(account_to_bytes(account)).hexdigest()
