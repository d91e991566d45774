"""The page's part on the model, nothing where the rules use none: its tables as plain HTML."""

from __future__ import annotations

from collections.abc import Sequence

from framework.results.model_judgement import Importance, ModelJudgement, ScoreRow
from framework.results.page.markup import bar, table, text, tone
from framework.results.page.wording import NONE, number, percent, words

_COLUMNS = (
    ("accuracy", "Accuracy"),
    ("majority", "Most frequent"),
    ("precision", "Precision"),
    ("recall", "Recall"),
    ("f1", "F1"),
    ("auc", "AUC"),
    ("brier", "Brier"),
    ("log_loss", "Log loss"),
    ("correlation", "Correlation"),
    ("r2", "R²"),
    ("rmse", "RMSE"),
    ("mae", "MAE"),
    ("pinball", "Pinball"),
)
_PER_CENT = ("accuracy", "majority", "precision", "recall")
_SMALL = ("rmse", "mae", "pinball")
_SCORES = {"auc": "AUC", "correlation": "correlation"}


def model(judged: ModelJudgement | None) -> str:
    """Return all sections on the model."""
    if judged is None:
        return ""
    said = f"{judged.model}: {judged.predicts}, out of sample"
    first = "".join((_scores(judged), _regimes(judged), _classes(judged)))
    return "\n" + "".join(
        (
            f'<section aria-labelledby="h-model"><h2 id="h-model">Model <small>{text(said)}</small>'
            f"</h2>{first}</section>",
            _side_by_side(_calibration(judged), _groups(judged), _histogram(judged)),
            _importances(judged),
            _rule(judged),
            _seeds(judged),
        )
    )


def _scores(judged: ModelJudgement) -> str:
    """Return the scores of all samples, by fold and by pair, in one table."""
    if not judged.score:
        (row,) = judged.rows
        return _note(
            f"{number(row.samples, 0)} predictions; it learns no label, so there is nothing to "
            "score it by."
        )
    every = (*judged.rows, *judged.folds, *judged.pairs)
    known = {name for row in every for name in row.scores}
    columns = [(name, shown) for name, shown in _COLUMNS if name in known]
    head = "".join(
        f'<th scope="col">{text(shown)}</th>' for shown in ("Samples", *(s for _, s in columns))
    )
    rows = [
        f'<tr{style}><th scope="row">{text(row.of)}</th><td>{number(row.samples, 0)}</td>'
        + "".join(f"<td>{_score(row, name)}</td>" for name, _ in columns)
        + "</tr>"
        for style, some in (
            (' class="sum"', judged.rows),
            ("", judged.folds),
            ("", judged.pairs),
        )
        for row in some
    ]
    chance = "0.5" if judged.score == "auc" else "0"
    note = (
        f"{_SCORES[judged.score]} is {chance} where nothing is known; behind ± stands the standard "
        "error that it has there, with labels that overlap and pairs that move together counted "
        "once."
    )
    return f"{table(f'<th></th>{head}', rows, 'scores')}{_note(note)}"


def _score(row: ScoreRow, name: str) -> str:
    value = row.scores.get(name)
    if name in _PER_CENT:
        return percent(value, 1)
    if name in _SMALL:
        return NONE if value is None else f"{value:.3g}"
    shown = number(value, 3)
    error = row.scores.get(f"{name}_error")
    return shown if error is None or value is None else f"{shown} ± {number(error, 3)}"


def _classes(judged: ModelJudgement) -> str:
    """Return the classes that came against those predicted."""
    if not judged.classes:
        return ""
    head = "".join(f'<th scope="col">{text(name)} predicted</th>' for name in judged.classes)
    rows = []
    for name, counts in zip(judged.classes, judged.confusion, strict=True):
        total = sum(counts)
        cells = "".join(
            f"<td>{number(count, 0)} ({percent(count / total if total else None, 1)})</td>"
            for count in counts
        )
        rows.append(
            f'<tr><th scope="row">{text(name)} came</th>{cells}<td>{number(total, 0)}</td></tr>'
        )
    shown = table(f'<th></th>{head}<th scope="col">In all</th>', rows, "classes")
    return (
        f"<h3>What was predicted, and what came</h3>{shown}"
        f"{_note('Per cent of those that came. Predicted is the likeliest class.')}"
    )


def _calibration(judged: ModelJudgement) -> str:
    if not judged.calibration:
        return ""
    return _section(
        "calibration",
        "Calibration <small>by tenths of the probability</small>",
        _chart("calibration", "low", "No predictions.")
        + _note("On the dashed line, things happen as often as they are said to."),
    )


def _groups(judged: ModelJudgement) -> str:
    if not judged.groups:
        return ""
    return _section(
        "groups",
        "Prediction against outcome <small>by tenths, the lowest first</small>",
        _chart("groups", "low", "No predictions.") + _note(f"Mean {judged.outcome}."),
    )


def _histogram(judged: ModelJudgement) -> str:
    if judged.histogram is None:
        return ""
    return _section(
        "spread",
        f"How {text(words(judged.histogram.output))} is spread",
        _chart("histogram", "low", "No predictions."),
    )


def _importances(judged: ModelJudgement) -> str:
    """Return what each input counts, what is lost most without it first."""
    told = [row for row in judged.importances if row.gain is not None or row.loss is not None]
    if not told:
        return ""
    told.sort(key=lambda row: (-(row.loss or 0.0), -(row.gain or 0.0)))
    most = max(abs(row.loss or 0.0) for row in told) or 1.0
    largest = max(row.gain or 0.0 for row in told) or 1.0
    rows = [
        f"<tr><td>{text(row.input)}</td>"
        f"<td>{percent(row.gain, 1)}</td>{bar((row.gain or 0.0) / largest, plain=True)}"
        f'<td class="{tone(row.loss)}">{_loss(row)}</td>{bar((row.loss or 0.0) / most)}</tr>'
        for row in told
    ]
    score = _SCORES.get(judged.score, "score")
    head = (
        '<th scope="col">Input</th><th scope="col">Share of gain</th><th class="wide"></th>'
        f'<th scope="col">{text(score)} lost without it</th><th class="wide"></th>'
    )
    return _section(
        "importance",
        "What each input counts",
        table(head, rows, "importance") + _note(judged.permuted),
    )


def _loss(row: Importance) -> str:
    shown = number(row.loss, 4, sign=True)
    return shown if row.loss is None or row.spread is None else f"{shown} ± {number(row.spread, 4)}"


def _rule(judged: ModelJudgement) -> str:
    rule = judged.rule
    if rule is None:
        return ""
    note = (
        f"Every pair has an equal share, all of it {rule.rule}, bought and sold at closes. "
        "No sizes, stops or limits: what the prediction alone is worth."
    )
    return _section(
        "rule",
        "The simplest rule on it <small>1 at the start</small>",
        _chart("rule", "", "No bars.") + _note(note),
    )


def _seeds(judged: ModelJudgement) -> str:
    band = judged.seeds
    if band is None:
        return ""
    note = (
        f"Fold {band.fold} fitted anew, in short, with {len(band.seeds)} other seeds: "
        f"{_SCORES[judged.score]} {_range(band.scores)} on later bars, where the simplest rule "
        f"ends at {_range(band.free_KT[:, -1].tolist())} without costs."
    )
    return _section("seeds", "Other seeds", _note(note) + _chart("seeds", "low", "No bars."))


def _range(values: Sequence[float]) -> str:
    low, high = number(min(values), 3), number(max(values), 3)
    return f"{low} each time" if min(values) == max(values) else f"{low} to {high}"


def _regimes(judged: ModelJudgement) -> str:
    if not judged.regimes:
        return ""
    rows = [
        f'<tr><th scope="row">{row.regime}</th><td>{number(row.samples, 0)}</td>'
        f"<td>{percent(row.share, 1)}</td>{bar(row.share, plain=True)}"
        f'<td class="{tone(row.mean_return)}">{percent(row.mean_return, 4, sign=True)}</td>'
        f"<td>{percent(row.volatility, 3)}</td></tr>"
        for row in judged.regimes
    ]
    head = (
        '<th scope="col">Regime</th><th scope="col">Bars</th><th scope="col">Share</th>'
        '<th class="wide"></th><th scope="col">Mean of the next bar</th>'
        '<th scope="col">Volatility of the next bar</th>'
    )
    return table(head, rows, "regimes") + _note(
        "Log-returns into the bar after, not annualised, all pairs together."
    )


def _section(name: str, heading: str, inside: str) -> str:
    return (
        f'<section aria-labelledby="h-model-{name}"><h2 id="h-model-{name}">{heading}</h2>'
        f"{inside}</section>"
    )


def _side_by_side(*sections: str) -> str:
    shown = [section for section in sections if section]
    return f'<div class="two">{"".join(shown)}</div>' if len(shown) > 1 else "".join(shown)


def _chart(name: str, size: str, said: str) -> str:
    return f'<div class="chart {size}" id="model-{name}" data-empty="{text(said)}"></div>'


def _note(said: str) -> str:
    return f'<p class="note">{text(said)}</p>' if said else ""
