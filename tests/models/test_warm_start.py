"""Training that begins with an earlier model: from what it knew, still exact to the last bit."""

from dataclasses import replace

import numpy as np
import pytest
from lightgbm_training import MODELS, data_of
from networks import MARKET, TRAINING, gru, samples, weights_of, workshop

from framework.errors import UserError
from framework.learning.checkpoints import load_whole
from framework.learning.labels import Label
from framework.learning.library import digest_of
from framework.learning.scores import log_loss
from framework.learning.training import Training
from framework.learning.workshop import Earlier, Paused, Workshop

STILL = Training(epochs=1, batch=64, learning_rate=1e-30, schedule="constant")
RETURN = Label(kind="return", horizon=1, weights="equal")
BOOSTED = MODELS["direction"]


def earlier(trained, place):
    """Return a model as the library hands it over."""
    place.mkdir(parents=True)
    trained.save(place)
    return Earlier(trained.model.load(place), digest_of(place))


def stale(data):
    """Return later data that is measured and labelled otherwise, of the same shape."""
    return replace(data, inputs_NTF=data.inputs_NTF * 3, labels_NT=data.labels_NT[:, ::-1].copy())


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    trained = gru(dropout=0).trainer(workshop()).train(samples(end=400))
    return earlier(trained, tmp_path_factory.mktemp("earlier") / "model")


def test_the_first_loss_of_a_network_is_that_of_the_earlier_one_on_the_new_data(known):
    data = samples()
    told = []
    whole = Training(epochs=1, batch=len(data.train), schedule="constant")
    place = workshop(training=whole, begins_with=known, show=lambda *shown: told.append(shown))
    gru(dropout=0).trainer(place).train(data)
    predicted = known.trained.predict(data.inputs_NTF, 0)["p_up"]
    expected = log_loss(
        data.labels(data.train),
        predicted[data.train.bar, data.train.pair],
        data.weights(data.train),
    )
    assert len(told) == 1
    assert told[0][2]["loss"] == pytest.approx(expected, rel=1e-5)
    fresh = gru(dropout=0).trainer(workshop(training=STILL)).train(data)
    begun = fresh.predict(data.inputs_NTF, 0)["p_up"][data.train.bar, data.train.pair]
    assert expected < 0.9 * log_loss(data.labels(data.train), begun, data.weights(data.train))


@pytest.mark.parametrize("settings", [{}, {"per_pair": True}], ids=["together", "per_pair"])
def test_a_step_of_no_size_leaves_the_earlier_network_and_its_scales(settings, tmp_path):
    model = gru(label=RETURN, **settings)
    one = TRAINING if not settings else STILL
    known = earlier(model.trainer(workshop(training=one)).train(samples(RETURN)), tmp_path / "a")
    data = stale(samples(RETURN))
    again = model.trainer(workshop(training=STILL, begins_with=known)).train(data)
    expected = known.trained.predict(MARKET.inputs_NTF, 0)["forecast"]
    np.testing.assert_allclose(
        again.predict(MARKET.inputs_NTF, 0)["forecast"], expected, rtol=0, atol=1e-9
    )
    anew = model.trainer(workshop(training=STILL)).train(data)
    assert np.nanmax(np.abs(anew.predict(MARKET.inputs_NTF, 0)["forecast"] - expected)) > 1e-4


def test_a_network_that_goes_on_after_pauses_ends_with_the_same_bytes(known, tmp_path):
    model = gru(dropout=0)
    whole = model.trainer(workshop(begins_with=known)).train(samples())
    pauses = 0
    while True:
        try:
            place = workshop(tmp_path, begins_with=known, time_is_up=lambda: True)
            trained = model.trainer(place).train(samples())
            break
        except Paused:
            pauses += 1
    assert pauses >= 3
    assert weights_of(trained) == weights_of(whole)
    assert weights_of(trained) != weights_of(model.trainer(workshop()).train(samples()))


def test_going_on_with_another_earlier_network_is_refused(known, tmp_path):
    model, digest = gru(dropout=0), known.sha256
    with pytest.raises(Paused):
        place = workshop(tmp_path, begins_with=known, time_is_up=lambda: True)
        model.trainer(place).train(samples())
    for other, shown in ((None, "none"), (replace(known, sha256="0" * 64), "0" * 64)):
        place = workshop(tmp_path, begins_with=other)
        with pytest.raises(UserError) as fault:
            model.trainer(place).train(samples())
        line = f"holds another model: earlier model of fold 1 was {digest}, is {shown}."
        assert str(fault.value).endswith(line)


def test_an_earlier_network_of_other_pairs_is_refused(known):
    data = samples()
    one = replace(
        data,
        pairs=data.pairs[:1],
        inputs_NTF=data.inputs_NTF[:1],
        labels_NT=data.labels_NT[:1],
        weights_NT=data.weights_NT[:1],
        train=data.train.take(data.train.pair == 0),
        validation=data.validation.take(data.validation.pair == 0),
    )
    with pytest.raises(UserError, match=r"^training\.warm_start: the earlier model sees 2 pairs"):
        gru(dropout=0).trainer(workshop(begins_with=known)).train(one)


def boost(place=None, rounds=10**9, begins_with=None, data=None, **changed):
    """Boost on the planted market, pausing after some rounds."""
    left = [rounds]

    def time_is_up():
        left[0] -= 1
        return left[0] < 0

    model = replace(BOOSTED, **changed)
    whole = Workshop(seed=5, directory=place, time_is_up=time_is_up, begins_with=begins_with)
    return model.trainer(whole).train(data or data_of(model))


@pytest.fixture(scope="module")
def boosted(tmp_path_factory):
    trained = boost()
    return earlier(trained, tmp_path_factory.mktemp("boosted") / "model")


def test_boosting_adds_to_the_trees_of_the_earlier_model(boosted):
    data = stale(data_of(BOOSTED))
    (before,), (after,) = boosted.trained.boosted, boost(begins_with=boosted, data=data).boosted
    added = len(after.trees) - len(before.trees)
    assert 0 < added <= BOOSTED.rounds
    kept = after.trees.first(len(before.trees)).arrays()
    assert all((kept[name] == own).all() for name, own in before.trees.arrays().items())
    assert after.base == before.base


def test_boosting_that_finds_no_split_leaves_the_earlier_model_and_logs_its_loss(boosted, tmp_path):
    data = stale(data_of(BOOSTED))
    same = boost(tmp_path, begins_with=boosted, data=data, min_gain_to_split=1e9)
    predicted = boosted.trained.predict(data.inputs_NTF, 0)["p_up"]
    np.testing.assert_array_equal(same.predict(data.inputs_NTF, 0)["p_up"], predicted)
    header, row = (tmp_path / "epochs.csv").read_text().splitlines()
    figures = dict(zip(header.split(","), row.split(","), strict=True))
    for name, rows in (("loss", data.train), ("validation_loss", data.validation)):
        expected = log_loss(data.labels(rows), predicted[rows.bar, rows.pair], data.weights(rows))
        assert float(figures[name]) == pytest.approx(expected, rel=1e-9)


def test_boosting_that_goes_on_after_pauses_ends_with_the_same_bytes(boosted, tmp_path):
    whole = boost(begins_with=boosted, stage=5)
    pauses = 0
    while True:
        try:
            trained = boost(tmp_path / "kept", 8 + pauses, boosted, stage=5)
            break
        except Paused:
            pauses += 1
    assert pauses >= 2
    for name, one in (("one", whole), ("other", trained)):
        (tmp_path / name).mkdir()
        one.save(tmp_path / name)
    assert digest_of(tmp_path / "one") == digest_of(tmp_path / "other")
    arrays, _ = load_whole(tmp_path / "one")
    assert len(arrays["0/root"]) > len(boosted.trained.boosted[0].trees)
    with pytest.raises(UserError, match=r"earlier model of fold 1 was \w{64}, is none"):
        boost(tmp_path / "kept", stage=5)
