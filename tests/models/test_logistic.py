"""Logistic regression against scikit-learn and against what was planted."""

import numpy as np
import pytest
from planted import INPUTS, planted
from pydantic import ValidationError
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from framework.learning.labels import Label
from framework.learning.scaler import Scaler
from framework.learning.training import Training
from framework.learning.windows import gather
from framework.learning.workshop import Workshop
from framework.models.logistic import Logistic

MARKET = planted(1_500, seed=3)
THREE = Label(kind="triple_barrier", horizon=6, upper=0.7, lower=0.7)


def fitted(label, **settings):
    model = Logistic(inputs={name: name for name in INPUTS}, label=label, **settings)
    data = MARKET.data(label, end=1_200, window=model.window, validation=0.0)
    return data, model.trainer(Workshop(training=Training(threads=1))).train(data)


def columns_of(data, trained, window):
    scaled = trained.scaler.transform(data.inputs_NTF)
    return gather(scaled, data.train, window).reshape(len(data.train), -1).astype(np.float64)


@pytest.mark.parametrize("label", [Label(horizon=1), THREE], ids=["two", "three"])
def test_probabilities_are_those_of_scikit_learn(label):
    data, trained = fitted(label, window=3, l2=2.0)
    columns = columns_of(data, trained, 3)
    judge = LogisticRegression(C=0.5, max_iter=1000)
    judge.fit(columns, data.labels(data.train), data.weights(data.train))
    expected = judge.predict_proba(columns)
    seen = trained.predict(data.inputs_NTF, 0)
    ours = np.stack([own[data.train.bar, data.train.pair] for own in seen.values()], axis=1)
    if label.classes == 2:
        expected = expected[:, 1:]
    else:
        np.testing.assert_allclose(ours.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_allclose(ours, expected, rtol=1e-9)


def test_coefficients_are_least_in_the_loss_that_the_penalty_is_defined_by():
    data, trained = fitted(Label(horizon=1), l2=30.0, tolerance=1e-10)
    columns = columns_of(data, trained, 1)
    truth, weights = data.labels(data.train).astype(float), data.weights(data.train).astype(float)

    def loss(parameters):
        score = parameters[0] + columns @ parameters[1:]
        return 15.0 * parameters[1:] @ parameters[1:] + weights @ (
            np.logaddexp(0, score) - truth * score
        )

    best = minimize(loss, np.zeros(4), tol=1e-10).x
    ours = [*trained.intercept, *trained.coefficients.ravel()]
    np.testing.assert_allclose(ours, best, atol=1e-4)


def test_what_moves_prices_counts_most():
    _, trained = fitted(Label(horizon=1), scaler=Scaler(kind="standard"))
    importance = trained.importance()
    assert importance["push"] > 10 * max(importance["move"], importance["noise"])


def test_too_few_iterations_are_said():
    model = Logistic(inputs={name: name for name in INPUTS}, label=Label(horizon=1), iterations=1)
    said = []
    data = MARKET.data(model.label, end=1_200, window=1, validation=0.0)
    model.trainer(Workshop(say=said.append)).train(data)
    assert said == ["logistic: 1 iterations did not reach the optimum."]


@pytest.mark.parametrize(
    ("label", "said"), [(None, "needs a label"), (Label(kind="return"), "label was return")]
)
def test_a_label_without_classes_is_refused(label, said):
    with pytest.raises(ValidationError, match=said):
        Logistic(inputs={"move": "close"}, label=label)
