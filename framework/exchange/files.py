"""Candles from files on disk: exports of exchanges, data sites and other frameworks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field, field_validator

from framework.config.component import component
from framework.errors import UserError, did_you_mean
from framework.exchange.contract import Exchange
from framework.exchange.file_books import read_books
from framework.exchange.file_candles import FileLayout, interval_of, read_candles
from framework.exchange.file_formats import data_files, stem_of
from framework.exchange.pair_names import interval_from_name, pair_from_name, pair_of
from framework.market.books import Books
from framework.market.rows import CandleRows
from framework.types import Interval


@component
class Files(Exchange):
    """One file, or several named by pair: CSV, JSON, Parquet, Feather or Arrow, gzipped or not.

    Column names and units of time of common exports are recognised; `columns`, `time_unit` and
    `time_is` say what is not. Rows are handed over as they are: faults are the policy's.
    """

    name: str = "files"
    """Name under which its candles are stored."""

    path: str
    """A file, a folder of files named by pair, or a pattern such as ``data/*_15m.parquet``."""

    pair: str | None = None
    """``BASE-QUOTE``; None: as the file's symbol column or its name says."""

    interval: Interval | None = None
    """Of the candles in the files; None: found from their times."""

    columns: dict[str, str] = Field(default_factory=dict)
    """What the files call ``time open high low close volume``, where that is not recognised."""

    books: str | None = None
    """Recorded order books of the same pairs, likewise; None: there are none."""

    time_unit: Literal["s", "ms", "us", "ns"] | None = None
    """Of numeric times; None: told by their size, row by row."""

    time_is: Literal["open", "close"] = "open"
    """Which end of the candle the files' time is."""

    @field_validator("pair")
    @classmethod
    def _check_pair(cls, pair: str | None) -> str | None:
        if pair is not None and pair_of(pair) is None:
            raise ValueError(f"'{pair}' is no pair: BASE-QUOTE, such as BTC-USDT")
        return pair and pair_of(pair)

    @field_validator("columns", mode="before")
    @classmethod
    def _numbers_as_text(cls, columns: object) -> object:
        """Accept the number of a column where a file does not name it."""
        if not isinstance(columns, dict):
            return columns
        return {key: str(v) if isinstance(v, int) else v for key, v in columns.items()}

    @property
    def origin(self) -> str:
        """Name and path."""
        return f"{self.name} {self.path}"

    @property
    def has_books(self) -> bool:
        """Whether `books` names any."""
        return self.books is not None

    def recorded_books(self, pairs: Sequence[str], start_ns: int, end_ns: int) -> Books:
        """Return the snapshots of `pairs` with times in [start_ns, end_ns)."""
        return read_books(self.books or "", pairs, self.pair, self.time_unit, start_ns, end_ns)

    def offered_pairs(self) -> tuple[str, ...]:
        """Return all pairs in the files, or `pair`."""
        return (self.pair,) if self.pair else tuple(self._sources)

    def native_interval(self, pair: str) -> Interval:
        """Return `interval`, or what the times of the pair's candles keep."""
        return self.interval or interval_of(self._all_rows(pair), self._source(pair))

    def default_span(self, pair: str, interval: Interval) -> tuple[int, int]:
        """Return the range of whole candles of `interval` in the files."""
        rows, native = self._all_rows(pair), self.native_interval(pair)
        first, last = int(rows.time.min()), int(rows.time.max())
        return interval.ceil(native.floor(first)), interval.floor(native.floor(last) + native.ns)

    def rows(self, pair: str, interval: Interval, start_ns: int, end_ns: int) -> CandleRows:
        """Return the file's rows with times in [start_ns, end_ns), in the file's order.

        Raises
        ------
        UserError
            The files hold no such pair or interval, or are no candles.
        OutsideFault
            The disk does not hand them over.
        """
        rows, native = self._all_rows(pair), self.native_interval(pair)
        if interval != native:
            raise UserError(
                f"strategy.interval: {self._source(pair).name} has {native} candles of {pair} "
                f"(was {interval})."
            )
        inside = (rows.time >= start_ns) & (rows.time < end_ns)
        return rows if inside.all() else rows.take(np.flatnonzero(inside))

    def _source(self, pair: str) -> Path:
        if pair not in self._sources:
            raise UserError(
                f"pairs: {self.path} has no candles of '{pair}'.{did_you_mean(pair, self._sources)}"
            )
        return self._sources[pair]

    def _all_rows(self, pair: str) -> CandleRows:
        source = self._source(pair)
        if source not in self._read:
            # A file named by its pair holds that pair; one that is not was read to find them.
            self._read[source] = read_candles(source, pair, self._layout)
        rows = self._read[source].get(pair)
        if rows is None:
            raise UserError(
                f"exchange.path: {source.name} is named for {pair} but holds "
                f"{', '.join(self._read[source])}."
            )
        return rows

    @property
    def _layout(self) -> FileLayout:
        return FileLayout(self.columns, self.time_unit, self.time_is, self.interval)

    @cached_property
    def _read(self) -> dict[Path, dict[str, CandleRows]]:
        """What was read so far: every file is read once."""
        return {}

    @cached_property
    def _sources(self) -> dict[str, Path]:
        """Where each pair is; files whose names tell no pair are read to find out."""
        paths = data_files(self.path, "exchange.path")
        if len(paths) == 1:
            self._read[paths[0]] = read_candles(paths[0], self.pair, self._layout)
            return dict.fromkeys(self._read[paths[0]], paths[0])
        sources: dict[str, Path] = {}
        for path in paths:
            named = pair_from_name(stem_of(path))
            if named is None:
                self._read[path] = read_candles(path, None, self._layout)
            if self.interval and interval_from_name(stem_of(path)) not in (None, self.interval):
                continue
            for pair in [named] if named else self._read[path]:
                if pair in sources:
                    raise UserError(
                        f"exchange.path: {sources[pair].name} and {path.name} both hold {pair}; "
                        "name one of them, choose by exchange.interval, or give a pattern such as "
                        "'*_15m.parquet'."
                    )
                sources[pair] = path
        return dict(sorted(sources.items()))
