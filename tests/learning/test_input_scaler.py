from statistics import NormalDist

import numpy as np
import pytest

from framework.learning.rows import Rows
from framework.learning.scaler import FittedScaler, Scaler

NAN = np.nan
KINDS = ["standard", "robust", "quantile", "none"]


def every_bar(inputs_NTF):
    return Rows.where(np.ones(inputs_NTF.shape[:2], np.bool_))


def column(values):
    return np.array(values, np.float32).reshape(1, -1, 1)


def scaled(scaler, values, asked=None):
    fitted = scaler.fit(column(values), every_bar(column(values)))
    return fitted.transform(column(values if asked is None else asked)).ravel().tolist()


def test_standard_is_by_mean_and_standard_deviation():
    # Mean 5, squared distances 9 1 1 1 0 0 4 16: variance 4.
    assert scaled(Scaler(kind="standard"), [2, 4, 4, 4, 5, 5, 7, 9]) == pytest.approx(
        [-1.5, -0.5, -0.5, -0.5, 0, 0, 1, 2]
    )


def test_robust_is_by_median_and_quartiles_in_deviations_of_a_normal():
    quartile = NormalDist().inv_cdf(0.75)
    # Median 3, quartiles 2 and 4: one unit is a quartile of the normal, whatever the outlier.
    found = scaled(Scaler(kind="robust", clip=None), [1, 2, 3, 4, 1000])
    assert found == pytest.approx([-2 * quartile, -quartile, 0, quartile, 997 * quartile])


def test_robust_without_quartiles_apart_is_by_standard_deviation():
    values = [0.0] * 9 + [10.0]
    assert scaled(Scaler(kind="robust"), values)[-1] == pytest.approx(10 / 3)  # sqrt(9 * 1) is 3


def test_quantile_gives_the_normal_quantile_of_the_rank():
    levels = np.array([0.1, 0.25, 0.5, 0.9], np.float32)
    found = scaled(Scaler(kind="quantile"), np.linspace(0, 1, 10_001) ** 3, levels**3)
    assert found == pytest.approx([NormalDist().inv_cdf(float(p)) for p in levels], abs=2e-3)


def test_quantile_ends_with_the_outermost_knots_and_puts_ties_in_their_middle():
    end = NormalDist().inv_cdf(0.5 / 255)
    found = scaled(Scaler(kind="quantile"), [0.0] * 500 + list(range(1, 501)), [-9, 0, 9999])
    # Half of all are 0; a knot more or less at the edge is 1 / 255 of the ranks.
    middle = (end + NormalDist().inv_cdf(0.5)) / 2
    assert found == pytest.approx([end, middle, -end], abs=0.01)
    low, tie, high = scaled(Scaler(kind="quantile", clip=1.0), [1, 2, 3], [-9, 2, 9])
    assert (low, tie, high) == pytest.approx((-1, 0, 1))


def test_none_leaves_inputs_as_they_are():
    assert scaled(Scaler(kind="none"), [1000, -3, 0.25]) == [1000, -3, 0.25]


def test_outliers_end_at_the_clip():
    found = scaled(Scaler(kind="standard", clip=1.25), [2, 4, 4, 4, 5, 5, 7, 9])
    assert found == pytest.approx([-1.25, -0.5, -0.5, -0.5, 0, 0, 1, 1.25])


@pytest.mark.parametrize("kind", ["standard", "robust", "quantile"])
def test_a_constant_input_becomes_zero(kind):
    assert scaled(Scaler(kind=kind), [0.1] * 7) == [0] * 7


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_finite_stays_missing_or_becomes_zero(kind):
    inputs_NTF = column([1, 2, NAN, 3, np.inf, 4, -np.inf])
    fitted = Scaler(kind=kind).fit(inputs_NTF, every_bar(inputs_NTF))
    known = fitted.transform(column([1, 2, 3, 4])).ravel().tolist()
    dropped = fitted.transform(inputs_NTF).ravel()
    assert np.isnan(dropped).tolist() == [False, False, True, False, True, False, True]
    assert dropped[[0, 1, 3, 5]].tolist() == known
    assert fitted.transform(inputs_NTF, missing="zero").ravel()[[2, 4, 6]].tolist() == [0, 0, 0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("per_pair", [True, False])
def test_only_the_bars_of_the_samples_are_measured(kind, per_pair):
    random = np.random.default_rng(3)
    inputs_NTF = random.standard_normal((2, 50, 3), np.float32)
    noisy_NTF = inputs_NTF.copy()
    noisy_NTF[:, 30:] = random.standard_normal((2, 20, 3)) * 1e6
    noisy_NTF[:, :5] = NAN
    chosen_NT = np.zeros((2, 50), np.bool_)
    chosen_NT[:, 5:30] = True
    scaler = Scaler(kind=kind, per_pair=per_pair)
    first = scaler.fit(inputs_NTF, Rows.where(chosen_NT)).arrays()
    second = scaler.fit(noisy_NTF, Rows.where(chosen_NT)).arrays()
    assert {k: v.tobytes() for k, v in first.items()} == {k: v.tobytes() for k, v in second.items()}


def test_pairs_are_measured_by_themselves_or_together():
    inputs_NTF = np.array([[[0], [2]], [[10], [14]]], np.float32)
    rows = every_bar(inputs_NTF)
    apart = Scaler(kind="standard").fit(inputs_NTF, rows)
    assert apart.transform(inputs_NTF).ravel().tolist() == [-1, 1, -1, 1]
    together = Scaler(kind="standard", per_pair=False).fit(inputs_NTF, rows)
    # Mean 6.5, squared distances 42.25 20.25 12.25 56.25: variance 32.75.
    expected = (np.array([0, 2, 10, 14]) - 6.5) / np.sqrt(32.75)
    assert together.transform(inputs_NTF).ravel().tolist() == pytest.approx(expected.tolist())


def test_a_pair_without_samples_is_measured_as_all_together():
    inputs_NTF = np.array([[[2], [4]], [[7], [9]]], np.float32)
    fitted = Scaler(kind="standard").fit(inputs_NTF, Rows(np.zeros(2, np.int32), np.arange(2)))
    assert fitted.transform(inputs_NTF).ravel().tolist() == [-1, 1, 4, 5]  # clipped at 5, was 6


@pytest.mark.parametrize("kind", KINDS)
def test_each_input_is_scaled_by_itself(kind):
    inputs_NTF = np.random.default_rng(5).standard_normal((2, 40, 3), np.float32)
    fitted = Scaler(kind=kind).fit(inputs_NTF, every_bar(inputs_NTF))
    whole = fitted.transform(inputs_NTF)
    for bar in (0, 17, 39):
        assert fitted.transform(inputs_NTF[:, bar : bar + 1]).tobytes() == (
            whole[:, bar : bar + 1].tobytes()
        )
    own = inputs_NTF.copy()
    assert fitted.transform(own, out=own) is own
    assert own.tobytes() == whole.tobytes()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("clip", [2.0, None])
def test_a_scaler_kept_in_a_file_without_pickle_scales_the_same(kind, clip, tmp_path):
    inputs_NTF = np.random.default_rng(7).standard_normal((2, 40, 3), np.float32) * 9
    fitted = Scaler(kind=kind, clip=clip).fit(inputs_NTF, every_bar(inputs_NTF))
    np.savez(tmp_path / "scaler.npz", **fitted.arrays())
    with np.load(tmp_path / "scaler.npz", allow_pickle=False) as kept:
        again = FittedScaler.of(kept)
    assert again.transform(inputs_NTF).tobytes() == fitted.transform(inputs_NTF).tobytes()
