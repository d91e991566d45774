"""Runs side by side."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_outcomes import make_outcome
from rich.console import Console

from framework.errors import UserError
from framework.results.compare import compare
from framework.results.load import Run, load_run
from framework.results.metrics import compute
from framework.results.run_directory import RunDirectory


def run_of(path: Path, **changes: object) -> Run:
    close = np.array([[10.0], [11.0], [12.0]])
    outcome = make_outcome(close, [(1, 0, 1, 1.0, 11.0, 0.0)], **changes)
    directory = RunDirectory.create(path)
    directory.write_config(outcome.config, outcome.overrides)
    directory.write_ledger(outcome)
    directory.write_metrics(outcome, compute(outcome))
    return load_run(directory.path)


def test_differences_in_configuration_data_and_figures(tmp_path: Path) -> None:
    first = run_of(tmp_path / "first", config="strategy: {params: {fast: 5, slow: 20}}\nseed: 1\n")
    second = run_of(
        tmp_path / "second",
        config="strategy: {params: {fast: 7, slow: 20}}\nseed: 1\nreport: false\n",
        certificate={"sha256": "e" * 64, "source": "made", "gaps": {"P0-AUD": 1}},
        cash=2_000.0,
    )
    comparison = compare([first, second])
    assert comparison.names == ("first", "second")
    assert comparison.config == {"strategy.params.fast": (5, 7), "report": ("-", False)}
    assert comparison.data == {"sha256": ("d" * 64, "e" * 64), "gaps.P0-AUD": ("-", 1)}
    assert comparison.metrics["final_equity"] == (1_001.0, 2_001.0)
    assert comparison.metrics["bars"] == (3, 3)
    assert not comparison.same_data
    assert comparison.same_orders


def test_equal_runs_differ_in_nothing(tmp_path: Path) -> None:
    runs = [run_of(tmp_path / day / "run") for day in ("2024-01-01", "2024-01-02")]
    comparison = compare(runs)
    assert (comparison.config, comparison.data) == ({}, {})
    assert comparison.same_data
    assert comparison.names == ("2024-01-01/run", "2024-01-02/run")


def test_true_and_one_are_different_values(tmp_path: Path) -> None:
    first, second = (
        run_of(tmp_path / "a", config="x: 1\n"),
        run_of(tmp_path / "b", config="x: true"),
    )
    assert compare([first, second]).config == {"x": (1, True)}


def test_the_table_prints_every_row_and_no_markup_of_the_users(tmp_path: Path) -> None:
    first = run_of(tmp_path / "a", config="name: '[bold]x'\n")
    second = run_of(tmp_path / "b", config="name: y\n", orders_hash="1" * 64)
    console = Console(width=120, record=True, file=(tmp_path / "out").open("w"))
    console.print(compare([first, second]).table())
    console.file.close()
    text = console.export_text()
    for part in ("Configuration", "Data", "no difference", "Metrics", "sharpe", "[bold]x"):
        assert part in text
    assert "111111111111…" in text


def test_one_run_is_nothing_to_compare(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"needs at least two to compare \(was 1\)"):
        compare([run_of(tmp_path / "a")])
