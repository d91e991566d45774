"""Samples handed to LightGBM without a second copy of their windows, and its trees taken back."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from framework.learning.rows import Rows
from framework.learning.scores import class_scores, log_loss, pinball, value_scores
from framework.learning.training_data import Float32Array, TrainingData
from framework.learning.windows import Missing, gather
from framework.models.seen import scaled
from framework.models.trees import Trees
from framework.types import FloatArray

if TYPE_CHECKING:
    import lightgbm as lgb

_BATCH = 16_384  # samples whose windows are laid out at a time
_LOOKED_AT = 2**25  # values that bins are found from: 256 MiB, since LightGBM wants them as float64


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """What K samples came to.

    Parameters
    ----------
    labels, weights : (K,) float64
    """

    labels: FloatArray
    weights: FloatArray

    @classmethod
    def of(cls, data: TrainingData, rows: Rows) -> Self:
        """Return that of some samples."""
        labels, weights = data.labels(rows), data.weights(rows)
        return cls(labels.astype(np.float64), weights.astype(np.float64))

    def __len__(self) -> int:
        return len(self.labels)

    def loss(self, objective: dict[str, Any], predicted: FloatArray) -> float:
        """Return the loss of what LightGBM predicts, (K, C)."""
        if objective["objective"] == "quantile":
            return pinball(self.labels, predicted[:, 0], objective["alpha"], self.weights)
        if objective["objective"] == "regression":
            return value_scores(self.labels, predicted[:, 0], self.weights)["rmse"] ** 2
        return log_loss(self.labels, _squeezed(predicted), self.weights)

    def figures(self, objective: dict[str, Any], predicted: FloatArray) -> dict[str, float]:
        """Return loss and scores of what LightGBM predicts, (K, C), for the log."""
        loss = {"validation_loss": self.loss(objective, predicted)}
        if objective["objective"] in ("binary", "multiclass"):
            scores = class_scores(self.labels, _squeezed(predicted), self.weights)
            del scores["log_loss"]
            return loss | scores
        return loss | value_scores(self.labels, predicted[:, 0], self.weights)


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """The samples learned from, and those set apart if any, binned by LightGBM.

    Parameters
    ----------
    train : lightgbm.Dataset
        Learned from.
    held : lightgbm.Dataset or None
        Set apart.
    truth : pair of Truth
        Of both.
    """

    train: lgb.Dataset
    held: lgb.Dataset | None
    truth: tuple[Truth, Truth]

    @classmethod
    def of(cls, data: TrainingData, missing: Missing, settings: dict[str, Any]) -> Self:
        """Lay out and bin the samples of `data`."""
        import lightgbm as lgb

        lgb.register_logger(_unheard())  # its warnings heed no verbosity while data is binned
        inputs_NTF = scaled(data.inputs_NTF, None, missing)
        looked_at = _LOOKED_AT // (data.window * len(data.inputs))
        settings = {**settings, "bin_construct_sample_cnt": min(max(looked_at, 10_000), 200_000)}

        def dataset(rows: Rows, reference: lgb.Dataset | None) -> lgb.Dataset:
            made = lgb.Dataset(
                _windows(inputs_NTF, rows, data.window),
                data.labels(rows),
                weight=data.weights(rows),
                reference=reference,
                params=settings,
            )
            return made.construct()

        train = dataset(data.train, None)
        held = dataset(data.validation, train) if len(data.validation) else None
        truth = (Truth.of(data, data.train), Truth.of(data, data.validation))
        return cls(train, held, truth)

    def base(self, objective: dict[str, Any]) -> FloatArray:
        """Return the best constant scores of an objective, (C,)."""
        labels, weights = self.truth[0].labels, self.truth[0].weights
        kind = objective["objective"]
        if kind == "quantile":
            level = objective["alpha"]
            return np.atleast_1d(np.quantile(labels, level, weights=weights, method="inverted_cdf"))
        if kind == "multiclass":
            classes = np.arange(objective["num_class"])
            shares = np.array([np.average(labels == one, weights=weights) for one in classes])
            return np.asarray(np.log(shares))
        mean = np.average(labels, weights=weights)
        return np.atleast_1d(np.log(mean / (1 - mean)) if kind == "binary" else mean)

    def start_from(self, scores: FloatArray, held_scores: FloatArray) -> None:
        """Let the next booster add to scores, (K, C) each."""
        self.train.set_init_score(_squeezed(scores))
        if self.held is not None:
            self.held.set_init_score(_squeezed(held_scores))

    def booster(self, settings: dict[str, Any]) -> lgb.Booster:
        """Return a booster without trees."""
        import lightgbm as lgb

        booster = lgb.Booster(settings, self.train)
        if self.held is not None:
            booster.add_valid(self.held, "validation")
        return booster

    def reached(self, booster: lgb.Booster) -> tuple[FloatArray, FloatArray]:
        """Return what a booster predicts of its own samples, (K, C) each."""
        seen: list[FloatArray] = []

        def look(predicted: FloatArray, _: lgb.Dataset) -> tuple[str, float, bool]:
            seen.append(np.array(predicted, order="C").reshape(len(predicted), -1))
            return "", 0.0, False

        booster.eval_train(look)
        if self.held is None:
            return seen[0], np.empty((0, seen[0].shape[1]))
        booster.eval_valid(look)
        return seen[0], seen[1]


def _unheard() -> logging.Logger:
    """Return a logger whose lines go nowhere."""
    logger = logging.getLogger("lightgbm")
    logger.handlers = [logging.NullHandler()]
    logger.propagate = False
    return logger


def _squeezed(values: FloatArray) -> FloatArray:
    """Return (K,) where there is one value for each sample, and (K, C) as it is."""
    return values[:, 0] if values.shape[1] == 1 else values


def _windows(inputs_NTF: Float32Array, rows: Rows, window: int) -> lgb.Sequence:
    """Return the windows of samples as columns, laid out when they are asked for."""
    import lightgbm as lgb

    class Windows(lgb.Sequence):
        batch_size = _BATCH

        def __len__(self) -> int:
            return len(rows)

        def __getitem__(self, wanted: int | slice | list[int]) -> Float32Array | FloatArray:
            if isinstance(wanted, int | np.integer):  # of a sample, whose type LightGBM prescribes
                end = rows.bar[wanted] + 1
                seen_WF = inputs_NTF[rows.pair[wanted], end - window : end]
                return seen_WF.reshape(-1).astype(np.float64)
            chosen = rows.take(wanted if isinstance(wanted, slice) else np.asarray(wanted))
            return gather(inputs_NTF, chosen, window).reshape(len(chosen), -1)

    return Windows()


def grown_trees(booster: lgb.Booster, rounds: int) -> Trees:
    """Return the trees of the first rounds of a booster."""
    if not rounds:
        return Trees.none()
    nodes: dict[str, list[Any]] = {name: [] for name in Trees.none().arrays()}
    for tree in booster.dump_model(num_iteration=rounds)["tree_info"]:
        nodes["root"].append(len(nodes["column"]))
        ahead = [(tree["tree_structure"], "", 0)]
        while ahead:
            node, side, parent = ahead.pop()
            index = len(nodes["column"])
            if side:
                nodes[side][parent] = index
            leaf = "leaf_value" in node
            nodes["column"].append(-1 if leaf else node["split_feature"])
            nodes["threshold"].append(0.0 if leaf else node["threshold"])
            nodes["value"].append(node["leaf_value"] if leaf else 0.0)
            nodes["gain"].append(0.0 if leaf else node["split_gain"])
            nodes["left"].append(0)
            nodes["right"].append(0)
            if not leaf:
                ahead.append((node["right_child"], "right", index))
                ahead.append((node["left_child"], "left", index))
    whole = {"root", "column", "left", "right"}
    kinds = {name: np.int32 if name in whole else np.float64 for name in nodes}
    return Trees.of({name: np.array(values, kinds[name]) for name, values in nodes.items()})
