"""What each fill of a session earned, as its fills come."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from framework.records import Kind
from framework.results.shorts import FLAT
from framework.types import RecordArray


@dataclass(frozen=True, slots=True)
class Fill:
    """One fill.

    Parameters
    ----------
    event : record
        Of the ledger.
    profit : float or None
        Of what it closed, quote currency, after the fees and charges of both sides; None: it
        closed nothing.
    fraction : float
        That over what was put in.
    """

    event: RecordArray
    profit: float | None
    fraction: float = 0.0


class RoundTrips:
    """Keeps what each pair's position was paid for, at its average."""

    def __init__(self) -> None:
        self._units: dict[int, float] = {}
        self._outlay: dict[int, float] = {}

    def add(self, events: RecordArray) -> Iterator[Fill]:
        """Yield the fills among further events of the ledger.

        Parameters
        ----------
        events : (E,) EVENT
            Whole bars; a charge follows the fill that it belongs to.
        """
        kinds = events["kind"]
        for index, event in enumerate(events):
            if kinds[index] == Kind.FILLED:
                charged = 0.0
                after = index + 1
                while after < len(events) and kinds[after] == Kind.CHARGED:
                    charged += float(events["quote"][after])
                    after += 1
                yield self._fill(event, charged)

    def _fill(self, event: RecordArray, charged: float) -> Fill:
        pair, side, units = int(event["pair"]), int(event["side"]), float(event["units"])
        paid = side * float(event["quote"]) + float(event["fee"])
        held, outlay = self._units.get(pair, 0.0), self._outlay.get(pair, 0.0)
        if held * side >= 0.0:
            self._units[pair], self._outlay[pair] = held + side * units, outlay + paid
            return Fill(event, None)
        closing, of_held = min(abs(held) / units, 1.0), min(units / abs(held), 1.0)
        put_in = outlay * of_held
        profit = -put_in - paid * closing - charged
        left = held + side * units
        if abs(left) <= FLAT * abs(held):
            self._units[pair], self._outlay[pair] = 0.0, 0.0
        else:
            through = left * held < 0.0
            self._units[pair] = left
            self._outlay[pair] = paid * (1.0 - closing) if through else outlay - put_in
        return Fill(event, profit, profit / abs(put_in) if put_in else 0.0)
