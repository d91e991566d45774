"""Write candles as CSV files, from the store where they are stored, else from the exchange."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from framework.config.component import component
from framework.disk import whole_file
from framework.errors import UserError
from framework.exchange.contract import Exchange
from framework.market.quality import clean
from framework.market.ranges import difference
from framework.market.rows import CandleRows
from framework.market.store import CandleStore
from framework.modes.markets import Span, markets_of
from framework.types import Interval, format_time, format_times

if TYPE_CHECKING:
    from framework.modes.context import Context

HEADER = "timestamp,open,high,low,close,volume"


@component
class Export:
    """Write ``PAIR_interval.csv`` for every pair."""

    recorded: ClassVar[bool] = False

    name: Literal["export"] = "export"
    """Of this mode."""

    interval: Interval | None = None
    """Of the candles; null: the exchange's own, else `execution.interval`, else the strategy's."""

    path: str | None = None
    """Folder to write into, made where it is not there; null: the run's directory."""

    def prepare(self, context: Context) -> None:
        """Find every market's interval and range."""
        markets_of(context.settings, self.interval)

    def run(self, context: Context) -> None:
        """Write the files and say where they are.

        Raises
        ------
        UserError
            A pair or interval does not exist, or there are no candles.
        OutsideFault
            Exchange, store or disk fail.
        """
        settings = context.settings
        store = CandleStore(settings.store, settings.store_secrets)
        markets = markets_of(context.settings, self.interval)
        folder = Path(self.path or settings.run_dir)
        with context.progress() as progress:
            task = progress.add_task("pairs", total=len(markets))
            files = export(
                settings.exchange, store, markets, folder, lambda: progress.advance(task)
            )
        for file in files:
            context.logger.info(f"wrote {file}")


def export(
    exchange: Exchange,
    store: CandleStore,
    markets: Sequence[Span],
    folder: Path,
    advance: Callable[[], object] | None = None,
) -> list[Path]:
    """Write one CSV file for each market and return their paths.

    Candles come from `store` where all of the range is stored, else from `exchange`, cleaned by
    its policy. A file appears under its name only when it is whole.

    Raises
    ------
    UserError
        There are no candles in the range, or a fault is found that is to be refused.
    OutsideFault
        Exchange, store or disk fail.
    """
    files = []
    for market in markets:
        rows = _rows(exchange, store, market)
        if not len(rows):
            raise UserError(
                f"market {market.pair} {market.interval}: no candles from "
                f"{format_time(market.start_ns)} to {format_time(market.end_ns)}."
            )
        files.append(write_csv(rows, folder / f"{market.pair}_{market.interval}.csv"))
        if advance is not None:
            advance()
    return files


def write_csv(rows: CandleRows, file: Path) -> Path:
    """Write rows as ``timestamp,open,high,low,close,volume``, floats that read back exactly."""
    import pyarrow as pa
    import pyarrow.csv

    table = pa.table(
        {
            "timestamp": format_times(rows.time),
            "open": rows.open,
            "high": rows.high,
            "low": rows.low,
            "close": rows.close,
            "volume": rows.volume,
        }
    )
    with whole_file(file) as beside, beside.open("wb") as stream:
        stream.write(f"{HEADER}\n".encode())
        options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="none")
        pyarrow.csv.write_csv(table, stream, options)
    return file


def _rows(exchange: Exchange, store: CandleStore, market: Span) -> CandleRows:
    key = (exchange.name, market.pair, market.interval)
    covered = store.covered(*key)
    if not difference(market.start_ns, market.end_ns, covered):
        return store.read(*key, market.start_ns, market.end_ns)
    raw = exchange.rows(market.pair, market.interval, market.start_ns, market.end_ns)
    return clean(raw, market.interval, exchange.faults)[0]
