"""What every model of conf/model keeps: exact, causal, saved whole, and able to learn."""

from dataclasses import fields, replace
from functools import lru_cache

import numpy as np
import pytest
from omegaconf import OmegaConf
from planted import INPUTS, planted
from sklearn.metrics import roc_auc_score

from framework.config.build import build_part
from framework.config.search_path import project_root
from framework.errors import UserError
from framework.learning.training import Training
from framework.learning.windows import complete
from framework.learning.workshop import Earlier, Workshop

CONF = project_root() / "conf" / "model"
SMALL = {
    "window": 4,
    "layers": 1,
    "units": 16,
    "narrow": 2,
    "width": 16,
    "heads": 2,
    "rounds": 60,
    "stage": 20,
    "min_data_in_leaf": 20,
    "states": 3,
    "starts": 3,
}
TRAINING = Training(epochs=12, batch=64, learning_rate=0.01, schedule="constant", patience=None)
BARS, END = 2_000, 1_500


def _trees():
    files = sorted(CONF.glob("*.yaml"))
    trees = {file.stem: OmegaConf.to_container(OmegaConf.load(file)) for file in files}
    return {name: tree for name, tree in trees.items() if "inputs" in tree}


MODELS = _trees()


def small(name, **changes):
    """Return the model of a file with little to fit, on the inputs of the planted market."""
    tree = dict(MODELS[name])
    tree["inputs"] = {one: one for one in INPUTS}
    if tree.get("label"):
        tree["label"] = {**tree["label"], "kind": "direction", "horizon": 1}
    for key, value in SMALL.items():
        if isinstance(tree.get(key), int) and (key != "window" or tree[key] > 1):
            tree[key] = min(tree[key], value)
        elif isinstance(tree.get(key), list):
            tree[key] = [value]
    return build_part(tree | changes, "model")


@lru_cache
def market():
    return planted(BARS)


def sample(model, end=END):
    return market().data(model.label, end=end, window=model.window, validation=model.validation)


@lru_cache
def fitted(name, seed=1):
    model = small(name)
    return model, model.trainer(Workshop(training=TRAINING, seed=seed)).train(sample(model))


@lru_cache
def predicted(name):
    _, trained = fitted(name)
    return trained.predict(market().inputs_NTF, 0)


def files(trained, directory):
    directory.mkdir()
    trained.save(directory)
    return {file.name: file.read_bytes() for file in sorted(directory.rglob("*")) if file.is_file()}


def same(one, other):
    return one.keys() == other.keys() and all(
        one[name].tobytes() == other[name].tobytes() for name in one
    )


def cut(columns, begin, end):
    return {name: values[begin:end] for name, values in columns.items()}


each_model = pytest.mark.parametrize("name", MODELS)


@each_model
def test_what_is_predicted_bears_the_names_and_shape_it_says(name):
    model, _ = fitted(name)
    columns = predicted(name)
    assert tuple(columns) == model.outputs
    assert {(values.shape, values.dtype) for values in columns.values()} == {
        ((BARS, 2), np.dtype(np.float64))
    }


@each_model
def test_the_same_seed_gives_the_same_bytes(name, tmp_path):
    model, trained = fitted(name)
    again = model.trainer(Workshop(training=TRAINING, seed=1)).train(sample(model))
    assert files(trained, tmp_path / "one") == files(again, tmp_path / "other")


@each_model
def test_what_is_given_stays_as_it_is(name):
    model = small(name)
    data = sample(model)
    before = data.digest, market().inputs_NTF.tobytes()
    trained = model.trainer(Workshop(training=TRAINING, seed=1)).train(data)
    trained.predict(market().inputs_NTF, 7)
    assert (replace(data).digest, market().inputs_NTF.tobytes()) == before


@each_model
def test_a_saved_model_predicts_the_same_bits(name, tmp_path):
    model, trained = fitted(name)
    trained.save(tmp_path)
    loaded = model.load(tmp_path)
    assert same(loaded.predict(market().inputs_NTF, 0), predicted(name))
    assert loaded.importance() == trained.importance()


@each_model
def test_one_bar_at_a_time_is_the_same_as_all_at_once(name):
    _, trained = fitted(name)
    for bar in [*range(12), *range(END, END + 12)]:
        alone = trained.predict(market().inputs_NTF[:, : bar + 1], bar)
        assert same(cut(predicted(name), bar, bar + 1), alone), bar
    part = trained.predict(market().inputs_NTF, 333)
    assert same(cut(predicted(name), 333, BARS), part)


@each_model
def test_a_prediction_rests_on_no_more_bars_than_the_model_says(name):
    model, trained = fitted(name)
    inputs_NTF = market().inputs_NTF
    for bar in (1_600, 1_777, BARS - 1):
        begin = 0 if model.sees is None else bar + 1 - model.sees
        alone = trained.predict(inputs_NTF[:, begin : bar + 1], bar - begin)
        assert same(alone, cut(predicted(name), bar, bar + 1))


@each_model
def test_noise_in_place_of_the_future_changes_nothing_before(name):
    _, trained = fitted(name)
    noisy = market().inputs_NTF.copy()
    noisy[:, 700:] = np.random.default_rng(5).standard_normal(noisy[:, 700:].shape) * 50
    noisy[:, 800:900] = np.nan
    now = trained.predict(noisy, 0)
    assert same(cut(predicted(name), 0, 700), cut(now, 0, 700))


@each_model
def test_there_is_a_value_wherever_the_window_is_complete(name):
    model, trained = fitted(name)
    holed = market().inputs_NTF.copy()
    holed[0, 300:310, 1] = np.nan
    holed[1, 400] = np.inf
    complete_NT = complete(holed, model.window)
    assert not complete_NT[0, 305] and not complete_NT[1, 400] and not complete_NT[0, 0]
    for values in trained.predict(holed, 0).values():
        assert np.isfinite(values[complete_NT.T]).all()
        assert not np.isinf(values).any()
        assert np.isnan(values[:3]).all()  # the warm-up


def judged(model, columns, of=None):
    """Return the area under the curve of what was hidden, on bars later than those learned from."""
    hidden = of or market()
    if "p_up" in columns:
        truth = hidden.close_NT[:, 1:] > hidden.close_NT[:, :-1]
        score = columns["p_up"].T[:, :-1]
    elif "p_regime_0" in columns:
        truth, score = hidden.wild_NT, 1 - columns["p_regime_0"].T
    else:
        truth, score = hidden.odd_NT, columns["anomaly"].T.copy()
        for back in range(1, model.window):  # an odd bar makes the windows after it odd too
            score[np.roll(truth, back, axis=1)] = np.nan
    truth, score = truth[:, END:], score[:, END:]
    known = np.isfinite(score)
    return roc_auc_score(truth[known], score[known])


@each_model
def test_what_was_planted_is_found_on_later_bars(name):
    model, _ = fitted(name)
    assert judged(model, predicted(name)) > 0.8


@each_model
def test_where_labels_have_nothing_to_do_with_inputs_nothing_is_found(name):
    model = small(name)
    if model.label is None:
        assert "p_up" not in model.outputs
        return
    shuffled = replace(market(), close_NT=planted(BARS, seed=8).close_NT)
    data = shuffled.data(model.label, end=END, window=model.window, validation=model.validation)
    trained = model.trainer(Workshop(training=TRAINING, seed=1)).train(data)
    later = judged(model, trained.predict(market().inputs_NTF, 0), of=shuffled)
    assert 0.45 < later < 0.55


@each_model
def test_a_model_of_other_settings_or_another_kind_is_refused_in_one_line(name, tmp_path):
    _, trained = fitted(name)
    trained.save(tmp_path)
    others = [small(name, inputs={"move": "close"}), small(name, missing="zero")]
    others += [small(other) for other in MODELS if other != name]
    for other in others:
        with pytest.raises(UserError) as refused:
            other.load(tmp_path)
        assert len(str(refused.value).splitlines()) == 1


@each_model
def test_its_file_shows_every_setting(name):
    model = small(name)
    shown = set(MODELS[name]) - {"_target_", "from"} | {"from_run"}
    assert shown == {field.name for field in fields(model)}


@each_model
def test_importance_names_inputs_and_finds_the_one_that_counts(name):
    model, trained = fitted(name)
    importance = trained.importance()
    assert set(importance) in (set(), set(INPUTS))
    if importance and model.label is not None:
        assert max(importance, key=importance.__getitem__) == "push"


@each_model
def test_data_of_another_window_is_refused_in_one_line(name):
    model = small(name)
    data = replace(sample(model), window=model.window + 3)
    with pytest.raises(UserError) as fault:
        model.trainer(Workshop(training=TRAINING, seed=1)).train(data)
    assert str(fault.value) == (
        f"model.window: {model.name} sees {model.window} bars, the data is cut for windows of "
        f"{model.window + 3}."
    )


@each_model
def test_inputs_of_another_number_are_not_read_past_their_end(name):
    _, trained = fitted(name)
    with pytest.raises((ValueError, IndexError)):
        trained.predict(market().inputs_NTF[:, :, :2].copy(), BARS - 1)


@each_model
def test_an_earlier_model_is_begun_with_or_refused_in_one_line(name):
    model, trained = fitted(name)
    place = Workshop(training=TRAINING, seed=1, begins_with=Earlier(trained, "0" * 64))
    if model.continues:
        assert model.trainer(place).train(sample(model)).model == model
    else:
        with pytest.raises(UserError) as fault:
            model.trainer(place).train(sample(model))
        assert str(fault.value) == (
            f"training.warm_start: {name} cannot begin with an earlier model."
        )
