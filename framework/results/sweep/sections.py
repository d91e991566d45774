"""The sweep page's text and tables as plain HTML: complete without any script."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from framework.results.page.markup import bar, empty, table, text, tone
from framework.results.page.wording import finite, number, percent
from framework.results.sweep import wording
from framework.results.sweep.axes import written
from framework.results.sweep.commands import command_line
from framework.results.sweep.curves import Curves
from framework.results.sweep.judgement import Judgement, Tried, ranked
from framework.results.sweep.overfitting import STRETCHES
from framework.types import FloatArray

LISTED = 20
"""Most trials in the table, and most kinds of fault below it."""

_COLUMNS = (
    ("sharpe", "Sharpe"),
    ("total_return", "Return"),
    ("max_drawdown", "Drawdown"),
    ("trades", "Trades"),
)


@dataclass(frozen=True, slots=True)
class SweepFacts:
    """What the page says besides the trials.

    Parameters
    ----------
    strategy, objective : str
        Names, as a person wrote them.
    labels : sequence of str
        What was swept on what: pairs, interval, range.
    command : sequence of str
        Words that all trials share, from ``python`` on; a trial's own are put behind them.
    errors : mapping of int to str
        Number of each trial that failed to what was wrong.
    figures : mapping
        More to list, such as seconds and trials a second.
    notices : sequence of str
        What a reader must know of the data, one sentence each.
    curves : Curves
        Equity of the best trials.
    """

    strategy: str
    objective: str = "sharpe"
    labels: Sequence[str] = ()
    command: Sequence[str] = ("python", "-m", "framework")
    errors: Mapping[int, str] = field(default_factory=dict)
    figures: Mapping[str, Any] = field(default_factory=dict)
    notices: Sequence[str] = ()
    curves: Curves = field(default_factory=Curves)


def tiles(tried: Tried, judged: Judgement, name: str) -> str:
    """Return the key figures, each with the one beside which it makes sense."""
    luck, found = judged.luck, judged.overfitting
    decay, near = judged.decay, judged.neighbourhood
    figures = judged.figures()
    if name == "sharpe":
        gained = tried.metrics.get("total_return")
        total = None if judged.best is None or gained is None else gained[judged.best]
        first = ("Return of the best", percent(total, sign=True))
    else:
        first = (f"Best {name}", number(judged.best_objective, 3))
    shown = (
        (
            *first,
            "no trial counts" if judged.best is None else f"trial no. {judged.best_number}",
            "",
        ),
        (
            "Sharpe of the best",
            number(judged.best_sharpe),
            f"luck alone {number(luck.expected)}",
            tone(judged.best_sharpe),
        ),
        (
            "Deflated Sharpe",
            percent(luck.deflated, 0),
            "probability of skill",
            "",
        ),
        (
            "Overfitting (PBO)",
            percent(found.probability if found else None, 0),
            "50\u202f% is chance",
            "",
        ),
        (
            "Kept later",
            percent(None if decay is None or decay.lost is None else 1 - decay.lost, 0),
            f"Sharpe {number(figures['decay_early_sharpe'])}, then "
            f"{number(figures['decay_late_sharpe'])}",
            "",
        ),
        (
            "Neighbours",
            percent(near.ratio if near else None, 0),
            f"of the best, {near.trials if near else 0} trials",
            "",
        ),
        (
            "Trials",
            number(judged.trials, 0),
            f"{number(luck.trials, 0)} ever on this data",
            "",
        ),
        (
            "Independent",
            number(luck.effective, 0 if luck.effective >= 10 else 1),
            f"mean correlation {number(judged.correlation)}",
            "",
        ),
    )
    return "".join(
        f'<div class="tile"><dt>{text(title)}</dt><dd class="value {kind}">{text(value)}</dd>'
        f'<dd class="beside">{text(beside)}</dd></div>'
        for title, value, beside, kind in shown
    )


def meanings(judged: Judgement) -> str:
    """Return what each statistic says; nothing where none says anything."""
    rows = "".join(
        f"<div><dt>{text(title)}</dt><dd>{text(said)}</dd></div>"
        for title, said in wording.meanings(judged)
    )
    if not rows:
        return ""
    return (
        '<section aria-labelledby="h-meanings"><h2 id="h-meanings">What the best trial is worth'
        f'</h2><dl class="meanings">{rows}</dl></section>'
    )


def importance(judged: Judgement) -> str:
    """Return a bar for each axis."""
    if not judged.axes:
        return empty("No axis has more than one value.")
    rows = []
    pairs = zip(judged.axes, judged.importance, strict=True)
    for axis, share in sorted(pairs, key=lambda pair: -(pair[1] or 0.0)):
        ends = f"{len(axis.values)} values"
        if axis.numeric:
            ends += f", {written(axis.values[0])} to {written(axis.values[-1])}"
        rows.append(
            f'<tr><th scope="row" class="key">{text(axis.name)}</th><td>{percent(share, 0)}</td>'
            f'<td class="txt">{text(ends)}</td>{bar(share or 0.0, plain=True)}</tr>'
        )
    head = (
        '<th scope="col">Key</th><th scope="col">Share</th><th scope="col" class="txt">Values</th>'
        '<th class="wide"></th>'
    )
    note = (
        "How much of the objective's variance the key explains alone, less what chance would; "
        "what it does only together with others is not in it. n/a: too few trials to tell."
    )
    return table(head, rows, "importance") + f'<p class="note">{text(note)}</p>'


def best_trials(tried: Tried, judged: Judgement, facts: SweepFacts) -> str:
    """Return the best trials, each with the command that makes it again."""
    order = ranked(tried.objective)[:LISTED].tolist()
    if not order:
        return empty("No trial counts.")
    return trial_table(tried, judged, facts, order, {facts.objective: tried.objective})


def trial_table(
    tried: Tried,
    judged: Judgement,
    facts: SweepFacts,
    order: Sequence[int],
    objectives: Mapping[str, FloatArray],
) -> str:
    """Return trials as a table, in some order, each with the command that makes it again."""
    metrics = [
        (key, title) for key, title in _COLUMNS if key in tried.metrics and key not in objectives
    ]
    titles = ["Rank", "No.", *objectives, *(title for _, title in metrics)]
    titles += [axis.label for axis in judged.axes]
    head = "".join(f'<th scope="col">{text(title)}</th>' for title in titles)
    rows = []
    for rank, row in enumerate(order, start=1):
        cells = [str(rank), str(tried.number(row))]
        cells += [number(values[row], 3) for values in objectives.values()]
        cells += [_metric(key, tried.metrics[key][row]) for key, _ in metrics]
        cells += [written(axis.values[axis.level[row]]) for axis in judged.axes]
        shown = "".join(f"<td>{text(value)}</td>" for value in cells)
        params = {key: values[row] for key, values in tried.params.items()}
        command = command_line(facts.command, params)
        rows.append(
            f'<tr>{shown}</tr><tr class="command"><td colspan="{len(cells)}">'
            f"<code>{text(command)}</code></td></tr>"
        )
    return table(head, rows, "best")


def _metric(key: str, value: float) -> str:
    if key in ("total_return", "max_drawdown"):
        down = key == "max_drawdown"
        found = finite(value)
        return percent(None if found is None else -found if down else found, sign=not down)
    return number(value, 0 if key == "trades" else 2)


def faults(facts: SweepFacts) -> str:
    """Return the trials that failed, by what was wrong; nothing where none did."""
    if not facts.errors:
        return ""
    kinds = Counter(facts.errors.values())
    first: dict[str, int] = {}
    for index, said in facts.errors.items():
        first.setdefault(said, index)
    rows = [
        f'<tr><td class="txt">{text(said)}</td><td>{number(count, 0)}</td>'
        f"<td>{first[said]}</td></tr>"
        for said, count in kinds.most_common(LISTED)
    ]
    head = (
        '<th scope="col">What was wrong</th><th scope="col">Trials</th><th scope="col">First no.'
        "</th>"
    )
    return (
        '<section aria-labelledby="h-faults"><h2 id="h-faults">Failed trials</h2>'
        f"{table(head, rows, 'faults')}</section>"
    )


def all_figures(judged: Judgement, facts: SweepFacts) -> str:
    """Return every figure, as in ``sweep.json``."""
    values = {**judged.figures(), **facts.figures}
    rows = "".join(
        f"<div><dt>{text(name)}</dt><dd>{text(_figure(value))}</dd></div>"
        for name, value in values.items()
    )
    note = (
        f"Sharpe ratios are annualised; PBO is over {STRETCHES} stretches of time. Formulas and "
        "sources: docs/sweeps.md."
    )
    return f'<dl class="facts">{rows}</dl><p class="note">{text(note)}</p>'


def _figure(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else "n/a" if value is None else str(value)
