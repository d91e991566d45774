"""A run whose orders fill on finer candles than its strategy decides on."""

import csv
import json
import sqlite3
from datetime import UTC, datetime

import pytest

FORTNIGHT = ("start=2025-01-01", "end=2025-01-15", "report=false", "pairs=btc_aud")

# Strategy candles of five minutes; the stop of the second is passed between 00:06 and 00:07.
MINUTES = """\
100,100,100,100
100,100,100,100
100,100,100,100
100,100,100,100
100,100,100,100
102,103,101,102
102,102,95,95
91,91,88,90
90,96,90,96
96,99,96,98
98,98,98,98
98,98,98,98
98,98,98,98
98,98,98,98
98,98,98,98
99,99,99,99
""".splitlines()


@pytest.fixture
def minutes(tmp_path):
    rows = [f"2025-01-01T00:{minute:02}:00Z,{prices},5000" for minute, prices in enumerate(MINUTES)]
    file = tmp_path / "minutes.csv"
    file.write_text("\n".join(["time,open,high,low,close,volume", *rows, ""]))
    return (
        "exchange=files", f"exchange.path={file}", "exchange.pair=BTC-AUD",
        "exchange.taker_fee_bps=100", "execution=ideal", "execution.half_spread_bps=60",
        "execution.slippage_bps=40", "risk.stop_loss=0.1", "cash=1000", "report=false",
        "strategy=buy_and_hold", "strategy.interval=5m", "strategy.enter='close == 100'",
    )  # fmt: skip


def read(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def at(text):
    return datetime.fromisoformat(text).astimezone(UTC).strftime("%H:%M")


def fills(ended):
    return [
        (at(row["time"]), row["event"], row["reason"], float(row["price"]))
        for row in read(ended.run / "fills.csv")
    ]


def test_a_stop_inside_the_strategys_candle_fills_where_its_minute_opened(program, minutes):
    """Bought at 102 x 1.01 = 103.02, stop at 92.718; the minute 00:07 opens beyond it, at 91."""
    ended = program(*minutes, "execution.interval=1m")
    assert ended.code == 0, ended.err
    found = fills(ended)
    assert [row[:3] for row in found] == [
        ("00:04", "decided", "signal"),
        ("00:05", "filled", "signal"),
        ("00:07", "decided", "stop_loss"),
        ("00:07", "filled", "stop_loss"),
    ]
    assert [row[3] for row in found] == pytest.approx([100, 102 * 1.01, 92.718, 91 * 0.99])

    units = 1000 / (103.02 * 1.01)
    left = units * 90.09 * 0.99
    equity = read(ended.run / "equity.csv")
    assert [at(row["time"]) for row in equity] == ["00:00", "00:05", "00:10"]
    assert [float(row["equity"]) for row in equity] == pytest.approx([1000, left, left])
    (trade,) = read(ended.run / "trades.csv")
    assert (at(trade["entry_time"]), at(trade["exit_time"])) == ("00:05", "00:07")
    assert trade["bars"] == "0"
    facts = json.loads((ended.run / "run.json").read_text())
    assert (facts["interval"], facts["certificate"]["interval"]) == ("5m", "1m")
    assert facts["certificate"]["bars"] == 15  # the minute 00:15 begins a candle that is not whole
    said = "Decisions at the strategy's closes, orders fill on 1m candles."
    assert said in facts["assumptions"]
    metrics = json.loads((ended.run / "metrics.json").read_text())
    assert (metrics["bars"], metrics["causality"]) == (3, "passed")


def test_the_strategys_own_candles_fill_the_same_stop_at_its_level(program, minutes):
    ended = program(*minutes)
    found = fills(ended)
    assert [row[0] for row in found] == ["00:00", "00:05", "00:05", "00:05"]
    assert [row[3] for row in found] == pytest.approx([100, 102 * 1.01, 92.718, 92.718 * 0.99])


def test_a_time_stop_counts_the_strategys_candles(program, minutes):
    ended = program(*minutes, "execution.interval=1m", "risk.stop_loss=null", "risk.time_stop=1")
    assert [row[:3] for row in fills(ended)] == [
        ("00:04", "decided", "signal"),
        ("00:05", "filled", "signal"),
        ("00:09", "decided", "time_stop"),
        ("00:10", "filled", "time_stop"),
    ]
    (trade,) = read(ended.run / "trades.csv")
    assert trade["bars"] == "1"


def test_the_strategys_interval_itself_changes_nothing(program):
    words = (*FORTNIGHT, "risk=balanced")
    found = []
    for name, more in (("without", ()), ("own", ("execution.interval=15m",))):
        ended = program(*words, *more, f"run_dir={name}")
        assert ended.code == 0, ended.err
        metrics = json.loads((ended.folder / name / "metrics.json").read_text())
        metrics.pop("seconds")
        metrics.pop("deflated_sharpe")  # the second run on the same data is a second trial
        found.append(metrics)
    assert found[0] == found[1]
    assert found[0]["trades"] > 0


def test_a_finer_run_is_judged_at_the_strategys_closes_and_vectorbt_agrees(program):
    pytest.importorskip("vectorbt")
    ended = program(*FORTNIGHT, "execution.interval=1m", "verify=vectorbt")
    assert ended.code == 0, ended.err
    times = [row["time"] for row in read(ended.run / "equity.csv")]
    assert len(times) == 14 * 96
    assert {at(time)[3:] for time in times} == {"00", "15", "30", "45"}
    orders = read(ended.run / "fills.csv")
    decided = {at(row["time"])[3:] for row in orders if row["event"] == "decided"}
    filled = {at(row["time"])[3:] for row in orders if row["event"] == "filled"}
    assert decided == {"14", "29", "44", "59"}
    assert filled >= {"00", "01", "02", "15", "30", "45"}  # what one minute does not take waits
    facts = json.loads((ended.run / "run.json").read_text())
    assert [check["name"] for check in facts["checks"]] == ["causality", "vectorbt"]


def test_vectorbt_agrees_on_shorts_that_are_charged_minute_by_minute(program):
    pytest.importorskip("vectorbt")
    ended = program(
        "start=2025-01-15", "end=2025-02-15", "report=false", "pairs=eth_aud",
        "strategy=trend_both", "exchange.spot_only=false", "exchange.borrow_rate=2",
        "execution.interval=1m", "verify=vectorbt",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    charged = [row for row in read(ended.run / "fills.csv") if row["event"] == "charged"]
    assert len(charged) > 5
    facts = json.loads((ended.run / "run.json").read_text())
    assert [check["name"] for check in facts["checks"]] == ["causality", "vectorbt"]


def test_candles_that_execution_cannot_have(program, minutes):
    ended = program(*minutes, "execution.interval=2m")
    assert ended.code == 2
    assert "execution.interval: must divide strategy.interval, 5m (was 2m)." in ended.err
    ended = program(*minutes, "strategy.interval=15m", "execution.interval=30s")
    assert ended.code == 2
    assert (
        "execution.interval: 1m candles of BTC-AUD do not make up whole candles of 30s. "
        "Choices: 1m, 5m, 15m."
    ) in ended.err


def test_a_download_fetches_the_candles_to_fill_on(program):
    words = (
        "start=2025-01-01", "end=2025-01-02", "pairs=btc_aud", "strategy=buy_and_hold",
        "execution.interval=1m", "report=false",
    )  # fmt: skip
    stored = program("mode=download", *words)
    assert stored.code == 0, stored.err
    ended = program(*words, "exchange.from_store=true")
    assert ended.code == 0, ended.err
    facts = json.loads((ended.run / "run.json").read_text())
    assert facts["certificate"]["store_version"] is not None
    assert (facts["certificate"]["interval"], facts["certificate"]["bars"]) == ("1m", 1440)
    assert len(read(ended.run / "equity.csv")) == 96
    with sqlite3.connect(ended.folder / "runs" / "framework.db") as database:
        rows = database.execute("select interval from dataset").fetchall()
    database.close()
    assert rows == [("1m",)]
