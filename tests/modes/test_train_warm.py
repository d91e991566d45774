"""Trainings that begin with the models of an earlier run, and with none that saw later bars."""

import json

import numpy as np
import pytest

from framework.learning.checkpoints import load_whole
from framework.learning.library import digest_of

SETUP = (
    *("pairs=btc_aud", "start=2025-01-01", "report=false", "sanity.run=false"),
    *("strategy.enter=p_up > 0.5", "strategy.exit=p_up < 0.5"),
    *("model=lightgbm", "model.rounds=6", "model.stage=3", "model.num_leaves=4"),
    "model.min_data_in_leaf=20",
)
EARLIER = (*SETUP, "end=2025-01-12", "evaluation=walk_forward")
LATER = (*SETUP, "end=2025-01-18", "evaluation=walk_forward")
WARM = "training.warm_start=earlier"


@pytest.fixture
def earlier(program):
    ended = program("mode=train", *EARLIER, "run_dir=earlier")
    assert ended.code == 0, ended.err
    return ended


def models_of(run):
    """Return the end of what each model learned from, and its trees' thresholds."""
    stages = json.loads((run / "models" / "schedule.json").read_text())["stages"]
    return [
        (
            stage["end_ns"],
            load_whole(run / "models" / stage["directory"])[0]["0/threshold"],
        )
        for stage in stages
    ]


def test_each_fold_begins_with_the_newest_model_that_had_seen_no_later_bar(program, earlier):
    later = program("mode=train", *LATER, WARM, "run_dir=later")
    assert later.code == 0, later.err
    assert "training begins with the models of earlier\n" in later.err
    before, after = models_of(earlier.folder / "earlier"), models_of(earlier.folder / "later")
    begun = set()
    for end_ns, thresholds in after:
        fitting = [i for i, (seen_ns, _) in enumerate(before) if seen_ns <= end_ns]
        newest = before[fitting[-1]][1]
        assert len(thresholds) > len(newest)
        np.testing.assert_array_equal(thresholds[: len(newest)], newest)
        begun.add(fitting[-1])
    assert len(begun) >= 3
    again = program("mode=backtest", *LATER, WARM, "run_dir=again")
    assert again.code == 0, again.err
    one, other = (
        json.loads((earlier.folder / name / "metrics.json").read_text())["orders_hash"]
        for name in ("later", "again")
    )
    assert one == other


def test_folds_that_every_earlier_model_has_seen_the_test_bars_of_begin_anew(program):
    holdout = "evaluation=holdout"
    first = program("mode=train", *LATER, holdout, "mode.final=false", "run_dir=earlier")
    assert first.code == 0, first.err
    ((end_ns, _),) = models_of(first.folder / "earlier")
    later = program("mode=train", *LATER, WARM, "run_dir=later")
    assert later.code == 0, later.err
    seen = [
        fold for fold, (end, _) in enumerate(models_of(first.folder / "later"), 1) if end < end_ns
    ]
    assert len(seen) >= 2
    names = ", ".join(map(str, seen))
    assert f"; in fold {names} anew, since all of them had seen later bars" in later.err
    refused = program("mode=train", *EARLIER, WARM, "run_dir=refused", "end=2025-01-06")
    assert refused.code == 2
    line = refused.err.splitlines()[-1]
    assert line.startswith(
        "training.warm_start: the models of earlier had learned from bars up to 2025-01-"
    )
    assert line.endswith("all train parts end before (the last 2025-01-06T00:00:00Z).")


def test_what_does_not_fit_is_refused_and_named(program, earlier):
    for words, expected in (
        (("pairs=eth_aud",), "earlier does not fit this run: pairs was BTC-AUD, is ETH-AUD."),
        (
            ("model.inputs.return_4=close",),
            "earlier does not fit this run: model.inputs.return_4 was log_returns(close, 4), "
            "is close.",
        ),
    ):
        refused = program("mode=train", *LATER, WARM, *words)
        assert refused.code == 2
        assert refused.err.splitlines()[-1] == f"training.warm_start: {expected}"
    other = program("mode=train", *LATER, WARM, "model.num_leaves=5")
    assert other.code == 2
    assert other.err.splitlines()[-1].endswith(
        "model_1: holds another model: model.num_leaves was 4, is 5."
    )
    plain = [word for word in LATER if not word.startswith("model")]
    logistic = program("mode=train", *plain, "model=logistic", WARM)
    assert logistic.code == 2
    assert logistic.err.splitlines()[-1] == (
        "training.warm_start: logistic cannot begin with an earlier model, networks and lightgbm "
        "can (was earlier)."
    )
    none = program("mode=train", *LATER, "training.warm_start=nothing")
    assert none.code == 2
    assert "nothing" in none.err.splitlines()[-1]


def test_a_paused_training_goes_on_only_from_the_same_beginning(program, earlier):
    latest = "training.warm_start=latest"
    paused = program("mode=train", *LATER, WARM, "run_dir=p", "training.until=2020-01-01T00:00")
    assert paused.code == 0, paused.err
    assert "paused" in paused.err
    fresh = program("mode=train", *LATER, "run_dir=fresh", "training.until=2020-01-01T00:00")
    assert "p is unfinished, but another training: earlier model of fold 1 was " in fresh.err
    onward = program("mode=train", *LATER, latest, "run_dir=onward")  # the same, named otherwise
    assert onward.code == 0, onward.err
    assert f"goes on with the training of {onward.folder / 'p'}" in onward.err
    whole = program("mode=train", *LATER, WARM, "run_dir=whole", "resume=never")
    assert whole.code == 0, whole.err
    one, other = (digest_of(onward.folder / name / "models") for name in ("onward", "whole"))
    assert one == other
