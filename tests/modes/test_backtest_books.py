"""A run whose fills walk order books that were recorded to files."""

from __future__ import annotations

import csv
import json

import pytest

CANDLES = """\
time,open,high,low,close,volume
2025-01-01T00:00:00Z,100,100,100,100,5000
2025-01-01T00:01:00Z,100,102,99,101,5000
2025-01-01T00:02:00Z,100,100,100,100,5000
2025-01-01T00:03:00Z,100,100,90,90,5000
2025-01-01T00:04:00Z,90,90,90,90,5000
"""

# The book at 00:01 holds 5 units for 503; the one at 00:01:40 the rest; that at 00:02:01 is late.
BOOK = """\
time,side,level,price,units
2025-01-01T00:01:00Z,bid,0,99,50
2025-01-01T00:01:00Z,ask,0,100,2
2025-01-01T00:01:00Z,ask,1,101,3
2025-01-01T00:01:40Z,bid,0,98,50
2025-01-01T00:01:40Z,ask,0,102,50
2025-01-01T00:02:01Z,bid,0,40,50
2025-01-01T00:02:01Z,ask,0,41,50
2025-01-01T00:03:50Z,bid,0,89,2
2025-01-01T00:03:50Z,bid,1,88,50
"""


@pytest.fixture
def words(tmp_path):
    (tmp_path / "BTC-AUD.csv").write_text(CANDLES)
    (tmp_path / "books").mkdir()
    (tmp_path / "books" / "BTC-AUD.csv").write_text(BOOK)
    return (
        "exchange=files", "exchange.path=BTC-AUD.csv", "exchange.books=books",
        "exchange.taker_fee_bps=100", "execution=ideal", "execution.slippage_bps=100",
        "execution.half_spread_bps=500", "execution.book=true", "cash=1000", "report=false",
        "strategy=buy_and_hold", "strategy.interval=1m", "strategy.enter='close == 100'",
        "+strategy.exit='close < 95'",
    )  # fmt: skip


def fills(ended):
    with (ended.run / "fills.csv").open() as file:
        return [
            (row["time"][11:16], row["side"], float(row["units"]), float(row["price"]))
            for row in csv.DictReader(file)
            if row["event"] == "filled"
        ]


def test_fills_walk_the_books_and_the_certificate_pins_them(program, words):
    ended = program(*words)
    assert ended.code == 0, ended.err
    found = fills(ended)
    # slippage of 1 % on top of each mean price; half-spread is not paid, and fees are 1 %
    left = 1000 - 503 * 1.01 * 1.01
    bought = left / (102 * 1.01 * 1.01)
    held = 5 + bought
    assert [row[:2] for row in found] == [("00:01", "buy"), ("00:02", "buy"), ("00:04", "sell")]
    assert [row[2] for row in found] == pytest.approx([5.0, bought, held])
    mean = (2 * 89 + (held - 2) * 88) / held
    assert [row[3] for row in found] == pytest.approx([100.6 * 1.01, 102 * 1.01, mean * 0.99])
    facts = json.loads((ended.run / "run.json").read_text())
    # those at 00:01, 00:01:40, 00:02:01 and 00:03:50 are each the newest at an open
    assert facts["certificate"]["books"] == 4
    assert len(facts["certificate"]["books_sha256"]) == 64
    assert any("walks its levels" in line for line in facts["assumptions"])
    assert [check["name"] for check in facts["checks"]] == ["causality"]
    assert "fills at the opens walk 4 recorded order books" in ended.err + ended.out


def test_without_the_switch_the_books_do_not_count(program, words):
    ended = program(*words, "execution.book=false")
    assert ended.code == 0, ended.err
    assert fills(ended)[0][3] == pytest.approx(100 * 1.06)
    facts = json.loads((ended.run / "run.json").read_text())
    assert (facts["certificate"]["books"], facts["certificate"]["books_sha256"]) == (0, None)


def test_another_book_is_another_digest_over_the_same_candles(program, words, tmp_path):
    digests = []
    for name, old, new in (("one", "", ""), ("two", "89,2", "89,3")):
        (tmp_path / "books" / "BTC-AUD.csv").write_text(BOOK.replace(old, new) if old else BOOK)
        ended = program(*words, f"run_dir={name}")
        facts = json.loads((tmp_path / name / "run.json").read_text())
        assert ended.code == 0, ended.err
        digests.append((facts["certificate"]["sha256"], facts["certificate"]["books_sha256"]))
    assert digests[0][0] == digests[1][0]
    assert digests[0][1] != digests[1][1]


def test_vectorbt_agrees_on_fills_that_walk(program, words):
    pytest.importorskip("vectorbt")
    ended = program(*words, "verify=vectorbt")
    assert ended.code == 0, ended.err


def test_each_trial_of_a_sweep_fills_as_it_does_alone(program, words, tmp_path):
    ended = program("-m", *words, "execution.slippage_bps=0,100", "hydra.sweep.dir=swept")
    assert ended.code == 0, ended.err
    for number, slippage in enumerate((0, 100)):
        alone = program(*words, f"execution.slippage_bps={slippage}", f"run_dir=alone{slippage}")
        assert alone.code == 0, alone.err
        ledgers = (
            tmp_path / name / "fills.csv" for name in (f"swept/{number}", f"alone{slippage}")
        )
        swept, single = (ledger.read_text() for ledger in ledgers)
        assert swept == single
        assert swept.count("filled") == 3
