"""vectorbt recomputes ledgers: it agrees with true ones and convicts those tampered with."""

from __future__ import annotations

import json
import re
import sqlite3
import sys
from dataclasses import replace

import numpy as np
import pytest
from made_outcomes import make_outcome, random_close, random_fills

from framework.errors import CheckFailed
from framework.modes import judging
from framework.records import Kind
from framework.results.verify import verify_with_vectorbt

FORTNIGHT = ("start=2025-01-01", "end=2025-01-15", "mode.causality_cuts=0", "verify=vectorbt")


@pytest.mark.usefixtures("vectorbt")
@pytest.mark.parametrize("execution", ["realistic", "ideal"])
@pytest.mark.parametrize("risk", ["off", "balanced"])
@pytest.mark.parametrize("strategy", ["ma_cross", "multi_trend"])
def test_vectorbt_agrees_with_a_run(program, strategy, risk, execution):
    ended = program(
        *FORTNIGHT, f"strategy={strategy}", f"risk={risk}", f"execution={execution}", "report=false"
    )
    assert ended.code == 0, ended.err
    facts = json.loads((ended.run / "run.json").read_text())
    (check,) = facts["checks"]
    assert (check["name"], check["passed"]) == ("vectorbt", True)
    fills = (ended.run / "fills.csv").read_text().count(",filled,")
    assert fills > 5
    assert f"all 1,344 bars, recomputed by vectorbt from the {fills} fills" in check["detail"]
    assert float(check["detail"].split("differ by ")[1].split()[0]) < 1e-12


@pytest.mark.usefixtures("vectorbt")
def test_the_check_is_on_the_page_and_in_the_summary(program):
    ended = program(*FORTNIGHT)
    assert ended.code == 0, ended.err
    assert "<b>vectorbt</b> equity and cash" in (ended.run / "report.html").read_text()
    (row,) = (line for line in ended.out.splitlines() if "Vectorbt" in line)
    assert "passed" in row


@pytest.mark.usefixtures("vectorbt")
def test_a_run_with_a_tampered_ledger_fails_and_is_not_finished(program, monkeypatch):
    true_outcome = judging.outcome_of

    def dearer(*arguments):
        outcome = true_outcome(*arguments)
        events = outcome.events.copy()
        first = np.flatnonzero(events["kind"] == 2)[0]
        events["fee"][first] += 0.5
        return replace(outcome, events=events)

    monkeypatch.setattr(judging, "outcome_of", dearer)
    ended = program(*FORTNIGHT, "report=false")
    assert ended.code == 1
    (said,) = (line for line in ended.err.splitlines() if line.startswith("vectorbt: "))
    ours, theirs = map(float, re.findall(r"([\d.]+) (?:in this run|by vectorbt)", said))
    assert ours - theirs == pytest.approx(0.5, abs=1e-9)
    assert re.match(r"vectorbt: equity at the close of bar \d+, 2025-01-01T\d\d:\d\d:00Z: ", said)
    assert not list(ended.folder.rglob("metrics.json"))
    with sqlite3.connect(ended.folder / "runs" / "framework.db") as database:
        ((status, code, error),) = database.execute("select status, exit_code, error from run")
    database.close()
    assert (status, code, error) == ("failed", 1, said)


def test_without_vectorbt_a_run_says_how_to_install_it_before_it_reads_data(program, monkeypatch):
    monkeypatch.setitem(sys.modules, "vectorbt", None)
    ended = program(*FORTNIGHT)
    assert ended.code == 2
    said = ended.err.splitlines()
    assert said == ["verify: vectorbt is not installed; pip install -e '.[vectorbt]'."]
    assert not (ended.folder / "runs").exists()


def ledger():
    """Three pairs, some filled several times in one bar."""
    close = random_close(5, 60, 3)
    return make_outcome(close, random_fills(close, 5, 120), cash=2_000.0)


@pytest.mark.usefixtures("vectorbt")
def test_a_bar_with_several_fills_of_one_pair_is_compared_at_its_close():
    outcome = ledger()
    moments = outcome.events[["time", "pair"]]
    assert len(np.unique(moments)) < len(moments)
    check = verify_with_vectorbt(outcome)
    assert check.passed
    assert "all 60 bars, recomputed by vectorbt from the 120 fills" in check.detail


@pytest.mark.usefixtures("vectorbt")
def test_a_run_that_never_traded_agrees():
    assert verify_with_vectorbt(make_outcome(np.array([[1.0, 2.0], [2.0, 3.0]]))).passed


@pytest.mark.usefixtures("vectorbt")
@pytest.mark.parametrize("left", [1e-10, 1e-6, 1e-3])
def test_a_crumb_of_cash_left_by_a_purchase_is_not_rounded_away(left):
    # 1,000 buy 99.99.. at 10; a thousand times over vectorbt alone would drop up to 1e-6 each
    close = np.full((2_001, 1), 10.0)
    units = (1_000.0 - left) / 10.0
    fills = [(bar, 0, 1 if bar % 2 else -1, units, 10.0, 0.0) for bar in range(1, 2_001)]
    assert verify_with_vectorbt(make_outcome(close, fills)).passed


@pytest.mark.usefixtures("vectorbt")
@pytest.mark.parametrize(
    ("field", "change"), [("units", 1e-6), ("price", 1e-6), ("fee", 1e-2), ("side", None)]
)
def test_any_changed_fill_is_noticed(field, change):
    outcome = ledger()
    events = outcome.events.copy()
    events[field][17] = -events[field][17] if change is None else events[field][17] * (1 + change)
    with pytest.raises(
        CheckFailed, match=r"^vectorbt: (equity|cash) at the close of bar \d+, 2024-"
    ):
        verify_with_vectorbt(replace(outcome, events=events))


@pytest.mark.usefixtures("vectorbt")
def test_a_lost_fill_is_noticed():
    outcome = ledger()
    with pytest.raises(CheckFailed, match="vectorbt: equity"):
        verify_with_vectorbt(replace(outcome, events=np.delete(outcome.events, 17)))


@pytest.mark.usefixtures("vectorbt")
def test_the_first_wrong_bar_is_named_with_both_values():
    close = np.array([[10.0], [10.0], [12.0], [13.0]])
    outcome = make_outcome(close, [(1, 0, 1, 50.0, 10.0, 1.0)], cash=1_000.0)
    assert outcome.equity.tolist() == [1_000.0, 999.0, 1_099.0, 1_149.0]
    equity = outcome.equity + np.array([0.0, 0.0, 1e-5, 5.0])
    with pytest.raises(CheckFailed) as raised:
        verify_with_vectorbt(replace(outcome, equity=equity))
    assert str(raised.value) == (
        "vectorbt: equity at the close of bar 2, 2024-01-03T00:00:00Z: 1099.00001 in this run, "
        "1099.0 by vectorbt."
    )
    within = outcome.equity * (1 + 0.9e-9)
    assert verify_with_vectorbt(replace(outcome, equity=within)).passed


@pytest.mark.usefixtures("vectorbt")
def test_cash_and_positions_that_only_add_up_are_noticed():
    close = np.array([[10.0], [10.0], [12.0]])
    outcome = make_outcome(close, [(1, 0, 1, 50.0, 10.0, 0.0)], cash=1_000.0)
    with pytest.raises(CheckFailed, match=r"vectorbt: cash at the close of bar 2, .*: 501\.0 in"):
        verify_with_vectorbt(replace(outcome, cash=outcome.cash + np.array([0.0, 0.0, 1.0])))


@pytest.mark.usefixtures("vectorbt")
def test_spending_more_than_there_is_is_noticed():
    close = np.array([[10.0], [10.0], [12.0]])
    outcome = make_outcome(close, [(1, 0, 1, 101.0, 10.0, 0.0)], cash=1_000.0)
    with pytest.raises(CheckFailed, match=r"bar 1, .*: more was spent than there was, -10\.0 in"):
        verify_with_vectorbt(outcome)


RATE = 0.002


def ledger_of_shorts():
    """Three pairs, long and short, reversed and covered in parts."""
    close = random_close(9, 80, 3)
    fills = random_fills(close, 9, 160, shorts=True)
    return make_outcome(close, fills, cash=2_000.0, borrow_rate=RATE)


@pytest.mark.usefixtures("vectorbt")
def test_shorts_and_their_charges_agree():
    outcome = ledger_of_shorts()
    charges = outcome.events["quote"][outcome.events["kind"] == Kind.CHARGED]
    assert len(charges) > 10
    assert charges.min() > 1e-6 * 2_000.0
    assert outcome.shorts.owed[-1] > 0.0
    check = verify_with_vectorbt(outcome)
    assert "from the 160 fills and the cost of borrowing from the closes, differ" in check.detail


@pytest.mark.usefixtures("vectorbt")
def test_another_rate_of_borrowing_is_noticed():
    with pytest.raises(CheckFailed, match="vectorbt: equity at the close of bar"):
        verify_with_vectorbt(replace(ledger_of_shorts(), borrow_rate=RATE * (1 + 1e-5)))


@pytest.mark.usefixtures("vectorbt")
def test_a_charge_that_cash_and_equity_never_paid_is_noticed():
    close = np.array([[10.0], [10.0], [12.0], [9.0]])
    fills = [(1, 0, -1, 50.0, 10.0, 1.0), (3, 0, 1, 50.0, 9.0, 1.0)]
    outcome = make_outcome(close, fills, borrow_rate=0.01)
    assert outcome.cash.tolist() == [1_000.0, 1_499.0, 1_499.0, 1_037.0]  # 11.0 were charged
    assert verify_with_vectorbt(outcome).passed
    unpaid = np.array([0.0, 0.0, 0.0, 11.0])
    with pytest.raises(CheckFailed, match=r"vectorbt: cash at the close of bar 3, .*: 1048\.0 in"):
        verify_with_vectorbt(replace(outcome, cash=outcome.cash + unpaid))
    with pytest.raises(CheckFailed) as raised:
        verify_with_vectorbt(replace(outcome, events=outcome.fills))
    assert str(raised.value) == (
        "vectorbt: borrowing paid at the close of bar 3, 2024-01-04T00:00:00Z: 0.0 in this run, "
        "11.0 from the closes."
    )


@pytest.mark.usefixtures("vectorbt")
def test_a_short_that_cost_more_than_there_was_leaves_a_debt_and_no_complaint():
    close = np.array([[10.0], [10.0], [30.0], [30.0]])
    fills = [(1, 0, -1, 100.0, 10.0, 0.0), (2, 0, 1, 100.0, 30.0, 0.0)]
    outcome = make_outcome(close, fills)
    assert outcome.cash.tolist() == [1_000.0, 2_000.0, -1_000.0, -1_000.0]
    assert verify_with_vectorbt(outcome).passed
    spent = make_outcome(close, [*fills, (3, 0, 1, 1.0, 30.0, 0.0)])
    with pytest.raises(CheckFailed, match=r"bar 3, .*: more was spent than there was, -1030\.0 in"):
        verify_with_vectorbt(spent)
