"""Models are judged from the command line: figures, report, sanity, and leaks that are caught."""

import json
import sqlite3

import pytest
from omegaconf import OmegaConf

from framework.config.search_path import project_root

SHORT = (
    "--config-dir", "conf", "plugins=[standin_model]", "model=standin", "start=2025-01-01",
    "end=2025-02-15", "pairs=btc_aud",
    "strategy.enter=p_up > 0.5", "strategy.exit=p_up < 0.5", "report=false",
)  # fmt: skip
WALK = ("evaluation=walk_forward", "evaluation.folds=2")
CHOICE = {
    "_target_": "standin_model.Standin",
    "name": "standin",
    "from": None,
    "inputs": {"return_1": "log_returns(close)", "rsi_14": "rsi(close, 14) / 100"},
    "label": {"_target_": "framework.learning.labels.Label", "kind": "direction", "horizon": 4},
    "flaw": None,
}
LEAK = """
import numpy as np
from framework import function
from framework.types import FloatArray

@function(warm_up=0)
def tomorrow(x: FloatArray) -> FloatArray:
    \"\"\"Return the next value of x: a leak.\"\"\"
    return np.append(x[1:], np.nan)
"""


@pytest.fixture
def modelled(program, tmp_path, monkeypatch):
    """Call the command line with a small model to choose, and what writes leaks at hand."""
    monkeypatch.syspath_prepend(str(project_root() / "tests" / "learning"))
    folder = tmp_path / "conf" / "model"
    folder.mkdir(parents=True)
    OmegaConf.save(OmegaConf.create(CHOICE), folder / "standin.yaml")
    (tmp_path / "leaking.py").write_text(LEAK)
    return lambda *words, parts=WALK: program(*SHORT, *parts, *words)


def status_of(folder):
    with sqlite3.connect(folder / "runs" / "framework.db") as database:
        ((status, code, error),) = database.execute("select status, exit_code, error from run")
    database.close()
    return status, code, error


def test_a_training_is_judged_and_put_to_its_tests(modelled):
    ended = modelled("mode=train")
    assert ended.code == 0, ended.err
    metrics = json.loads((ended.run / "metrics.json").read_text())
    judged = json.loads((ended.run / "model.json").read_text())
    facts = json.loads((ended.run / "run.json").read_text())
    assert metrics["sanity"] == "passed"
    assert 0.4 < metrics["model_auc"] < 0.6
    assert metrics["model_auc"] == judged["rows"][0]["scores"]["auc"]
    assert metrics["model_samples"] == sum(row["samples"] for row in judged["folds"]) > 2_500
    assert [check["name"] for check in facts["checks"]] == [
        "causality", "shuffled labels", "planted signal",
    ]  # fmt: skip
    assert len(judged["seeds"]["scores"]) == 3
    assert "sanity: 5 refits of fold 2, each on 1,2" in ended.err
    assert "AUC of the model" in ended.out
    with sqlite3.connect(ended.folder / "runs" / "framework.db") as database:
        stored = dict(database.execute("select name, value from metric"))
    database.close()
    assert stored["model_auc"] == metrics["model_auc"]


def test_a_backtest_is_judged_and_put_to_tests_only_when_told(modelled):
    ended = modelled("run_dir=plain")
    assert ended.code == 0, ended.err
    metrics = json.loads((ended.folder / "plain" / "metrics.json").read_text())
    assert metrics["sanity"] is None
    assert "model_auc" in metrics
    assert "model_seeds_lowest" not in metrics
    ended = modelled("run_dir=tested", "sanity.run=true", "sanity.seeds=0")
    assert ended.code == 0, ended.err
    again = json.loads((ended.folder / "tested" / "metrics.json").read_text())
    assert again["sanity"] == "passed"
    assert again["orders_hash"] == metrics["orders_hash"]
    assert again["model_auc"] == metrics["model_auc"]


def test_a_training_that_fails_its_tests_ends_with_1_after_its_report(modelled):
    ended = modelled("mode=train", "model.flaw=deaf", "report=true", "run_dir=deaf")
    assert ended.code == 1
    last = ended.err.splitlines()[-1]
    assert last.startswith("planted signal: AUC 0.500 on ")
    page = (ended.folder / "deaf" / "report.html").read_text()
    assert '<span class="badge">not passed</span><span><b>planted signal</b>' in page
    assert "do not rely on these numbers" in page
    assert (ended.folder / "deaf" / "model.json").is_file()
    assert not (ended.folder / "deaf" / "metrics.json").exists()
    assert status_of(ended.folder) == ("failed", 1, last)


@pytest.mark.parametrize("mode", ["backtest", "train"])
def test_a_leak_through_a_plug_in_is_caught_before_a_model_learns_from_it(modelled, mode):
    ended = modelled(
        f"mode={mode}", "plugins=[standin_model,leaking]",
        "+model.inputs.oracle='tomorrow(log_returns(close))'",
    )  # fmt: skip
    assert ended.code == 1
    last = ended.err.splitlines()[-1]
    assert last.startswith("causality: model.inputs.oracle of fold 1 changed when candles after 2")
    assert status_of(ended.folder) == ("failed", 1, last)
    assert not list(ended.folder.rglob("metrics.json"))
    assert not list(ended.folder.rglob("schedule.json"))


def test_a_leak_into_a_trained_model_is_caught_as_its_prediction(modelled, monkeypatch):
    """What `Folds.require_causal` would find first is left out: the second line of defence."""
    from framework.backtest.folds import Folds

    monkeypatch.setattr(Folds, "require_causal", lambda *arguments: 0)
    ended = modelled(
        "plugins=[standin_model,leaking]", "+model.inputs.oracle='tomorrow(log_returns(close))'"
    )
    assert ended.code == 1
    assert ended.err.splitlines()[-1].startswith(
        "causality: prediction 'p_up' looks ahead: its value for BTC-AUD at "
    )


def test_a_run_without_a_model_says_nothing_of_one(program):
    ended = program("start=2025-01-01", "end=2025-01-08")
    assert ended.code == 0, ended.err
    assert not (ended.run / "model.json").exists()
    metrics = json.loads((ended.run / "metrics.json").read_text())
    assert not [name for name in metrics if name.startswith(("model", "sanity"))]
    assert "h-model" not in (ended.run / "report.html").read_text()


OWN = (*SHORT[4:7], *WALK, "report=false")
RULES = {
    "direction": ("p_up > 0.5", "p_up < 0.5"),
    "triple_barrier": ("p_up > p_down", "p_up < p_down"),
    "volatility": ("forecast < 0.003", "forecast > 0.003"),
}


@pytest.mark.parametrize(
    ("model", "kind"),
    [("logistic", "direction"), ("lightgbm", "triple_barrier"), ("lightgbm", "volatility")],
)
def test_models_of_the_project_pass_the_tests_of_their_training(program, model, kind):
    enter, leave = RULES[kind]
    ended = program(
        *OWN, "mode=train", f"model={model}", f"model.label.kind={kind}", "sanity.seeds=1",
        f"strategy.enter={enter}", f"strategy.exit={leave}",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    metrics = json.loads((ended.run / "metrics.json").read_text())
    assert metrics["sanity"] == "passed"
    score = "model_correlation" if kind == "volatility" else "model_auc"
    assert metrics["model_seeds_lowest"] == metrics["model_seeds_highest"]
    assert -1 < metrics[score] < 1
    judged = json.loads((ended.run / "model.json").read_text())
    assert sum(row["gain"] for row in judged["importances"]) == pytest.approx(1)


def test_a_model_without_a_label_is_told_by_how_its_score_is_spread(program):
    ended = program(
        *OWN, "mode=train", "model=isolation_forest", "strategy.enter=anomaly < 0.5",
        "strategy.exit=anomaly > 0.6",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    metrics = json.loads((ended.run / "metrics.json").read_text())
    judged = json.loads((ended.run / "model.json").read_text())
    assert metrics["sanity"] is None
    assert [name for name in metrics if name.startswith("model_")] == ["model_samples"]
    assert sum(judged["histogram"]["counts"]) == metrics["model_samples"] > 2_500
    assert "learns no label: none to shuffle, no signal to plant" in ended.err


def test_trials_of_a_sweep_are_scored_and_nothing_more(modelled):
    ended = modelled(
        "strategy.params.fast=5,10", "sweep.rerun_best=false", "hydra/launcher=basic",
        "hydra.sweep.dir=swept", "-m", parts=("evaluation=holdout",),
    )  # fmt: skip
    assert ended.code == 0, ended.err
    judged = json.loads((ended.folder / "swept" / "0" / "model.json").read_text())
    assert judged["rows"][0]["scores"]["auc"] is not None
    assert [row["loss"] for row in judged["importances"]] == [None, None]
    assert judged["seeds"] is None
