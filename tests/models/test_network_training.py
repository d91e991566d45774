"""How networks are fitted: what they find, when they stop, and what each setting does."""

import csv
import math
from dataclasses import replace

import numpy as np
import pytest
from networks import LABEL, TRAINING, WINDOW, gru, samples, weights_of, workshop

from framework.errors import CheckFailed, OutsideFault
from framework.learning.checkpoints import Checkpoints
from framework.learning.course import Course
from framework.learning.labels import Label
from framework.learning.training import Training


def rows(directory):
    with (directory / "epochs.csv").open() as file:
        return [{k: float(v) for k, v in row.items() if v} for row in csv.DictReader(file)]


def changed(**settings):
    kept = {name: getattr(TRAINING, name) for name in TRAINING.__pydantic_fields__}
    return Training(**kept | settings)


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    place = tmp_path_factory.mktemp("reference")
    return place, gru().trainer(workshop(place)).train(samples())


def newest(place):
    return Checkpoints(place / "checkpoints", 3, pytest.fail).newest()


def test_a_planted_signal_is_found_and_the_loss_falls(reference):
    place, _ = reference
    found = rows(place)
    assert [row["epoch"] for row in found] == [1, 2, 3]
    assert found[-1]["auc"] > 0.8
    assert found[-1]["loss"] < found[0]["loss"] < 0.75


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(reference):
    _, trained = reference
    again = gru().trainer(workshop()).train(samples())
    other = gru().trainer(workshop(seed=4)).train(samples())
    assert weights_of(again) == weights_of(trained)
    assert weights_of(other) != weights_of(trained)


def test_samples_without_weight_teach_nothing(reference):
    data = samples()
    weights_NT, flipped_NT = data.weights_NT.copy(), data.labels_NT.copy()
    some = data.train.take(slice(None, None, 3))
    weights_NT[some.pair, some.bar] = 0
    flipped_NT[some.pair, some.bar] = 1 - flipped_NT[some.pair, some.bar]
    light = replace(data, weights_NT=weights_NT)
    flipped = replace(light, labels_NT=flipped_NT)
    trained = gru().trainer(workshop()).train(light)
    assert weights_of(trained) == weights_of(gru().trainer(workshop()).train(flipped))
    assert weights_of(trained) != weights_of(reference[1])


def test_twice_all_weights_is_the_same_training(reference):
    data = samples()
    heavy = replace(data, weights_NT=2 * data.weights_NT)  # a power of two, so to the last bit
    assert weights_of(gru().trainer(workshop()).train(heavy)) == weights_of(reference[1])


def test_training_ends_after_patience_and_keeps_the_best_weights(tmp_path):
    data = samples()
    chance = np.random.default_rng(0).integers(0, 2, data.labels_NT.shape).astype(np.float32)
    noise = replace(data, labels_NT=chance)
    training = changed(epochs=40, patience=2)
    trained = gru().trainer(workshop(tmp_path, training)).train(noise)
    losses = [row["validation_loss"] for row in rows(tmp_path)]
    best = int(np.argmin(losses)) + 1
    assert len(losses) == best + 2 < 40
    until_best = gru().trainer(workshop(training=changed(epochs=best))).train(noise)
    assert weights_of(trained) == weights_of(until_best)
    assert newest(tmp_path).state["ended"]
    assert Checkpoints(tmp_path / "checkpoints", 3, pytest.fail).best().state["epoch"] == best


def test_learning_rates_by_hand():
    steady = Training(learning_rate=0.1, schedule="constant", warmup_steps=4)
    rates = [Course().rate(step, 10, steady) for step in range(6)]
    assert rates == pytest.approx([0.025, 0.05, 0.075, 0.1, 0.1, 0.1])
    cosine = Training(learning_rate=0.1, schedule="cosine", warmup_steps=1)
    rates = [Course().rate(step, 6, cosine) for step in range(6)]
    # After the first step, a quarter of the half wave each: (1 + cos) / 2.
    expected = [0.1, 0.1, 0.1 * (2 + math.sqrt(2)) / 4, 0.05, 0.1 * (2 - math.sqrt(2)) / 4, 0.0]
    assert rates == pytest.approx(expected)


def test_a_plateau_halves_the_rate_after_half_the_patience():
    training = Training(learning_rate=0.8, schedule="plateau", patience=4)
    course, rates = Course(), []
    for epoch, loss in enumerate([1.0, 0.9, 0.9, 0.95, 0.8, 0.9, 0.9, 0.9, 0.9], start=1):
        course = course.after(epoch, loss, training)
        rates.append(course.rate(0, 1, training))
    # 0.9 again and 0.95 are two without a better one, as are each two after 0.8.
    assert rates == [0.8, 0.8, 0.8, 0.4, 0.4, 0.4, 0.2, 0.2, 0.1]
    assert course.best_epoch == 5 and course.is_over(training)
    assert not Course.of(course.state()).after(10, 0.7, training).is_over(training)


def test_gradients_are_clipped_by_the_norm_of_all_together(tmp_path):
    # After one step Adam's first moment is a tenth of the gradient it was given.
    moments = {}
    for clip in (None, 0.01):
        place = tmp_path / str(clip)
        training = changed(epochs=1, batch=4096, clip_norm=clip)
        gru(dropout=0.0).trainer(workshop(place, training)).train(samples())
        arrays = newest(place).arrays
        moments[clip] = [own for name, own in arrays.items() if name.endswith("_momentum")]
    gradient = 10 * np.concatenate([own.ravel() for own in moments[None]]).astype(np.float64)
    clipped = 10 * np.concatenate([own.ravel() for own in moments[0.01]]).astype(np.float64)
    norm = np.sqrt((gradient**2).sum())
    assert norm > 0.02
    np.testing.assert_allclose(clipped, gradient * 0.01 / norm, rtol=2e-4, atol=1e-8)


def test_a_loss_that_is_no_number_ends_training_and_keeps_the_last_good_state(tmp_path):
    data = samples()
    poisoned = data.inputs_NTF.copy()
    order = np.random.default_rng([3, 1]).permutation(len(data.train))  # of the second epoch
    row = data.train.take(order[-1:])
    poisoned[row.pair, row.bar] = np.inf
    calls = []
    with pytest.raises(CheckFailed, match=r"the loss of step \d+ is no number; lower") as fault:
        place = workshop(tmp_path, show=lambda done, total, figures: calls.append(done))
        model = gru(scaler={"kind": "none"})
        model.trainer(place).train(replace(data, inputs_NTF=poisoned))
    assert "\n" not in str(fault.value)
    found = newest(tmp_path)
    assert found is None or all(np.isfinite(own).all() for own in found.arrays.values())


def test_state_is_kept_by_steps_and_the_newest_few_stay(tmp_path):
    training = changed(epochs=2, checkpoint_steps=3, keep=4)
    gru().trainer(workshop(tmp_path, training)).train(samples())
    steps = sorted(int(path.name[5:]) for path in (tmp_path / "checkpoints").glob("step_*"))
    per_epoch = -(-len(samples().train) // 64)
    due = {*range(3, 2 * per_epoch, 3), per_epoch, 2 * per_epoch}
    assert set(steps) >= set(sorted(due)[-4:])
    assert set(steps) <= due and len(steps) <= 5


def test_a_want_of_memory_is_one_line(monkeypatch):
    from framework.learning import keras_trainer

    def fail(*_):
        raise MemoryError

    monkeypatch.setattr(keras_trainer.Batches, "of", fail)
    with pytest.raises(OutsideFault, match=r"^model: not enough memory for the network; make"):
        gru().trainer(workshop()).train(samples())


@pytest.mark.parametrize(
    ("label", "options", "names"),
    [
        (Label(kind="return", horizon=1), {}, ["forecast"]),
        (
            Label(kind="return", horizon=1),
            {"quantiles": (0.1, 0.5, 0.9)},
            ["q10", "q50", "q90", "forecast"],
        ),
        (Label(kind="triple_barrier", horizon=3, volatility_bars=20), {}, None),
    ],
)
def test_every_kind_of_label_is_learned(label, options, names):
    data = samples(label)
    model = gru(label=label, **options)
    trained = model.trainer(workshop()).train(data)
    columns = trained.predict(data.inputs_NTF, 0)
    assert list(columns) == list(model.outputs)
    known = np.isfinite(next(iter(columns.values())))
    assert known.sum() == 2 * (len(data.time) - WINDOW - 2)  # inputs begin at bar 3
    if names is None:
        total = sum(columns.values())[known]
        np.testing.assert_allclose(total, 1, atol=1e-6)
        came = data.labels_NT.T
        scored = known & (came != 1) & np.isfinite(came)
        up = (columns["p_up"] > columns["p_down"])[scored]
        assert (up == (came[scored] == 2)).mean() > 0.7
        return
    assert list(columns) == names
    came = data.labels_NT.T
    scored = known & np.isfinite(came)
    assert np.corrcoef(columns["forecast"][scored], came[scored])[0, 1] > 0.7
    if "q10" in names:
        assert (columns["q10"][known] <= columns["q50"][known]).all()
        assert (columns["q50"][known] == columns["forecast"][known]).all()
        inside = (came > columns["q10"]) & (came < columns["q90"])
        assert 0.6 < inside[scored].mean() < 0.95


def test_pairs_may_have_networks_of_their_own_or_be_told_apart(tmp_path):
    # What raises one pair lowers the other: a network blind to the pair learns nothing.
    data = samples(LABEL)
    labels_NT = data.labels_NT.copy()
    labels_NT[1] = 1 - labels_NT[1]
    opposed = replace(data, labels_NT=labels_NT)
    known = np.isfinite(labels_NT.T)
    known[: WINDOW + 2] = False

    def accuracy(trained):
        predicted = trained.predict(data.inputs_NTF, 0)["p_up"]
        return ((predicted > 0.5) == (labels_NT.T == 1))[known].mean()

    training = changed(epochs=6)
    own = gru(per_pair=True)
    trained = own.trainer(workshop(tmp_path / "own", training)).train(opposed)
    assert accuracy(trained) > 0.8
    assert accuracy(gru().trainer(workshop(training=training)).train(opposed)) < 0.65
    told = gru(pair_embedding=2, units=8)
    assert accuracy(told.trainer(workshop(training=changed(epochs=12))).train(opposed)) > 0.8
    saved = tmp_path / "saved"
    saved.mkdir()
    trained.save(saved)
    again = own.load(saved).predict(data.inputs_NTF, 0)["p_up"]
    assert again.tobytes() == trained.predict(data.inputs_NTF, 0)["p_up"].tobytes()
