import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from framework.learning.label_values import label_values
from framework.learning.labels import Label

CLOSE = np.array([100.0, 110.0, 99.0, 99.0, 120.0])
NAN = math.nan


def labels(label, close=CLOSE, untraded=()):
    traded = np.ones(len(close), np.bool_)
    traded[list(untraded)] = False
    return label_values(label, np.asarray(close), traded)


def values(*args, **kwargs):
    return labels(*args, **kwargs).values.tolist()


def same(found, expected):
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-9, nan_ok=True)


def test_direction_tells_whether_the_close_has_risen_by_the_horizon():
    found = labels(Label(horizon=2))
    same(found.values.tolist(), [0, 0, 1, NAN, NAN])  # 99 < 100, 99 < 110, 120 > 99
    assert found.values.dtype == np.float32
    assert found.last[:3].tolist() == [2, 3, 4]


def test_a_move_within_the_neutral_zone_has_no_direction():
    same(values(Label(horizon=2, neutral=0.02)), [NAN, 0, 1, NAN, NAN])  # ln 0.99 = -0.01005
    same(values(Label(horizon=1)), [1, 0, NAN, 1, NAN])  # 99 to 99 is no move


def test_return_is_the_log_return_over_the_horizon():
    expected = [math.log(0.99), math.log(0.9), math.log(120 / 99), NAN, NAN]
    same(values(Label(kind="return", horizon=2)), expected)


def test_volatility_is_the_deviation_of_the_log_returns_ahead():
    rise, fall, flat, jump = math.log(1.1), math.log(0.9), 0.0, math.log(120 / 99)
    of_two = [abs(a - b) / math.sqrt(2) for a, b in [(rise, fall), (fall, flat), (flat, jump)]]
    same(values(Label(kind="volatility", horizon=2)), [*of_two, NAN, NAN])


def test_volatility_of_one_bar_is_refused():
    with pytest.raises(ValidationError, match=r"horizon of at least 2 bars \(was 1\)"):
        Label(kind="volatility", horizon=1)


def test_a_bar_without_trades_has_no_label_but_others_may_rest_on_it():
    same(values(Label(horizon=2), untraded=[1, 2]), [0, NAN, NAN, NAN, NAN])


@pytest.mark.parametrize("kind", ["direction", "return", "volatility", "triple_barrier"])
def test_an_unknown_close_takes_the_labels_that_rest_on_it(kind):
    close = 100 * np.exp(np.cumsum(np.tile([0.01, -0.012, 0.02, -0.02, 0.005], 4)))
    close[10] = NAN
    found = values(Label(kind=kind, horizon=3, volatility_bars=2), close)
    known = [t for t, value in enumerate(found) if not math.isnan(value)]
    warm = 2 if kind == "triple_barrier" else 0  # two log-returns need three closes
    after = 13 if kind == "triple_barrier" else 11
    assert known == [*range(warm, 7), *range(after, 17)]  # 7 to 10 rest on bar 10


# Log-returns of 0.01 and -0.01 before bar 2: their deviation is 0.02 / sqrt(2), over 2 bars 0.02.
@pytest.mark.parametrize(
    ("ahead", "expected", "last"),
    [
        ((0.015, 0.025), 2, 4),  # above 1 x 0.02 at the second bar
        ((0.021, -0.1), 2, 3),  # at the first bar, whatever follows
        ((-0.045, 0.1), 0, 3),  # below 2 x 0.02
        ((0.019, -0.039), 1, 4),  # within both
    ],
)
def test_the_barrier_reached_first_is_the_class(ahead, expected, last):
    close = np.exp([0.0, 0.01, 0.0, *ahead])
    label = Label(kind="triple_barrier", horizon=2, volatility_bars=2, upper=1, lower=2)
    found = labels(label, close)
    same(found.values.tolist(), [NAN, NAN, expected, NAN, NAN])
    assert found.last[2] == last
    same(values(label, close[:4]), [NAN] * 4)  # decided by bar 3 or not: its horizon is not over


def test_without_volatility_there_are_no_barriers():
    close = [100.0] * 6 + [101.0]
    same(values(Label(kind="triple_barrier", horizon=2, volatility_bars=2), close), [NAN] * 7)


def barrier_in_plain_python(log_close, t, label):
    """Return the class and the bar that decides it, by the definition."""
    past = [log_close[i] - log_close[i - 1] for i in range(t - label.volatility_bars + 1, t + 1)]
    mean = sum(past) / len(past)
    deviation = math.sqrt(sum((r - mean) ** 2 for r in past) / (len(past) - 1))
    distance = deviation * math.sqrt(label.horizon)
    for later in range(t + 1, t + label.horizon + 1):
        moved = log_close[later] - log_close[t]
        if moved >= label.upper * distance:
            return 2, later
        if moved <= -label.lower * distance:
            return 0, later
    return 1, t + label.horizon


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 9), st.integers(2, 12), st.integers(0, 2**32 - 1))
def test_barriers_agree_with_their_definition(horizon, volatility_bars, seed):
    close = 100 * np.exp(np.cumsum(np.random.default_rng(seed).standard_normal(60) * 0.01))
    label = Label(
        kind="triple_barrier",
        horizon=horizon,
        volatility_bars=volatility_bars,
        upper=0.83,
        lower=1.13,
    )
    found = labels(label, close)
    for t in range(volatility_bars, 60 - horizon):
        expected = barrier_in_plain_python(np.log(close).tolist(), t, label)
        assert (found.values[t], found.last[t]) == expected


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["direction", "return", "volatility", "triple_barrier"]),
    st.integers(2, 6),
    st.integers(10, 59),
)
def test_closes_after_the_horizon_change_no_bit_of_a_label(kind, horizon, cut):
    random = np.random.default_rng(cut)
    close = 100 * np.exp(np.cumsum(random.standard_normal(60) * 0.01))
    noisy = np.append(close[:cut], 100 * random.random(60 - cut))
    label = Label(kind=kind, horizon=horizon, volatility_bars=5)
    until = max(cut - horizon, 0)  # the last of these rests on the close at cut - 1
    before, after = labels(label, close), labels(label, noisy)
    assert before.values[:until].tobytes() == after.values[:until].tobytes()
    assert before.last[:until].tobytes() == after.last[:until].tobytes()
    assert labels(label, close[:cut]).values[:until].tobytes() == before.values[:until].tobytes()
