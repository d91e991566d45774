"""What a recording has stored, for people: a table, and one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from framework.feed.recorder import Recorder
from framework.types import format_time

if TYPE_CHECKING:
    from rich.table import Table

    from framework.modes.recording import Recording


def recorded_table(recorder: Recorder, recording: Recording | None = None) -> Table:
    """Return one row for each pair: what is in the store since the recording began."""
    from rich import box
    from rich.table import Table

    state = "" if recording is None else f", {recording.state.value}, {recorder.waiting:,} wait"
    table = Table(title=f"Recorded{state}", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("pair", no_wrap=True)
    for heading in ("candles", "trades", "books"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("complete until, UTC", no_wrap=True)
    for pair, stored in recorder.stored.items():
        until = "" if stored.until_ns is None else format_time(stored.until_ns)
        counts = (stored.candles, stored.trades, stored.books)
        table.add_row(pair, *(f"{count:,}" for count in counts), until)
    return table


def progress_line(recording: Recording) -> str:
    """Return the same in one line over all pairs."""
    stored = list(recording.recorder.stored.values())
    candles, trades, books = (
        sum(getattr(each, name) for each in stored) for name in ("candles", "trades", "books")
    )
    ends = [each.until_ns for each in stored]
    oldest = min((end for end in ends if end is not None), default=None)
    until = "" if oldest is None else f", complete until {format_time(oldest)}"
    return (
        f"stored {candles:,} candles, {trades:,} trades, {books:,} books{until}; "
        f"{recording.recorder.waiting:,} wait; {recording.state.value}"
    )
