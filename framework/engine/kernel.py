"""The compiled loop over the bars, cached on disk under a key that covers the whole engine."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from framework.engine.closes import begin_remembering, remember
from framework.engine.coast import coast
from framework.engine.compiled import cached
from framework.engine.ledger import EVENTS_PER_PAIR
from framework.engine.state import Book, Ledger, Limits, Market, Wants
from framework.engine.step import step
from framework.types import BoolArray, ByteArray, FloatArray, IndexArray, IntArray, RecordArray


def _source_key() -> int:
    """Return a number that changes with any file of the engine or the records it writes."""
    folder = Path(__file__).parent
    files = (*sorted(folder.glob("*.py")), *sorted(folder.parent.glob("*.py")))
    files = (*files, *(folder.parent / "market" / name for name in ("books.py", "candles.py")))
    hasher = hashlib.sha256()
    for file in files:
        hasher.update(file.read_bytes())
    return int.from_bytes(hasher.digest()[:7], "little")


def _compile(source_key: int) -> Any:
    """Return the loop. Numba's key for cached code holds the values a function closes over."""

    @cached
    def simulate_bars(
        wallet_1: RecordArray,
        positions_N: RecordArray,
        orders_NK: RecordArray,
        products_NN: FloatArray,
        time_T: IntArray,
        open_NT: FloatArray,
        high_NT: FloatArray,
        low_NT: FloatArray,
        close_NT: FloatArray,
        volume_NT: FloatArray,
        standing_NT: ByteArray,
        snapshot_NT: IndexArray,
        book_time_S: IntArray,
        book_S2L2: FloatArray,
        enter_NT: BoolArray,
        exit_NT: BoolArray,
        enter_short_NT: BoolArray,
        exit_short_NT: BoolArray,
        traded_NT: BoolArray,
        withdraw_NT: BoolArray,
        target_NT: FloatArray,
        confidence_NT: FloatArray,
        anomaly_NT: FloatArray,
        entry_limit_NT: FloatArray,
        entry_stop_NT: FloatArray,
        exit_limit_NT: FloatArray,
        exit_stop_NT: FloatArray,
        stop_loss_NT: FloatArray,
        take_profit_NT: FloatArray,
        trailing_stop_NT: FloatArray,
        rules_1: RecordArray,
        pairs_N: RecordArray,
        events_E: RecordArray,
        count_1: IntArray,
        equity_T: FloatArray,
        first: int,
        start: int,
    ) -> int:
        """Step bars from `start` on until the last, or until the ledger may not have room.

        Returns the index of the first bar not stepped. `equity_T` begins at bar `first`.
        """
        source_key  # noqa: B018 - closed over, so part of the key
        book = Book(wallet_1, positions_N, orders_NK, products_NN)
        market = Market(
            time_T,
            open_NT,
            high_NT,
            low_NT,
            close_NT,
            volume_NT,
            standing_NT,
            snapshot_NT,
            book_time_S,
            book_S2L2,
        )
        wants = Wants(
            enter_NT,
            exit_NT,
            enter_short_NT,
            exit_short_NT,
            traded_NT,
            withdraw_NT,
            target_NT,
            confidence_NT,
            anomaly_NT,
            entry_limit_NT,
            entry_stop_NT,
            exit_limit_NT,
            exit_stop_NT,
            stop_loss_NT,
            take_profit_NT,
            trailing_stop_NT,
        )
        limits = Limits(rules_1, pairs_N)
        ledger = Ledger(events_E, count_1)
        full = events_E.size - EVENTS_PER_PAIR * positions_N.size
        if rules_1[0].remembers != 0:
            begin_remembering(book)
        t = start
        while t < time_T.size and count_1[0] <= full:
            t = coast(book, market, wants, limits, equity_T, t, first)
            if t == time_T.size:
                break
            step(book, market, wants, limits, ledger, t)
            equity_T[t - first] = wallet_1[0].equity
            t += 1
        if rules_1[0].remembers != 0:
            remember(book, market, limits, t, t)
        return t

    return simulate_bars


simulate_bars = _compile(_source_key())


def say_compiling(say: Callable[[str], object]) -> None:
    """Say that the next call takes its time, where it does."""
    if not is_compiled():
        say("compiling the engine, once; later runs start at once")


def is_compiled() -> bool:
    """Tell whether the loop's machine code is loaded or lies in Numba's cache."""
    return bool(simulate_bars.signatures) or _cached_on_disk()


def _cached_on_disk() -> bool:
    """Tell whether the cache's index names code for these sources."""
    index = simulate_bars._cache._cache_file._load_index()
    key = simulate_bars._cache._index_key
    return any(entry[1:] == key((), _codegen())[1:] for entry in index)


def _codegen() -> Any:
    """Return the code generator of this processor, a part of the key."""
    from numba.core.registry import cpu_target

    return cpu_target.target_context.codegen()
