"""What trainings begin with: models of an earlier run that had seen no later bar."""

from __future__ import annotations

from typing import TYPE_CHECKING

from framework.errors import UserError
from framework.modes.context import Context
from framework.modes.predicting import trained_by
from framework.types import format_time

if TYPE_CHECKING:
    from framework.backtest.folds import Folds
    from framework.learning.library import Fit
    from framework.learning.workshop import Earlier


def beginnings(context: Context, folds: Folds, fit: Fit) -> dict[int, Earlier]:
    """Return the earlier model that each fold begins with, by the fold's number.

    It is the newest that had learned from no bar after the fold's train part, so none of those that
    the fold predicts. A fold without one begins from nothing, and that is said.

    Parameters
    ----------
    context : Context
        Of a run; ``training.warm_start`` names the earlier one.
    folds : Folds
        To be fitted.
    fit : Fit
        What they are trained on.

    Raises
    ------
    UserError
        There is no such run, its models do not fit, or all of them had seen later bars.
    OutsideFault
        A file is damaged or cannot be read.
    """
    from framework.learning.library import load_earlier

    run = context.settings.training.warm_start
    if run is None:
        return {}
    place = trained_by(context, folds.model, run, "training.warm_start")
    earlier = load_earlier(place, folds.model, fit)
    begins = {
        fold: [model for seen_ns, model in earlier if seen_ns <= end_ns][-1]
        for fold, end_ns in folds.ends.items()
        if earlier[0][0] <= end_ns
    }
    if not begins:
        raise UserError(
            f"training.warm_start: the models of {place.parent} had learned from bars up to "
            f"{format_time(earlier[0][0])} and later, all train parts end before "
            f"(the last {format_time(max(folds.ends.values()))})."
        )
    context.logger.info(f"training begins with the models of {place.parent}" + _anew(folds, begins))
    return begins


def _anew(folds: Folds, begins: dict[int, Earlier]) -> str:
    """Return what is said of the folds that begin from nothing."""
    anew = [str(fold) for fold in folds.ends if fold not in begins]
    if not anew:
        return ""
    return f"; in fold {', '.join(anew)} anew, since all of them had seen later bars"
