"""The forward filter against hmmlearn on every prefix, and what the states mean."""

import numpy as np
import pytest
from hmmlearn.hmm import GaussianHMM
from planted import INPUTS, planted
from pydantic import ValidationError

from framework.errors import UserError
from framework.learning.labels import Label
from framework.learning.workshop import Paused, Workshop
from framework.models.hmm import HMM
from framework.models.hmm_kernels import filtered
from framework.models.hmm_trainer import runs

MARKET = planted(1_500, seed=3)
TWO = {"move": "move", "push": "push"}


def data_of(model, end=1_200):
    market = MARKET if len(model.inputs) == 3 else None
    chosen = MARKET.inputs_NTF[:, :, : len(model.inputs)]
    own = type(MARKET)(chosen, MARKET.close_NT, MARKET.wild_NT, MARKET.odd_NT)
    return (market or own).data(
        None, end=end, window=1, validation=0.0, inputs=INPUTS[: len(model.inputs)]
    )


def fit(model, **workshop):
    return model.trainer(Workshop(seed=4, **workshop)).train(data_of(model))


def as_hmmlearn(states):
    judge = GaussianHMM(len(states.start), "full")
    judge.n_features = states.mean.shape[1]
    judge.startprob_, judge.transmat_, judge.means_ = states.start, states.transition, states.mean
    lower = np.linalg.inv(states.whitening)
    judge.covars_ = lower @ lower.transpose(0, 2, 1)
    return judge


@pytest.mark.parametrize("covariance", ["full", "diag"])
def test_each_bar_has_what_hmmlearn_gives_for_the_prefix_that_ends_with_it(covariance):
    model = HMM(inputs=TWO, covariance=covariance, states=3, starts=2)
    trained = fit(model)
    inputs = MARKET.inputs_NTF[:, 3:400, :2]
    columns = trained.predict(inputs, 0)
    ours = np.stack([columns[f"p_regime_{k}"].T for k in range(3)], axis=2)
    judge = as_hmmlearn(trained.states)
    scaled = trained.scaler.transform(inputs).astype(np.float64)
    for pair in range(2):
        for bar in range(0, 397, 7):
            theirs = judge.predict_proba(scaled[pair, : bar + 1])[-1]
            np.testing.assert_allclose(ours[pair, bar], theirs, atol=1e-9)
    np.testing.assert_array_equal(columns["regime"].T, ours.argmax(axis=2))
    np.testing.assert_allclose(ours.sum(axis=2), 1, rtol=1e-12)


def test_hindsight_would_have_said_otherwise():
    trained = fit(HMM(inputs=TWO, states=2, starts=2))
    inputs = MARKET.inputs_NTF[:, 3:, :2]
    scaled = trained.scaler.transform(inputs[:1]).astype(np.float64)[0]
    smoothed = as_hmmlearn(trained.states).predict_proba(scaled)[:, 0]
    ours = trained.predict(inputs, 0)["p_regime_0"][:, 0]
    assert np.abs(smoothed - ours).max() > 0.3
    assert abs(smoothed[-1] - ours[-1]) < 1e-9


def test_two_states_by_hand_and_a_missing_bar_between():
    # State 0 has density N(0, 1), state 1 N(2, 1); x = 1 lies between, x = 2 on the second's mean.
    start, stay = np.array([0.5, 0.5]), np.array([[0.9, 0.1], [0.2, 0.8]])
    mean, whitening = np.array([[0.0], [2.0]]), np.ones((2, 1, 1))
    log_norm = np.full(2, -0.5 * np.log(2 * np.pi))
    seen = np.array([[np.nan], [1.0], [np.nan], [2.0]], np.float32)
    complete = np.array([False, True, False, True])
    p = filtered(seen, complete, start, stay, mean, whitening, log_norm)
    assert np.isnan(p[0]).all()
    np.testing.assert_allclose(p[1], [0.5, 0.5])  # as likely under both
    np.testing.assert_allclose(p[2], [0.55, 0.45])  # 0.5 * 0.9 + 0.5 * 0.2
    ahead = np.array([0.55 * 0.9 + 0.45 * 0.2, 0.55 * 0.1 + 0.45 * 0.8])
    odds = ahead * [np.exp(-2.0), 1.0]  # densities at 2 stand as exp(-2) to 1
    np.testing.assert_allclose(p[3], odds / odds.sum())


def test_a_bar_far_from_every_state_does_not_break_the_filter():
    start, stay = np.array([0.5, 0.5]), np.array([[1.0, 0.0], [0.0, 1.0]])
    mean, whitening = np.array([[0.0], [2.0]]), np.ones((2, 1, 1))
    seen = np.full((50, 1), 1e4, np.float32)
    p = filtered(seen, np.ones(50, bool), start, stay, mean, whitening, np.zeros(2))
    np.testing.assert_array_equal(p[-1], [0.0, 1.0])


def test_states_are_ordered_by_the_variance_of_the_first_input():
    trained = fit(HMM(inputs={name: name for name in INPUTS}, states=3, starts=3))
    lower = np.linalg.inv(trained.states.whitening)
    variance = np.square(lower[:, 0]).sum(axis=1)
    assert (np.diff(variance) > 0).all()


def test_runs_end_where_a_bar_is_left_out_and_where_a_pair_ends():
    model = HMM(inputs=TWO)
    data = data_of(model, end=40)
    kept = data.train.take(np.flatnonzero((data.train.pair == 1) | (data.train.bar != 20)))
    rows, lengths = runs(kept)
    assert lengths == [17, 19, 37]  # bars 3..19 and 21..39 of the first, 3..39 of the second
    assert rows.bar[:17].tolist() == list(range(3, 20))


def test_time_that_is_up_ends_it_between_two_fits():
    with pytest.raises(Paused):
        fit(HMM(inputs=TWO), time_is_up=lambda: True)


def test_too_few_samples_are_refused():
    model = HMM(inputs=TWO, states=4)
    with pytest.raises(UserError, match="4 states need 40 samples at least"):
        model.trainer(Workshop()).train(data_of(model, end=20))


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"label": Label()}, "learns no label"), ({"window": 4}, "window must be 1")],
)
def test_a_label_or_a_window_is_refused(settings, said):
    with pytest.raises(ValidationError, match=said):
        HMM(inputs=TWO, **settings)
