"""What models that learn labels share: names of outputs, and samples that can be learned from."""

from __future__ import annotations

import numpy as np

from framework.errors import UserError
from framework.learning.labels import Label
from framework.learning.training_data import TrainingData
from framework.types import FloatArray


def label_of(label: Label | None, name: str) -> Label:
    """Return the label of a model that needs one.

    Raises
    ------
    ValueError
        There is none.
    """
    if label is None:
        raise ValueError(f"{name} needs a label to learn (was null)")
    return label


def output_names(label: Label, quantiles: tuple[float, ...] = ()) -> tuple[str, ...]:
    """Return the names of what is predicted of a label.

    Examples
    --------
    >>> output_names(Label(kind="direction"))
    ('p_up',)
    >>> output_names(Label(kind="return"), (0.05, 0.5, 0.95))
    ('q05', 'q50', 'q95', 'forecast')
    """
    if label.classes:
        return ("p_up",) if label.classes == 2 else ("p_down", "p_flat", "p_up")
    return (*(f"q{round(100 * level):02d}" for level in quantiles), "forecast")


def probabilities(scores: FloatArray, names: tuple[str, ...]) -> dict[str, FloatArray]:
    """Return the probability of each class by name; one score is that of the second of two.

    Parameters
    ----------
    scores : (C, N, T) float64
        Logarithms of odds; of three classes, up to a constant that all share.
    names : tuple of str
        C.

    Returns
    -------
    dict of str to (T, N) float64
    """
    from framework.models.link_kernels import sigmoid, softmax

    linked = sigmoid(scores) if len(scores) == 1 else softmax(scores)
    return {name: linked_NT.T for name, linked_NT in zip(names, linked, strict=True)}


def refuse_single_class(data: TrainingData) -> None:
    """Raise a fault where a class has no sample to learn it from.

    Raises
    ------
    UserError
        Some class has none.
    """
    found = np.unique(data.labels(data.train))
    if len(found) < data.classes:
        raise UserError(
            f"model.label: {len(data.train)} samples of a train part hold {len(found)} of the "
            f"{data.classes} classes; give a longer part or another label."
        )
