"""kill -9 while collecting, and being told to stop: nothing acknowledged is lost or twice."""

import asyncio
import signal
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from crash_runs import end, mounted, start, wait_until_said

from framework.loopback.server import LoopbackServer
from framework.loopback.truth import Truth
from framework.loopback.wires.btcmarkets import BTCMarketsWire
from framework.market.book_store import BookStore
from framework.market.trade_store import TradeStore
from framework.session.clock import WallClock
from framework.types import Interval

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
from killed_collect import Collect, acknowledged

KILLS = 4


def test_killed_recordings_lose_nothing_acknowledged_and_leave_no_hole(tmp_path):
    task = Collect(tmp_path, ("BTC-AUD",), minutes=4)
    random = np.random.default_rng(5)
    for _ in range(KILLS):
        wanted = task.commits() + int(random.integers(3, 30))
        process = task.start_process()
        while process.poll() is None and task.commits() <= wanted:
            time.sleep(0.002)
        time.sleep(random.uniform(0, 0.05))
        process.kill()
        said = process.communicate()[1]
        assert process.returncode == -signal.SIGKILL, said
        assert task.judge(ended=False) == []
    assert len(acknowledged(tmp_path)) > KILLS
    process = task.start_process()
    said = process.communicate(timeout=300)[1]
    assert process.returncode == 0, said
    assert task.judge(ended=True) == []


@contextmanager
def served(pairs):
    """Serve a loopback exchange by the wall's time in a thread of its own; yield its addresses."""
    begun, ended = threading.Event(), threading.Event()
    found = {}

    async def serve():
        truth = Truth(3, pairs, Interval.parse("1s"))
        async with LoopbackServer(BTCMarketsWire(), truth, WallClock()) as server:
            found.update(url=server.url, socket_url=f"{server.socket_url}/v2")
            begun.set()
            while not ended.is_set():
                await asyncio.sleep(0.05)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert begun.wait(30)
        yield found
    finally:
        ended.set()
        thread.join()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_told_to_stop_it_stores_what_it_heard_and_says_so(tmp_path, monkeypatch, number):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with served(["BTC-AUD"]) as exchange, (tmp_path / "out").open("w") as out:
        process = start(
            tmp_path,
            "mode=collect",
            "exchange=btcmarkets",
            "pairs=btc_aud",
            "mode.book_every=1s",
            "mode.flush_every=1s",
            "mode.tell_every=1s",
            *(f"exchange.{name}={value}" for name, value in exchange.items()),
            stdout=out,
        )
        said = wait_until_said(process, "books", times=4)
        process.send_signal(number)
        code, rest = end(process)
    said += rest
    assert "Traceback" not in said, said
    assert code == 130, said
    assert said.splitlines()[-1] == "interrupted"
    shown = (tmp_path / "out").read_text()
    assert "Recorded" in shown
    row = next(line.split() for line in shown.splitlines() if "BTC-AUD" in line)
    url = str(tmp_path / "runs/market")
    ids = TradeStore(url).ids("btcmarkets", "BTC-AUD")
    books = BookStore(url).read("btcmarkets", ["BTC-AUD"], 0, 2**62)
    assert len(ids) == len(set(ids)) == int(row[2].replace(",", "")) > 0
    assert len(books) == int(row[3].replace(",", "")) > 0


def test_a_disk_that_is_full_ends_it_in_one_line_and_the_store_opens(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs/market").write_text("in the way of a folder")
    with served(["BTC-AUD"]) as exchange:
        process = start(
            tmp_path,
            "mode=collect",
            "exchange=btcmarkets",
            "pairs=btc_aud",
            "mode.flush_every=1s",
            "mode.duration=6s",
            *(f"exchange.{name}={value}" for name, value in exchange.items()),
        )
        code, said = end(process)
    assert code == 3, said
    assert "Traceback" not in said
    told = [line for line in said.splitlines() if line.startswith("store ")]
    assert len(told) == 1, said


def test_a_disk_that_is_full_for_a_while_loses_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with mounted(tmp_path / "disk", "1m") as disk, served(["BTC-AUD"]) as exchange:
        filler = disk / "filler"
        filler.write_bytes(bytes(1_000_000))
        process = start(
            tmp_path,
            "mode=collect",
            "exchange=btcmarkets",
            "pairs=btc_aud",
            f"store={disk}/market",
            "mode.book_every=1s",
            "mode.flush_every=1s",
            "mode.tell_every=1s",
            *(f"exchange.{name}={value}" for name, value in exchange.items()),
        )
        said = wait_until_said(process, "trying again every 1 s")
        filler.unlink()
        said += wait_until_said(process, "the store can be written again")
        said += wait_until_said(process, "stored", times=2)
        process.send_signal(signal.SIGTERM)
        code, rest = end(process)
        assert code == 130, said + rest
        assert "Traceback" not in said + rest
        assert said.count("trying again") == 1
        ids = TradeStore(f"{disk}/market").ids("btcmarkets", "BTC-AUD")
        numbers = sorted(map(int, ids))
        assert len(set(ids)) == len(ids) > 0
        truth = Truth(3, ["BTC-AUD"], Interval.parse("1s"))
        read = TradeStore(f"{disk}/market").read("btcmarkets", ["BTC-AUD"], 0, 2**62)
        first, last = int(read.time[0]), int(read.time[-1]) + 1
        served_ids = truth.trades("BTC-AUD", first, last).id.tolist()
        assert numbers == sorted(served_ids)
