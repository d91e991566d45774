"""What the samples set apart say of a network after an epoch.

Legend: K samples, O values predicted of each.
"""

from __future__ import annotations

import numpy as np

from framework.learning import scores
from framework.learning.network import Blueprint
from framework.learning.training_data import Float32Array

_LEAST = 1e-7  # of a probability: beyond it float32 knows no difference to 1


def validation_figures(
    blueprint: Blueprint, made_KO: Float32Array, targets: Float32Array, weights: Float32Array
) -> dict[str, float]:
    """Return the validation loss, in the terms of the training loss, and scores.

    Parameters
    ----------
    blueprint : Blueprint
        Of the network.
    made_KO : (K, O) float32
        What it predicts.
    targets, weights : (K,) float32
        As in training.
    """
    made, came = made_KO.astype(np.float64), targets.astype(np.float64)
    counted = weights.astype(np.float64)
    if blueprint.goal in ("binary", "classes"):
        p = made[:, 0] if blueprint.goal == "binary" else made
        found = scores.class_scores(came, np.clip(p, _LEAST, 1 - _LEAST), counted)
        return {"validation_loss": found.pop("log_loss"), **found}
    if blueprint.goal == "inputs":
        return {"validation_loss": _mean(made[:, 0], counted)}
    if blueprint.goal == "value":
        return {
            "validation_loss": _mean((made[:, 0] - came) ** 2, counted),
            **scores.value_scores(came, made[:, 0], counted),
        }
    return {
        "validation_loss": sum(
            scores.pinball(came, made[:, o], level, counted)
            for o, level in enumerate(blueprint.quantiles)
        ),
        **scores.value_scores(came, made[:, made.shape[1] // 2], counted),
    }


def _mean(values: np.ndarray, weights: np.ndarray) -> float:
    total = weights.sum()
    return float((values * weights).sum() / total) if total > 0 else 0.0
