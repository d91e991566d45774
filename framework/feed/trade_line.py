"""One pair's trades, each once: in order, or marked as late."""

from __future__ import annotations

from bisect import bisect_right, insort

from framework.feed.events import Traded
from framework.market.live import Trade, TradeKey, in_order

_KEPT = 10_000


class TradeLine:
    """Drops what was seen before, holds new trades for a moment, and tells them in order.

    A trade is told at the second turn after it came, with all that sort before it; one that sorts
    before a trade told already is told as late. A turn is a tenth of a second or so.

    Parameters
    ----------
    kept : int
        Ids remembered at least; twice as many at most.
    """

    def __init__(self, kept: int = _KEPT) -> None:
        self._kept = kept
        self._seen: dict[str, int] = {}
        self._held: list[tuple[TradeKey, Trade]] = []
        self._late: list[Trade] = []
        self._ripe: TradeKey | None = None  # the newest that was held at the last turn
        self._told: TradeKey | None = None
        self.known_from_ns = -(2**62)
        """Of older trades it is not remembered whether they were seen."""

    def add(self, trade: Trade, missed: bool = False) -> bool:
        """Take in a trade; tell whether it is new.

        Parameters
        ----------
        trade : Trade
        missed : bool
            It lies in a hole of what was heard: it is new even where memory does not reach.
        """
        if trade.id in self._seen or (trade.time < self.known_from_ns and not missed):
            return False
        self._seen[trade.id] = trade.time
        key = in_order(trade)
        if self._told is not None and key < self._told:
            self._late.append(trade)
        else:
            insort(self._held, (key, trade), key=lambda held: held[0])
        return True

    def turn(self) -> list[Traded]:
        """Let a turn pass; return what is to be told now."""
        told = self._tell_up_to(self._ripe) if self._ripe is not None else self._tell_late()
        self._ripe = self._held[-1][0] if self._held else None
        return told

    def tell_before(self, time_ns: int) -> list[Traded]:
        """Return all that is held of before `time_ns`, without waiting."""
        return self._tell_up_to((time_ns, 0, ""))

    def forget(self, edges: list[tuple[int, int]]) -> None:
        """Forget the oldest ids where there are too many, but none with a time in `edges`."""
        if len(self._seen) <= 2 * self._kept:
            return
        by_time = sorted(self._seen.items(), key=lambda seen: seen[1])
        cut_ns = by_time[-self._kept][1]
        self._seen = {
            id_: time
            for id_, time in by_time
            if time >= cut_ns or any(start <= time < end for start, end in edges)
        }
        self.known_from_ns = max(self.known_from_ns, cut_ns)

    def _tell_up_to(self, key: TradeKey) -> list[Traded]:
        count = bisect_right(self._held, key, key=lambda held: held[0])
        told = self._tell_late() + [Traded(trade, False) for _, trade in self._held[:count]]
        if count:
            self._told = self._held[count - 1][0]
            del self._held[:count]
        return told

    def _tell_late(self) -> list[Traded]:
        told = [Traded(trade, True) for trade in sorted(self._late, key=in_order)]
        self._late.clear()
        return told
