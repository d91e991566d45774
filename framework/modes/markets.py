"""The markets that a download or an export works on: interval and range of each pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from framework.errors import UserError
from framework.exchange.contract import Exchange
from framework.exchange.load import require_order
from framework.types import Interval, format_time

if TYPE_CHECKING:
    from framework.modes.settings import Settings


@dataclass(frozen=True, slots=True)
class Span:
    """A range of open times [start_ns, end_ns) of one pair."""

    pair: str
    interval: Interval
    start_ns: int
    end_ns: int

    @property
    def bars(self) -> int:
        """Candles that fit in."""
        return -(-(self.end_ns - self.start_ns) // self.interval.ns)


def markets_of(settings: Settings, asked: Interval | None) -> list[Span]:
    """Return the markets that `settings` name, in candles of `asked` or as a backtest wants."""
    return find_markets(
        settings.exchange,
        settings.pairs.symbols,
        asked,
        settings.execution.interval or settings.interval,
        settings.start,
        settings.end,
    )


def find_markets(
    exchange: Exchange,
    pairs: Sequence[str] | None,
    asked: Interval | None,
    usual: Interval,
    start_ns: int | None,
    end_ns: int | None,
) -> list[Span]:
    """Return interval and range of each pair, cut to what the exchange has.

    Parameters
    ----------
    asked : Interval or None
        Must be the exchange's own where that has only one.
    usual : Interval
        Taken where nothing is asked and the exchange has any.

    Raises
    ------
    UserError
        Unknown pair, wrong interval, empty or reversed range; all pairs' at once.
    """
    require_order(start_ns, end_ns)
    markets: list[Span] = []
    faults: list[str] = []
    for pair in exchange.offered_pairs() if pairs is None else pairs:
        try:
            markets.append(_find_market(exchange, pair, asked, usual, start_ns, end_ns))
        except UserError as fault:
            faults += fault.faults
    if faults:
        raise UserError(*dict.fromkeys(faults))
    return markets


def _find_market(
    exchange: Exchange,
    pair: str,
    asked: Interval | None,
    usual: Interval,
    start_ns: int | None,
    end_ns: int | None,
) -> Span:
    native = exchange.native_interval(pair)
    if native is not None and asked is not None and asked != native:
        raise UserError(
            f"mode.interval: exchange '{exchange.name}' has only {native} candles of {pair} "
            f"(was {asked})."
        )
    interval = native or asked or usual
    default = exchange.default_span(pair, interval)
    limits = exchange.available_span(pair, interval)
    start = interval.ceil(max(default[0] if start_ns is None else start_ns, limits[0]))
    end = interval.ceil(min(default[1] if end_ns is None else end_ns, limits[1]))
    if start >= end:
        raise UserError(
            f"market {pair} {interval}: nothing from "
            f"{format_time(default[0] if start_ns is None else start_ns)} to "
            f"{format_time(default[1] if end_ns is None else end_ns)}, exchange "
            f"'{exchange.name}' has {format_time(limits[0])} to {format_time(limits[1])}."
        )
    return Span(pair, interval, start, end)
