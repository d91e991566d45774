"""Trading on paper from the command line: what it says, what it leaves, what it goes on with."""

from __future__ import annotations

import csv
import gzip
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from framework.records import EVENT, Kind

ROOT = Path(__file__).parents[2]
PAPER = ("mode=paper", "mode.speed=0", "report=false")
BACK = ("mode=backtest", "mode.causality_cuts=0", "report=false")
WEEK = ("start=2025-02-01", "end=2025-02-08")
SHORT = ("start=2025-02-01", "end=2025-02-03", "pairs=btc_aud")
BY_HAND = """time,open,high,low,close,volume
2025-01-01T00:00Z,100,100,100,100,1000
2025-01-01T01:00Z,100,111,100,110,1000
2025-01-01T02:00Z,100,112,100,105,1000
2025-01-01T03:00Z,105,105,90,90,1000
2025-01-01T04:00Z,120,120,100,100,1000
2025-01-01T05:00Z,100,100,100,100,1000
"""
STRATEGY = """# @package _global_
strategy: {name: by_hand, interval: 1h, enter: close > 108, exit: close < 95}
"""


def metrics_of(run: Path) -> dict:
    return json.loads((run / "metrics.json").read_text())


def rows_of(folder: Path, statement: str) -> list[tuple]:
    with closing(sqlite3.connect(folder / "runs" / "framework.db")) as database:
        return database.execute(statement).fetchall()


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "framework", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def wait_for_bars(folder: Path, count: int, process: subprocess.Popen[str]) -> None:
    """Wait until a session has acted on so many bars; the test's time limit ends it otherwise."""
    journal = folder / "runs" / "one" / "journal.jsonl"
    while not journal.exists() or journal.read_bytes().count(b"\n") < count:
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)


def test_one_trade_is_told_with_the_numbers_of_a_hand(program, tmp_path):
    (tmp_path / "BTC-AUD.csv").write_text(BY_HAND)
    (tmp_path / "strategies").mkdir()
    (tmp_path / "strategies" / "by_hand.yaml").write_text(STRATEGY)
    ended = program(
        *PAPER, "exchange=files", "exchange.path=BTC-AUD.csv", "exchange.interval=1h",
        "exchange.taker_fee_bps=100", "execution=ideal", "risk=off", "cash=1010",
        "strategy=by_hand", "features=none", "start=2025-01-01T01:00", "run_dir=runs/one",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    # 1,010 buys 10 at 100 with a fee of 1 %; they sell at 120 for a fee of 12, and leave 1,188.
    told = [
        "2025-01-01T02:00:00Z decided to buy BTC-AUD: about 9.1818182 for 1,010.00 AUD, price "
        "110.000, predicted 110.000, confidence 1.00",
        "2025-01-01T02:00:00Z bought BTC-AUD: 10 for 1,000.00 AUD, price 100.000, predicted "
        "110.000, fee 10.00 AUD, confidence 1.00, decided 2025-01-01T02:00:00Z",
        "2025-01-01T03:00:00Z balance 0.00 AUD, equity 1,050.00 AUD, total profit +40.00 AUD "
        "(+3.96 %), 0 won, 0 lost, holds BTC-AUD 10 (1,050.00 AUD)",
        "2025-01-01T04:00:00Z decided to sell BTC-AUD: about 10 for 900.00 AUD, price 90.0000, "
        "predicted 90.0000, confidence 1.00",
        "2025-01-01T04:00:00Z sold BTC-AUD: 10 for 1,200.00 AUD, price 120.000, predicted "
        "90.0000, fee 12.00 AUD, confidence 1.00, profit +178.00 AUD (+17.80 %), decided "
        "2025-01-01T04:00:00Z",
        "2025-01-01T05:00:00Z balance 1,188.00 AUD, equity 1,188.00 AUD, total profit +178.00 "
        "AUD (+17.62 %), 1 won, 0 lost, holds nothing",
    ]
    lines = ended.out.splitlines()
    assert [line for line in lines if re.match(r"2025\S+ (?!feed)", line)] == told
    log = (tmp_path / "runs" / "one" / "run.log").read_text()
    assert all(line in log for line in told)
    ((pnl,),) = rows_of(tmp_path, "SELECT pnl FROM trade")
    assert pnl == pytest.approx(178.0, abs=1e-9)


@pytest.mark.parametrize(
    "words",
    [
        ("pairs=btc_aud",),
        (),
        ("pairs=btc_aud", "strategy.interval=1h", "execution.interval=15m"),
    ],
)
def test_it_trades_as_the_backtest_over_the_same_range(program, words):
    paper = program(*PAPER, *WEEK, *words, "run_dir=runs/paper")
    back = program(*BACK, *WEEK, *words, "run_dir=runs/back")
    assert (paper.code, back.code) == (0, 0), paper.err
    live, whole = (metrics_of(paper.folder / "runs" / name) for name in ("paper", "back"))
    assert live["orders_hash"] == whole["orders_hash"]
    same = ("final_equity", "trades", "fees_paid", "max_drawdown", "bars", "win_rate")
    assert [live[name] for name in same] == [whole[name] for name in same]
    assert live["trades"] >= 2
    sold = sum("profit " in line for line in paper.out.splitlines() if " sold " in line)
    with (paper.folder / "runs" / "paper" / "fills.csv").open() as file:
        fills = [row for row in csv.DictReader(file) if row["event"] == "filled"]
    assert sold == sum(row["side"] == "sell" for row in fills)
    with (paper.folder / "runs" / "paper" / "vetoes.csv").open() as file:
        vetoed = len(list(csv.DictReader(file)))
    log = (paper.folder / "runs" / "paper" / "run.log").read_text()
    assert log.count(" vetoed to ") == vetoed
    assert " vetoed to " not in paper.out
    facts = json.loads((paper.folder / "runs" / "paper" / "run.json").read_text())
    assert not any("causality" in line.lower() for line in facts["assumptions"])


def test_rows_of_the_session_give_way_to_those_of_its_end(program):
    ended = program(*PAPER, *WEEK, "run_dir=runs/one")
    assert ended.code == 0, ended.err
    metrics = metrics_of(ended.folder / "runs" / "one")
    stored = dict(rows_of(ended.folder, "SELECT name, value FROM metric"))
    assert stored == {name: metrics[name] for name in stored}
    assert {"final_equity", "seconds"} <= set(stored)
    ((numbers, last),) = rows_of(ended.folder, "SELECT count(*), max(number) FROM trade")
    assert numbers == last == metrics["trades"]
    ((status, ended_at, seen_at),) = rows_of(
        ended.folder, "SELECT status, ended_at, seen_at FROM run"
    )
    assert status == "done"
    assert 0 < seen_at <= ended_at


def test_a_long_session_s_log_stays_small(program, monkeypatch):
    monkeypatch.setattr("framework.config.rolling_file.LIMIT", 3_000)
    monkeypatch.setattr("framework.config.rolling_file.KEPT", 2)
    ended = program(*PAPER, *WEEK, "run_dir=runs/one")
    assert ended.code == 0, ended.err
    run = ended.folder / "runs" / "one"
    assert sorted(file.name for file in run.glob("run*log*")) == [
        "run.1.log.gz", "run.2.log.gz", "run.log",
    ]  # fmt: skip
    kept = [gzip.decompress((run / f"run.{number}.log.gz").read_bytes()) for number in (2, 1)]
    kept.append((run / "run.log").read_bytes())
    assert all(0 < len(part) <= 3_000 for part in kept)
    told = [line for line in ended.out.splitlines() if re.match(r"2025\S+ (bought|sold)", line)]
    newest = b"".join(kept).decode()
    missing = [line for line in told if line not in newest]
    assert missing == told[: len(missing)]
    assert 0 < len(missing) < len(told)


def test_interrupted_it_goes_on_and_its_replay_is_identical(program, tmp_path):
    words = ("mode=paper", *SHORT, "run_dir=runs/one", "report=false")
    live = start(tmp_path, *words, "mode.speed=9000")
    try:
        wait_for_bars(tmp_path, 25, live)
        second = program(*words, "mode.speed=0")
        ((running, dead),) = rows_of(
            tmp_path, "SELECT seen_at IS NOT NULL, ended_at IS NOT NULL FROM run"
        )
        live.send_signal(signal.SIGINT)
        live.communicate(timeout=120)
    finally:
        live.kill()
        live.communicate()
    assert (running, dead) == (1, 0)
    assert second.code == 2
    (line,) = second.err.strip().splitlines()[-1:]
    assert "this session is running already" in line
    assert "Traceback" not in second.err
    assert live.returncode == 130
    ((status, begun),) = rows_of(tmp_path, "SELECT status, ended_at FROM run")
    assert status == "interrupted"
    assert begun > 0

    done = program(*words, "mode.speed=0")
    assert done.code == 0, done.err
    assert "goes on after" in done.err
    assert rows_of(tmp_path, "SELECT count(*), min(status) FROM run") == [(1, "done")]
    back = program(*BACK, *SHORT, "run_dir=runs/back")
    assert back.code == 0, back.err
    hashes = [metrics_of(tmp_path / "runs" / name)["orders_hash"] for name in ("one", "back")]
    assert hashes[0] == hashes[1]

    replayed = program("mode=replay", "run=runs/one")
    assert replayed.code == 0, replayed.err
    assert re.search(r"identical: 192 bars, \d+ decisions, \d+ fills, orders_hash", replayed.out)


def test_a_replay_names_what_a_tampered_record_says_otherwise(program, tmp_path):
    assert program(*PAPER, *SHORT, "run_dir=runs/one").code == 0
    file = tmp_path / "runs" / "one" / "session" / "ledger.bin"
    events = np.frombuffer(file.read_bytes(), EVENT).copy()
    at = int(np.flatnonzero(events["kind"] == Kind.FILLED)[1])
    price = float(events["price"][at])
    events["price"][at] = price + 1.0
    file.write_bytes(events.tobytes())
    ended = program("mode=replay", "run=runs/one")
    assert ended.code == 1
    bar = np.datetime_as_string(events["time"][at].astype("datetime64[ns]"), unit="s")
    (line,) = [line for line in ended.err.splitlines() if "replay differs" in line]
    assert f"{bar}Z" in line
    assert "BTC-AUD filled" in line
    assert f"price {price + 1.0!r}" in line.partition("in the session")[0]
    assert f"price {price!r}" in line.partition("in the session")[2]


def test_another_session_is_begun_beside_it_where_that_is_asked_for(program, tmp_path):
    words = (*PAPER, *SHORT, "mode.bars=20")
    assert program(*words, "run_dir=runs/one").code == 0
    assert program(*words, "run_dir=runs/two", "resume=never").code == 0
    names = rows_of(tmp_path, "SELECT name FROM run ORDER BY id")
    assert names == [("one",), ("two",)]


def test_another_configuration_is_no_continuation(program, tmp_path):
    words = (*PAPER, *SHORT, "mode.bars=20")
    assert program(*words, "run_dir=runs/one").code == 0
    other = program(*words, "resume=runs/one", "cash=5000", "seed=8", "mode.bars=30")
    assert other.code == 2
    assert "runs/one is another session: it differs in cash, seed." in other.err
    none = program(*words, "resume=runs/nowhere")
    assert none.code == 2
    assert "'runs/nowhere' is neither auto, never nor a run" in none.err


def test_a_session_is_no_trial_of_a_sweep(program):
    ended = program("-m", *PAPER, *SHORT, "strategy.params.fast=5,10")
    assert ended.code == 2
    assert "mode: paper is one session, not a trial of a sweep; leave out -m." in ended.err


@pytest.mark.parametrize("exchange", ["loopback", "kraken"])
def test_a_live_market_has_no_speed_to_be_played_at(program, exchange):
    ended = program("mode=paper", f"exchange={exchange}", "mode.speed=1000")
    assert ended.code == 2
    assert f"mode.speed: exchange '{exchange}' is live, its candles close when they" in ended.err


def test_without_a_network_it_says_what_to_try(program):
    words = ("exchange=btcmarkets", "exchange.url=http://127.0.0.1:9", "exchange.retries=1")
    ended = program("mode=paper", *words)
    assert ended.code == 3
    (line,) = [line for line in ended.err.splitlines() if line.startswith("exchange btcmarkets: ")]
    assert line.endswith(
        "Check the network, then run the same command again: it goes on where it stopped."
    )
