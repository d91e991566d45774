"""What one trial of a sweep is, and what came of many.

Legend: P trials, B blocks of bars.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from framework.disk import whole_file
from framework.results.sweep.constraint import read_constraints
from framework.results.sweep.objective import read_objective
from framework.types import FloatArray, IntArray

if TYPE_CHECKING:
    import pyarrow

BLOCKS = 128
"""Equal stretches of the traded bars, of each of which a trial keeps two sums of its returns."""

METRICS = (
    *("total_return", "cagr", "sharpe", "calmar", "max_drawdown", "volatility", "trades"),
    *("turnover", "fees_paid", "slippage_paid", "final_equity", "bars"),
)
"""Metrics that every trial has, however it ran, and of which an objective can be made."""

Value = bool | int | float | str | None
"""What an axis may take: a value of the configuration."""

_FACTS = ("index", "error", "directory", "orders_hash", "data_hash", "blocks")


@dataclass(frozen=True, slots=True)
class Trial:
    """One point of the space that a sweep explores."""

    index: int
    """From 0, in the order in which a sweeper asked for it."""

    overrides: tuple[str, ...]
    """Hydra's words for the axes alone, ``strategy.params.fast=5``; the words that the whole sweep
    shares are not among them."""


@dataclass(frozen=True, slots=True, eq=False)
class TrialResult:
    """What came of one trial; a launcher hands it on as the ``return_value`` of Hydra's JobReturn.

    Parameters
    ----------
    index : int
        Of the trial.
    params : mapping
        Key of each axis to its value.
    metrics : mapping of str to float
        Names of ``metrics.json``; NaN for what is not defined.
    orders_hash, data_hash : str
        Of what it traded and on what; empty when it failed.
    error : str, optional
        One line, when it failed.
    directory : Path, optional
        Of a trial that ran as a job of its own.
    blocks : (B, 2) float64, optional
        Sum and sum of squares of the per-bar returns in each of B equal stretches of the bars.
    """

    index: int
    params: Mapping[str, Value]
    metrics: Mapping[str, float]
    orders_hash: str = ""
    data_hash: str = ""
    error: str | None = None
    directory: Path | None = None
    blocks: FloatArray | None = None


def block_edges(returns: int, blocks: int = BLOCKS) -> IntArray:
    """Return where each block of returns begins, and the last one ends, (B + 1,).

    Examples
    --------
    >>> block_edges(10, 4).tolist()
    [0, 2, 5, 7, 10]
    """
    return np.arange(blocks + 1, dtype=np.int64) * returns // blocks


@dataclass(frozen=True, slots=True, eq=False)
class TrialTable:
    """The results of P trials, column by column; made by `of`.

    Parameters
    ----------
    index : (P,) int64
        Of the trials, rising.
    params : dict of str to list
        Key of each axis to P values; None where a trial has no such axis.
    metrics : dict of str to (P,) float64
        NaN for what is not defined, and for trials that failed.
    orders_hash, data_hash : tuple of str
        P each, empty for trials that failed.
    blocks : (P, B, 2) float64
        Sum and sum of squares of the per-bar returns; NaN for a trial that failed, lost all, or
        has another number of bars than most.
    block_bars : (B,) int64
        Returns in each block.
    errors : dict of int to str
        Index of each trial that failed to what was wrong.
    directories : dict of int to str
        Index of each trial that ran as a job of its own to its directory.
    """

    index: IntArray
    params: dict[str, list[Value]]
    metrics: dict[str, FloatArray]
    orders_hash: tuple[str, ...]
    data_hash: tuple[str, ...]
    blocks: FloatArray
    block_bars: IntArray
    errors: dict[int, str] = field(default_factory=dict)
    directories: dict[int, str] = field(default_factory=dict)

    @classmethod
    def of(cls, results: Sequence[TrialResult]) -> TrialTable:
        """Return the table of `results`, in the order of their index."""
        rows = sorted(results, key=lambda result: result.index)
        keys = dict.fromkeys(key for row in rows for key in row.params)
        names = dict.fromkeys(name for row in rows for name in row.metrics)
        metrics = {
            name: np.array([row.metrics.get(name, np.nan) for row in rows], np.float64)
            for name in names
        }
        bars = metrics.get("bars", np.full(len(rows), np.nan))
        usual = _most_common(bars)
        blocks = np.full((len(rows), BLOCKS, 2), np.nan)
        for row, block, own in zip(rows, blocks, bars, strict=True):
            if row.blocks is not None and own == usual:
                block[:] = row.blocks
        return cls(
            index=np.array([row.index for row in rows], np.int64),
            params={key: [row.params.get(key) for row in rows] for key in keys},
            metrics=metrics,
            orders_hash=tuple(row.orders_hash for row in rows),
            data_hash=tuple(row.data_hash for row in rows),
            blocks=blocks,
            block_bars=np.diff(block_edges(max(usual - 1, 0))),
            errors={row.index: row.error for row in rows if row.error is not None},
            directories={row.index: str(row.directory) for row in rows if row.directory},
        )

    def __len__(self) -> int:
        return len(self.index)

    def objective(
        self, expression: str, min_trades: int = 0, constraints: Sequence[str] = ()
    ) -> FloatArray:
        """Return a metric or an expression of metrics for each trial, (P,).

        NaN for a trial that failed, has fewer round trips than `min_trades`, breaks one of
        `constraints`, or has no such figure.

        Raises
        ------
        UserError
            An expression cannot be read, or names something else than `METRICS`.
        """
        missing = np.full(len(self), np.nan)
        columns = {name: self.metrics.get(name, missing) for name in METRICS}
        value = read_objective(expression, METRICS).of(columns, min_trades)
        for constraint in read_constraints(constraints, METRICS):
            value[constraint.violation(columns) > 0] = np.nan
        return value

    def results(self) -> Iterator[TrialResult]:
        """Yield each row again."""
        for row in range(len(self)):
            yield self.result(row)

    def result(self, row: int) -> TrialResult:
        """Return one row again."""
        index = int(self.index[row])
        folder = self.directories.get(index)
        return TrialResult(
            index=index,
            params={key: values[row] for key, values in self.params.items()},
            metrics={name: float(values[row]) for name, values in self.metrics.items()},
            orders_hash=self.orders_hash[row],
            data_hash=self.data_hash[row],
            error=self.errors.get(index),
            directory=None if folder is None else Path(folder),
            blocks=self.blocks[row],
        )

    def write(self, path: Path) -> None:
        """Write ``trials.parquet``: beside, then renamed, so that nobody sees half of it.

        One row for each trial, a column for each axis, under its key, and for each metric.
        """
        import pyarrow.parquet

        with whole_file(path) as beside:
            pyarrow.parquet.write_table(self._arrow(), beside)

    @classmethod
    def read(cls, path: Path) -> TrialTable:
        """Read what `write` has written."""
        import pyarrow.parquet

        table = pyarrow.parquet.read_table(path)
        facts = json.loads(table.schema.metadata[b"sweep"])
        columns = {name: table[name].to_pylist() for name in ("index", *_FACTS[1:5])}
        params = {key: table[key].to_pylist() for key in facts["params"]}
        for key in facts["mixed"]:
            params[key] = [json.loads(text) for text in params[key]]
        blocks = table["blocks"].combine_chunks().flatten().to_numpy()
        return cls(
            index=np.array(columns["index"], np.int64),
            params=params,
            metrics={name: table[name].to_numpy() for name in facts["metrics"]},
            orders_hash=tuple(columns["orders_hash"]),
            data_hash=tuple(columns["data_hash"]),
            blocks=blocks.reshape(len(table), -1, 2),
            block_bars=np.array(facts["block_bars"], np.int64),
            errors=_given(columns["index"], columns["error"]),
            directories=_given(columns["index"], columns["directory"]),
        )

    def _arrow(self) -> pyarrow.Table:
        import pyarrow

        indices = self.index.tolist()
        mixed = [key for key, values in self.params.items() if not _of_one_kind(values)]
        columns: dict[str, Any] = {"index": self.index}
        for key, values in self.params.items():
            columns[key] = [json.dumps(value) for value in values] if key in mixed else values
        columns |= self.metrics
        columns["orders_hash"] = self.orders_hash
        columns["data_hash"] = self.data_hash
        for name, given in (("error", self.errors), ("directory", self.directories)):
            texts = [given.get(index) for index in indices]
            columns[name] = pyarrow.array(texts, pyarrow.string())
        flat = pyarrow.array(np.ascontiguousarray(self.blocks).ravel())
        columns["blocks"] = pyarrow.FixedSizeListArray.from_arrays(flat, 2 * len(self.block_bars))
        facts = {
            "params": list(self.params),
            "mixed": mixed,
            "metrics": list(self.metrics),
            "block_bars": self.block_bars.tolist(),
        }
        return pyarrow.table(columns, metadata={"sweep": json.dumps(facts)})


def _most_common(bars: FloatArray) -> int:
    """Return the number of bars that most trials have; 0 when all failed."""
    known, counts = np.unique(bars[np.isfinite(bars)], return_counts=True)
    return int(known[counts.argmax()]) if len(known) else 0


def _of_one_kind(values: Sequence[Value]) -> bool:
    """Tell whether a column can hold `values` as they are: Arrow knows no mixed ones."""
    return len({type(value) for value in values} - {type(None)}) == 1


def _given(index: Sequence[int], texts: Sequence[str | None]) -> dict[int, str]:
    return {i: text for i, text in zip(index, texts, strict=True) if text is not None}
