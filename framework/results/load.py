"""Read a finished run back from its directory: figures, tables, configuration, portfolio."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from framework.errors import OutsideFault, UserError, did_you_mean
from framework.results.run_directory import COMPLETE
from framework.results.words import RowTable
from framework.types import Interval

DATABASE = "sqlite:///runs/framework.db"

TABLES = ("equity", "trades", "fills", "vetoes")
_TIMES = ("time", "entry_time", "exit_time")
_WORDS = ("event", "pair", "side", "type", "reason")
_COUNTS = ("order", "bars")


class Run:
    """A finished run.

    Made by `load_run`. Tables are read when asked for and kept.

    Parameters
    ----------
    path : Path
        Its directory.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    @property
    def name(self) -> str:
        """The directory's name."""
        return self.path.name

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """`metrics.json`: numbers, None where one is not defined, hashes, causality, version."""
        return self._json(COMPLETE)

    @cached_property
    def facts(self) -> dict[str, Any]:
        """`run.json`: mode, strategy, pairs, interval, initial cash, assumptions, checks."""
        return self._json("run.json")

    @property
    def certificate(self) -> dict[str, Any]:
        """The data certificate: source, range, gaps, SHA-256 of the values used."""
        certificate: dict[str, Any] = self.facts["certificate"]
        return certificate

    @cached_property
    def config(self) -> dict[str, Any]:
        """The composed configuration."""
        from omegaconf import OmegaConf

        config = OmegaConf.create(self._read("config/config.yaml").decode())
        plain: dict[str, Any] = dict(OmegaConf.to_container(config))  # type: ignore[arg-type]
        return plain

    @property
    def interval(self) -> Interval:
        """Length of the strategy's bars."""
        return Interval.parse(self.facts["interval"])

    @cached_property
    def equity(self) -> RowTable:
        """`equity.csv`, a pyarrow.Table: time, equity, cash, invested, benchmark."""
        return self._table("equity")

    @cached_property
    def trades(self) -> RowTable:
        """`trades.csv`, a pyarrow.Table: round trips."""
        return self._table("trades")

    @cached_property
    def fills(self) -> RowTable:
        """`fills.csv`, a pyarrow.Table: every step of every order's life, see its `event`."""
        return self._table("fills")

    @cached_property
    def vetoes(self) -> RowTable:
        """`vetoes.csv`, a pyarrow.Table: what rules forbade."""
        return self._table("vetoes")

    def frame(self, name: str) -> Any:
        """Return one of the tables as a pandas.DataFrame; equity is indexed by time.

        Raises
        ------
        UserError
            When `name` is not equity, trades, fills or vetoes.
        """
        if name not in TABLES:
            raise UserError(f"frame: '{name}' is no table of a run.{did_you_mean(name, TABLES)}")
        frame = getattr(self, name).to_pandas()
        return frame.set_index("time") if name == "equity" else frame

    def portfolio(self) -> Any:
        """Return the run as a `vectorbt.Portfolio`, for its statistics and plots.

        See `framework.results.portfolio` for how fills become its orders.
        """
        from framework.results.portfolio import portfolio_of

        return portfolio_of(self)

    def _table(self, name: str) -> RowTable:
        import pyarrow
        import pyarrow.csv

        header = self._read(f"{name}.csv").partition(b"\n")[0].decode().split(",")
        types = {}
        for column in header:
            if column in _TIMES:
                types[column] = pyarrow.timestamp("ns", "UTC")
            elif column in _WORDS:
                types[column] = pyarrow.string()
            elif column in _COUNTS:
                types[column] = pyarrow.int64()
            else:
                types[column] = pyarrow.bool_() if column == "open" else pyarrow.float64()
        try:
            return pyarrow.csv.read_csv(
                self.path / f"{name}.csv",
                convert_options=pyarrow.csv.ConvertOptions(
                    column_types=types, strings_can_be_null=True
                ),
            )
        except pyarrow.ArrowInvalid as fault:
            raise OutsideFault(f"run {self.path}: {name}.csv is damaged ({fault}).") from fault

    def _json(self, name: str) -> dict[str, Any]:
        try:
            values = json.loads(self._read(name))
        except ValueError as fault:
            raise OutsideFault(f"run {self.path}: {name} is damaged ({fault}).") from fault
        return dict(values)

    def _read(self, name: str) -> bytes:
        try:
            return (self.path / name).read_bytes()
        except OSError as fault:
            reason = fault.strerror or fault
            raise OutsideFault(f"run {self.path}: {name} cannot be read ({reason}).") from fault


def load_run(run: str | os.PathLike[str] | int, database: str = DATABASE) -> Run:
    """Return the run with this directory, or with this name or id in the database.

    Parameters
    ----------
    run : path, str or int
        A run's directory (or a file in it), its name, or its id.
    database : str
        Where names and ids are looked up; a path that exists needs none.

    Raises
    ------
    UserError
        There is no such run (the nearest is named), or it did not end.
    OutsideFault
        Its files or the database cannot be read.
    """
    path = Path(str(run))
    if path.is_file():
        path = path.parent
    if isinstance(run, int) or not path.is_dir():
        path = _look_up(str(run), database)
    if not (path / COMPLETE).is_file():
        if not (path / "config").is_dir():
            raise UserError(f"run: {path} is no run's directory, it has no {COMPLETE}.")
        raise UserError(f"run: {path} was interrupted or failed, it has no {COMPLETE}.")
    return Run(path)


def _look_up(name: str, database: str) -> Path:
    """Return the directory of a run known by name or id."""
    known: Mapping[str, Path] = _near(Path(name))
    from framework.results.connection import Url
    from framework.results.database import open_database

    place = Url(database)
    if not place.lite or place.path.is_file():
        store = open_database(database, create=False)
        row = store.find_run(name)
        if row is not None:
            path = Path(row.directory)
            if not path.is_dir():
                raise UserError(f"run: {name} has no directory any more (was {path}).")
            return path
        runs = store.runs()
        known = {**known, **{row.name: Path(row.directory) for row in runs}}
        if name.isdecimal():
            last = f"the last is {runs[-1].id}" if runs else "there is none yet"
            raise UserError(f"run: {place.shown} has no run {name}; {last}.")
    raise UserError(f"run: '{name}' is neither a directory nor a run.{did_you_mean(name, known)}")


def _near(path: Path) -> dict[str, Path]:
    """Return the runs beside a path that does not exist, named as the path would name them."""
    if not path.parent.is_dir():
        return {}
    return {
        str(path.parent / child.name): child for child in path.parent.iterdir() if child.is_dir()
    }
