"""A backtest leaves a sealed tail alone, counts who opens it, and says so wherever it reports."""

import json
import re
import sqlite3

FORTNIGHT = ("pairs=btc_aud", "start=2025-03-01", "end=2025-03-15")
SEALED = (*FORTNIGHT, "evaluation.sealed=4d")


def page_text(page):
    return " ".join(re.sub(r"<[^>]*>", " ", page.read_text()).split())


def test_a_sealed_backtest_is_the_backtest_that_ends_before_the_tail(program):
    sealed = program(*SEALED, "run_dir=sealed")
    assert sealed.code == 0, sealed.err
    program(FORTNIGHT[0], FORTNIGHT[1], "end=2025-03-11", "run_dir=short", "report=false")
    one, other = (
        json.loads((sealed.folder / name / "metrics.json").read_text())
        for name in ("sealed", "short")
    )
    one.pop("seconds"), other.pop("seconds")
    assert one == other
    line = "The last 4d, from 2025-03-11 on, are sealed: neither loaded nor traded."
    assert line in sealed.err
    assert line in page_text(sealed.folder / "sealed" / "report.html")


def test_openings_are_counted_and_told_on_every_later_report(program):
    ended = program(*SEALED, "run_dir=before")
    assert "opened" not in ended.out
    assert "The sealed tail was opened" not in page_text(ended.folder / "before" / "report.html")
    program(*SEALED, "evaluation.open_sealed=true", "run_dir=one", "report=false")
    program(
        *SEALED, "evaluation.open_sealed=true", "strategy=breakout", "run_dir=two", "report=false"
    )
    ended = program(*SEALED, "run_dir=after")
    line = "The sealed tail was opened 2 times, by runs 2 (one, ma_cross), 3 (two, breakout)."
    assert line in " ".join(ended.out.split())
    assert line in page_text(ended.folder / "after" / "report.html")
    assert json.loads((ended.folder / "after" / "run.json").read_text())["notices"] == [line]


def test_trading_the_tail_without_a_seal_is_an_opening_too(program):
    program(*SEALED, "run_dir=before", "report=false")
    ended = program(*FORTNIGHT, "run_dir=all", "report=false")
    assert (
        "trades 2025-03-11T00:00:00Z to 2025-03-15T00:00:00Z, bars that were sealed: counted as "
        "an opening" in ended.err
    )
    with sqlite3.connect(ended.folder / "runs" / "framework.db") as database:
        ((count,),) = database.execute("select count(*) from holdout_opening")
    database.close()
    assert count == 1


def test_parts_are_tabled_in_file_and_report(program):
    ended = program(*FORTNIGHT, "evaluation=walk_forward", "evaluation.folds=6")
    assert ended.code == 0, ended.err
    lines = (ended.run / "folds.csv").read_text().splitlines()
    assert [line.split(",")[:5] for line in lines[1:3]] == [
        ["1", "train", "2025-03-01T00:00:00Z", "2025-03-03T00:00:00Z", "192"],
        ["1", "test", "2025-03-03T00:00:00Z", "2025-03-05T00:00:00Z", "192"],
    ]
    assert len(lines) == 13
    text = page_text(ended.run / "report.html")
    assert "Fold Part From To Bars Return Sharpe Drawdown Trades" in text
    assert "6 test 2025-03-13 00:00 2025-03-15 00:00 192" in text
