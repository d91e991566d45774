"""What a network is fitted on, and what comes of it.

Legend: N pairs, T bars, F inputs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framework.learning.identity import Identity
from framework.learning.network import Arrays, Blueprint
from framework.learning.rows import Rows
from framework.learning.training_data import Float32Array


@dataclass(frozen=True, eq=False, kw_only=True)
class Task:
    """What a network is fitted on.

    Parameters
    ----------
    blueprint : Blueprint
        Of the network.
    scaled_NTF : (N, T, F) float32
        Inputs as the network sees them.
    targets_NT, weights_NT : (N, T) float32
        What it learns at each sample, and how much that counts.
    train, validation : Rows
        Samples.
    identity : dict of str to str
        All that the result depends on.
    begins_with : dict of str to array, optional
        Weights by path; None: they are drawn.
    refuse : callable
        Given another identity, `identity` and where the first was found, raises a fault if they
        differ.
    """

    blueprint: Blueprint
    scaled_NTF: Float32Array
    targets_NT: Float32Array
    weights_NT: Float32Array
    train: Rows
    validation: Rows
    identity: Identity
    begins_with: Arrays | None
    refuse: Callable[[Identity, Identity, Path], None]


@dataclass(frozen=True, eq=False, slots=True)
class Learned:
    """What came of it: the best weights, and by their paths.

    Parameters
    ----------
    held : tuple of arrays
        As in a state.
    weights : dict of str to array
    """

    held: tuple[Any, ...]
    weights: Arrays
