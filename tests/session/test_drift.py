"""The population stability index against sums done by hand, and as a reason to train anew."""

from __future__ import annotations

from math import log, nan

import numpy as np
import pytest

from framework.errors import UserError
from framework.learning.labels import Label
from framework.session.drift import Reference, drift
from framework.session.learning import Learning
from framework.types import DAY_NS, Interval

THEN = np.arange(100, dtype=np.float32).reshape(1, 100, 1)


def test_what_stays_has_none() -> None:
    assert drift(Reference.of(THEN), THEN) == 0.0
    assert drift(Reference.of(THEN), THEN[:, ::10] + 5) == 0.0


def test_it_is_the_sum_over_tenths() -> None:
    # The lower half of the tenths holds 8 of 40 values, the upper half 32.
    lower, upper = np.arange(5, 45, 5.0), np.arange(50.5, 98, 1.5)[:32]
    now = np.concatenate([lower, upper]).astype(np.float32)
    counts = np.histogram(now, [-np.inf, *np.arange(9.9, 90, 9.9), np.inf])[0]
    assert counts.sum() == 40
    by_hand = sum((q - 0.1) * log(q / 0.1) for q in np.maximum(counts, 0.5) / 40)
    assert drift(Reference.of(THEN), now.reshape(1, 40, 1)) == pytest.approx(by_hand, rel=1e-12)


def test_a_bin_without_values_counts_half_a_value() -> None:
    now = np.full((1, 20, 1), 99, np.float32)
    by_hand = (1 - 0.1) * log(1 / 0.1) + 9 * (0.025 - 0.1) * log(0.025 / 0.1)
    assert drift(Reference.of(THEN), now) == pytest.approx(by_hand, rel=1e-12)


def test_it_is_the_mean_over_inputs_and_pairs_that_have_values() -> None:
    then = np.repeat(np.repeat(THEN, 2, axis=0), 2, axis=2)
    now = then.copy()
    now[1, :, 1] = 99
    alone = drift(Reference.of(THEN), np.full_like(THEN, 99))
    assert drift(Reference.of(then), now) == pytest.approx(alone / 4, rel=1e-12)
    now[0, :, 0] = nan
    assert drift(Reference.of(then), now) == pytest.approx(alone / 3, rel=1e-12)


def test_without_values_there_is_none_to_tell() -> None:
    assert np.isnan(drift(Reference.of(np.full_like(THEN, nan)), THEN))
    assert np.isnan(drift(Reference.of(THEN), np.full_like(THEN, nan)))


def test_an_input_of_one_value_only_moves_when_it_takes_another() -> None:
    same = np.full((1, 50, 1), 3, np.float32)
    assert drift(Reference.of(same), same[:, :7]) == 0.0
    assert drift(Reference.of(same), same[:, :7] - 1) > 3


@pytest.mark.parametrize(
    ("given", "every_ns"),
    [("1d", DAY_NS), (96, 96 * 900 * 10**9), ("drift", None), (None, None)],
)
def test_what_leads_to_a_retraining(given: object, every_ns: int | None) -> None:
    assert Learning(retrain=given).every_ns(Interval.parse("15m")) == every_ns


@pytest.mark.parametrize("given", ["soon", 0, -3, True, "1y", 1.5])
def test_what_leads_to_none(given: object) -> None:
    with pytest.raises(ValueError, match=r"is neither a length such as 1d, a number of bars"):
        Learning(retrain=given)


def test_scores_must_be_those_of_the_label() -> None:
    Learning(score="model_auc", gate={"model_rule_return": 0.0}).require(Label(kind="direction"))
    Learning(score="model_mae").require(Label(kind="return"))
    with pytest.raises(UserError, match=r"learning.score: 'model_auc' is no score of this model"):
        Learning(score="model_auc").require(Label(kind="return"))
    with pytest.raises(UserError, match=r"learning.gate.model_acu: .*Did you mean 'model_auc'\?"):
        Learning(gate={"model_acu": 0.5}).require(Label(kind="direction"))
    with pytest.raises(UserError, match="learns no label to be judged by"):
        Learning(gate={"model_auc": 0.5}).require(None)
