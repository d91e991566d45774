"""The directory of a run: files that a person can read, complete once it has metrics.json.

=================  ==============================================================================
``config/``        ``config.yaml``, the composed configuration, and ``overrides.yaml``, a list
``equity.csv``     one row per bar, amounts at its close
``fills.csv``      one row per step of an order's life: decided, filled, charged, cancelled, expired
``vetoes.csv``     one row per order that a rule forbade
``trades.csv``     one row per round trip
``folds.csv``      one row per part that is judged apart, where there are any
``candles.npz``    closes of the pairs traded (or of the first), to value the run again
``model.json``     how well the model predicted, where the rules use one
``run.json``       what the run was: pairs, interval, cash, data certificate, assumptions, checks
``metrics.json``   written last and renamed into place
=================  ==============================================================================

Times are ISO 8601 UTC and name bars by their open; amounts are in the quote currency, units in the
base currency; an empty cell is a value that does not exist. Floats are written in the shortest form
that reads back to the same bits.
"""

from __future__ import annotations

import io
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from framework.disk import disk_fault, whole_file
from framework.results.folds import folds_csv
from framework.results.model_judgement import SANITY
from framework.results.outcome import Outcome
from framework.results.words import RowTable, equity_rows, fill_rows, trade_rows, veto_rows

COMPLETE = "metrics.json"


class RunDirectory:
    """One run's directory, made by `create`.

    Parameters
    ----------
    path : Path
        An existing directory.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, path: str | os.PathLike[str]) -> RunDirectory:
        """Make a directory at `path`, or beside it with the first free suffix ``_2``, ``_3``…

        A directory with anything in it is never written into; an empty one is taken.

        Raises
        ------
        OutsideFault
            When it cannot be made.
        """
        wanted = Path(path)
        made = wanted
        count = 1
        with disk_fault(_named(wanted)):
            wanted.parent.mkdir(parents=True, exist_ok=True)
            while not _claim(made):
                count += 1
                made = wanted.with_name(f"{wanted.name}_{count}")
        return cls(made)

    @property
    def complete(self) -> bool:
        """Whether the run was written to its end."""
        return (self.path / COMPLETE).is_file()

    def write_config(self, config: str, overrides: Sequence[str]) -> None:
        """Write the composed configuration (YAML text, no secrets) and the overrides."""
        quoted = "".join(f"- {json.dumps(override)}\n" for override in overrides)
        self.write_text("config/config.yaml", config)
        self.write_text("config/overrides.yaml", quoted or "[]\n")

    def write_ledger(self, outcome: Outcome) -> None:
        """Write everything but the configuration and the metrics: tables, closes and `run.json`."""
        self._write_csv("equity.csv", equity_rows(outcome))
        self._write_csv("fills.csv", fill_rows(outcome))
        self._write_csv("vetoes.csv", veto_rows(outcome))
        self._write_csv("trades.csv", trade_rows(outcome))
        if outcome.parts:
            self.write_text("folds.csv", folds_csv(outcome))
        if outcome.model is not None:
            judged = json.dumps(outcome.model.as_dict(), indent=2, allow_nan=False)
            self.write_text("model.json", judged + "\n")
        self._write_candles(outcome)
        facts = {
            "mode": outcome.mode,
            "strategy": outcome.strategy,
            "pairs": outcome.pairs,
            "quote": outcome.quote,
            "interval": str(outcome.interval),
            "initial_cash": outcome.initial_cash,
            "seed": outcome.seed,
            "version": outcome.version,
            "certificate": dict(outcome.certificate),
            "assumptions": outcome.assumptions,
            "notices": outcome.notices,
            "checks": [asdict(check) for check in outcome.checks],
        }
        self.write_text("run.json", json.dumps(facts, indent=2, default=str) + "\n")

    def write_metrics(self, outcome: Outcome, metrics: Mapping[str, float | int | None]) -> None:
        """Write `metrics.json`, which says that the run is complete; nothing may follow it.

        Parameters
        ----------
        outcome : Outcome
            Gives ``orders_hash``, ``data_hash``, ``causality`` (``passed``, ``failed`` or null when
            it was not tested) and ``version``; where there is a model also ``sanity``, in the same
            words.
        metrics : mapping
            Finite numbers or None; anything else is refused with a ValueError, since JSON has no
            word for it.
        """
        passed = {check.name: check.passed for check in outcome.checks}
        for name, value in metrics.items():
            if value is not None and not math.isfinite(value):
                raise ValueError(f"metric {name} must be finite or None, was {value}")
        flat: dict[str, object] = {
            **metrics,
            "orders_hash": outcome.orders_hash,
            "data_hash": outcome.certificate.get("sha256"),
            "causality": _told(passed, ("causality",)),
            "version": outcome.version,
        }
        if outcome.model is not None:
            flat["sanity"] = _told(passed, SANITY)
        self.write_text(COMPLETE, json.dumps(flat, indent=2, allow_nan=False) + "\n", durable=True)

    def withdraw(self) -> None:
        """Take `metrics.json` back: it was written, but the database could not be told."""
        with disk_fault(_named(self.path / COMPLETE)):
            if self.complete:
                (self.path / COMPLETE).replace(self.path / f".{COMPLETE}.part")

    def write_text(self, name: str, text: str, durable: bool = False) -> None:
        """Write `text` beside and rename it to `name`, so that nobody sees half of it.

        Parameters
        ----------
        name : str
            Path inside the directory.
        text : str
            UTF-8.
        durable : bool
            Wait until this file, and the directory with all that came before, is on the disk.
        """
        target = self.path / name
        with whole_file(target, _named(target), durable) as beside:
            beside.write_text(text, encoding="utf-8", newline="\n")

    def _write_csv(self, name: str, rows: RowTable) -> None:
        import pyarrow.csv

        header = ",".join(rows.column_names) + "\n"
        options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="none")
        with disk_fault(_named(self.path / name)), (self.path / name).open("wb") as file:
            file.write(header.encode())
            pyarrow.csv.write_csv(rows, file, options)

    def _write_candles(self, outcome: Outcome) -> None:
        arrays: dict[str, Any] = {
            "time": outcome.time,
            "pairs": np.array([outcome.pairs[n] for n in outcome.traded], dtype=np.str_),
            "close": outcome.close[:, outcome.traded],
        }
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)
        with disk_fault(_named(self.path / "candles.npz")):
            (self.path / "candles.npz").write_bytes(buffer.getbuffer())


def _told(passed: Mapping[str, bool], names: Sequence[str]) -> str | None:
    """Return in a word how some checks went; None where none of them was made."""
    made = [passed[name] for name in names if name in passed]
    return None if not made else "passed" if all(made) else "failed"


def _claim(path: Path) -> bool:
    """Make `path` or take it if it is an empty directory; tell whether that worked.

    Of several processes that find it empty at once, the one that makes ``config`` in it has it.
    """
    try:
        path.mkdir(exist_ok=True)
        if any(path.iterdir()):
            return False
        (path / "config").mkdir()
    except FileExistsError:
        return False
    return True


def _named(path: Path) -> str:
    """Return how messages call a file of a run's directory."""
    return f"run directory {path}"
