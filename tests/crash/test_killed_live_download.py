"""kill -9 and Ctrl-C while downloading from a live exchange: the loopback, judged by its truth."""

import json
import re
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from framework.market.store import CandleStore


@pytest.fixture
def live_kills(monkeypatch):
    """The benchmark's module."""
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "benchmarks")
    import live_kills

    return live_kills


def test_killed_downloads_lose_nothing_store_nothing_twice_and_complete(live_kills, capsys):
    wrong = live_kills.main(["--kills", "3", "--pairs", "2", "--days", "5"])
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (wrong, summary["wrong"], summary["kills"]) == (0, [], 3)
    assert summary["finished"] >= 1


def test_the_judge_sees_what_is_lost_twice_or_wrong(live_kills, tmp_path):
    task = live_kills.Download(tmp_path, pairs=1, days=1)
    truth = task.truth["BTC-AUD"]
    store = CandleStore(str(tmp_path / "runs" / "market"))
    store.upsert("loopback", task.interval, truth.take(np.arange(len(truth) - 1)))
    assert task.judge(ended=False) == []
    store.mark_covered("loopback", "BTC-AUD", task.interval, task.start, task.end)
    assert "BTC-AUD: time differs from the truth" in task.judge(ended=True)
    store.upsert("loopback", task.interval, truth)
    assert task.judge(ended=True) == []
    truth.close[5] += 1
    store.upsert("loopback", task.interval, truth)
    assert task.judge(ended=True) == ["BTC-AUD: candles were revised", "rows that are stored twice"]
    task.acknowledged["BTC-AUD"] += 1
    assert "BTC-AUD: less is covered than before" in task.judge(ended=True)


def test_ctrl_c_ends_a_download_in_order_and_the_next_goes_on(live_kills, tmp_path):
    task = live_kills.Download(tmp_path, pairs=2, days=10)
    process = task.start_process()
    while task.commits() < 8:
        assert process.poll() is None
        time.sleep(0.002)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 130, said
    *_, kept, last = said.splitlines()
    assert last == "interrupted"
    assert "Traceback" not in said
    stored = re.search(r"([\d,]+) of 28,800 missing candles are stored\. The same", kept)[1]
    assert task.judge(ended=False) == []
    covered = sum(task.acknowledged.values()) // task.interval.ns
    assert int(stored.replace(",", "")) == covered
    assert task.start_process().communicate(timeout=120)[1].count("candles were missing") == 1
    assert task.judge(ended=True) == []
