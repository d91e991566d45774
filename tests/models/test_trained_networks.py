"""Trained networks: exact however they are asked, causal, kept in files that are verified."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from networks import MARKET, TRAINING, WINDOW, gru, samples, workshop

from framework.errors import OutsideFault, UserError
from framework.learning import keras_backend
from framework.learning.predictor import Predictor
from framework.learning.rows import Rows
from framework.learning.steps import BLOCKS, ROWS, steps_of
from framework.models.autoencoder import Autoencoder
from framework.models.transformer import Transformer

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module", params=["gru", "transformer"])
def trained(request):
    if request.param == "gru":
        return gru().trainer(workshop()).train(samples())
    model = Transformer(label=gru().label, window=WINDOW, width=8, heads=2, layers=1)
    return model.trainer(workshop()).train(samples())


def test_one_bar_at_a_time_is_all_at_once(trained):
    inputs_NTF = MARKET.inputs_NTF[:, :640]
    whole = trained.predict(inputs_NTF, 0)["p_up"]
    assert whole.shape == (640, 2)
    for bar in [*range(40), *range(600, 640)]:
        alone = trained.predict(inputs_NTF[:, : bar + 1], bar)["p_up"]
        assert alone.tobytes() == whole[bar : bar + 1].tobytes()
    some = trained.predict(inputs_NTF[:, :501], 401)["p_up"]
    assert some.tobytes() == whole[401:501].tobytes()


def test_noise_in_the_future_changes_no_bit(trained):
    inputs_NTF = MARKET.inputs_NTF.copy()
    whole = trained.predict(inputs_NTF, 0)["p_up"]
    inputs_NTF[:, 350:] = np.random.default_rng(5).standard_normal(inputs_NTF[:, 350:].shape)
    again = trained.predict(inputs_NTF, 0)["p_up"]
    assert again[:350].tobytes() == whole[:350].tobytes()
    assert (again[350:] != whole[350:]).any()


def test_the_place_in_a_batch_changes_no_bit(trained):
    # The same window at every place, beside others that change.
    scaled_NTF = trained.fitted.scaler.transform(MARKET.inputs_NTF)
    predictor, weights = trained._runner
    random = np.random.default_rng(1)
    seen = set()
    for place in range(2 * ROWS):
        bar = random.integers(50, 600, 2 * ROWS).astype(np.int32)
        bar[place] = 77
        rows = Rows(np.zeros(2 * ROWS, np.int32), bar)
        seen.add(predictor.predict(weights, scaled_NTF, rows)[place].tobytes())
    assert len(seen) == 1


def test_more_samples_than_one_call_holds(trained):
    scaled_NTF = trained.fitted.scaler.transform(MARKET.inputs_NTF)
    predictor, weights = trained._runner
    bar = np.tile(np.arange(50, 650, dtype=np.int32), 2)
    assert len(bar) > 2 * BLOCKS * ROWS
    made = predictor.predict(weights, scaled_NTF, Rows(np.zeros_like(bar), bar))
    assert made.shape == (1200, 1)
    assert made[:600].tobytes() == made[600:].tobytes()


def test_nothing_is_predicted_where_the_window_misses_an_input(trained):
    inputs_NTF = MARKET.inputs_NTF[:, :100].copy()
    inputs_NTF[1, 60, 2] = np.nan
    predicted = trained.predict(inputs_NTF, 0)["p_up"]
    expected = np.ones((100, 2), bool)
    expected[: 3 + WINDOW - 1] = False  # inputs begin at bar 3
    expected[60 : 60 + WINDOW, 1] = False
    assert (np.isfinite(predicted) == expected).all()
    assert trained.predict(inputs_NTF[:, :3], 0)["p_up"].shape == (3, 2)


def test_a_missing_input_may_count_as_nothing():
    model = gru(missing="zero")
    inputs_NTF = MARKET.inputs_NTF[:, :600].copy()
    inputs_NTF[:, 100:500:9, 2] = np.nan
    trained = model.trainer(workshop()).train(samples())
    assert np.isfinite(trained.predict(inputs_NTF, 0)["p_up"][100:500]).all()


def test_inputs_are_left_as_they_are(trained):
    inputs_NTF = MARKET.inputs_NTF.copy()
    trained.predict(inputs_NTF, 10)
    assert inputs_NTF.tobytes() == MARKET.inputs_NTF.tobytes()


def test_a_saved_network_predicts_the_same_and_its_files_are_verified(trained, tmp_path):
    trained.save(tmp_path)
    again = trained.model.load(tmp_path)
    whole = trained.predict(MARKET.inputs_NTF, 0)["p_up"]
    assert again.predict(MARKET.inputs_NTF, 0)["p_up"].tobytes() == whole.tobytes()
    assert again.importance() == {}
    with pytest.raises(UserError, match=r": holds another model: class was \w+, is Autoencoder"):
        Autoencoder().load(tmp_path)
    raw = bytearray((tmp_path / "arrays.bin").read_bytes())
    raw[100] ^= 1
    (tmp_path / "arrays.bin").write_bytes(raw)
    with pytest.raises(OutsideFault, match="is damaged"):
        trained.model.load(tmp_path)


def test_units_follow_the_equations_of_a_gru():
    import math

    trained = gru(layers=2, dropout=0.0).trainer(workshop()).train(samples())
    own = {name.replace("/", "."): w for name, w in trained.fitted.weights.items()}

    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    values = trained.fitted.scaler.transform(MARKET.inputs_NTF)[0, 96:101].astype(np.float64)
    for number in (1, 2):
        kernel, recurrent, bias, recurrent_bias = (
            own[f"gru_{number}.{part}"].astype(np.float64)
            for part in ("kernel", "recurrent_kernel", "bias", "recurrent_bias")
        )
        hidden, after = np.zeros(6), []
        for bar in values:
            given, held = bar @ kernel + bias, hidden @ recurrent + recurrent_bias
            keep, reset = sigmoid(given[:6] + held[:6]), sigmoid(given[6:12] + held[6:12])
            hidden = keep * hidden + (1 - keep) * np.tanh(given[12:] + reset * held[12:])
            after.append(hidden)
        values = np.array(after)
    score = float(values[-1] @ own["head.kernel"][:, 0] + own["head.bias"][0])
    predicted = trained.predict(MARKET.inputs_NTF[:, :101], 100)["p_up"][0, 0]
    assert predicted == pytest.approx(1 / (1 + math.exp(-score)), abs=2e-6)


@pytest.mark.parametrize("kind", ["gru", "lstm"])
def test_gradients_worked_out_by_hand_are_those_of_the_loop(kind):
    import jax
    import jax.numpy as jnp

    from framework.learning import recurrent_jax

    random = np.random.default_rng(2)
    units, gates = 4, {"gru": 3, "lstm": 4}[kind]
    shapes = [(5, 3, gates * units), (units, gates * units), (gates * units,)]
    given = [random.standard_normal(shape).astype(np.float32) for shape in shapes]
    wanted = random.standard_normal((5, 3, units)).astype(np.float32)

    def gru_loop(projected, kernel, bias):
        hidden, after = jnp.zeros((3, units)), []
        for bar in projected:
            held = hidden @ kernel + bias
            z, r = (jax.nn.sigmoid((bar + held)[:, i * units : (i + 1) * units]) for i in (0, 1))
            new = jnp.tanh(bar[:, 2 * units :] + r * held[:, 2 * units :])
            hidden = z * hidden + (1 - z) * new
            after.append(hidden)
        return jnp.stack(after)

    def lstm_loop(projected, kernel):
        hidden = cell = jnp.zeros((3, units))
        after = []
        for bar in projected:
            i, f, o, g = jnp.split(bar + hidden @ kernel, 4, axis=1)
            cell = jax.nn.sigmoid(f) * cell + jax.nn.sigmoid(i) * jnp.tanh(g)
            hidden = jax.nn.sigmoid(o) * jnp.tanh(cell)
            after.append(hidden)
        return jnp.stack(after)

    loop, own = {
        "gru": (gru_loop, recurrent_jax.gru),
        "lstm": (lstm_loop, recurrent_jax.lstm),
    }[kind]
    if kind == "lstm":
        given.pop()
    places = tuple(range(len(given)))
    expected = jax.grad(lambda *a: (loop(*a) * wanted).sum(), places)(*given)
    found = jax.grad(lambda *a: (own(*a) * wanted).sum(), places)(*given)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-5, atol=2e-6)


def test_dropout_keeps_a_share_and_the_sum():
    import jax.numpy as jnp

    from framework.learning.random_jax import keep_share

    values = jnp.ones((300, 1001))
    masks = [
        np.asarray(keep_share(values, 192, jnp.array([seed, drawn], jnp.uint32)))
        for seed, drawn in [(1, 0), (1, 1), (2, 0), (1, 0)]
    ]
    for mask in masks:
        assert set(np.unique(mask)) == {0.0, np.float32(256 / 192)}
        assert mask.mean() == pytest.approx(1, abs=0.006)  # six deviations
        kept = mask > 0
        for lag in (1, 2, 3, 4, 1001):
            flat = kept.ravel()
            both = (flat[lag:] & flat[:-lag]).mean()
            assert both == pytest.approx(0.75**2, abs=0.008)
    assert (masks[0] == masks[3]).all()
    for one, other in [(0, 1), (0, 2), (1, 2)]:
        assert ((masks[one] > 0) & (masks[other] > 0)).mean() == pytest.approx(0.5625, abs=0.008)


def test_an_autoencoder_finds_the_odd_bars():
    model = Autoencoder(window=1, units=12, narrow=2, scaler={"kind": "standard", "clip": None})
    data = MARKET.data(None, end=600, window=1)
    trained = model.trainer(workshop()).train(data)
    score = trained.predict(MARKET.inputs_NTF, 0)["anomaly"].T
    odd, known = MARKET.odd_NT, np.isfinite(score)
    assert score[known].min() >= 0 and score[known].max() <= 1
    assert np.median(score[odd & known]) > 0.9
    learned = score[data.train.pair, data.train.bar]
    assert np.mean(learned) == pytest.approx(0.5, abs=0.01)  # a share among its own


def test_keras_on_another_backend_is_one_line(trained):
    with pytest.raises(UserError, match=r"^model.backend: Keras runs on jax in this process"):
        keras_backend.start_keras("torch", 1, "cpu")


def test_another_number_of_threads_in_one_process_is_one_line(trained):
    with pytest.raises(UserError, match=r"^training.threads: jax runs with 1 in this process"):
        keras_backend.start_keras("jax", 2, "cpu")


def test_a_gpu_that_is_not_there_is_one_line(trained):
    with pytest.raises(OutsideFault, match=r"^model.device: jax finds no gpu here \(found cpu\)"):
        keras_backend.start_keras("jax", None, "gpu")


def test_a_backend_that_is_not_installed_is_one_line():
    code = (
        "import sys; sys.modules['tensorflow'] = None\n"
        "from framework.learning.keras_backend import start_keras\n"
        "from framework.errors import OutsideFault\n"
        "try:\n    start_keras('tensorflow', 1, 'cpu')\n"
        "except OutsideFault as fault:\n    print(fault)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout == (
        "model.backend: tensorflow needs the package tensorflow, which is not installed; "
        "pip install -e '.[tensorflow]'.\n"
    ), done.stderr


def test_what_only_predicts_shares_one_program():
    model = gru()
    first, second = (model.blueprint(2, 3).to_predict() for _ in range(2))
    assert steps_of(first) is steps_of(second)
    assert model.blueprint(2, 3, TRAINING).to_predict() == first
    assert Predictor(steps_of(first)) is not Predictor(steps_of(first))


def test_settings_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="heads must divide width 64"):
        Transformer(label=gru().label, heads=5)
    with pytest.raises(ValueError, match="quantiles are of return and volatility"):
        gru(quantiles=(0.5,))
    with pytest.raises(ValueError, match="gru needs a label"):
        gru(label=None)
    with pytest.raises(ValueError, match="learns no label"):
        Autoencoder(label=gru().label)
    with pytest.raises(ValueError, match="per_pair leaves nothing"):
        gru(per_pair=True, pair_embedding=2)
