"""The sanity suite passes models that learn, and accuses those that do not or know too much."""

from dataclasses import dataclass

import numpy as np
import pytest
from judged_market import data_of, market, standin
from standin_model import Standin

from framework.config.component import component
from framework.learning.labels import Label
from framework.learning.sanity import Sanity
from framework.learning.sanity_suite import Refits, in_order_of, in_short, newest, run_suite
from framework.learning.score_rows import labels_of
from framework.learning.training import Training

ALL = Sanity()


def refits_of(model, *, strength=0.0, seen=2_000, horizon=1, samples=20_000):
    """Return the refits of a fold that learns from the first `seen` bars; 2,000 on are later."""
    candles, inputs_NTF = market(bars=4_000, strength=strength)
    data, start = newest(data_of(model, candles, inputs_NTF, 0, seen), samples)
    return Refits(
        model=model,
        training=in_short(Training(), ALL),
        seed=3,
        fold=2,
        data=data,
        start=start,
        first=2_000,
        end=4_000,
        candles=candles,
        inputs_NTF=inputs_NTF,
        labels_TN=labels_of(model.label, candles.close, candles.traded),
        show=lambda number, done, total, figures: None,
    )


def suite(model, sanity=ALL, **of):
    checks, band = run_suite(sanity, refits_of(model, **of), np.random.default_rng(2))
    return {check.name: check for check in checks}, band


@pytest.mark.parametrize("kind", ["direction", "return", "volatility"])
@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_a_model_that_learns_passes_whether_or_not_there_is_much_to_learn(kind, strength):
    checks, band = suite(standin(kind, 4), strength=strength)
    assert [check.passed for check in checks.values()] == [True, True], checks
    assert len(band.scores) == 3


def test_a_model_that_cannot_learn_does_not_find_the_planted_signal():
    checks, _ = suite(standin(flaw="deaf"))
    assert checks["shuffled labels"].passed
    assert not checks["planted signal"].passed
    said = checks["planted signal"].detail
    assert said.startswith("AUC 0.500 on 3,998 later samples of labels made of 'signal' and noise")


@component
class Memory(Standin):
    """Remembers what it saw: the label of the nearest sample is what it predicts."""

    def trainer(self, workshop):
        """Return what fits it."""
        return MemoryTrainer()


class MemoryTrainer:
    def train(self, data):
        x = data.inputs_NTF[data.train.pair, data.train.bar]
        return Remembered(x, data.labels(data.train))


@dataclass
class Remembered:
    x: np.ndarray
    y: np.ndarray

    def predict(self, inputs_NTF, first):
        asked = inputs_NTF[:, first:]
        near = np.abs(asked[:, :, None, 0] - self.x[:, 0]).argmin(axis=2)
        return {"p_up": self.y[near].astype(float).T}


def test_shuffled_labels_of_later_bars_that_reach_training_are_found():
    model = Memory(label=Label(horizon=1), validation=0.0)
    fair, _ = suite(model, Sanity(planted=False, seeds=0))
    assert fair["shuffled labels"].passed
    leaking, _ = suite(model, Sanity(planted=False, seeds=0), seen=2_600)
    assert not leaking["shuffled labels"].passed
    assert "chance gives 0.5 ± 0.0" in leaking["shuffled labels"].detail


def test_seeds_are_a_band_as_wide_as_luck():
    _, same = suite(standin(), Sanity(shuffled=False, planted=False, seeds=3))
    assert same.seeds == (4, 5, 6)
    assert same.fold == 2
    assert len(set(same.scores)) == 1
    assert same.free_KT.shape == (3, 2_000)
    _, luck = suite(standin(flaw="seeds"), Sanity(shuffled=False, planted=False), strength=1.0)
    assert len(set(luck.scores)) == 3
    assert len(np.unique(luck.free_KT[:, -1])) == 3


def test_what_is_not_asked_for_is_not_made():
    assert suite(standin(), Sanity(shuffled=False, planted=False, seeds=0)) == ({}, None)
    assert Sanity(shuffled=False, seeds=2).refits == 3


def test_labels_in_another_order_are_the_same_labels():
    nan = np.nan
    labels = np.array([[5.0, nan], [1, 2], [nan, 9]], np.float32)
    order = np.array([[0.3, 0.0], [0.1, 0.9], [0.5, 0.2]])
    expected = [[5, nan], [1, 9], [nan, 2]]
    np.testing.assert_array_equal(in_order_of(order, labels), expected)


def test_the_newest_samples_keep_their_windows():
    model = standin(window=5, validation=0.2)
    candles, inputs_NTF = market(bars=1_000)
    whole = data_of(model, candles, inputs_NTF, 0, 1_000)
    cut, first = newest(whole, 60)
    assert (len(cut.train), len(cut.validation)) == (60, 60)
    assert first == whole.train.bar[-60] - 4
    rows, cut_rows = whole.train.take(slice(-60, None)), cut.train
    assert np.array_equal(
        cut.inputs_NTF[cut_rows.pair, cut_rows.bar], inputs_NTF[rows.pair, rows.bar]
    )
    assert np.array_equal(cut.labels(cut_rows), whole.labels(rows))
    assert cut_rows.bar.min() == 4


def test_a_refit_is_shorter_and_never_pauses():
    training = Training(epochs=30, until="06:30", learning_rate=0.01)
    short = in_short(training, Sanity(epochs=2))
    assert (short.epochs, short.duration, short.until) == (2, None, None)
    assert short.learning_rate == 0.01
    assert in_short(Training(epochs=1), Sanity(epochs=2)).epochs == 1
