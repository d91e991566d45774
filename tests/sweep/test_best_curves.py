"""The curves on a sweep's page are those of its best trials run alone."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from framework.results.load import load_run
from framework.sweep import best_curves as module
from framework.types import SECOND_NS, parse_time

WORDS = (
    *("-m", "pairs=btc_aud", "start=2025-03-01", "end=2025-03-11", "sweep.min_trades=1"),
    *("strategy.params.fast=5,9,14", "risk.stop_loss=0.02,0.9,0.95", "sweep.rerun_best=false"),
)


@pytest.fixture
def swept(program, monkeypatch):
    """Run a sweep; return its curves, and what makes them once more from other arguments."""
    make = module.best_curves

    def sweep(*words, change=lambda table: table):
        calls = []

        def keep(table, *others):
            calls.append((table, make(change(table), *others)))
            return calls[-1][1]

        monkeypatch.setattr(module, "best_curves", keep)
        ended = program(*WORDS, *words)
        assert ended.code == 0, ended.err
        ((table, curves),) = calls
        return table, curves, ended

    return sweep


@pytest.mark.parametrize("evaluation", ["whole", "holdout"])
def test_a_trial_of_a_batch_has_the_equity_that_it_has_alone(swept, evaluation):
    words = (f"evaluation={evaluation}", "sweep.top=3")
    _, many, _ = swept(*words, "sweep.name=many")
    table, alone, _ = swept(*words, "hydra/launcher=basic", "sweep.name=alone")

    sharpe, best = table.metrics["sharpe"], [each.row for each in alone.drawn]
    of_orders = dict(zip(table.orders_hash, sharpe, strict=True))
    different = sorted(of_orders, key=of_orders.__getitem__, reverse=True)
    assert len(different) < len(sharpe)  # a stop that is never reached changes no order
    assert [table.orders_hash[row] for row in best] == different[:3]
    assert [each.row for each in many.drawn] == best
    assert many.missing == alone.missing == ()

    bars = {"whole": 960, "holdout": 768}[evaluation]  # 0.8 of ten days are seen
    for one, other in zip(many.drawn, alone.drawn, strict=True):
        run = load_run(table.directories[one.row])
        assert len(one.time) == bars
        assert one.time[0] == parse_time("2025-03-01") + 900 * SECOND_NS
        assert (one.equity * 10_000).tolist() == pytest.approx(
            run.equity["equity"].to_pylist(), rel=1e-12, abs=0
        )
        assert one.equity[-1] - 1 == pytest.approx(run.metrics["total_return"], rel=1e-9)
        assert one.holding[-1] - 1 == pytest.approx(run.metrics["benchmark_return"], rel=1e-9)
        for name in ("time", "equity", "holding"):
            assert getattr(one, name).tolist() == pytest.approx(getattr(other, name).tolist())


def test_a_trial_that_is_another_now_is_left_out_and_named(swept):
    def change(table):
        best = int(np.argmax(table.metrics["sharpe"]))
        hashes = list(table.orders_hash)
        hashes[best] = "another"
        return replace(table, orders_hash=tuple(hashes))

    table, curves, ended = swept("sweep.name=it", "sweep.top=2", change=change)
    best = int(np.argmax(table.metrics["sharpe"]))
    assert curves.missing == (f"Trial {best} is left out: traded again, its orders are others.",)
    assert [each.row for each in curves.drawn] != [best]
    assert len(curves.drawn) == 1
    (page,) = ended.folder.glob("runs/*/it/sweep.html")
    assert f"Trial {best} is left out: traded again" in page.read_text()


def test_a_run_whose_equity_is_gone_is_left_out_and_named(swept):
    def change(table):
        best = int(np.argmax(table.metrics["sharpe"]))
        Path(table.directories[best], "equity.csv").unlink()
        return table

    table, curves, _ = swept("hydra/launcher=basic", "sweep.name=it", "sweep.top=2", change=change)
    best = int(np.argmax(table.metrics["sharpe"]))
    (said,) = curves.missing
    assert said.startswith(f"Trial {best} is left out: run ")
    assert said.endswith("equity.csv cannot be read (No such file or directory).")
    assert len(curves.drawn) == 1


def test_no_curve_is_made_where_no_page_is(program, monkeypatch):
    def refuse(*_):
        raise AssertionError("a curve was made")

    monkeypatch.setattr(module, "best_curves", refuse)
    ended = program(*WORDS, "report=false")
    assert ended.code == 0, ended.err
