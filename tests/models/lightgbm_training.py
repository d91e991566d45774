"""A training to be killed: two models in a row, each with its own checkpoints; a line per round."""

import sys
from pathlib import Path

import numpy as np
from planted import INPUTS, planted

from framework.learning.labels import Label
from framework.learning.training import Training
from framework.learning.workshop import Workshop
from framework.models.lightgbm import LightGBM

SMALL = {"min_data_in_leaf": 20, "stage": 15, "rounds": 130, "early_stopping_rounds": 20}
MODELS = {
    "direction": LightGBM(
        inputs={name: name for name in INPUTS}, label=Label(horizon=1), window=2, **SMALL
    ),
    "quantiles": LightGBM(
        inputs={name: name for name in INPUTS},
        label=Label(kind="return", horizon=1),
        quantiles=(0.1, 0.5, 0.9),
        **SMALL,
    ),
}


def data_of(model, bars=1_500):
    return planted(bars).data(model.label, end=1_200, window=model.window)


def main(place: Path, keep: str) -> None:
    for name, model in MODELS.items():
        workshop = Workshop(
            training=Training(keep=2),
            seed=5,
            directory=place / name / "checkpoints" if keep == "keep" else None,
            say=print,
            show=lambda done, total, figures, name=name: print(name, done, total, flush=True),
        )
        trained = model.trainer(workshop).train(data_of(model))
        done = place / name / "trained"
        done.mkdir(parents=True, exist_ok=True)
        trained.save(done)
        columns = trained.predict(planted(1_500).inputs_NTF, 0)
        np.save(place / name / "predicted.npy", np.stack(list(columns.values())))
    print("ended", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
