"""Kill trainings at random moments, let them go on, and count those that end otherwise.

    python benchmarks/resume_kills.py [--kills 200] [--models gru,lstm,transformer,lightgbm]

Each model is trained once without a fault. Then the same training is begun again and again in new
directories; SIGKILL ends its process at seeded random steps, five times, and it is started again.
Weights, state of the optimiser, losses and predictions are compared byte by byte at the end.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

MODELS = ("gru", "lstm", "transformer", "lightgbm")
KILLS = 5  # of one training
_LONGEST = 0.02  # seconds, at most, from a step to the kill


def main(argv: list[str] | None = None) -> int:
    """Train, kill, compare; return how many trainings ended otherwise."""
    options = _options(argv)
    random = np.random.default_rng(options.seed)
    begun = time.perf_counter()
    different = []
    with tempfile.TemporaryDirectory() as work:
        os.environ["JAX_COMPILATION_CACHE_DIR"] = f"{work}/compiled"
        os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
        os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"
        _import_all()
        whole = {}
        for model in options.models:
            place = Path(work) / model
            _live(model, place, options.seed)
            whole[model] = (int((place / "steps").read_text()), _digests(place))
            print(f"{model}: {whole[model][0]} steps without a fault", flush=True)
        runs = -(-options.kills // (KILLS * len(options.models)))
        for run in range(1, runs + 1):
            for model in options.models:
                steps, expected = whole[model]
                place = Path(work) / f"{model}_{run}"
                _kill(model, place, steps, random, options.seed)
                found = _digests(place)
                apart = [part for part, digest in expected.items() if found.get(part) != digest]
                if apart:
                    different.append(f"{model}, run {run}: {', '.join(apart)}")
                print(
                    f"{model}, run {run} of {runs}: {KILLS} kills, "
                    + (f"different: {', '.join(apart)}" if apart else "equal"),
                    flush=True,
                )
                shutil.rmtree(place)
    print(
        json.dumps(
            {
                "kills": KILLS * runs * len(options.models),
                "trainings": runs * len(options.models),
                "different": different,
                "whole": {model: parts for model, (_, parts) in whole.items()},
                "seconds": round(time.perf_counter() - begun, 1),
            }
        )
    )
    return len(different)


def _kill(model: str, place: Path, steps: int, random: np.random.Generator, seed: int) -> None:
    """Train to the end through `KILLS` kills."""
    for step in sorted(random.integers(1, steps, KILLS).tolist()):
        if not _live(model, place, seed, Kill(step, random.uniform(0, _LONGEST))):
            raise RuntimeError(f"{model}: outlived its kill")
    _live(model, place, seed)


def _live(model: str, place: Path, seed: int, kill: Kill | None = None) -> bool:
    """Train in a process of its own; return whether it was killed."""
    sys.stdout.flush()
    child = os.fork()
    if not child:
        status = 1
        try:
            _train(model, place, seed, kill)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    if status and not os.WIFSIGNALED(status):
        raise RuntimeError(f"{model}: training failed")
    return os.WIFSIGNALED(status)


@dataclass
class Kill:
    """SIGKILL from a thread of its own, some seconds after a step."""

    step: int
    seconds: float
    timer: threading.Timer | None = None

    def begin(self, done: int) -> None:
        """Set the clock going, once the step is reached."""
        if self.timer is None and done >= self.step:
            self.timer = threading.Timer(self.seconds, os.kill, (os.getpid(), signal.SIGKILL))
            self.timer.start()

    def wait(self) -> None:
        """Be killed, where training was over before that."""
        self.begin(self.step)
        if self.timer is not None:
            self.timer.join()


def _train(model: str, place: Path, seed: int, kill: Kill | None) -> None:
    """Train, going on where it can, and keep predictions and the saved model."""
    from framework.learning.training import Training
    from framework.learning.workshop import Workshop

    data = _data(seed)
    training = Training(
        epochs=4, batch=32, learning_rate=0.01, schedule="plateau", patience=2, checkpoint_steps=7
    )
    last = [0]

    def show(done: int, total: int, figures: Mapping[str, float]) -> None:
        last[0] = done
        if kill is not None:
            kill.begin(done)

    workshop = Workshop(training=training, seed=seed, directory=place / "training", show=show)
    trained = _model(model).trainer(workshop).train(data)
    saved = place / "saved"
    shutil.rmtree(saved, ignore_errors=True)
    saved.mkdir(parents=True)
    trained.save(saved)
    np.savez(place / "predictions.npz", **trained.predict(data.inputs_NTF, 0))
    (place / "steps").write_text(str(last[0]))
    if kill is not None:
        kill.wait()


def _digests(place: Path) -> dict[str, str]:
    """Return the SHA-256 of every part of how a training ended."""
    from framework.learning.checkpoints import Checkpoints

    training = place / "training"
    kept = training / "checkpoints" if (training / "checkpoints").is_dir() else training
    newest = Checkpoints(kept, 3, print).newest()
    if newest is None:
        raise RuntimeError(f"{training}: holds no checkpoint")
    state = json.loads(json.dumps(newest.state))
    state.get("log", {}).pop("clock", None)
    parts: dict[str, Any] = {"state": json.dumps(state, sort_keys=True).encode()}
    for name, array in newest.arrays.items():
        part = name.partition("/")[0]
        parts[part] = parts.get(part, b"") + name.encode() + array.tobytes()
    for path in sorted((place / "saved").rglob("*")):
        parts["saved model"] = parts.get("saved model", b"") + path.read_bytes()
    with np.load(place / "predictions.npz") as columns:
        parts["predictions"] = b"".join(columns[name].tobytes() for name in sorted(columns))
    return {part: hashlib.sha256(raw).hexdigest() for part, raw in parts.items()}


def _model(name: str) -> Any:
    """Return a tiny model."""
    from framework.learning.labels import Label
    from framework.models.gru import GRU
    from framework.models.lightgbm import LightGBM
    from framework.models.lstm import LSTM
    from framework.models.transformer import Transformer

    label = Label()
    if name == "gru":
        return GRU(label=label, window=6, units=6, layers=1, dropout=0.25)
    if name == "lstm":
        return LSTM(label=label, window=6, units=6, layers=1, pair_embedding=2)
    if name == "transformer":
        return Transformer(label=label, window=6, width=8, heads=2, layers=1)
    return LightGBM(label=label, window=6, rounds=60, stage=5, num_leaves=7, min_data_in_leaf=5)


def _data(seed: int) -> Any:
    """Return a small seeded train part of two pairs, with noise in its labels."""
    from framework.learning.rows import Rows
    from framework.learning.training_data import TrainingData
    from framework.types import Interval

    random = np.random.default_rng([seed, 1])
    bars, window = 500, 6
    inputs_NTF = random.standard_normal((2, bars, 3), dtype=np.float32)
    signal = inputs_NTF[..., 0] + 0.5 * np.roll(inputs_NTF[..., 1], 1, axis=1)
    labels_NT = (signal + random.standard_normal((2, bars)) > 0).astype(np.float32)
    bar = np.broadcast_to(np.arange(bars), (2, bars))
    return TrainingData(
        pairs=("A-X", "B-X"),
        interval=Interval.parse("15m"),
        inputs=("x", "y", "z"),
        time=np.arange(bars) * 900_000_000_000,
        inputs_NTF=inputs_NTF,
        labels_NT=labels_NT,
        weights_NT=random.uniform(0.5, 1, (2, bars)).astype(np.float32),
        classes=2,
        window=window,
        train=Rows.where((bar >= window) & (bar < 400)),
        validation=Rows.where(bar >= 408),
    )


def _import_all() -> None:
    """Import what each process would spend its first seconds on; nothing is started by that."""
    os.environ["KERAS_BACKEND"] = "jax"
    os.environ["NPROC"] = "1"
    import keras  # noqa: F401
    import lightgbm  # noqa: F401

    import framework.learning.jax_steps
    import framework.learning.kernels
    import framework.models.lightgbm_trainer
    import framework.models.network_trainer  # noqa: F401

    for name in MODELS:
        _model(name)


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=200, help="in all, at least (200)")
    parser.add_argument("--models", type=_models, default=MODELS, help="names, by commas")
    parser.add_argument("--seed", type=int, default=7, help="of data, training and kills (7)")
    return parser.parse_args(argv)


def _models(text: str) -> tuple[str, ...]:
    chosen = tuple(text.split(","))
    if unknown := set(chosen) - set(MODELS):
        raise argparse.ArgumentTypeError(f"{sorted(unknown)[0]} is none of {', '.join(MODELS)}")
    return chosen


if __name__ == "__main__":
    sys.exit(main())
