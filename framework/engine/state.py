"""What the compiled functions pass to each other: views of the account, bars, signals, ledger.

Arrays end in their shape: N pairs, T bars, K order slots, E events, S snapshots of order books, 2
sides, L levels, 2 numbers; 1 is a single record.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from framework.types import BoolArray, ByteArray, FloatArray, IndexArray, IntArray

Records = Any
"""An array of records; compiled code reads their fields as attributes."""

Record = Any
"""One of them."""


class Book(NamedTuple):
    """The account."""

    wallet_1: Records
    positions_N: Records
    orders_NK: Records
    products_NN: FloatArray


class Market(NamedTuple):
    """The candles, pair by pair, and the recorded order books, empty where there are none."""

    time_T: IntArray
    open_NT: FloatArray
    high_NT: FloatArray
    low_NT: FloatArray
    close_NT: FloatArray
    volume_NT: FloatArray
    standing_NT: ByteArray
    snapshot_NT: IndexArray
    book_time_S: IntArray
    book_S2L2: FloatArray


class Wants(NamedTuple):
    """The signals; those that the strategy does not give are empty."""

    enter_NT: BoolArray
    exit_NT: BoolArray
    enter_short_NT: BoolArray
    exit_short_NT: BoolArray
    traded_NT: BoolArray
    withdraw_NT: BoolArray
    target_NT: FloatArray
    confidence_NT: FloatArray
    anomaly_NT: FloatArray
    entry_limit_NT: FloatArray
    entry_stop_NT: FloatArray
    exit_limit_NT: FloatArray
    exit_stop_NT: FloatArray
    stop_loss_NT: FloatArray
    take_profit_NT: FloatArray
    trailing_stop_NT: FloatArray


class Limits(NamedTuple):
    """The rules."""

    rules_1: Records
    pairs_N: Records


class Ledger(NamedTuple):
    """The events written so far."""

    events_E: Records
    count_1: IntArray
