"""How good predictions are: of classes by their probabilities, and of values.

K samples, C classes. No array may hold NaN. Weights say how much each sample counts; None: all the
same. A score that does not exist, of no samples or of one class alone, is NaN; precision, recall
and F1 of a class never predicted or never seen are 0.

Sources: Brier (1950) for `brier`; Mann and Whitney (1947) for `auc`; Koenker and Bassett (1978) for
`pinball`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from framework.types import FloatArray

Values = npt.NDArray[Any]  # of any real type; computed with in float64


def class_scores(labels: Values, p: Values, weights: Values | None = None) -> dict[str, float]:
    """Return log_loss, accuracy, precision, recall, f1, auc and brier.

    Of two classes, precision, recall, F1 and AUC are those of class 1; of more, the plain mean over
    classes, for AUC of each against the others.

    Parameters
    ----------
    labels : (K,)
        Classes, counted from 0.
    p : (K,) or (K, C)
        Probability of class 1, or of each class.
    weights : (K,), optional
        How much each sample counts.

    Examples
    --------
    >>> scores = class_scores(np.array([0, 1, 1]), np.array([0.2, 0.9, 0.4]))
    >>> scores["accuracy"], scores["precision"], scores["recall"], scores["auc"]
    (0.6666666666666666, 1.0, 0.5, 1.0)
    """
    p_KC = _of_each_class(p)
    table = confusion(labels, predicted(p), p_KC.shape[1], weights)
    if not table.sum():
        names = ("log_loss", "accuracy", "precision", "recall", "f1", "auc", "brier")
        return dict.fromkeys(names, np.nan)
    hit, said, was = np.diag(table), table.sum(axis=0), table.sum(axis=1)
    chosen = slice(1, 2) if len(table) == 2 else slice(None)
    return {
        "log_loss": log_loss(labels, p, weights),
        "accuracy": float(hit.sum() / table.sum()),
        "precision": float(_ratio(hit, said)[chosen].mean()),
        "recall": float(_ratio(hit, was)[chosen].mean()),
        "f1": float(_ratio(2 * hit, said + was)[chosen].mean()),
        "auc": auc(labels, p, weights),
        "brier": brier(labels, p, weights),
    }


def value_scores(
    outcome: Values, forecast: Values, weights: Values | None = None
) -> dict[str, float]:
    """Return mae, rmse, r2 and correlation of forecasts of values, each (K,)."""
    y, f = _float64(outcome), _float64(forecast)
    y_off = y - _mean(y, weights)
    f_off = f - _mean(f, weights)
    y_square, f_square = _mean(y_off * y_off, weights), _mean(f_off * f_off, weights)
    square = _mean((y - f) ** 2, weights)
    together = _mean(y_off * f_off, weights)
    return {
        "mae": _mean(np.abs(y - f), weights),
        "rmse": float(np.sqrt(square)),
        "r2": 1 - square / y_square if y_square > 0 else np.nan,
        "correlation": (
            together / float(np.sqrt(y_square) * np.sqrt(f_square))
            if y_square > 0 and f_square > 0
            else np.nan
        ),
    }


def pinball(
    outcome: Values, forecast: Values, level: float, weights: Values | None = None
) -> float:
    """Return the mean loss of forecasts of the quantile `level`, each (K,).

    Examples
    --------
    >>> pinball(np.array([1.0, 3.0]), np.array([2.0, 2.0]), 0.75)
    0.5
    """
    off = _float64(outcome) - _float64(forecast)
    return _mean(np.maximum(level * off, (level - 1) * off), weights)


def log_loss(labels: Values, p: Values, weights: Values | None = None) -> float:
    """Return the mean of -log of the probability that the class which came had.

    Probabilities are kept a float64 epsilon away from 0 and 1.
    """
    p_KC = _of_each_class(p)
    came = p_KC[np.arange(len(p_KC)), _classes(labels)]
    tiny = np.finfo(np.float64).eps
    return _mean(-np.log(np.clip(came, tiny, 1 - tiny)), weights)


def brier(labels: Values, p: Values, weights: Values | None = None) -> float:
    """Return the mean squared error of the probabilities: of class 1 where there are two classes.

    Of more, the sum over all classes, at most 2.
    """
    p_KC = _of_each_class(p)
    off_KC = p_KC - (_classes(labels)[:, None] == np.arange(p_KC.shape[1]))
    if p_KC.shape[1] == 2:
        return _mean(off_KC[:, 1] ** 2, weights)
    return _mean((off_KC**2).sum(axis=1), weights)


def auc(labels: Values, p: Values, weights: Values | None = None) -> float:
    """Return the chance that a sample of a class has a higher probability of it than another has.

    Equal probabilities count half. Of more than two classes, the mean over those that occur.
    """
    p_KC, classes = _of_each_class(p), _classes(labels)
    counted = np.ones(len(classes)) if weights is None else _float64(weights)
    if p_KC.shape[1] == 2:
        return _auc(classes == 1, p_KC[:, 1], counted)
    each = [_auc(classes == c, p_KC[:, c], counted) for c in range(p_KC.shape[1])]
    known = [value for value in each if not np.isnan(value)]
    return float(np.mean(known)) if known else np.nan


def predicted(p: Values) -> npt.NDArray[np.intp]:
    """Return the likeliest class of each sample, (K,); the lowest of several."""
    chosen: npt.NDArray[np.intp] = np.argmax(_of_each_class(p), axis=1)
    return chosen


def confusion(
    labels: Values, predicted: Values, classes: int, weights: Values | None = None
) -> FloatArray:
    """Return the weight of samples by class that came and class predicted, (C, C)."""
    cell = _classes(labels) * classes + _classes(predicted)
    counted = None if weights is None else _float64(weights)
    table = np.bincount(cell, counted, minlength=classes * classes)
    return table.reshape(classes, classes).astype(np.float64)


def _auc(of_class: npt.NDArray[np.bool_], p: FloatArray, weights: FloatArray) -> float:
    levels, level_K = np.unique(p, return_inverse=True)
    inside = np.bincount(level_K, weights * of_class, len(levels))
    outside = np.bincount(level_K, weights * ~of_class, len(levels))
    pairs = inside.sum() * outside.sum()
    below = np.cumsum(outside) - outside
    return float(inside @ (below + 0.5 * outside) / pairs) if pairs > 0 else np.nan


def _of_each_class(p: Values) -> FloatArray:
    p = _float64(p)
    return np.stack((1 - p, p), axis=1) if p.ndim == 1 else p


def _ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def _mean(values: FloatArray, weights: Values | None) -> float:
    if weights is None:
        return float(values.mean()) if len(values) else np.nan
    counted = _float64(weights)
    total = counted.sum()
    return float((values * counted).sum() / total) if total > 0 else np.nan


def _classes(labels: Values) -> npt.NDArray[np.intp]:
    return labels.astype(np.intp, copy=False)


def _float64(values: Values) -> FloatArray:
    return values.astype(np.float64, copy=False)
