"""The table that a terminal shows of a session: where it stands now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from framework.session.wording import Held, Wording, amount, priced
from framework.types import SECOND_NS, format_time

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Where a session stands.

    Parameters
    ----------
    title : str
        What it trades.
    feed : str
        State of the feed, and why.
    paused : bool
        Whether nothing is opened.
    bar_ns, next_ns : int
        Close time of the last bar, and of the next, UTC.
    balance, equity, profit, fraction : float
        Quote currency; the profit since the start, and over what it began with.
    held : sequence of Held
    trades : sequence of tuple of str
        The newest fills, as `Wording.cells` says them.
    counters : mapping of str to int
        Of bars, trades and so on.
    """

    title: str
    feed: str
    paused: bool
    bar_ns: int
    next_ns: int
    balance: float
    equity: float
    profit: float
    fraction: float
    held: Sequence[Held]
    trades: Sequence[tuple[str, ...]]
    counters: Mapping[str, int]


def live_table(status: Status, words: Wording, now_ns: int) -> RenderableType:
    """Return what the terminal shows.

    Parameters
    ----------
    status : Status
    words : Wording
    now_ns : int
        UTC; the next close is counted down to where it is near.
    """
    from rich.box import SIMPLE_HEAD
    from rich.console import Group
    from rich.table import Table

    left_s = (status.next_ns - now_ns) // SECOND_NS
    span_s = (status.next_ns - status.bar_ns) // SECOND_NS
    soon = f" in {left_s // 60}:{left_s % 60:02d}" if 0 <= left_s < span_s else ""
    figures = Table(
        title=status.title, title_justify="left", show_header=False, box=SIMPLE_HEAD, min_width=60
    )
    figures.add_column(style="dim")
    figures.add_column()
    for name, value in (
        ("Feed", f"{status.feed}, paused" if status.paused else status.feed),
        ("Last close", format_time(status.bar_ns)),
        ("Next close", format_time(status.next_ns) + soon),
        ("Balance", words.money(status.balance)),
        ("Equity", words.money(status.equity)),
        ("Total profit", _coloured(words.gain(status.profit, status.fraction))),
        ("Counted", ", ".join(f"{count:,} {name}" for name, count in status.counters.items())),
    ):
        figures.add_row(name, value)
    parts: list[RenderableType] = [figures]
    for heads, rows in (
        (("Holds", "Units", "Bought at", "Price", "Value", "Profit"), _of_held(status.held)),
        (("Last trades", "", "Units", "Price", "Value", "Profit"), status.trades),
    ):
        if rows:
            table = Table(min_width=60, header_style="dim", box=SIMPLE_HEAD)
            for number, head in enumerate(heads):
                table.add_column(head, justify="right" if number and head else "left")
            for *cells, profit in rows:
                table.add_row(*cells, _coloured(profit))
            parts.append(table)
    return Group(*parts)


def _of_held(held: Sequence[Held]) -> list[tuple[str, ...]]:
    return [
        (
            own.pair,
            amount(own.units),
            priced(own.entry_price),
            priced(own.price),
            f"{own.value:,.2f}",
            f"{own.profit:+,.2f}",
        )
        for own in held
    ]


def _coloured(profit: str) -> Text:
    """Return a profit green and a loss red."""
    from rich.text import Text

    return Text(profit, {"+": "green", "-": "red"}.get(profit[:1], ""))
