"""What is told of a model, from predictions whose worth is known."""

import json

import numpy as np
import pytest
from judged_market import INPUTS, candles_of, market, schedule_of, standin

from framework.learning.judge import Evidence, judge
from framework.learning.model import Model
from framework.records import Part


def judgement(strength, *, kind="direction", horizon=1, samples=20_000, pairs=2):
    candles, inputs_NTF = market(strength=strength, pairs=pairs)
    model = standin(kind, horizon)
    schedule = schedule_of(model, candles, inputs_NTF, (1_000, 2_000))
    evidence = Evidence(
        model=model,
        schedule=schedule,
        candles=candles,
        names=INPUTS,
        inputs_NTF=inputs_NTF,
        predicted=schedule.predict(inputs_NTF, candles.time),
        first=1_000,
        parts=(Part(1, "test", 1_000, 2_000), Part(2, "test", 2_000, 3_000)),
        fee=0.001,
    )
    return judge(evidence, np.random.default_rng(1), samples=samples), evidence


def test_a_model_that_knows_the_next_return_is_told_from_one_that_does_not():
    knows, _ = judgement(1.0)
    guesses, _ = judgement(0.0)
    (all_,), (other,) = knows.rows, guesses.rows
    # signal and noise of one size: their sum correlates 1 / sqrt(2) with the signal, and then
    # the share of right signs is 1/2 + arcsin(1 / sqrt(2)) / pi = 3/4
    assert all_.scores["accuracy"] == pytest.approx(0.75, abs=0.025)
    assert abs(other.scores["auc"] - 0.5) < 3 * other.scores["auc_error"]
    assert knows.rule.free[-1] > 10 > guesses.rule.free[-1]
    assert np.all(np.diff([group.outcome for group in knows.groups]) > 0)


def test_samples_of_folds_and_pairs_add_up_and_the_last_bars_have_no_outcome():
    judged, _ = judgement(0.5, horizon=4, pairs=3)
    (all_,) = judged.rows
    assert [row.of for row in judged.folds] == ["test 1", "test 2"]
    assert [row.of for row in judged.pairs] == ["P0-AUD", "P1-AUD", "P2-AUD"]
    assert sum(row.samples for row in judged.folds) == all_.samples == 3 * (2_000 - 4)
    assert sum(row.samples for row in judged.pairs) == all_.samples
    assert np.sum(judged.confusion) == all_.samples
    assert sum(group.samples for group in judged.groups) == all_.samples
    assert sum(part.samples for part in judged.calibration[0].bins) == all_.samples


def test_an_input_counts_what_is_lost_without_it():
    judged, evidence = judgement(1.0)
    signal, noise = judged.importances
    (all_,) = judged.rows
    assert (signal.input, noise.input) == INPUTS
    assert signal.loss == pytest.approx(all_.scores["auc"] - 0.5, abs=0.03)
    assert abs(noise.loss) < 0.01
    lines = [stage.trained.line[1:] for stage in evidence.schedule.stages]
    shares = [abs(line[0]) / np.abs(line).sum() for line in lines]
    assert signal.gain == pytest.approx(np.mean(shares))
    assert signal.gain + noise.gain == pytest.approx(1.0)
    assert "By how much AUC falls" in judged.permuted


def test_nothing_is_left_out_where_no_samples_are_allowed():
    judged, _ = judgement(1.0, samples=0)
    assert [row.loss for row in judged.importances] == [None, None]
    assert judged.permuted == ""


def test_inputs_are_left_as_they_were():
    judged, evidence = judgement(1.0)
    before = market(strength=1.0)[1]
    assert judged.importances
    assert np.array_equal(evidence.inputs_NTF, before)


def test_returns_are_scored_as_values_and_told_in_metrics():
    judged, _ = judgement(1.0, kind="return")
    metrics = judged.metrics()
    assert judged.score == "correlation"
    assert judged.classes == judged.confusion == judged.calibration == ()
    assert metrics["model_correlation"] == pytest.approx(0.5**0.5, abs=0.03)
    assert metrics["model_samples"] == judged.rows[0].samples
    assert metrics["model_rule_return"] == pytest.approx(judged.rule.free[-1] - 1)
    assert metrics["model_rule_return_after_fees"] < metrics["model_rule_return"]


def test_the_whole_of_it_is_json_with_curves_by_day():
    judged, _ = judgement(0.5)
    told = json.loads(json.dumps(judged.as_dict(), allow_nan=False))
    days = 2_000 * 15 // (24 * 60)
    assert len(told["rule"]["free"]) == len(told["rule"]["time"]) == days + 2  # and two halves
    assert told["rule"]["free"][-1] == judged.rule.free[-1]
    assert told["rows"][0]["scores"]["auc"] == judged.rows[0].scores["auc"]


class Told(Model):
    """A model without a label."""

    output: str = "regime"

    @property
    def outputs(self):
        return (self.output,)

    trainer = load = None


def unlabelled(output, predicted, close):
    model = Told(name="told")
    object.__setattr__(model, "output", output)
    candles = candles_of(np.asfortranarray(close))
    evidence = Evidence(
        model=model, schedule=None, candles=candles, names=(), inputs_NTF=None,
        predicted={output: predicted}, first=1, parts=(), fee=0.0,
    )  # fmt: skip
    return judge(evidence, np.random.default_rng(1))


def test_regimes_are_told_by_the_bars_after_them():
    close = np.exp([[0.0], [0.01], [0.03], [0.02], [0.05]])
    regime = np.array([[np.nan], [0.0], [1.0], [1.0], [0.0]])  # the last has no bar after it
    judged = unlabelled("regime", regime, close)
    calm, wild = judged.regimes
    assert (calm.regime, calm.samples, wild.samples) == (0, 1, 2)
    assert calm.share == pytest.approx(1 / 3)
    assert calm.mean_return == pytest.approx(0.02)
    assert wild.mean_return == pytest.approx((-0.01 + 0.03) / 2)
    assert wild.volatility == pytest.approx(0.04 / 2**0.5)
    assert judged.metrics() == {"model_samples": 3}


def test_a_score_of_anomaly_is_told_by_its_spread_and_the_moves_after_it():
    close = np.exp(np.cumsum([[0.0], [0.01], [-0.05], [0.01], [0.01]], axis=0))
    score = np.array([[np.nan], [0.9], [0.1], [0.1], [0.1]])
    judged = unlabelled("anomaly", score, close)
    assert judged.histogram.counts.sum() == 3
    assert [(g.low, g.samples) for g in judged.groups] == [(0.1, 2), (0.9, 1)]
    assert [g.outcome for g in judged.groups] == pytest.approx([0.01, 0.05])
