"""Boosted trees as LightGBM grew them, stopped where they should be."""

import csv
from dataclasses import replace

import lightgbm
import numpy as np
import pytest
from planted import INPUTS, planted
from pydantic import ValidationError
from sklearn.metrics import log_loss, mean_pinball_loss, mean_squared_error, roc_auc_score

from framework.errors import CheckFailed, OutsideFault, UserError
from framework.learning.labels import Label
from framework.learning.windows import gather
from framework.learning.workshop import Workshop
from framework.models.lightgbm import LightGBM
from framework.models.lightgbm_data import Samples, grown_trees
from framework.models.seen import Seen

MARKET = planted(2_500)
END = 1_800
SETTINGS = {"num_threads": 1, "verbosity": -1, "min_data_in_leaf": 20, "use_missing": False}


def boosting(label=None, **settings):
    small = {"min_data_in_leaf": 20, "stage": 15, "rounds": 150, "early_stopping_rounds": 10}
    return LightGBM(
        inputs={name: name for name in INPUTS},
        label=label or Label(horizon=1, weights="equal"),
        **small | settings,
    )


def data_of(model, **changes):
    data = MARKET.data(model.label, end=END, window=model.window, validation=model.validation)
    return replace(data, **changes)


def fit(model, data=None, seed=1):
    return model.trainer(Workshop(seed=seed)).train(data or data_of(model))


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression", "quantile"])
def test_trees_taken_over_give_what_lightgbm_gives_bit_for_bit(kind):
    model = boosting(window=3)
    data = data_of(model)
    if kind == "multiclass":
        labels_NT = data.labels_NT + (data.inputs_NTF[:, :, 0] > 1)
        data = replace(data, labels_NT=labels_NT, classes=3)
    samples = Samples.of(data, "drop", SETTINGS)
    more = {"num_class": 3} if kind == "multiclass" else {}
    booster = samples.booster({**SETTINGS, "objective": kind, "boost_from_average": False, **more})
    for _ in range(20):
        booster.update()
    trees = grown_trees(booster, 20)
    groups = 3 if kind == "multiclass" else 1
    sums = trees.sums(Seen.by(model, None, data.inputs_NTF, 0), 3, groups)
    columns = gather(data.inputs_NTF, data.validation, 3).reshape(len(data.validation), -1)
    expected = booster.predict(columns, raw_score=True).reshape(-1, groups)
    ours = sums[:, data.validation.pair, data.validation.bar].T
    assert len(trees) == 20 * groups
    assert ours.tobytes() == np.ascontiguousarray(expected).tobytes()
    gains = booster.feature_importance("gain")
    np.testing.assert_allclose(trees.gains(9), gains, rtol=1e-6)


def test_samples_laid_out_batch_by_batch_are_those_of_one_matrix():
    model = boosting(window=3)
    data = data_of(model)
    ours = Samples.of(data, "drop", SETTINGS)
    columns = gather(data.inputs_NTF, data.train, 3).reshape(len(data.train), -1)
    theirs = lightgbm.Dataset(
        columns, data.labels(data.train), weight=data.weights(data.train), params=SETTINGS
    )
    boosters = [ours.booster({"objective": "binary", **SETTINGS})]
    boosters.append(lightgbm.Booster({"objective": "binary", **SETTINGS}, theirs))
    for booster in boosters:
        for _ in range(5):
            booster.update()
    one, other = (booster.dump_model()["tree_info"] for booster in boosters)
    assert one == other


@pytest.mark.parametrize(
    ("label", "quantiles"),
    [
        (Label(horizon=1), ()),
        (Label(kind="triple_barrier", horizon=8, upper=0.7, lower=0.7), ()),
        (Label(kind="return", horizon=1), ()),
        (Label(kind="return", horizon=1), (0.1, 0.5, 0.9)),
    ],
    ids=["direction", "triple_barrier", "return", "quantiles"],
)
def test_the_validation_loss_of_each_stage_is_that_of_its_predictions(label, quantiles):
    model = boosting(label, quantiles=quantiles)
    data = data_of(model)
    rows = data.validation
    trained = fit(model, data)
    columns = trained.predict(data.inputs_NTF, 0)
    truth, weights = data.labels(rows), data.weights(rows)
    seen = {name: values[rows.bar, rows.pair] for name, values in columns.items()}
    if label.classes == 2:
        losses = [log_loss(truth, seen["p_up"], sample_weight=weights)]
    elif label.classes:
        shares = np.stack(list(seen.values()), axis=1)
        np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-12)
        losses = [log_loss(truth, shares, sample_weight=weights)]
    elif quantiles:
        names = ("q10", "q50", "q90")
        np.testing.assert_array_equal(seen["q50"], seen["forecast"])
        losses = [
            mean_pinball_loss(truth, seen[name], alpha=level, sample_weight=weights)
            for name, level in zip(names, quantiles, strict=True)
        ]
    else:
        losses = [mean_squared_error(truth, seen["forecast"], sample_weight=weights)]
    np.testing.assert_allclose([min(part.losses) for part in trained.boosted], losses, rtol=1e-6)


def test_each_stage_is_logged_with_its_losses_and_scores(tmp_path):
    model = boosting(rounds=40)
    data = data_of(model)
    workshop = Workshop(seed=1, directory=tmp_path)
    trained = model.trainer(workshop).train(data)
    rows = list(csv.DictReader((tmp_path / "epochs.csv").read_text().splitlines()))
    assert [int(row["rounds"]) for row in rows] == [15, 30, 40]
    (part,) = trained.boosted
    for row in rows:
        validation_loss = part.losses[int(row["rounds"]) - 1]
        assert float(row["validation_loss"]) == pytest.approx(validation_loss, rel=1e-9)
    p_up = trained.predict(data.inputs_NTF, 0)["p_up"]
    last = rows[-1]
    assert part.best_round == 40
    for name, own in (("loss", data.train), ("validation_loss", data.validation)):
        expected = log_loss(data.labels(own), p_up[own.bar, own.pair])
        assert float(last[name]) == pytest.approx(expected, rel=1e-6)
    held = data.validation
    area = roc_auc_score(data.labels(held), p_up[held.bar, held.pair])
    assert float(last["auc"]) == pytest.approx(area, rel=1e-9)


def test_it_ends_some_rounds_after_the_best_and_keeps_the_best():
    (part,) = fit(boosting(early_stopping_rounds=7)).boosted
    best = int(np.argmin(part.losses)) + 1
    assert len(part.losses) == best + 7 < 150
    assert part.rounds == part.best_round == best


def test_without_early_stopping_or_samples_set_apart_all_rounds_are_run():
    (part,) = fit(boosting(early_stopping_rounds=None, rounds=40)).boosted
    assert len(part.losses) == 40
    (part,) = fit(boosting(validation=0.0, rounds=40)).boosted
    assert (part.rounds, len(part.losses)) == (40, 0)


def test_stages_draw_anew_so_that_none_repeats_the_one_before():
    trained = fit(boosting(rounds=2, stage=1, feature_fraction=0.34, early_stopping_rounds=None))
    other = fit(boosting(rounds=2, stage=2, feature_fraction=0.34, early_stopping_rounds=None))
    one, two = trained.boosted[0].trees, other.boosted[0].trees
    np.testing.assert_array_equal(one.first(1).column, two.first(1).column)
    assert one.value.tobytes() != two.value.tobytes()


def test_samples_of_no_weight_teach_nothing():
    model = boosting(validation=0.0, rounds=30)
    data = data_of(model)
    early_NT = np.broadcast_to(np.arange(END) < 900, data.labels_NT.shape)
    misled = replace(
        data,
        labels_NT=np.where(early_NT, 1 - data.labels_NT, data.labels_NT),
        weights_NT=np.where(early_NT, np.float32(1e-6), data.weights_NT),
    )
    p_up = fit(model, misled).predict(data.inputs_NTF, 900)["p_up"]
    push = data.inputs_NTF[:, 900:, 1].T
    assert p_up[push > 1].mean() > 0.8 > 0.2 > p_up[push < -1].mean()


def test_quantiles_hold_the_share_of_later_returns_that_they_say():
    label = Label(kind="return", horizon=1)
    columns = fit(boosting(label, quantiles=(0.1, 0.5, 0.9))).predict(MARKET.inputs_NTF, 0)
    returns = np.log(MARKET.close_NT[:, END + 1 :] / MARKET.close_NT[:, END:-1])
    for name, level in (("q10", 0.1), ("q50", 0.5), ("q90", 0.9)):
        assert abs((returns < columns[name].T[:, END:-1]).mean() - level) < 0.06


def test_inputs_that_never_change_leave_the_share_of_each_class():
    model = boosting(rounds=20)
    data = data_of(model)
    still = replace(data, inputs_NTF=np.ones_like(data.inputs_NTF))
    p_up = fit(model, still).predict(still.inputs_NTF, 0)["p_up"]
    np.testing.assert_allclose(p_up, data.labels(data.train).mean(dtype=float), rtol=1e-9)


def test_missing_inputs_count_as_nothing_where_that_is_wanted():
    model = boosting(missing="zero", rounds=20)
    trained = fit(model)
    holed = MARKET.inputs_NTF.copy()
    holed[:, 50, 2] = np.nan
    filled = MARKET.inputs_NTF.copy()
    filled[:, 50, 2] = 0
    one, two = (trained.predict(inputs, 40)["p_up"] for inputs in (holed, filled))
    np.testing.assert_array_equal(one, two)


def test_a_loss_that_is_no_number_ends_it():
    with pytest.raises(CheckFailed, match=r"validation loss after .* rounds is (inf|nan)"):
        fit(boosting(Label(kind="return", horizon=1), learning_rate=1e200))


@pytest.mark.parametrize(
    "fault", [MemoryError(), lightgbm.basic.LightGBMError("std::bad_alloc")], ids=["ours", "theirs"]
)
def test_memory_that_does_not_suffice_is_said_in_one_line(fault, monkeypatch):
    def of(*_):
        raise fault

    monkeypatch.setattr(Samples, "of", of)
    with pytest.raises(OutsideFault, match="not enough memory") as said:
        fit(boosting())
    assert len(str(said.value).splitlines()) == 1


def test_a_part_that_holds_one_class_is_refused():
    model = boosting()
    data = data_of(model)
    with pytest.raises(UserError, match="hold 1 of the 2 classes"):
        fit(model, replace(data, labels_NT=np.zeros_like(data.labels_NT)))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"quantiles": (0.1, 0.9), "label": Label(kind="return")}, "odd number of ascending"),
        ({"quantiles": (0.9, 0.5, 0.1), "label": Label(kind="return")}, "ascending"),
        ({"quantiles": (0.025, 0.5, 0.975), "label": Label(kind="return")}, "whole hundredths"),
        ({"quantiles": (0.5,), "label": Label()}, r"label was direction"),
        ({"label": None}, "needs a label"),
        ({"num_leaves": 1}, "greater than or equal to 2"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, said):
    with pytest.raises(ValidationError, match=said):
        LightGBM(inputs={"move": "close"}, **settings)
