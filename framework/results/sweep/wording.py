"""What the sweep page says of its best trial in plain words."""

from __future__ import annotations

import math

from framework.results.page.wording import finite, number, percent
from framework.results.sweep.judgement import Judgement

CONVINCING = 0.95
"""Deflated Sharpe ratio from which on luck is ruled out, as in the paper."""

_OVERFIT = 0.5
_SOUND = 0.05
_PLATEAU, _SPIKE = 0.7, 0.3


def verdict(judged: Judgement) -> str:
    """Return what the best trial is worth in one sentence."""
    if judged.trials == 0:
        return "There is no result: no trial was made."
    if judged.best is None:
        return (
            f"There is no best trial: none of {_trials(judged.trials)} has an objective. They "
            "failed, or traded too little."
        )
    sharpe = finite(judged.best_sharpe)
    if sharpe is None:
        return "The best trial has no Sharpe ratio, so nothing can be said of luck."
    said = f"The best of {_trials(judged.trials)} has a Sharpe ratio of {number(sharpe)}"
    luck = judged.luck
    if luck.expected is None:
        return f"{said}."
    said += f"; luck alone would show {number(luck.expected)}"
    if luck.deflated is None:
        return f"{said}."
    sure = "convincing" if luck.deflated >= CONVINCING else "not convincing"
    return f"{said}. That it has skill is {percent(luck.deflated, 0)} probable: {sure}."


def cautions(judged: Judgement) -> list[str]:
    """Return what should keep a reader from using the best trial, gravest first."""
    if judged.best is None:
        return []
    found = []
    luck, near = judged.luck, judged.neighbourhood
    if luck.deflated is not None and luck.deflated < CONVINCING:
        found.append(
            "Luck is not ruled out: try fewer, better founded trials on more data, or look at the "
            "best one on data that no trial has seen."
        )
    if judged.overfitting is not None and judged.overfitting.probability >= _OVERFIT:
        found.append(
            "Which trial is best does not last: picking it was no better than picking any of them."
        )
    if near is not None and near.ratio is not None and near.ratio < _SPIKE:
        found.append("The best trial stands alone: its neighbours are far worse.")
    if judged.counted < judged.trials:
        left = judged.trials - judged.counted
        found.append(
            f"{_trials(left)} of {number(judged.trials, 0)} {'does' if left == 1 else 'do'} not "
            "count: failed, or with too few trades. They are among those counted against luck."
        )
    return found


def meanings(judged: Judgement) -> list[tuple[str, str]]:
    """Return each statistic's name, and what it says here; nothing without a best trial."""
    if judged.best is None:
        return []
    return [
        ("Luck", _luck(judged)),
        ("Overfitting", _overfitting(judged)),
        ("Later", _later(judged)),
        ("Neighbours", _neighbours(judged)),
    ]


def _luck(judged: Judgement) -> str:
    luck = judged.luck
    said = f"{_trials(luck.trials)} {'was' if luck.trials == 1 else 'were'} made on this data"
    if luck.trials > judged.trials:
        said += f", {number(luck.trials - judged.trials, 0)} of them before this sweep"
    said += (
        f"; with a mean correlation of {number(judged.correlation)} the sweep amounts to "
        f"{_independent(luck.effective)}"
    )
    if luck.expected is None:
        return f"{said}. There are too few Sharpe ratios to say what luck would show."
    said += f". The best of so many without skill would show {number(luck.expected)}"
    if luck.deflated is None:
        return f"{said}. The best trial's returns do not tell how sure its own figure is."
    return (
        f"{said}. Given how long, skewed and fat-tailed its returns are, the best trial beats that "
        f"with a probability of {percent(luck.deflated, 0)}; {percent(CONVINCING, 0)} would be "
        "convincing."
    )


def _overfitting(judged: Judgement) -> str:
    found = judged.overfitting
    if found is None:
        return "Too few trials or bars to pick in one half of the time and look at the other."
    worth = "picking the best here is no better than picking any"
    if found.probability <= _SOUND:
        worth = "what is best here tends to stay good"
    elif found.probability < _OVERFIT:
        worth = "picking the best here helps, but not reliably"
    return (
        f"Picked in one half of the time, the best trial is in the lower half of all trials in the "
        f"other half in {percent(found.probability, 0)} of {number(len(found.logits), 0)} splits "
        f"(50 % is chance): {worth}. It loses money there in {percent(found.loss, 0)}."
    )


def _later(judged: Judgement) -> str:
    decay = judged.decay
    if decay is None:
        return "Too few bars to part them into early and late."
    yearly = math.sqrt(judged.per_year)
    said = (
        "What was best in the first 70 % of the bars had a Sharpe ratio of "
        f"{number(decay.early * yearly)} there and {number(decay.late * yearly)} after them"
    )
    if decay.lost is not None:
        said += f" ({_change(decay.lost)})"
    return (
        f"{said}; the best tenth, in the median, {number(decay.decile_early * yearly)} and "
        f"{number(decay.decile_late * yearly)}. The best trial of the whole sweep, which was "
        f"picked knowing both parts: {number(decay.best_early * yearly)} and "
        f"{number(decay.best_late * yearly)}."
    )


def _neighbours(judged: Judgement) -> str:
    near = judged.neighbourhood
    if near is None:
        return "No neighbour of the best trial has an objective."
    which = "at most one value away on every axis" if near.grid else "nearest to the best"
    many = "trial" if near.trials == 1 else f"{near.trials} trials"
    reach = "reaches" if near.trials == 1 else "reach, in the median,"
    if near.ratio is None:
        return f"The {many} {which} {reach} {number(near.median)}; the best is not above 0."
    kind = "a slope: small changes cost much"
    if near.ratio >= _PLATEAU:
        kind = "a plateau"
    elif near.ratio < _SPIKE:
        kind = "a spike, as luck makes them"
    return f"The {many} {which} {reach} {percent(near.ratio, 0)} of the best objective: {kind}."


def _change(lost: float) -> str:
    if lost > 1.0:
        return "all of it was gone"
    return f"{percent(lost, 0)} was gone" if lost > 0.0 else "nothing was lost"


def _trials(count: int) -> str:
    return "1 trial" if count == 1 else f"{number(count, 0)} trials"


def _independent(count: float) -> str:
    shown = number(count, 0 if count >= 10 else 1)
    return f"{shown} independent one{'s' * (shown not in ('1', '1.0'))}"
