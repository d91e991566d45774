"""Fetch candles from an exchange into the store: only what is missing, resumed where it stopped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from framework.config.component import component
from framework.exchange.contract import Exchange
from framework.market.quality import KINDS, Fault, Quality, clean, inspect
from framework.market.ranges import difference
from framework.market.store import CandleStore
from framework.modes.markets import Span, find_markets, markets_of
from framework.types import DAY_NS, Interval, format_time

if TYPE_CHECKING:
    from rich.table import Table

    from framework.modes.context import Context

_CHUNK_BARS = 10_000
_MANY_FILES = 8


@component
class Download:
    """Fetch the candles of all pairs into the store."""

    recorded: ClassVar[bool] = False

    name: Literal["download"] = "download"
    """Of this mode."""

    interval: Interval | None = None
    """Of the candles; null: the exchange's own, else `execution.interval`, else the strategy's."""

    chunk_bars: int = Field(default=_CHUNK_BARS, ge=1, le=10_000_000)
    """Candles fetched and stored at a time, rounded to whole days: what a kill can lose. Of a live
    exchange no more than some of its answers hold."""

    def prepare(self, context: Context) -> None:
        """Find every market's interval and range."""
        if not context.settings.exchange.is_live:
            markets_of(context.settings, self.interval)
            return
        from framework.modes.live_download import advised

        with advised():
            markets_of(context.settings, self.interval)

    def run(self, context: Context) -> None:
        """Fetch what is missing and print what the store now holds.

        Raises
        ------
        UserError
            A pair or interval does not exist, or a fault is found that is to be refused.
        OutsideFault
            The exchange does not answer, or the store cannot be written.
        """
        settings = context.settings
        store = CandleStore(settings.store, settings.store_secrets)
        markets = markets_of(context.settings, self.interval)
        if settings.exchange.is_live:
            from framework.modes.live_download import download_live

            fetched = download_live(context, store, markets, self.chunk_bars)
        else:
            fetched = self._fetch(context, store, markets)
        context.print(quality_table(judge(settings.exchange, store, markets, fetched)))

    def _fetch(
        self, context: Context, store: CandleStore, markets: Sequence[Span]
    ) -> list[Quality]:
        """Fetch what is missing of an exchange that is not live, and say how much it was."""
        exchange = context.settings.exchange
        chunks = missing_chunks(exchange, store, markets, self.chunk_bars)
        with context.progress() as progress:
            bars = sum(chunk.bars for chunk in chunks)
            task = progress.add_task("candles", total=bars)
            fetched = fetch(exchange, store, chunks, lambda done: progress.advance(task, done))
        context.logger.info(f"{bars:,} candles were missing in {store.url}")
        return fetched


def download(
    exchange: Exchange,
    store: CandleStore,
    pairs: Sequence[str] | None,
    interval: Interval,
    start_ns: int | None,
    end_ns: int | None,
    progress: Callable[[int], None] | None = None,
    chunk_bars: int = _CHUNK_BARS,
) -> list[Quality]:
    """Fetch what is missing of [start, end) into `store` and judge what it then holds.

    Parameters
    ----------
    exchange : Exchange
    store : CandleStore
    pairs : sequence of str, optional
        ``BASE-QUOTE`` each; None: those that the exchange offers.
    interval : Interval
        Of the candles.
    start_ns, end_ns : int, optional
        UTC; None: the exchange's default range.
    progress : callable, optional
        Called after each chunk with the number of candles that it covers.
    chunk_bars : int
        Candles fetched and stored at a time, rounded to whole days.

    Returns
    -------
    list of Quality
        Of each pair's stored range, with the repairs made while fetching.
    """
    markets = find_markets(exchange, pairs, interval, interval, start_ns, end_ns)
    chunks = missing_chunks(exchange, store, markets, chunk_bars)
    return judge(exchange, store, markets, fetch(exchange, store, chunks, progress))


def missing_chunks(
    exchange: Exchange, store: CandleStore, markets: Sequence[Span], chunk_bars: int = _CHUNK_BARS
) -> list[Span]:
    """Return the parts of `markets` that `store` lacks, each as long as is fetched at a time."""
    chunks = []
    for market in markets:
        length = max(chunk_bars * market.interval.ns // DAY_NS, 1) * DAY_NS
        covered = store.covered(exchange.name, market.pair, market.interval)
        for start, end in difference(market.start_ns, market.end_ns, covered):
            for first in range(start, end, length):
                chunks.append(replace(market, start_ns=first, end_ns=min(first + length, end)))
    return chunks


def fetch(
    exchange: Exchange,
    store: CandleStore,
    chunks: Sequence[Span],
    progress: Callable[[int], None] | None = None,
) -> list[Quality]:
    """Fetch, clean and store each chunk, then record that it is covered; return what was found."""
    found = []
    for chunk in chunks:
        raw = exchange.rows(chunk.pair, chunk.interval, chunk.start_ns, chunk.end_ns)
        rows, quality = clean(raw, chunk.interval, exchange.faults)
        store.upsert(exchange.name, chunk.interval, rows)
        store.mark_covered(exchange.name, chunk.pair, chunk.interval, chunk.start_ns, chunk.end_ns)
        found.append(quality)
        if progress is not None:
            progress(chunk.bars)
    for interval in {chunk.interval for chunk in chunks}:
        store.compact(exchange.name, interval, above_files=_MANY_FILES)
    return found


def judge(
    exchange: Exchange, store: CandleStore, markets: Sequence[Span], fetched: Sequence[Quality]
) -> list[Quality]:
    """Return the quality of each stored range, with the repairs that fetching it took."""
    judged = []
    for market in markets:
        rows = store.read(
            exchange.name, market.pair, market.interval, market.start_ns, market.end_ns
        )
        quality = inspect(rows, market.interval, exchange.faults)
        repairs = [
            fault
            for part in fetched
            if (part.pair, part.interval) == (market.pair, market.interval)
            for fault in part.faults
            if fault.done not in ("kept", "refused")
        ]
        judged.append(replace(quality, faults=_summed([*repairs, *quality.faults])))
    return judged


def quality_table(qualities: Sequence[Quality]) -> Table:
    """Return one row for each pair: what is stored and what was found in it."""
    from rich import box
    from rich.table import Table

    table = Table(title="Stored candles", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("market", no_wrap=True)
    table.add_column("range, UTC", no_wrap=True)
    table.add_column("candles", justify="right", no_wrap=True)
    for heading in ("gaps", "missing", "longest gap", "zero volume", "same close"):
        table.add_column(heading, justify="right", min_width=len(max(heading.split(), key=len)))
    table.add_column("faults", min_width=9)
    for quality in qualities:
        counts = (
            quality.rows_out,
            quality.gaps,
            quality.missing,
            quality.longest_gap,
            quality.zero_volume,
            quality.longest_unchanged,
        )
        faults = [
            f"{fault.kind} {fault.count:,} {fault.done}"
            for fault in quality.faults
            if fault.kind != "gap" or fault.done == "refused"
        ]
        table.add_row(
            f"{quality.pair}\n{quality.interval}",
            "\n".join(_day(time) for time in (quality.first_ns, quality.last_ns)),
            *(f"{count:,}" for count in counts),
            "\n".join(faults) or "none",
        )
    return table


def _day(time_ns: int | None) -> str:
    """Return the date of a time, as a row of the table has no room for more."""
    return "" if time_ns is None else format_time(time_ns)[:10]


def _summed(faults: Sequence[Fault]) -> tuple[Fault, ...]:
    """Return one fault of each kind, counts added."""
    kinds: dict[str, Fault] = {}
    for fault in faults:
        known = kinds.get(fault.kind)
        kinds[fault.kind] = (
            fault
            if known is None
            else replace(
                known, count=known.count + fault.count, times=(known.times + fault.times)[:5]
            )
        )
    return tuple(kinds[kind] for kind in KINDS if kind in kinds)
