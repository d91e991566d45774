"""A gate on a backtest, and the list of trained models, from the command line."""

import json

from framework.results.database import open_database

SHORT = (
    "pairs=btc_aud",
    "start=2025-03-01",
    "end=2025-03-15",
    "mode.causality_cuts=0",
    "report=false",
)

BELOW = ("+gate.bars=1345", "+gate.sharpe=1000", "+gate.total_return=-2", "+gate.max_drawdown=0")


def metrics_of(ended):
    return json.loads((ended.run / "metrics.json").read_text())


def the_row(ended):
    (row,) = open_database(f"sqlite:///{ended.folder}/runs/framework.db").runs()
    return row


def test_a_backtest_below_its_gate_is_done_but_ends_with_1(program):
    # The range has 14 * 96 bars of 15 minutes; no Sharpe ratio is 1000, and a loss is no -2.
    ended = program(*SHORT, *BELOW)
    assert ended.code == 1
    metrics = metrics_of(ended)
    assert metrics["bars"] == 14 * 96
    told = [line for line in ended.err.splitlines() if line.startswith("gate.")]
    assert told == [
        "gate.bars: must be at least 1345 (was 1344).",
        f"gate.sharpe: must be at least 1000 (was {metrics['sharpe']:g}).",
        f"gate.max_drawdown: must be at most 0 (was {metrics['max_drawdown']:g}).",
    ]
    assert "Traceback" not in ended.err
    row = the_row(ended)
    assert (row.status, row.exit_code, row.orders_hash) == ("done", 1, metrics["orders_hash"])


def test_a_backtest_that_passes_its_gate_ends_with_0(program):
    ended = program(*SHORT, "+gate.bars=1344", "+gate.max_drawdown=1")
    assert ended.code == 0
    assert "gate" not in ended.err
    assert (the_row(ended).status, the_row(ended).exit_code) == ("done", 0)


def test_no_model_is_one_line_and_makes_no_database(program):
    ended = program("mode=models")
    assert ended.code == 0
    (line,) = ended.err.splitlines()
    assert line.endswith(
        " no model in sqlite:///runs/framework.db yet: mode=train model=NAME trains one"
    )
    assert list(ended.folder.iterdir()) == []


def test_models_are_listed_without_a_record(program):
    ran = program(*SHORT)
    row = the_row(ran)
    database = open_database(f"sqlite:///{ran.folder}/runs/framework.db")
    database.models.keep(
        run_id=row.id,
        strategy="trend",
        name="gru",
        directory=ran.run,
        sha256="0" * 64,
        data_hash=row.data_hash,
        made_at=row.started_at,
        promoted=False,
        gate={"sharpe": 1.0},
        metrics={"sharpe": 0.5},
    )
    ended = program("mode=models", "strategy=breakout")
    assert ended.code == 0
    assert ended.err == ""
    assert "gru 1 for trend" in ended.out
    first = " ".join(line.split("│")[1].strip() for line in ended.out.splitlines() if "│" in line)
    assert "not promoted: sharpe: must be at least 1 (was 0.5)." in first
    assert len(database.runs()) == 1
