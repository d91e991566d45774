"""The trials ever made on each data: every backtest is one, and every point of a sweep."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from framework.results import holdout
from framework.results.connection import Url, connect
from framework.results.dataset_rows import Certificate, dataset_of, keep_dataset
from framework.types import FloatArray

TRIAL_COLUMNS = ("run_id", "data_hash", "orders_hash", "params", "sharpe", "metrics")


@dataclass(frozen=True, slots=True)
class TrialRow:
    """One trial of a sweep as it is written."""

    params: Mapping[str, object]
    orders_hash: str
    metrics: Mapping[str, float | int | None]


class TrialLedger:
    """Counts and keeps trials; part of a `Database`.

    Parameters
    ----------
    url : Url
        A database at the newest schema.
    """

    def __init__(self, url: Url) -> None:
        self._url = url

    def add(
        self,
        run_id: int,
        certificate: Certificate,
        trials: Sequence[TrialRow],
        *,
        at: int,
    ) -> None:
        """Write trials of a sweep on the same data, all in one transaction.

        Parameters
        ----------
        run_id : int
            Of the sweep.
        certificate : Certificate
            Of the data.
        trials : sequence of TrialRow
            Each as it came out.
        at : int
            Now, UTC ns.
        """
        data_hash = str(certificate.sha256)
        rows = []
        for trial in trials:
            values = {name: plain_number(value) for name, value in trial.metrics.items()}
            kept = json.dumps(dict(trial.params), default=str)
            row = (run_id, data_hash, trial.orders_hash, kept, values.get("sharpe"))
            rows.append((*row, json.dumps(values)))
        with connect(self._url, write=True) as connection:
            keep_dataset(connection, dataset_of(certificate))
            holdout.note(connection, run_id, certificate.as_dict(), at)
            connection.insert("trial", TRIAL_COLUMNS, rows)

    def params(self, run_id: int) -> list[dict[str, object]]:
        """Return the parameters of each trial that a run has written."""
        with connect(self._url) as connection:
            rows = connection.execute("SELECT params FROM trial WHERE run_id = ?", (run_id,))
        return [json.loads(params) if isinstance(params, str) else params for (params,) in rows]

    def sharpes(self, data_hash: str, *, other_than: str = "") -> FloatArray:
        """Return the annualised Sharpe ratios of the trials on some data, NaN where undefined.

        Trials with the same orders are one trial, run again: counting them twice would make a
        figure depend on how often it was looked at.

        Parameters
        ----------
        data_hash : str
            SHA-256 of the data.
        other_than : str
            Leave out the trials with this `orders_hash`, those of the run being judged.
        """
        with connect(self._url) as connection:
            rows = connection.execute(
                "SELECT MAX(sharpe) FROM trial WHERE data_hash = ? AND orders_hash <> ? "
                "GROUP BY orders_hash ORDER BY MIN(id)",
                (data_hash, other_than),
            )
        return np.array([np.nan if value is None else value for (value,) in rows], np.float64)

    def past_sharpes(self, data_hash: str, run_id: int) -> FloatArray:
        """Return the annualised Sharpe ratios of the trials on some data that a sweep did not make.

        Parameters
        ----------
        data_hash : str
            SHA-256 of the data.
        run_id : int
            Of the sweep; trials with the orders of one of its own are left out.
        """
        with connect(self._url) as connection:
            rows = connection.execute(
                "SELECT MAX(sharpe) FROM trial WHERE data_hash = ? AND orders_hash NOT IN "
                "(SELECT orders_hash FROM trial WHERE run_id = ?) "
                "GROUP BY orders_hash ORDER BY MIN(id)",
                (data_hash, run_id),
            )
        return np.array([np.nan if value is None else value for (value,) in rows], np.float64)

    def count(self, data_hash: str) -> int:
        """Return how many different trials the data has seen, see `sharpes`."""
        with connect(self._url) as connection:
            ((count,),) = connection.execute(
                "SELECT COUNT(DISTINCT orders_hash) FROM trial WHERE data_hash = ?", (data_hash,)
            )
        return int(count)


def plain_number(value: float | int | None) -> float | None:
    """Return a figure as the database keeps it; ValueError for one that is not finite."""
    if value is not None and not math.isfinite(value):
        raise ValueError(f"metrics must be finite or None, was {value}")
    return None if value is None else float(value)
