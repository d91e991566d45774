"""Which tests a model's training is put to, and what they may cost."""

from __future__ import annotations

from pydantic import NonNegativeInt, PositiveInt

from framework.config.component import component


@component
class Sanity:
    """Short refits of one fold that show whether training finds what is there, and nothing else."""

    run: bool | None = None
    """Whether the tests are made; null: in mode=train, outside of sweeps."""

    shuffled: bool = True
    """Whether a model of shuffled labels must score no better than chance."""

    planted: bool = True
    """Whether a signal planted in the labels must be found."""

    seeds: NonNegativeInt = 3
    """Refits with other seeds, shown as a band; 0: none."""

    epochs: PositiveInt = 5
    """Most epochs of each refit."""

    samples: PositiveInt = 20_000
    """Most samples of each refit, the newest of the train part, and most predictions after it."""

    @property
    def refits(self) -> int:
        """Number of refits in all."""
        return self.shuffled + self.planted + self.seeds
