"""Fitting a hidden Markov model: several beginnings, the likeliest result."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from framework.errors import CheckFailed, UserError
from framework.learning.rows import Rows
from framework.learning.training_data import TrainingData
from framework.learning.workshop import Paused, Workshop
from framework.models.hmm import HMM, States, TrainedHMM
from framework.models.seen import scaled
from framework.models.threads import limited
from framework.types import FloatArray

if TYPE_CHECKING:
    from hmmlearn.hmm import GaussianHMM


@dataclass(frozen=True, slots=True)
class HMMTrainer:
    """Fits one `HMM`."""

    model: HMM
    workshop: Workshop

    def train(self, data: TrainingData) -> TrainedHMM:
        """Fit on `data`; see `Trainer`."""
        self.model.require_fit(data, self.workshop)
        scaler = self.model.scaler.fit(data.inputs_NTF, data.train)
        scaled_NTF = scaled(data.inputs_NTF, scaler, self.model.missing)
        rows, lengths = runs(data.train)
        if len(rows) < 10 * self.model.states:
            raise UserError(
                f"model.states: {self.model.states} states need {10 * self.model.states} samples "
                f"at least (were {len(rows)})."
            )
        seen = scaled_NTF[rows.pair, rows.bar].astype(np.float64)
        with limited(self.workshop.training.threads), _silent("hmmlearn"):
            best = self._likeliest(seen, lengths)
        states = States.of(best.startprob_, best.transmat_, best.means_, best.covars_)
        return TrainedHMM(self.model, scaler, states)

    def _likeliest(self, seen: FloatArray, lengths: list[int]) -> GaussianHMM:
        best, highest = None, -np.inf
        for index, seed in enumerate(self._seeds()):
            if self.workshop.time_is_up():
                raise Paused
            fitted = self._fitted(seen, lengths, int(seed))
            likelihood = fitted.score(seen, lengths) if fitted else np.nan
            if likelihood > highest:
                best, highest = fitted, likelihood
            self.workshop.show(
                index + 1, self.model.starts, {"log_likelihood": highest / len(seen)}
            )
        if best is None:
            raise CheckFailed("hmm: no fit reached a likelihood; take fewer states.")
        return best

    def _seeds(self) -> list[int]:
        drawn = np.random.SeedSequence(self.workshop.seed).generate_state(self.model.starts)
        return [int(seed) for seed in drawn]

    def _fitted(self, seen: FloatArray, lengths: list[int], seed: int) -> GaussianHMM | None:
        """Return one fit; None: its states collapsed."""
        from hmmlearn.hmm import GaussianHMM

        model = self.model
        for way in ("scaling", "log"):  # the first is faster, and underflows far from all states
            fit = GaussianHMM(
                model.states,
                model.covariance,
                n_iter=model.iterations,
                tol=model.tolerance,
                random_state=seed,
                implementation=way,
            )
            try:
                fit.fit(seen, lengths)
                usable = np.isfinite(fit.transmat_).all() and np.isfinite(fit.covars_).all()
            except (ValueError, np.linalg.LinAlgError):
                continue
            if usable and (np.linalg.eigvalsh(fit.covars_) > 0).all():
                return fit
        return None


def runs(rows: Rows) -> tuple[Rows, list[int]]:
    """Return samples pair by pair, and the lengths of the runs without a bar left out."""
    ordered = rows.take(np.argsort(rows.pair, kind="stable"))
    cuts = np.flatnonzero((np.diff(ordered.pair) != 0) | (np.diff(ordered.bar) != 1)) + 1
    return ordered, np.diff([0, *cuts.tolist(), len(ordered)]).tolist()


@contextmanager
def _silent(name: str) -> Iterator[None]:
    """Hold back what a library logs: whether each fit converged is no news here."""
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)
