"""What a session came to so far: its ledger added up as it grows, as the finished run will say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from framework.records import TRADE, Kind
from framework.results.trades import RoundTrips
from framework.session.record import BARS
from framework.types import DAY_NS, FloatArray, Interval, RecordArray


@dataclass(frozen=True, slots=True, eq=False)
class Booked:
    """What one fill came to.

    Parameters
    ----------
    fill : EVENT
        Of the ledger.
    opened, closed : float
        Units of it that enlarged a position, and that reduced one.
    profit : float
        On the units closed, after the fees of both sides and borrowing; 0 where none were.
    fraction : float
        The same over what was put into them.
    ended : TRADE, optional
        The round trip that it ended.
    parted : bool
        Whether units of that round trip had been closed before.
    """

    fill: Any
    opened: float
    closed: float
    profit: float
    fraction: float
    ended: Any | None
    parted: bool


@dataclass(frozen=True, slots=True)
class Day:
    """One UTC day of a session, as far as it ran in it.

    Parameters
    ----------
    end_ns : int
        Midnight after it.
    begun, equity : float
        Equity when it began and when it ended.
    won, lost : int
        Round trips that ended in it.
    fees : float
        Paid in it.
    """

    end_ns: int
    begun: float
    equity: float
    won: int
    lost: int
    fees: float


class BookKeeping:
    """Adds up bars and events.

    Parameters
    ----------
    pairs : int
        N pairs.
    cash : float
        That the session began with.
    start_ns : int
        Open time of its first bar, UTC.
    interval : Interval
        Of the strategy.
    bar : Interval
        Of the bars.
    """

    def __init__(
        self, pairs: int, cash: float, start_ns: int, interval: Interval, bar: Interval
    ) -> None:
        self.trips = RoundTrips(pairs, start_ns, interval.ns)
        """The round trips that are open."""
        self.cash = cash
        """That the session began with."""
        self.equity = cash
        """At the last close."""
        self.end_ns = start_ns
        """The last close, UTC."""
        self.bars = self.fills = self.vetoes = self.won = self.lost = 0
        self.pnl = self.fees = self.borrowed = 0.0
        """Of the round trips that ended; of all fills; of all borrowing."""
        self._interval, self._bar = interval, bar
        self._peak = cash
        self._least = 1.0
        self._day = self._begin_day()

    def add(self, bars: RecordArray, events: RecordArray) -> RecordArray:
        """Go on with bars (B,) BARS and their events; return the trades that ended, (K,) TRADE.

        `Record` numbers the events within the session; those before `bars` were added already.
        """
        ended = [np.zeros(0, TRADE)]
        days = (bars["time"] + self._bar.ns - 1) // DAY_NS
        begin, before = 0, int(bars["events"][-1]) - len(events) if len(bars) else 0
        for part in np.split(bars, np.flatnonzero(np.diff(days)) + 1):
            if len(part):
                end = int(part["events"][-1]) - before
                ended.append(self._fill(events[begin:end]))
                self._close(part)
                self.end_day()
                begin = end
        return np.concatenate(ended)

    def book(self, time: int, equity: float, events: RecordArray) -> list[Booked]:
        """Go on with one bar and its events; return what each fill came to."""
        booked = [self._book(paid) for paid in _payments(events)]
        self.vetoes += int(np.count_nonzero(events["kind"] == Kind.VETOED))
        self._close(np.array([(time, equity, 0)], BARS))
        return booked

    def end_day(self) -> Day | None:
        """Return the day that ended with the last close, once; None where none did."""
        if self.end_ns % DAY_NS or self.end_ns == self._day[0]:
            return None
        _, begun, won, lost, fees = self._day
        day = Day(
            self.end_ns,
            begun,
            self.equity,
            self.won - won,
            self.lost - lost,
            self.fees - fees,
        )
        self._day = self._begin_day()
        return day

    @property
    def trades(self) -> int:
        """Round trips, open ones counted."""
        return self.won + self.lost + int(np.count_nonzero(self.trips.held_N["units"]))

    @property
    def profit(self) -> float:
        """Equity over what the session began with."""
        return self.equity - self.cash

    @property
    def max_drawdown(self) -> float:
        """The deepest fall from a peak at the strategy's closes, a fraction."""
        return 1.0 - self._least

    def _begin_day(self) -> tuple[int, float, int, int, float]:
        return self.end_ns, self.equity, self.won, self.lost, self.fees

    def _fill(self, events: RecordArray) -> RecordArray:
        """Let fills and charges count."""
        ended = self.trips.add(events)
        kinds = events["kind"]
        self.fees += float(events["fee"][kinds == Kind.FILLED].sum())
        self.borrowed += float(events["quote"][kinds == Kind.CHARGED].sum())
        won = int(np.count_nonzero(ended["pnl"] > 0.0))
        self.won += won
        self.lost += len(ended) - won
        self.pnl += float(ended["pnl"].sum())
        self.fills += int(np.count_nonzero(kinds == Kind.FILLED))
        self.vetoes += int(np.count_nonzero(kinds == Kind.VETOED))
        return ended

    def _book(self, paid: RecordArray) -> Booked:
        """Let a fill and the charge after it count."""
        fill = paid[0]
        n = int(fill["pair"])
        held = self.trips.held_N[n].copy()
        trades = self._fill(paid)
        side, units, owned = int(fill["side"]), float(fill["units"]), abs(float(held["units"]))
        if held["units"] * side >= 0.0:
            return Booked(fill, units, 0.0, 0.0, 0.0, None, False)
        turned = len(trades) and self.trips.held_N[n]["units"] != 0.0
        closed = owned if turned else units
        share = 1.0 if len(trades) else closed / owned
        put_in = float(held["own_quote"]) * share
        part = closed / units
        charged = float(paid["quote"][1:].sum())
        costs = float(held["own_fees"]) * share + float(fill["fee"]) * part + charged
        profit = (put_in - float(fill["quote"]) * part) * side - costs
        return Booked(
            fill,
            units - closed,
            closed,
            profit,
            profit / put_in if put_in else 0.0,
            trades[0] if len(trades) else None,
            bool(held["out_units"]),
        )

    def _close(self, bars: RecordArray) -> None:
        """Let the closes of bars count."""
        if not len(bars):
            return
        closes = bars["time"] + self._bar.ns
        decided = (closes - self._interval.offset_ns) % self._interval.ns == 0
        equity: FloatArray = bars["equity"][decided]
        if len(equity):
            peaks = np.maximum(np.maximum.accumulate(equity), self._peak)
            self._peak = float(peaks[-1])
            self._least = min(self._least, float((equity / peaks).min()))
        self.bars += len(bars)
        self.equity = float(bars["equity"][-1])
        self.end_ns = int(closes[-1])


def _payments(events: RecordArray) -> Iterator[RecordArray]:
    """Yield each fill with the charges after it."""
    kinds = events["kind"]
    paid = events[(kinds == Kind.FILLED) | (kinds == Kind.CHARGED)]
    begins = np.flatnonzero(paid["kind"] == Kind.FILLED)
    return (part for part in np.split(paid, begins[1:]) if len(part))
