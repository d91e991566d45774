"""Isolation forests against scikit-learn's own scores."""

import numpy as np
import pytest
from planted import INPUTS, planted
from pydantic import ValidationError
from sklearn.ensemble import IsolationForest as Forest

from framework.learning.labels import Label
from framework.learning.windows import gather
from framework.learning.workshop import Workshop
from framework.models.isolation_forest import IsolationForest

MARKET = planted(1_500, seed=3)


@pytest.mark.parametrize(("window", "features", "samples"), [(1, 1.0, 256), (3, 0.5, 5_000)])
def test_the_score_is_that_of_scikit_learn(window, features, samples):
    model = IsolationForest(
        inputs={name: name for name in INPUTS},
        window=window,
        trees=40,
        max_features=features,
        max_samples=samples,
    )
    data = MARKET.data(None, end=1_000, window=window, validation=0.0)
    trained = model.trainer(Workshop(seed=6)).train(data)
    score = trained.predict(data.inputs_NTF, 0)["anomaly"]
    scaled = trained.scaler.transform(data.inputs_NTF)
    columns = gather(scaled, data.train, window).reshape(len(data.train), -1)
    judge = Forest(
        n_estimators=40,
        max_samples=min(samples, len(columns)),
        max_features=features,
        random_state=int(np.random.SeedSequence(6).generate_state(1)[0]),
    ).fit(columns)
    expected = -judge.score_samples(columns)
    np.testing.assert_allclose(score[data.train.bar, data.train.pair], expected, rtol=1e-12)
    assert 0 < np.nanmin(score) < np.nanmax(score) < 1


def test_a_label_is_refused():
    with pytest.raises(ValidationError, match="learns no label"):
        IsolationForest(inputs={"move": "close"}, label=Label())
