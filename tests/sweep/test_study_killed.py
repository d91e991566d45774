"""A sampler's sweep that is killed again and again ends with every trial asked for, once."""

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState

from framework.sweep.trial import TrialTable

TRIALS, KILLS = 100, 5
WORDS = (
    *("-m", "hydra/sweeper=optuna", f"hydra.sweeper.n_trials={TRIALS}", "hydra.sweeper.batch=10"),
    *("pairs=btc_aud", "start=2025-03-01", "end=2025-03-08", "report=false"),
    *("sweep.name=killed", "sweep.min_trades=3", "sweep.rerun_best=false"),
    *("strategy.params.fast=interval(5,30)", "strategy.params.slow=interval(31,90)"),
)


def run(folder, count, seconds, *words):
    script = Path(__file__).with_name("killed_study.py")
    return subprocess.run(
        [sys.executable, script, str(count), str(seconds), *WORDS, *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=200,
    )


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """The folder of a sweep that was killed at random moments while it asked, ran or was told."""
    folder = tmp_path_factory.mktemp("killed")
    random = np.random.default_rng(11)
    more = ()
    for _ in range(KILLS):
        died = run(folder, random.integers(1, 19), random.uniform(0.0, 0.2), *more)
        assert died.returncode == -9, died.stderr
        more = ("sweep.resume=killed",)
    last = run(folder, 0, 0.0, *more)
    assert last.returncode == 0, last.stderr
    assert "trials are done already" in last.stderr
    return folder


@pytest.fixture(scope="module")
def trials(killed):
    """The trials of the study by state."""
    (file,) = killed.glob("runs/*/killed/study.db")
    study = optuna.load_study(study_name="killed", storage=f"sqlite:///{file}")
    found = study.get_trials(deepcopy=False)
    study._storage.remove_session()
    study._storage._backend.engine.dispose()
    return {state: [each for each in found if each.state == state] for state in TrialState}


def table(folder):
    (file,) = folder.glob("runs/*/killed/trials.parquet")
    return TrialTable.read(file)


def test_every_trial_is_complete_once_and_none_is_left_running(trials):
    indices = [trial.user_attrs["trial"][1] for trial in trials[TrialState.COMPLETE]]
    assert sorted(indices) == list(range(TRIALS))
    assert not trials[TrialState.RUNNING] + trials[TrialState.WAITING]


def test_a_trial_given_up_was_asked_for_again_with_the_same_parameters(trials):
    assert trials[TrialState.FAIL], "no kill hit a running batch"
    complete = {trial.user_attrs["trial"][1]: trial.params for trial in trials[TrialState.COMPLETE]}
    for trial in trials[TrialState.FAIL]:
        if "trial" in trial.user_attrs:
            assert complete[trial.user_attrs["trial"][1]] == trial.params


def test_table_and_database_have_each_trial_once(killed):
    kept = table(killed)
    assert kept.index.tolist() == list(range(TRIALS))
    with closing(sqlite3.connect(killed / "runs" / "framework.db")) as database:
        rows = database.execute("SELECT params, orders_hash FROM trial").fetchall()
        ended = database.execute("SELECT mode, status, exit_code FROM run").fetchall()
    assert ended == [("sweep", "done", 0)]
    assert sorted((tuple(json.loads(params).values()), hash) for params, hash in rows) == sorted(
        zip(zip(*kept.params.values(), strict=True), kept.orders_hash, strict=True)
    )
    assert len(rows) == TRIALS


def test_the_study_was_told_what_the_table_says(killed, trials):
    kept = table(killed)
    sharpe, count = kept.metrics["sharpe"], kept.metrics["trades"]
    for trial in trials[TrialState.COMPLETE]:
        index = trial.user_attrs["trial"][1]
        assert trial.params == {key: values[index] for key, values in kept.params.items()}
        few = 1 - count[index] / 3
        assert trial.constraints.get("sweep.min_trades", 0) == max(few, 0)
        if np.isfinite(sharpe[index]):
            assert trial.value == sharpe[index]
