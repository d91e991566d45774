"""Boosting in stages, each of which begins from scores and a seed of its own.

LightGBM cannot hand over the state of its random choices. So each stage, interrupted before or not,
is a new booster on the same data that starts from the scores of all trees so far; what was kept
after a stage is all that the next one needs.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from framework.errors import CheckFailed, OutsideFault
from framework.learning.checkpoints import Checkpoints
from framework.learning.epoch_log import EpochLog
from framework.learning.identity import Identity, identity_of
from framework.learning.training_data import TrainingData
from framework.learning.workshop import Paused, Workshop
from framework.models.labelled import refuse_single_class
from framework.models.lightgbm import Boosted, LightGBM, TrainedLightGBM
from framework.models.lightgbm_data import Samples, grown_trees
from framework.models.saved import refuse_others
from framework.models.seen import Seen
from framework.models.trees import Trees
from framework.types import FloatArray

if TYPE_CHECKING:
    import lightgbm as lgb

_CERTAIN = 1e-15  # of a probability; scores are taken back from those


@dataclass(frozen=True, slots=True, kw_only=True)
class _Progress:
    """Where the boosting of one objective stands.

    Parameters
    ----------
    boosted : Boosted
        So far.
    scores, held_scores : (K, C) float64
        Sums of base and trees at the samples learned from and at those set apart.
    ended : bool
        Whether no round follows.
    """

    boosted: Boosted
    scores: FloatArray
    held_scores: FloatArray
    ended: bool = False


class LightGBMTrainer:
    """Fits one `LightGBM`, going on where it was stopped."""

    def __init__(self, model: LightGBM, workshop: Workshop) -> None:
        self._model = model
        self._workshop = workshop
        self._log = EpochLog(workshop.directory)
        self._kept_ms: float | None = None
        self._earlier = _earlier(workshop)
        self._checkpoints = None
        if workshop.directory is not None:
            keep = workshop.training.keep
            self._checkpoints = Checkpoints(workshop.directory, keep, workshop.say)

    def train(self, data: TrainingData) -> TrainedLightGBM:
        """Fit on `data`; see `Trainer`."""
        self._model.require_fit(data, self._workshop)
        refuse_single_class(data)
        done: list[Boosted] = []
        workshop = self._workshop
        identity = identity_of(
            self._model, workshop.training, workshop.seed, [data], [workshop.begins_with]
        )
        with _memory_faults():
            begun = self._resumed(identity, done)
            samples = Samples.of(data, self._model.missing, self._dataset_settings())
            for index in range(len(done), len(self._objectives)):
                progress = begun or self._begun(samples, index, data)
                begun = None
                while not progress.ended:
                    progress = self._after_stage(progress, samples, index)
                    self._keep(progress, done, identity)
                done.append(progress.boosted)
        grown = [part.at_best for part in done]
        if self._earlier:
            pairs = zip(grown, self._earlier, strict=True)
            grown = [part.after(earlier) for part, earlier in pairs]
        return TrainedLightGBM(self._model, tuple(grown))

    @property
    def _objectives(self) -> list[dict[str, Any]]:
        """Return LightGBM's settings of each objective."""
        label = self._model.label
        if label is not None and label.classes == 2:
            return [{"objective": "binary", "metric": "binary_logloss"}]
        if label is not None and label.classes:
            return [
                {"objective": "multiclass", "num_class": label.classes, "metric": "multi_logloss"}
            ]
        levels = self._model.quantiles
        if levels:
            return [
                {"objective": "quantile", "alpha": level, "metric": "quantile"} for level in levels
            ]
        return [{"objective": "regression", "metric": "l2"}]

    @property
    def _threads(self) -> int:
        return self._workshop.training.threads or 1

    def _dataset_settings(self) -> dict[str, Any]:
        return {
            "max_bin": self._model.max_bin,
            "data_random_seed": self._seed(0),
            "feature_pre_filter": False,
            "use_missing": False,
            "num_threads": self._threads,
            "verbosity": -1,
        }

    def _settings(self, index: int, rounds: int) -> dict[str, Any]:
        """Return LightGBM's settings of the stage that follows on some rounds."""
        model = self._model
        named = (
            *("learning_rate", "num_leaves", "min_data_in_leaf", "min_gain_to_split"),
            *("lambda_l1", "lambda_l2", "feature_fraction", "bagging_fraction", "bagging_freq"),
        )
        return {
            **self._dataset_settings(),
            **{name: getattr(model, name) for name in named},
            "max_depth": model.max_depth or -1,
            **self._objectives[index],
            "seed": self._seed(1, index, rounds),
            "deterministic": True,
            "force_col_wise": True,
        }

    def _seed(self, *where: int) -> int:
        """Return a seed of one part of the training, as LightGBM takes it."""
        drawn = np.random.SeedSequence([self._workshop.seed, *where]).generate_state(1)[0]
        return int(drawn >> 1)

    def _begun(self, samples: Samples, index: int, data: TrainingData) -> _Progress:
        if self._earlier:
            earlier = self._earlier[index]
            base = earlier.base
            seen = Seen.by(self._model, None, data.inputs_NTF, 0)
            scores_CNT = earlier.scores(seen, data.window)
            scores, held = (
                np.ascontiguousarray(scores_CNT[:, rows.pair, rows.bar].T)
                for rows in (data.train, data.validation)
            )
        else:
            base = samples.base(self._objectives[index])
            scores, held = (np.tile(base, (count, 1)) for count in map(len, samples.truth))
        boosted = Boosted(Trees.none(), base, np.empty(0))
        return _Progress(boosted=boosted, scores=scores, held_scores=held)

    def _after_stage(self, progress: _Progress, samples: Samples, index: int) -> _Progress:
        """Return where boosting stands some rounds later."""
        before = progress.boosted
        begun = time.perf_counter()
        samples.start_from(progress.scores, progress.held_scores)
        grown = before.rounds + (self._earlier[index].rounds if self._earlier else 0)
        booster = samples.booster(self._settings(index, grown))
        losses = list(before.losses)
        added, ended = 0, before.rounds == self._model.rounds
        while added < self._model.stage and not ended:
            if self._workshop.time_is_up():
                raise Paused
            ended = booster.update()  # true: no tree could be split any more
            added += not ended
            if samples.held is not None and not ended:
                losses.append(self._validation_loss(booster, before.rounds + added))
            self._show(index, before.rounds + added, losses)
            ended = ended or before.rounds + added == self._model.rounds or self._stalled(losses)
        trees = grown_trees(booster, added)
        boosted = Boosted(Trees.joined([before.trees, trees]), before.base, np.array(losses))
        seconds = time.perf_counter() - begun
        reached = samples.reached(booster)
        speed = added * len(samples.truth[0]) / seconds
        self._add_row(samples, index, boosted.rounds, reached, speed)
        scores, held = map(self._raw, reached)
        return replace(progress, boosted=boosted, scores=scores, held_scores=held, ended=ended)

    def _add_row(
        self,
        samples: Samples,
        index: int,
        rounds: int,
        reached: tuple[FloatArray, FloatArray],
        speed: float,
    ) -> None:
        """Log what a stage came to, as an epoch."""
        train, held = samples.truth
        objective = self._objectives[index]
        figures: dict[str, float | int | None] = {"objective": index + 1, "rounds": rounds}
        figures |= {"loss": train.loss(objective, reached[0])}
        if len(held):
            figures |= held.figures(objective, reached[1])
        self._log.add(figures, samples_per_second=speed, checkpoint_ms=self._kept_ms)

    def _validation_loss(self, booster: lgb.Booster, rounds: int) -> float:
        loss = float(booster.eval_valid()[0].metric_value)
        if not np.isfinite(loss):
            raise CheckFailed(f"lightgbm: the validation loss after {rounds} rounds is {loss}.")
        return loss

    def _stalled(self, losses: list[float]) -> bool:
        patience = self._model.early_stopping_rounds
        return bool(patience and losses) and len(losses) - 1 - int(np.argmin(losses)) >= (
            patience or 0
        )

    def _show(self, index: int, rounds: int, losses: list[float]) -> None:
        most = self._model.rounds
        figures = {"validation_loss": losses[-1]} if losses else {}
        self._workshop.show(index * most + rounds, len(self._objectives) * most, figures)

    def _raw(self, reached: FloatArray) -> FloatArray:
        """Return scores, up to a constant that all classes share, of what LightGBM predicts."""
        label = self._model.label
        if label is None or not label.classes:
            return reached
        sure = np.clip(reached, _CERTAIN, 1 - _CERTAIN)
        return np.log(sure / (1 - sure)) if label.classes == 2 else np.log(sure)

    def _keep(self, progress: _Progress, done: list[Boosted], identity: Identity) -> None:
        if self._checkpoints is None:
            return
        arrays: dict[str, Any] = {
            "scores": progress.scores,
            "held_scores": progress.held_scores,
        }
        for index, part in enumerate([*done, progress.boosted]):
            arrays |= part.arrays(f"{index}/")
        state = {
            "identity": identity,
            "done": len(done),
            "ended": progress.ended,
            "log": self._log.state,
        }
        begun = time.perf_counter()
        step = len(done) * self._model.rounds + progress.boosted.rounds
        path = self._checkpoints.save(step, arrays, state)
        self._kept_ms = 1000 * (time.perf_counter() - begun)
        self._workshop.kept(path, step, self._log.latest)

    def _resumed(self, identity: Identity, done: list[Boosted]) -> _Progress | None:
        """Return where boosting stood, with what had been done before in `done`."""
        found = self._checkpoints.newest() if self._checkpoints else None
        if found is None:
            return None
        arrays, state = found.arrays, found.state
        refuse_others(state["identity"], identity, found.path)
        self._log.restore(state["log"])
        done.extend(Boosted.of(arrays, f"{index}/") for index in range(state["done"]))
        return _Progress(
            boosted=Boosted.of(arrays, f"{state['done']}/"),
            scores=arrays["scores"],
            held_scores=arrays["held_scores"],
            ended=state["ended"],
        )


def _earlier(workshop: Workshop) -> tuple[Boosted, ...]:
    """Return what boosting adds to, of each objective; nothing: it begins anew."""
    if workshop.begins_with is None:
        return ()
    trained = workshop.begins_with.trained
    if not isinstance(trained, TrainedLightGBM):
        raise TypeError(f"boosting cannot begin with a {type(trained).__name__}")
    return trained.boosted


@contextmanager
def _memory_faults() -> Iterator[None]:
    """Say in one line that memory did not suffice."""
    from lightgbm.basic import LightGBMError

    try:
        yield
    except (MemoryError, LightGBMError) as fault:
        if isinstance(fault, LightGBMError) and "alloc" not in str(fault):
            raise
        raise OutsideFault(
            "lightgbm: there is not enough memory for the samples; take a shorter window, fewer "
            "inputs or a shorter train part. Checkpoints stay."
        ) from fault
