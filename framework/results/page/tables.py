"""The page's tables as plain HTML: months, costs, groups of trades, single trades, vetoes."""

from __future__ import annotations

import numpy as np

from framework.records import Kind
from framework.results.folds import fold_rows
from framework.results.outcome import Outcome
from framework.results.page.markup import bar, cell, empty, table, text, tone
from framework.results.page.wording import (
    Metrics,
    finite,
    minute,
    number,
    percent,
    price,
    reason_words,
)
from framework.types import RecordArray, format_times

_LISTED = 50
_COLUMNS = (
    ("No.", "num"),
    ("Pair", "txt"),
    ("Side", "txt"),
    ("Result", "num"),
    ("After costs", "num"),
    ("Ended by", "txt"),
    ("Entered", "txt"),
    ("Left", "txt"),
    ("Bars", "num"),
    ("Entry", "num"),
    ("Exit", "num"),
    ("Units", "num"),
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def monthly(outcome: Outcome) -> str:
    """Return the months' returns as a heat map, with the years' totals."""
    if not len(outcome.time):
        return empty("No bars.")
    month = outcome.time.astype("datetime64[ns]").astype("datetime64[M]").astype(np.int64)
    last = np.append(np.flatnonzero(np.diff(month)), len(month) - 1)
    ends = outcome.equity[last]
    starts = np.concatenate([[outcome.initial_cash], ends[:-1]])
    gains = {
        int(key): _gain(float(start), float(end))
        for key, start, end in zip(month[last], starts, ends, strict=True)
    }
    first_of = dict(zip((month[last]).tolist(), starts.tolist(), strict=True))
    end_of = dict(zip((month[last]).tolist(), ends.tolist(), strict=True))
    sizes = [abs(gain) for gain in gains.values() if gain is not None]
    scale = max(float(np.quantile(sizes, 0.9)), 0.005) if sizes else 1.0
    rows = []
    for year in range(min(gains) // 12, max(gains) // 12 + 1):
        keys = [year * 12 + index for index in range(12)]
        known = [key for key in keys if key in gains]
        total = _gain(first_of[known[0]], end_of[known[-1]]) if known else None
        cells = "".join(
            _heat(gains[key], scale) if key in gains else '<td class="void"></td>' for key in keys
        )
        rows.append(
            f'<tr><th scope="row">{1970 + year}</th>{cells}'
            f'<td class="total {tone(total)}">{percent(total, 1, sign=True)}</td></tr>'
        )
    head = "".join(f'<th scope="col">{name}</th>' for name in _MONTHS)
    return table(f"<th>Year</th>{head}<th scope='col'>Total</th>", rows, "months")


def folds(outcome: Outcome) -> str:
    """Return the section of the parts that are judged apart, nothing where there are none."""
    if not outcome.parts:
        return ""
    rows = [
        f'<tr><td>{row.fold}</td><th scope="row">{text(row.part)}</th>'
        f'<td class="txt">{minute(row.start)}</td><td class="txt">{minute(row.end)}</td>'
        f"<td>{number(row.bars, 0)}</td>"
        f'<td class="{tone(row.total_return)}">{percent(row.total_return, sign=True)}</td>'
        f"<td>{number(row.sharpe)}</td>"
        f"<td>{percent(row.max_drawdown)}</td>"
        f"<td>{number(row.trades, 0)}</td></tr>"
        for row in fold_rows(outcome)
    ]
    names = ("Fold", "Part", "From", "To", "Bars", "Return", "Sharpe", "Drawdown", "Trades")
    head = "".join(f'<th scope="col">{name}</th>' for name in names)
    return (
        '<section aria-labelledby="h-folds"><h2 id="h-folds">Parts judged apart</h2>'
        f'{table(head, rows, "folds")}<p class="note">Traded once over all of them: each part '
        "begins with the equity and the positions of the close before it.</p></section>"
    )


def costs(outcome: Outcome, metrics: Metrics) -> str:
    """Return how the result before costs became the result after them."""
    fees, slippage = finite(metrics.get("fees_paid")), finite(metrics.get("slippage_paid"))
    if fees is None or slippage is None or not len(outcome.equity):
        return empty("No costs were recorded.")
    net = float(outcome.equity[-1]) - outcome.initial_cash
    owed = float(outcome.shorts.owed[-1])
    borrowing = (finite(metrics.get("borrow_paid")) or 0.0) + owed
    gross = net + fees + slippage + borrowing
    lines = (
        ("Result before costs", gross, ""),
        ("Fees", -fees, ""),
        ("Spread, slippage and impact", -slippage, ""),
        *((("Borrowing", -borrowing, ""),) if borrowing else ()),
        ("Result after costs", net, "sum"),
    )
    most = max(abs(value) for _, value, _ in lines) or 1.0
    rows = [
        f'<tr class="{kind}"><th scope="row">{text(name)}</th>'
        f'<td class="{tone(value)}">{number(value, 2, sign=True)}</td>'
        f"<td>{percent(value / outcome.initial_cash, sign=True)}</td>{bar(value / most)}</tr>"
        for name, value, kind in lines
    ]
    head = (
        f'<th></th><th scope="col">{text(outcome.quote)}</th>'
        '<th scope="col">Of cash</th><th class="wide"></th>'
    )
    traded = float(np.abs(outcome.fills["quote"]).sum())
    note = f"Of cash: of the {number(outcome.initial_cash, 0)} {outcome.quote} at the start."
    if traded > 0:
        note = (
            f"{number(traded, 0)} {outcome.quote} were traded. Fees took "
            f"{number(fees / traded * 1e4, 1)} bps of that, spread and slippage "
            f"{number(slippage / traded * 1e4, 1)} bps; before all costs, trading earned "
            f"{number(gross / traded * 1e4, 1)} bps. {note}"
        )
    if owed:
        note += (
            f" Of the cost of borrowing, {number(owed, 2)} {outcome.quote} are owed for shorts "
            "still open."
        )
    return table(head, rows, "costs") + f'<p class="note">{text(note)}</p>'


def by_pair(outcome: Outcome) -> str:
    """Return the trades summed up pair by pair."""
    trades = outcome.trades
    groups = [(pair, trades["pair"] == index) for index, pair in enumerate(outcome.pairs)]
    return _grouped(outcome, "Pair", groups)


def by_reason(outcome: Outcome) -> str:
    """Return the trades summed up by what ended them."""
    trades = outcome.trades
    if not len(trades):
        return empty("No trades.")
    closed = ~trades["open"]
    groups = [
        (reason_words(int(reason)), closed & (trades["reason"] == reason))
        for reason in np.unique(trades["reason"][closed])
    ]
    if trades["open"].any():
        groups.append(("still open", trades["open"]))
    groups.sort(key=lambda group: -int(np.count_nonzero(group[1])))
    return _grouped(outcome, "Ended by", groups)


def trades_table(outcome: Outcome) -> str:
    """Return the last, the best and the worst trades in one table that the page can sort."""
    trades = outcome.trades
    if not len(trades):
        return empty("No trades: nothing was bought or sold.")
    order = np.argsort(trades["fraction"], kind="stable")
    views = {
        "last": np.arange(max(len(trades) - _LISTED, 0), len(trades)),
        "best": order[::-1][:_LISTED],
        "worst": order[:_LISTED],
    }
    member: dict[int, list[str]] = {}
    for name, chosen in views.items():
        for index in chosen.tolist():
            member.setdefault(index, []).append(name)
    kept = np.array(sorted(member, reverse=True))
    rows = _trade_rows(outcome, trades[kept], [member[index] for index in kept.tolist()], kept)
    head = "".join(
        f'<th scope="col" aria-sort="none" class="{kind}" data-sort="{name.lower()}">'
        f'<button type="button">{text(name)}</button></th>'
        for name, kind in _COLUMNS
    )
    buttons = "".join(
        f'<button type="button" data-view="{name}" aria-pressed="false">{label}</button>'
        for name, label in (("last", "Last"), ("best", "Best"), ("worst", "Worst"))
    )
    note = f"All {len(trades):,} trades."
    if len(kept) < len(trades):
        note = f"The last, best and worst {_LISTED} of {len(trades):,} trades; all: trades.csv."
    note += f" Times are UTC; “after costs” is in {outcome.quote}."
    return (
        f'<div class="segments needs-script" data-for="trades" role="group" '
        f'aria-label="Which trades">{buttons}</div>'
        + table(head, rows, "trades", identity="trades")
        + f'<p class="note">{text(note)}</p>'
    )


def vetoes(outcome: Outcome) -> str:
    """Return how many orders were refused, cancelled or expired, by reason."""
    events = outcome.events
    kinds = ((Kind.VETOED, "vetoed"), (Kind.CANCELLED, "cancelled"), (Kind.EXPIRED, "expired"))
    found = []
    for kind, name in kinds:
        reasons, counts = np.unique(events["reason"][events["kind"] == kind], return_counts=True)
        found += [
            (int(count), name, reason_words(int(reason)))
            for reason, count in zip(reasons, counts, strict=True)
        ]
    if not found:
        return empty("No order was vetoed, cancelled or expired.")
    most = max(count for count, _, _ in found)
    rows = [
        f'<tr><th scope="row">{text(reason)}</th><td class="txt">{text(name)}</td>'
        f"<td>{number(count, 0)}</td>{bar(count / most, plain=True)}</tr>"
        for count, name, reason in sorted(found, reverse=True)
    ]
    head = (
        '<th scope="col">Reason</th><th scope="col" class="txt">Order</th>'
        '<th scope="col">Times</th><th class="wide"></th>'
    )
    return table(head, rows, "vetoes")


def _trade_rows(
    outcome: Outcome, trades: RecordArray, views: list[list[str]], index: np.ndarray
) -> list[str]:
    entered = format_times(trades["entry_time"])
    left = format_times(trades["exit_time"])
    places = index.tolist()
    rows = []
    for row, trade in enumerate(trades.tolist()):
        one = dict(zip(trades.dtype.names or (), trade, strict=True))
        pair = outcome.pairs[one["pair"]]
        left_key = one["exit_time"] or 2**62
        ended = "still open" if one["open"] else reason_words(one["reason"])
        cells = (
            cell(places[row] + 1, str(places[row] + 1)),
            cell(pair, pair, "txt"),
            cell(one["side"], "long" if one["side"] > 0 else "short", "txt"),
            cell(one["fraction"], percent(one["fraction"], 2, sign=True), tone(one["fraction"])),
            cell(one["pnl"], number(one["pnl"], 2, sign=True), tone(one["pnl"])),
            cell(ended, ended, "txt"),
            cell(one["entry_time"], minute(entered[row]), "txt"),
            cell(left_key, "open" if one["open"] else minute(left[row]), "txt"),
            cell(one["bars"], number(one["bars"], 0)),
            cell(one["entry_price"], price(one["entry_price"])),
            cell(one["exit_price"], price(one["exit_price"])),
            cell(one["units"], price(one["units"])),
        )
        rows.append(f'<tr data-in="{" ".join(views[row])}">{"".join(cells)}</tr>')
    return rows


def _grouped(outcome: Outcome, name: str, groups: list[tuple[str, np.ndarray]]) -> str:
    trades = outcome.trades
    sums = [float(trades["pnl"][mask].sum()) for _, mask in groups]
    most = max((abs(value) for value in sums), default=0.0) or 1.0
    rows = []
    for (label, mask), total in zip(groups, sums, strict=True):
        count = int(np.count_nonzero(mask))
        won = int(np.count_nonzero(trades["pnl"][mask] > 0))
        mean = float(trades["fraction"][mask].mean()) if count else None
        rows.append(
            f'<tr><th scope="row">{text(label)}</th><td>{number(count, 0)}</td>'
            f"<td>{percent(won / count if count else None, 0)}</td>"
            f'<td class="{tone(mean)}">{percent(mean, 2, sign=True)}</td>'
            f'<td class="{tone(total)}">{number(total, 2, sign=True)}</td>{bar(total / most)}</tr>'
        )
    head = (
        f'<th scope="col">{text(name)}</th><th scope="col">Trades</th><th scope="col">Won</th>'
        f'<th scope="col">Mean</th><th scope="col">{text(outcome.quote)}</th><th class="wide"></th>'
    )
    return table(head, rows, "grouped")


def _heat(gain: float | None, scale: float) -> str:
    if gain is None:
        return '<td class="void">n/a</td>'
    weight = min(abs(gain) / scale, 1.0) * 0.55
    return f'<td class="heat {tone(gain)}" style="--w:{weight:.2f}">{number(gain * 100, 1)}</td>'


def _gain(start: float, end: float) -> float | None:
    return end / start - 1 if start > 0 else None
