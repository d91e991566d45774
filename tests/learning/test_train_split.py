import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_training import INTERVAL, made_arrays, made_training

from framework.errors import UserError
from framework.learning.labels import Label
from framework.learning.scaler import Scaler

LABELS = [
    Label(horizon=3),
    Label(kind="return", horizon=1),
    Label(kind="volatility", horizon=6, weights="equal"),
    Label(kind="triple_barrier", horizon=5, volatility_bars=8, upper=0.8, lower=0.9, balanced=True),
    None,
]
KEPT = ("time", "inputs_NTF", "labels_NT", "weights_NT")


def bits(data):
    arrays = [getattr(data, name) for name in KEPT]
    rows = [array for rows in (data.train, data.validation) for array in (rows.pair, rows.bar)]
    scaled = Scaler(kind="quantile").fit(data.inputs_NTF, data.train).transform(data.inputs_NTF)
    return [array.tobytes() for array in (*arrays, *rows, scaled)]


def noisy_from(arrays, first):
    """Return candles and inputs replaced by noise from a bar on."""
    random = np.random.default_rng(99)
    noisy = {name: array.copy() for name, array in arrays.items()}
    for name in ("inputs_NTF", "close_NT"):
        noisy[name][:, first:] = random.random(noisy[name][:, first:].shape) * 1000
    noisy["traded_NT"][:, first:] = random.random(noisy["traded_NT"][:, first:].shape) < 0.5
    return noisy


def test_samples_are_bars_with_window_and_label_away_from_the_ends():
    data = made_training()
    # 80 bars: 60 to learn from and 20 to stop by, less two horizons of 3 before each end;
    # of the first pair nobody traded in bars 30 and 70, which are 20 and 60 here.
    first = [bar for bar in range(4, 54) if bar != 20], list(range(61, 74))
    second = list(range(4, 54)), list(range(60, 74))
    for rows, of_first, of_second in zip((data.train, data.validation), first, second, strict=True):
        assert rows.bar[rows.pair == 0].tolist() == of_first
        assert rows.bar[rows.pair == 1].tolist() == of_second
        assert np.all(np.diff(rows.bar * 2 + rows.pair) > 0)


def test_data_are_those_of_the_part():
    arrays = made_arrays()
    data = made_training(arrays)
    assert data.time.tolist() == arrays["time"][10:90].tolist()
    assert np.shares_memory(data.inputs_NTF, arrays["inputs_NTF"])
    assert data.inputs_NTF.tolist() == arrays["inputs_NTF"][:, 10:90].tolist()
    assert (data.pairs, data.inputs) == (
        ("PAIR0-AUD", "PAIR1-AUD"),
        ("input_0", "input_1", "input_2"),
    )
    assert (data.interval, data.classes, data.window) == (INTERVAL, 2, 5)
    risen = arrays["close_NT"][1, 13:90] > arrays["close_NT"][1, 10:87]
    assert data.labels_NT[1, :77].tolist() == risen.tolist()
    assert np.isnan(data.labels_NT[:, 77:]).all()


def test_only_samples_weigh_and_each_of_the_two_sets_weighs_one_on_average():
    data = made_training()
    sample_NT = np.zeros((2, 80), np.bool_)
    for rows in (data.train, data.validation):
        sample_NT[rows.pair, rows.bar] = True
        assert data.weights(rows).mean() == pytest.approx(1)
    assert ((data.weights_NT > 0) == sample_NT).all()


def test_volatility_before_the_part_sets_its_first_barriers():
    label = Label(kind="triple_barrier", horizon=2, volatility_bars=8)
    assert np.isfinite(made_training(label=label).labels_NT[:, 0]).all()
    whole = made_training(label=label, part_first=0)
    assert np.isnan(whole.labels_NT[:, :8]).all()
    assert np.isfinite(whole.labels_NT[:, 8]).all()


@pytest.mark.parametrize("label", LABELS, ids=str)
def test_noise_after_the_part_changes_no_bit(label):
    arrays = made_arrays()
    data = made_training(arrays, label=label)
    noisy = made_training(noisy_from(arrays, 90), label=label)
    assert bits(noisy) == bits(data)
    assert noisy.digest == data.digest
    assert bits(made_training(noisy_from(arrays, 89), label=label)) != bits(data)


@pytest.mark.parametrize("label", LABELS[:4], ids=str)
def test_noise_in_what_is_set_apart_and_in_the_embargo_before_it_changes_no_train_sample(label):
    arrays = made_arrays()
    data = made_training(arrays, label=label)
    noisy = made_training(noisy_from(arrays, 70 - label.horizon), label=label)
    for name in ("pair", "bar"):
        assert np.array_equal(getattr(noisy.train, name), getattr(data.train, name))
    assert noisy.labels(noisy.train).tobytes() == data.labels(data.train).tobytes()
    assert noisy.weights(noisy.train).tobytes() == data.weights(data.train).tobytes()


def test_the_last_close_before_the_embargo_is_learned_from():
    arrays, label = made_arrays(), Label(kind="return", horizon=4)
    data = made_training(arrays, label=label)
    changed = made_training(noisy_from(arrays, 70 - 4 - 1), label=label)
    differs = changed.labels_NT[1] != data.labels_NT[1]
    assert np.flatnonzero(differs)[0] == data.train.bar[data.train.pair == 1].max()


@settings(max_examples=60, deadline=None)
@given(
    horizon=st.integers(1, 9),
    first=st.integers(0, 30),
    end=st.integers(80, 120),
    window=st.integers(1, 12),
    validation=st.floats(0, 0.4),
)
def test_no_label_reaches_what_is_set_apart_or_the_end(horizon, first, end, window, validation):
    asked = {"label": Label(kind="return", horizon=horizon), "part_first": first, "part_end": end}
    try:
        data = made_training(window=window, validation=validation, **asked)
    except UserError:
        assert int((end - first) * validation) <= 2 * horizon + 1  # nothing to stop by
        return
    bars = end - first
    apart = bars - int(bars * validation)
    assert data.train.bar.min() >= window - 1
    assert data.train.bar.max() + 2 * horizon < apart
    if len(data.validation):
        assert data.validation.bar.min() >= apart
        assert data.validation.bar.max() + 2 * horizon < bars
    assert np.isfinite(data.labels(data.train)).all()


def test_without_label_every_bar_with_a_complete_window_is_a_sample():
    arrays = made_arrays()
    arrays["inputs_NTF"][0, 40, 1] = np.nan
    data = made_training(arrays, label=None)
    broken = set(range(30, 35))  # bar 40 is in the windows of five bars
    assert data.train.bar[data.train.pair == 0].tolist() == sorted(set(range(4, 60)) - broken)
    assert data.validation.bar[data.validation.pair == 0].tolist() == list(range(60, 80))
    assert (np.isnan(data.labels_NT).all(), data.classes) == (True, 0)
    assert data.weights(data.train).tolist() == [1] * len(data.train)
    filled = made_training(arrays, label=None, missing="zero")
    assert filled.train.bar[filled.train.pair == 0].tolist() == list(range(4, 60))


def test_a_part_with_nothing_to_learn_from_is_refused():
    with pytest.raises(UserError) as refused:
        made_training(label=Label(horizon=30))
    assert str(refused.value) == (
        "model: nothing to learn from in a train part of 80 bars from 1970-01-01T02:30:00Z: a "
        "sample needs 5 bars with all inputs before it and 60 bars of label and embargo behind "
        "it, and 0.25 of the part is set apart to stop early by."
    )
    with pytest.raises(UserError, match="nothing to stop early by in a train part of 80 bars"):
        made_training(label=Label(horizon=10))
    assert len(made_training(label=Label(horizon=10), validation=0).validation) == 0
