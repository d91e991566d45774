"""What is compared, what it has to reach, and the table that says whether it does."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from systems import OURS, RUST_API, RUST_DIRECT

Figures = dict[str, dict[str, list[float]]]
"""Of each work and system, one figure a round."""


@dataclass(frozen=True)
class Work:
    """One kind of work, and how its figure reads."""

    title: str
    unit: str
    more_is_better: bool = False
    beside: str | None = None
    """Work of the peers that ours stands beside, where they have no such work."""


@dataclass(frozen=True)
class Budget:
    """What a figure has to reach."""

    kind: str
    """``must`` or ``aim``."""
    bound: float
    against: str | None = None
    """The bound is a multiple of what this peer reaches; None: of the unit."""


_RATE, _PAIRS = "bars/s", "pair-bars/s"

WORKS = {
    "single": Work("one crossover", _RATE, True),
    "single:kernel": Work("one crossover, simulation alone", _RATE, True),
    "stops": Work("with stop, target, trailing stop", _RATE, True),
    "stops:kernel": Work("with stops, simulation alone", _RATE, True),
    "rules": Work("every rule on; peers: stops only", _RATE, True, beside="stops"),
    "rules:kernel": Work("every rule on, simulation alone", _RATE, True),
    "pairs": Work("every rule on, 5 pairs, one account", _PAIRS, True),
    "pairs:kernel": Work("5 pairs, simulation alone", _PAIRS, True),
    "cost": Work("cost of a bar, every rule on over bare", "×"),
    "cost:kernel": Work("the same of the simulation alone", "×"),
    "small": Work("one crossover, 10,000 bars (0.25 ms: 40 M)", _RATE, True),
    "process 1": Work("whole process, a year of 15 minutes, 1 pair", "s"),
    "process 5": Work("whole process, 5 pairs", "s"),
    "report 1": Work("whole process with report.html, 1 pair", "s"),
    "report 5": Work("whole process with report.html, 5 pairs", "s"),
    "sweep": Work("sweep of crossovers × 35,040 bars", "trials/s", True),
    "memory": Work("peak memory, 5 pairs × 500,000 bars", "GiB"),
    "compile": Work("first process, nothing compiled", "s"),
    "notices": Work("lines of it that say so", "lines", True),
    "load": Work("first call, compiled code from disk", "s"),
}

BUDGETS = {
    "single": (Budget("must", 3, RUST_API), Budget("aim", 2, RUST_DIRECT)),
    "rules": (Budget("must", 2, RUST_API),),
    "pairs": (Budget("aim", 50e6),),
    "cost": (Budget("must", 3),),
    "cost:kernel": (Budget("must", 3),),
    "small": (Budget("must", 40e6),),
    "process 1": (Budget("must", 3.0), Budget("aim", 1.5)),
    "process 5": (Budget("must", 3.2), Budget("aim", 1.7)),
    "report 1": (Budget("must", 5.0), Budget("aim", 3.0)),
    "report 5": (Budget("must", 6.0), Budget("aim", 3.5)),
    "sweep": (Budget("must", 2_000), Budget("aim", 8_000)),
    "memory": (Budget("must", 1.5),),
    "compile": (Budget("must", 30.0),),
    "notices": (Budget("must", 1),),
    "load": (Budget("must", 0.5),),
}


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    work: str
    system: str
    """A peer; empty where ours stands alone."""
    theirs: float | None
    ours: float
    ratio: float | None
    """How many times better ours is."""
    budgets: tuple[tuple[Budget, bool], ...]
    """Each with whether it is met."""


def derive(figures: Figures) -> None:
    """Add what follows from other figures: the cost of every rule."""
    for suffix in ("", ":kernel"):
        bare, every = (figures.get(name + suffix, {}).get(OURS) for name in ("single", "rules"))
        if bare and every:
            figures[f"cost{suffix}"] = {OURS: [median(bare) / median(every)]}


def judge(figures: Figures) -> list[Row]:
    """Return the rows of all works that ours has a figure of."""
    rows = []
    for name, work in WORKS.items():
        if OURS not in figures.get(name, {}):
            continue
        ours = median(figures[name][OURS])
        beside = figures.get(work.beside or name, {})
        budgets = BUDGETS.get(name, ())
        alone = tuple((b, _reaches(ours, b, work)) for b in budgets if b.against is None)
        others = [system for system in beside if system != OURS]
        if alone or not others:
            rows.append(Row(name, "", None, ours, None, alone))
        for system in others:
            theirs = median(beside[system])
            ratio = ours / theirs if work.more_is_better else theirs / ours
            met = tuple((b, ratio >= b.bound) for b in budgets if b.against == system)
            rows.append(Row(name, system, theirs, ours, ratio, met))
    return rows


def _reaches(figure: float, budget: Budget, work: Work) -> bool:
    return figure >= budget.bound if work.more_is_better else figure <= budget.bound


def not_measured(rows: list[Row]) -> list[str]:
    """Return, in words, the budgets on measured works whose peer was not there."""
    judged = {(row.work, budget) for row in rows for budget, _ in row.budgets}
    return [
        f"{WORKS[name].title}: {_condition(budget, WORKS[name])} {budget.against}"
        for name in dict.fromkeys(row.work for row in rows)
        for budget in BUDGETS.get(name, ())
        if (name, budget) not in judged
    ]


def table(rows: list[Row]) -> str:
    """Return the rows as a Markdown table."""
    head = ("work", "unit", "peer", "theirs", "ours", "times better", "budget")
    cells = [head]
    for row in rows:
        work = WORKS[row.work]
        verdicts = [
            f"{_condition(budget, work)}: {'met' if met else 'NOT MET'}"
            for budget, met in row.budgets
        ]
        ratio = "–" if row.ratio is None else _number(row.ratio)
        theirs = "–" if row.theirs is None else _number(row.theirs)
        numbers = (theirs, _number(row.ours), ratio)
        cells.append((work.title, work.unit, row.system or "–", *numbers, "; ".join(verdicts)))
    widths = [max(len(line[k]) for line in cells) for k in range(len(head))]
    lines = [
        "| "
        + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        + " |"
        for line in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def _condition(budget: Budget, work: Work) -> str:
    more = work.more_is_better or budget.against is not None
    times = " ×" if budget.against is not None else ""
    return f"{budget.kind} {'≥' if more else '≤'} {_number(budget.bound)}{times}"


def _number(value: float) -> str:
    """Return `value` to three figures or so."""
    if value >= 1e6:
        return f"{value / 1e6:,.1f} M"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
