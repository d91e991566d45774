"""A model's predictions in a backtest: out of sample, causal, and refused where they cannot be."""

import csv
import json

import pytest

MONTH = ("pairs=btc_aud", "start=2025-01-01", "end=2025-02-01", "report=false")
LEARNED = (
    *MONTH,
    "model=logistic",
    "strategy.enter=p_up > 0.5",
    "strategy.exit=p_up < 0.5",
)


def metrics_of(ended, name):
    return json.loads((ended.folder / name / "metrics.json").read_text())


@pytest.fixture
def logistic(program):
    """The one run of a month of 2,976 bars, in five folds."""
    ended = program(*LEARNED, "evaluation=walk_forward", "run_dir=folds")
    assert ended.code == 0, ended.err
    return ended


def test_trading_begins_with_the_first_test_part(logistic):
    with (logistic.folder / "folds" / "equity.csv").open() as file:
        times = [row["time"] for row in csv.DictReader(file)]
    # 31 days of 96 bars in six stretches of 496: the first is learned from only
    assert len(times) == 2976 - 496 == metrics_of(logistic, "folds")["bars"]
    assert times[0] == "2025-01-06T04:00:00Z"
    assert metrics_of(logistic, "folds")["causality"] == "passed"


def test_each_test_part_is_judged_apart_and_train_parts_are_not(logistic):
    with (logistic.folder / "folds" / "folds.csv").open() as file:
        parts = [(row["fold"], row["part"], int(row["bars"])) for row in csv.DictReader(file)]
    assert parts == [(str(fold), "test", 496) for fold in range(1, 6)]


def test_the_report_says_that_predictions_are_out_of_sample(logistic):
    facts = json.loads((logistic.folder / "folds" / "run.json").read_text())
    assert any(
        line.startswith("Every prediction is out of sample") for line in facts["assumptions"]
    )


def test_a_model_that_no_rule_names_is_said_to_lead_no_trade(program, logistic):
    ended = program(*MONTH, "model=logistic", "evaluation=walk_forward", "run_dir=idle")
    assert ended.code == 0, ended.err
    assert "no rule names p_up: logistic is judged, but leads no trade" in ended.err
    assert "leads no trade" not in logistic.err


def test_a_holdout_trades_what_it_did_not_learn_from(program):
    ended = program(*LEARNED, "evaluation=holdout", "run_dir=held")
    assert ended.code == 0, ended.err
    assert metrics_of(ended, "held")["bars"] == 2976 - round(0.6 * 2976)


def test_a_model_without_train_parts_is_refused(program):
    ended = program(*LEARNED)
    assert ended.code == 2
    assert ended.err.splitlines()[-1] == (
        "evaluation: model=logistic needs train parts to learn from; choose "
        "evaluation=walk_forward or evaluation=holdout."
    )


def test_a_sweep_judges_a_model_by_the_validation_part(program):
    ended = program(
        "-m",
        *LEARNED,
        "evaluation=holdout",
        "model.l2=1,10",
        "sweep.name=two",
        "sweep.min_trades=1",
    )
    assert ended.code == 0, ended.err
    (found,) = ended.folder.rglob("sweep.json")
    assert json.loads(found.read_text())["best_params"].keys() == {"model.l2"}


def test_a_sweep_of_a_model_that_walks_forward_says_what_to_choose(program):
    ended = program("-m", *LEARNED, "evaluation=walk_forward", "model.l2=1,10")
    assert ended.code == 2
    assert (
        "evaluation: must be holdout in a sweep of a model, which is judged by the validation part "
        "(was walk_forward, all of whose later parts are kept from sweeps)."
    ) in ended.err


def test_an_output_that_the_model_lacks_is_named(program):
    ended = program(*MONTH, "model=hmm", "evaluation=walk_forward", "strategy.enter=p_up > 0.5")
    assert ended.code == 2
    assert "'p_up' is a model's output, but the chosen model does not give it." in ended.err


def test_an_input_may_not_rest_on_what_is_predicted_from_it(program):
    ended = program(
        *LEARNED,
        "evaluation=walk_forward",
        "+features.again=p_up[1]",
        "+model.inputs.loop=2 * again",
    )
    assert ended.code == 2
    assert (
        "model.inputs.loop: must not rest on 'p_up', which the model predicts from it." in ended.err
    )


def test_features_and_parameters_may_be_seen(program):
    ended = program(
        *LEARNED,
        "evaluation=walk_forward",
        "+features.slope=mean(close, fast) / mean(close, slow) - 1",
        "+model.inputs.slope=slope",
        "run_dir=more",
    )
    assert ended.code == 0, ended.err
